"""How often people may search: what is taken from which bucket."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from segue_core.ids import GuildId, UserId
from segue_core.redis.limits import Bucket

MINUTE_MS: Final = 60_000


class Purpose(StrEnum):
    """What a search is for; each has buckets of its own, so that none takes from what people search."""

    SEARCH = "search"
    SUGGEST = "suggest"
    """Words are looked up while they are typed."""
    IMPORT = "import"
    """The songs of a file are looked for."""
    REPLACE = "replace"
    """A song that failed is looked for elsewhere."""


_FACTORS: Final = {Purpose.SEARCH: 1, Purpose.SUGGEST: 4, Purpose.IMPORT: 6, Purpose.REPLACE: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """On whose behalf is searched, and what for."""

    guild: GuildId
    user: UserId
    purpose: Purpose = Purpose.SEARCH


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """Searches a minute that reach a node; what is in the cache is free."""

    per_user: int = 20
    per_guild: int = 60

    def buckets(self, asker: Asker) -> tuple[Bucket, Bucket]:
        """Return what a search of theirs is taken from."""
        what, factor = asker.purpose.value, _FACTORS[asker.purpose]
        return (
            Bucket(what=what, whom=f"user:{asker.user}", uses=self.per_user * factor, per_ms=MINUTE_MS),
            Bucket(what=what, whom=f"guild:{asker.guild}", uses=self.per_guild * factor, per_ms=MINUTE_MS),
        )
