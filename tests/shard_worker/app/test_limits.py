"""A guild's limits: memory, Redis, PostgreSQL, the last known, the defaults; in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.ids import GuildId
from segue_core.redis.cache import Cache, CacheKind
from segue_core.redis.connection import connect
from segue_core.store import ServerSettings, Store
from segue_worker.app.limits import FRESH_S, GuildLimits, limits_of

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

GUILD = GuildId(77)
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


async def test_limits_come_from_the_nearest_that_has_them(
    redis: RedisClient, keys: Keys, store: Store
) -> None:
    """Read from PostgreSQL once, then from Redis, within seconds from memory; a change counts after that."""
    now = 0.0
    cache = Cache(redis, keys)
    limits = GuildLimits(store, cache, lambda: now)
    await store.set_settings(GUILD, {"volume_limit": 50})
    assert (await limits.of(GUILD)).volume_limit == 50
    assert await cache.get(CacheKind.SETTINGS, str(GUILD)) is not None
    await store.set_settings(GUILD, {"volume_limit": 60})
    await cache.invalidate(CacheKind.SETTINGS, str(GUILD))
    assert (await limits.of(GUILD)).volume_limit == 50
    now += FRESH_S
    assert (await limits.of(GUILD)).volume_limit == 60
    async with await Store.open(NOWHERE) as away:
        assert (await GuildLimits(away, cache).of(GUILD)).volume_limit == 60


async def test_limits_outlast_what_keeps_them(keys: Keys, store: Store) -> None:
    """Redis away: PostgreSQL. Both away: the last known, and the defaults for a guild never seen."""
    now = 0.0
    nowhere = connect("redis://127.0.0.1:1", "test")
    try:
        await store.set_settings(GUILD, {"max_queue_size": 7})
        limits = GuildLimits(store, Cache(nowhere, keys), lambda: now)
        assert (await limits.of(GUILD)).max_queue_size == 7
        async with await Store.open(NOWHERE) as away:
            limits._store = away
            now += FRESH_S
            assert (await limits.of(GUILD)).max_queue_size == 7
            assert await limits.of(GuildId(78)) == limits_of(ServerSettings())
    finally:
        await nowhere.aclose()


async def test_a_spoilt_cache_is_passed_over(redis: RedisClient, keys: Keys, store: Store) -> None:
    """What nobody can read in Redis counts as not there."""
    cache = Cache(redis, keys)
    await cache.set(CacheKind.SETTINGS, str(GUILD), b"not settings")
    assert await GuildLimits(store, cache).of(GUILD) == limits_of(ServerSettings())
