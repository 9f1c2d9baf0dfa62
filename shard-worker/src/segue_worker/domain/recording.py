"""What reached a guild's mailbox, as lines that another process can replay.

Holds voice tokens: a recording is as secret as the state it leads to.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

from pydantic import TypeAdapter

from segue_core.codec import MalformedValueError, decode
from segue_worker.domain.decide import decide
from segue_worker.domain.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_worker.domain.state import GuildState

_KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in get_args(Message)}


def dump(message: Message, now: int) -> bytes:
    """Return one line: what came, and when (Redis time, ms)."""
    body = TypeAdapter(type(message)).dump_python(message, mode="json")
    return json.dumps({"kind": type(message).__name__, "at": now, "body": body}).encode()


def load(line: bytes) -> tuple[Message, int]:
    """Return what :func:`dump` wrote.

    Raises:
        MalformedValueError: when it is no such line.
    """
    try:
        entry = json.loads(line)
        kind, now, body = _KINDS[entry["kind"]], int(entry["at"]), json.dumps(entry["body"])
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedValueError("not a recorded message") from error
    return decode(kind, body), now


def replay(state: GuildState, lines: Iterable[bytes]) -> GuildState:
    """Return the state that the recorded messages lead to."""
    for line in lines:
        message, now = load(line)
        state = decide(state, message, now).state
    return state
