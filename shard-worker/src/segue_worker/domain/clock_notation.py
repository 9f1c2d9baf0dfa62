"""Times as people write them: ``1:23``, ``83``, ``1m23s``, and with a sign from where the song is."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_SIXTY = 60

_SIGN = re.compile(r"\s*([+\-\u2212]?)\s*(.*?)\s*", re.DOTALL)
_COLONS = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,3}):([0-9]{2})", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
_UNITS = re.compile(
    r"(?:([0-9]{1,3})\s*h)?\s*(?:([0-9]{1,4})\s*m(?:in)?)?\s*(?:([0-9]{1,6})\s*s(?:ec)?)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """``ms`` from the beginning of the song; with a sign, from where it is (then it may be negative)."""

    ms: int
    relative: bool = False


def parse_time(text: str) -> Time | None:
    """Return what ``text`` means, None when it is no time."""
    split = _SIGN.fullmatch(text)
    if split is None:
        return None
    sign, written = split.groups()
    ms = _milliseconds(written)
    if ms is None:
        return None
    return Time(ms=ms if sign in {"", "+"} else -ms, relative=bool(sign))


def _milliseconds(text: str) -> int | None:
    if _SECONDS.fullmatch(text):
        return int(text) * _SECOND_MS
    colons = _COLONS.fullmatch(text)
    if colons is not None:
        hours, minutes, seconds = (int(part or 0) for part in colons.groups())
        if seconds >= _SIXTY or (colons[1] is not None and minutes >= _SIXTY):
            return None
    else:
        units = _UNITS.fullmatch(text)
        if units is None or not any(units.groups()):
            return None
        hours, minutes, seconds = (int(part or 0) for part in units.groups())
    return hours * _HOUR_MS + minutes * _MINUTE_MS + seconds * _SECOND_MS
