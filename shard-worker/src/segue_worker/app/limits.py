"""A guild's limits: from memory, else Redis, else Postgres, else the last ones known, else the defaults."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.logging import get_logger
from segue_core.redis.cache import Cache, CacheKind
from segue_core.redis.connection import UNREACHABLE
from segue_core.store import ServerSettings, StoreUnavailableError
from segue_worker import metrics
from segue_worker.domain.messages import SettingsChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.ids import GuildId
    from segue_core.store import Store

_log = get_logger(__name__)

FRESH_S: Final = 5.0
_REMEMBERED: Final = 20_000


class GuildLimits:
    """A ``Settings``. Counts where answers came from, so that hit rates can be seen."""

    def __init__(self, store: Store, cache: Cache, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._cache = cache
        self._clock = clock
        self._known: OrderedDict[GuildId, tuple[float, ServerSettings]] = OrderedDict()

    async def of(self, guild: GuildId) -> SettingsChanged:
        """Return them."""
        known = self._known.get(guild)
        if known is not None and self._clock() - known[0] < FRESH_S:
            metrics.SETTINGS_READS.labels("memory").inc()
            return limits_of(known[1])
        settings = await self._from_redis(guild)
        if settings is None:
            try:
                settings = await self._store.settings_of(guild)
            except StoreUnavailableError as error:
                _log.warning("settings.stale", guild=guild, why=str(error))
                metrics.SETTINGS_READS.labels("stale").inc()
                return limits_of(ServerSettings() if known is None else known[1])
            metrics.SETTINGS_READS.labels("store").inc()
            await self._to_redis(guild, settings)
        self._remember(guild, settings)
        return limits_of(settings)

    def forget(self) -> None:
        """Drop what is remembered: memory is short."""
        self._known.clear()

    async def _from_redis(self, guild: GuildId) -> ServerSettings | None:
        try:
            data = await self._cache.get(CacheKind.SETTINGS, str(guild))
            if data is None:
                return None
            settings = decode(ServerSettings, data)
        except (RedisError, MalformedValueError, *UNREACHABLE) as error:
            _log.info("settings.cache_unread", guild=guild, error=type(error).__name__)
            return None
        metrics.SETTINGS_READS.labels("redis").inc()
        return settings

    async def _to_redis(self, guild: GuildId, settings: ServerSettings) -> None:
        try:
            await self._cache.set(CacheKind.SETTINGS, str(guild), encode(settings))
        except (RedisError, *UNREACHABLE) as error:
            _log.info("settings.cache_unwritten", guild=guild, error=type(error).__name__)

    def _remember(self, guild: GuildId, settings: ServerSettings) -> None:
        self._known[guild] = (self._clock(), settings)
        self._known.move_to_end(guild)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def limits_of(settings: ServerSettings) -> SettingsChanged:
    """Return what of a server's settings concerns its player."""
    return SettingsChanged(
        tier=settings.subscription_tier,
        volume_limit=settings.volume_limit,
        max_queue_size=settings.max_queue_size,
        max_song_duration_ms=settings.max_song_duration * 1000 or None,
    )
