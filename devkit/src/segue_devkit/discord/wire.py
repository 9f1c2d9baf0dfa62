"""The shape of what goes over a wire, and the clocks of the simulator."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

Payload: TypeAlias = dict[str, Any]
"""One JSON object of Discord's protocol; ids are decimal strings, as on the wire."""


def dumps(value: object) -> str:
    """Compact JSON, as Discord sends it."""
    return orjson.dumps(value).decode()


def loads(text: str | bytes | bytearray) -> Any:
    """Read JSON strictly: no NaN, no lone surrogates. ValueError for what is none."""
    return orjson.loads(text)


def timestamp() -> str:
    """ISO 8601 in UTC with microseconds, the form of every Discord timestamp."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def now_ns() -> int:
    """CLOCK_MONOTONIC in ns: one clock for all processes of a machine, so stamps can be compared."""
    return time.monotonic_ns()


def snowflake(value: object) -> int:
    """Read an id from the wire (string or number); ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{value!r} is not a snowflake")  # noqa: TRY004 - one error for whatever the wire holds
    number = int(value)
    if not 0 <= number < 1 << 64:
        raise ValueError(f"{value!r} is not a snowflake")
    return number
