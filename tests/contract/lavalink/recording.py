"""Reads a recording: calls with their answers, frames of the node, orders and notes, with their times."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "recorded"
_TIMED: Final = re.compile(r" *(\d+\.\d{3}) (.*)")
_CALL: Final = re.compile(r"(GET|PATCH|POST|DELETE) (\S+) (.*?)-> (\d{3})(?: (.*?))? \(\d+ ms\)$")
_HUNG: Final = re.compile(r"\*\* HUNG >(\d+)s (PATCH) (\S+) (.*)$")
_CTL: Final = re.compile(r" *ctl (close|abort|reject) ?(.*)")


@dataclass(frozen=True)
class Call:
    """A REST call; `answer` is None if it was empty or cut, `hangs_s` says how long none came."""

    at: float
    method: str
    path: str
    body: Any
    status: int
    answer: Any
    hangs_s: float | None = None


@dataclass(frozen=True)
class Message:
    """A frame of the node; `payload` is None if it was cut."""

    at: float
    payload: dict[str, Any] | None


@dataclass(frozen=True)
class Order:
    """What the voice server was told: "close", "abort" or "reject", and with which code and reason."""

    at: float
    what: str
    code: int
    reason: str


@dataclass(frozen=True)
class Note:
    """Anything else: headings, and what the client said about itself."""

    at: float
    text: str


Line = Call | Message | Order | Note


def lines(name: str) -> list[Line]:
    """The recording whose file begins with a number, such as "05"."""
    (path,) = FOLDER.glob(f"{name}-*.log")
    out: list[Line] = []
    at = 0.0
    for text in path.read_text(encoding="utf-8").splitlines():
        timed = _TIMED.fullmatch(text)
        if timed:
            at = float(timed[1])
        out.append(_line(at, timed[2] if timed else text))
    return out


def _line(at: float, text: str) -> Line:
    if text.startswith("WS<- "):
        return Message(at, _json(text.removeprefix("WS<- ")))
    if match := _CALL.fullmatch(text):
        body = _json(match[3].strip())
        return Call(at, match[1], match[2], body, int(match[4]), _json(match[5] or ""))
    if match := _HUNG.fullmatch(text):
        return Call(at, match[2], match[3], _json(match[4]), 0, None, float(match[1]))
    if match := _CTL.match(text):
        words = match[2].split(" {", 1)[0].split(" ", 1)
        reason = words[1] if len(words) > 1 else ""
        return Order(at, match[1], int(words[0]) if words[0].isdecimal() else 0, reason)
    return Note(at, text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
