"""What searches found, kept for five minutes: in memory first, then in Redis for every worker.

Both layers forget a find at the same instant, which stands in it: however it travelled, nobody is shown
one that is older.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.logging import get_logger
from segue_core.models import Track
from segue_core.redis.cache import Cache, CacheKind
from segue_core.redis.connection import UNREACHABLE
from segue_worker import metrics

if TYPE_CHECKING:
    from segue_worker.players.ports import Clock

_log = get_logger(__name__)

KEPT: Final = 25
"""Songs kept of one search: as many as a select menu shows."""
_REMEMBERED: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """What a search gave, best match first, and when (Redis time, ms)."""

    at: int
    tracks: tuple[Track, ...]
    schema: int = 1


def key_of(identifier: str) -> str:
    """Return what searches that mean the same have in common: source and words, however written."""
    source, _, words = identifier.casefold().partition(":")
    return f"{source}:{' '.join(words.split())}"


class Finds:
    """Never raises: a cache that can't be asked has nothing."""

    def __init__(self, cache: Cache, clock: Clock, remembered: int = _REMEMBERED) -> None:
        self._cache = cache
        self._clock = clock
        self._remembered = remembered
        self._known: OrderedDict[str, Find] = OrderedDict()

    async def get(self, key: str) -> tuple[Track, ...] | None:
        """Return what was found under ``key`` within the last five minutes, best match first."""
        found = self.at_hand(key)
        if found is not None:
            metrics.SEARCHES.labels("memory").inc()
            return found
        find = await self._from_redis(key)
        if find is None or self._over(find):
            return None
        metrics.SEARCHES.labels("redis").inc()
        self._remember(key, find)
        return find.tracks

    def at_hand(self, key: str) -> tuple[Track, ...] | None:
        """Return it if this process has it, without asking anybody and uncounted."""
        find = self._known.get(key)
        if find is None:
            return None
        if self._over(find):
            del self._known[key]
            return None
        self._known.move_to_end(key)
        return find.tracks

    async def put(self, key: str, tracks: tuple[Track, ...]) -> None:
        """Remember what a search gave."""
        find = Find(at=self._clock.now(), tracks=tracks[:KEPT])
        self._remember(key, find)
        try:
            await self._cache.set(CacheKind.SEARCH, key, encode(find))
        except (RedisError, *UNREACHABLE) as error:
            _log.info("search.cache_unwritten", error=type(error).__name__)

    def forget(self) -> None:
        """Drop what is remembered here: memory is short."""
        self._known.clear()

    def _over(self, find: Find) -> bool:
        return self._clock.now() - find.at >= CacheKind.SEARCH.lifetime_ms

    async def _from_redis(self, key: str) -> Find | None:
        try:
            data = await self._cache.get(CacheKind.SEARCH, key)
            return None if data is None else decode(Find, data)
        except (RedisError, MalformedValueError, *UNREACHABLE) as error:
            _log.info("search.cache_unread", error=type(error).__name__)
            return None

    def _remember(self, key: str, find: Find) -> None:
        self._known[key] = find
        self._known.move_to_end(key)
        while len(self._known) > self._remembered:
            self._known.popitem(last=False)
