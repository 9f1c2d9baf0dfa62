"""How often people may search: what is taken from which bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from segue_core.ids import GuildId, UserId
from segue_core.redis.limits import Bucket

MINUTE_MS: Final = 60_000
TYPED_FACTOR: Final = 4
"""Words looked up while they are typed have a bucket of their own, this many times as large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who searches. ``typing``: they have not asked yet, we look ahead; that costs them no search."""

    guild: GuildId
    user: UserId
    typing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """Searches a minute that reach a node; what is in the cache is free."""

    per_user: int = 20
    per_guild: int = 60

    def buckets(self, asker: Asker) -> tuple[Bucket, Bucket]:
        """Return what a search of theirs is taken from."""
        what, factor = ("suggest", TYPED_FACTOR) if asker.typing else ("search", 1)
        return (
            Bucket(what=what, whom=f"user:{asker.user}", uses=self.per_user * factor, per_ms=MINUTE_MS),
            Bucket(what=what, whom=f"guild:{asker.guild}", uses=self.per_guild * factor, per_ms=MINUTE_MS),
        )
