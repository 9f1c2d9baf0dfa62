"""The identify gate: the whole cluster's IDENTIFYs, one a bucket every five seconds, within the day's.

Discord: bucket = shard id % max_concurrency; 1,000 IDENTIFYs in 24 hours, then the token is reset.
A RESUME never passes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segue_core.redis.script import Argument, Script, text

if TYPE_CHECKING:
    from segue_core.ids import ShardId
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

IDENTIFY_INTERVAL_MS = 5_100
"""Discord's five seconds, and a little: two IDENTIFYs may travel at different speeds."""
RESERVE = 100
"""IDENTIFYs of the day that planned work (rollouts, resharding) may not use."""


class IdentifyRefusal(StrEnum):
    """Why an IDENTIFY has to wait."""

    BUCKET = "bucket"
    """Another shard of the bucket identified just now."""
    BUDGET = "budget"
    """The day's IDENTIFYs are used up, or what is left is the reserve."""
    HOLD_OFF = "hold_off"
    """Redis was away: nobody identifies before holders have spoken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyTicket:
    """Whether to IDENTIFY now, else when to ask again. ``remaining`` is what the day has left."""

    granted: bool
    wait_ms: int
    remaining: int
    refusal: IdentifyRefusal | None = None


class IdentifyGate:
    """The gate of one cluster. Raises RedisError when Redis cannot be asked: do not IDENTIFY then."""

    _acquire = Script("plane", "identify")

    def __init__(self, redis: RedisClient, keys: Keys, reserve: int = RESERVE) -> None:
        self._redis = redis
        self._keys = keys
        self._reserve = reserve

    async def acquire(
        self,
        shard: ShardId,
        max_concurrency: int,
        remaining: int,
        reset_after_ms: int,
        *,
        planned: bool = False,
    ) -> IdentifyTicket:
        """Ask for one IDENTIFY, to be sent at once when granted.

        ``max_concurrency``, ``remaining`` and ``reset_after_ms`` are those of ``session_start_limit``
        (GET /gateway/bot); the gate counts down from the lowest it was told until the reset.
        """
        arguments: list[Argument] = [
            shard,
            max(1, max_concurrency),
            remaining,
            reset_after_ms,
            self._reserve if planned else 0,
            IDENTIFY_INTERVAL_MS,
        ]
        refusal, wait_ms, left = await self._acquire(self._redis, [self._keys.plane], arguments)
        return IdentifyTicket(
            granted=not refusal,
            wait_ms=int(wait_ms),
            remaining=int(left),
            refusal=IdentifyRefusal(text(refusal)) if refusal else None,
        )
