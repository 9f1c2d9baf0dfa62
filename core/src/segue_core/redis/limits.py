"""How often somebody may do something, counted for all processes of a cluster together.

A bucket holds ``uses`` and fills evenly over ``per_ms`` (a token bucket, kept as one instant: when it
will be full again). Asked about several buckets at once, a use is taken from each or from none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segue_core.redis.script import Argument, Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Whose uses of what are counted: ``what`` ("search"), ``whom`` ("user:1"), and how many may be.

    Raises:
        ValueError: when nobody could ever use it.
    """

    what: str
    whom: str
    uses: int
    per_ms: int

    def __post_init__(self) -> None:
        if self.uses < 1 or self.per_ms < self.uses:
            raise ValueError(f"a bucket of {self.uses} uses in {self.per_ms} ms lets nobody through")

    @property
    def interval_ms(self) -> int:
        """How long one use takes to come back."""
        return self.per_ms // self.uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether it may be done now; else after ``wait_ms``, and whose bucket is empty."""

    wait_ms: int = 0
    bucket: Bucket | None = None

    @property
    def allowed(self) -> bool:
        """Whether a use was taken."""
        return self.bucket is None


class RateLimits:
    """The limits of one cluster. Raises RedisError when Redis cannot be asked: callers decide."""

    _allow = Script("allow")

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def use(self, buckets: Sequence[Bucket]) -> Verdict:
        """Take one use from every bucket, or from none of them; one round trip."""
        if not buckets:
            return Verdict()
        names = [self._keys.limit(bucket.what, bucket.whom) for bucket in buckets]
        arguments: list[Argument] = []
        for bucket in buckets:
            arguments += [bucket.uses, bucket.interval_ms]
        wait, which = await self._allow(self._redis, names, arguments)
        if not wait:
            return Verdict()
        return Verdict(wait_ms=int(wait), bucket=buckets[int(which) - 1])
