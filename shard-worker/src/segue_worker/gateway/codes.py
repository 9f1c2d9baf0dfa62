"""Gateway v10 opcodes and close codes, and what a shard does about each.

Source: Discord documentation, *Gateway Opcodes and Status Codes*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from segue_worker.gateway.errors import (
    ApiVersionError,
    BadTokenError,
    DisallowedIntentsError,
    FatalGatewayError,
    InvalidIntentsError,
    ShardingError,
)

API_VERSION = 10
ENCODING = "json"

DETACH_CODE = 4900
"""Our own close code of a planned close: anything but 1000 and 1001 leaves the session resumable."""

RECONNECT_CODE = 4901
"""Our own close code when we leave a connection to open the next one."""


class Opcode(IntEnum):
    """What a gateway payload is."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11
    REQUEST_CHANNEL_INFO = 43


class Next(StrEnum):
    """What a shard does after a connection has ended."""

    RESUME = "resume"
    IDENTIFY = "identify"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a close code means for us. ``error`` is set exactly when we stop."""

    next: Next
    why: str
    error: Callable[[], FatalGatewayError] | None = None


def _resume(why: str) -> Verdict:
    return Verdict(Next.RESUME, why)


def _identify(why: str) -> Verdict:
    return Verdict(Next.IDENTIFY, why)


def _stop(why: str, error: Callable[[], FatalGatewayError]) -> Verdict:
    return Verdict(Next.STOP, why, error)


_VERDICTS: dict[int, Verdict] = {
    4000: _resume("unknown error"),
    4001: _resume("unknown opcode"),
    4002: _resume("decode error"),
    4003: _identify("not authenticated"),
    4004: _stop("authentication failed", BadTokenError),
    4005: _resume("already authenticated"),
    4007: _identify("invalid sequence number"),
    4008: _resume("rate limited"),
    4009: _identify("session timed out"),
    4010: _stop("invalid shard", lambda: ShardingError("its number and count do not fit (4010)")),
    4011: _stop("sharding required", lambda: ShardingError("too many guilds for one shard (4011)")),
    4012: _stop("invalid API version", ApiVersionError),
    4013: _stop("invalid intents", InvalidIntentsError),
    4014: _stop("disallowed intents", DisallowedIntentsError),
}


def verdict(code: int | None) -> Verdict:
    """Return what to do about a connection that Discord closed with ``code``.

    None: it broke without a close frame. A code that is not documented, 1000 and 1001 from Discord's
    side among them, costs one RESUME, which is refused cheaply if the session is gone; an IDENTIFY
    would cost a part of the day's budget and every player its voice.
    """
    if code is None:
        return _resume("connection lost")
    return _VERDICTS.get(code) or _resume(f"close code {code}")
