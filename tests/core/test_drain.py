"""Events from their streams to PostgreSQL: each exactly once, whatever dies in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from segue_core.drain import EventDrain
from segue_core.health import HealthLevel
from segue_core.redis.event_log import EventLog
from segue_core.redis.keys import EVENT_PARTITIONS, Keys
from segue_core.store import Store, StoreUnavailableError
from segue_core.store.migrate import migrate
from segue_devkit.embedded.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.redis.connection import RedisClient


async def backlog(redis: RedisClient, keys: Keys) -> int:
    """Return how many events wait in all streams."""
    lengths = [await redis.execute_command("XLEN", keys.partition(n).events) for n in EVENT_PARTITIONS]
    return sum(map(int, lengths))


async def metered(redis: RedisClient, keys: Keys) -> int:
    """Return how many bytes all streams believe they hold."""
    counts = [await redis.execute_command("HGET", keys.partition(n).meter, "bytes") for n in EVENT_PARTITIONS]
    return sum(int(count or 0) for count in counts)


async def fill(redis: RedisClient, keys: Keys, make: Any, count: int) -> list[str]:
    """Append events of many guilds and of none; return their ids."""
    events = [make.event(make.guild() if n % 5 else None) for n in range(count)]
    assert await EventLog(redis, keys).append(events) == 0
    return [event.id for event in events]


async def test_all_partitions_are_stored_and_trimmed(
    redis: RedisClient, keys: Keys, store: Store, make: Any
) -> None:
    """Every event of every partition arrives once; then its stream and its byte count are empty."""
    ids = await fill(redis, keys, make, 400)
    drain = EventDrain(redis, keys, store, batch=64)
    assert await metered(redis, keys) > 0
    assert await drain.flush(20) == 400
    assert {event.id for event in await store.events(limit=1000)} == set(ids)
    assert await backlog(redis, keys) == 0
    assert await metered(redis, keys) == 0
    assert (drain.stats.stored, drain.stats.seen_before) == (400, 0)


async def test_several_drains_share_without_a_double(
    redis: RedisClient, keys: Keys, store: Store, make: Any
) -> None:
    """Drains of several workers at once store each event once between them."""
    ids = await fill(redis, keys, make, 300)
    drains = [EventDrain(redis, keys, store, batch=32) for _ in range(4)]

    async def finish(drain: EventDrain) -> None:
        while await backlog(redis, keys):
            await drain.drain_once()

    async with asyncio.timeout(30):
        await asyncio.gather(*map(finish, drains))
    assert sorted(event.id for event in await store.events(limit=1000)) == sorted(ids)
    assert sum(drain.stats.stored for drain in drains) == 300


class Killed(BaseException):
    """The process ends here."""


class DiesAfterStoring(Store):
    """A store whose process is killed between the transaction and the acknowledgement."""

    async def append_events(self, batch: Sequence[Any]) -> int:
        await super().append_events(batch)
        raise Killed


async def test_killed_between_insert_and_acknowledgement(
    redis: RedisClient, keys: Keys, store: Store, postgres_dsn: str, make: Any
) -> None:
    """What was stored and not acknowledged is read again, recognised, and only then removed."""
    ids = await fill(redis, keys, make, 40)
    async with await DiesAfterStoring.open(postgres_dsn) as dying:
        with pytest.raises(Killed):
            await EventDrain(redis, keys, dying).drain_once()
    assert await backlog(redis, keys) == 40
    heir = EventDrain(redis, keys, store)
    assert await heir.flush(20) == 40
    assert (heir.stats.stored, heir.stats.seen_before) == (0, 40)
    assert len(await store.events(limit=1000)) == len(ids)


async def test_a_dead_drain_s_partitions_are_taken_over(
    redis: RedisClient, keys: Keys, store: Store, make: Any
) -> None:
    """A partition leased by a process that is gone is drained when the lease has run out, not before."""
    await fill(redis, keys, make, 5)
    for number in EVENT_PARTITIONS:
        await redis.execute_command("SET", keys.partition(number).drain, "somebody-dead", "PX", 300)
    drain = EventDrain(redis, keys, store)
    assert await drain.drain_once() == 0
    async with asyncio.timeout(10):
        while await backlog(redis, keys):
            await drain.drain_once()
            await asyncio.sleep(0.02)
    assert drain.stats.stored == 5


async def test_a_poison_entry_stops_nobody(redis: RedisClient, keys: Keys, store: Store, make: Any) -> None:
    """An entry that is no event is kept as it came, and those behind it arrive."""
    await redis.execute_command("XADD", keys.partition(3).events, "*", "e", b"\xff\x00 not json")
    await fill(redis, keys, make, 10)
    assert await EventDrain(redis, keys, store).flush(10) == 11
    assert {event.kind for event in await store.events()} == {"unreadable", "command_applied"}


async def test_events_wait_while_postgres_is_away(redis: RedisClient, keys: Keys, make: Any) -> None:
    """PostgreSQL stops: the streams keep everything, health says degraded, then each is stored once."""
    async with EmbeddedPostgres(durable=False) as server:
        await asyncio.to_thread(migrate, server.dsn)
        async with await Store.open(server.dsn) as store:
            drain = EventDrain(redis, keys, store, interval_s=0.02)
            task = asyncio.create_task(drain.run())
            try:
                first = await fill(redis, keys, make, 20)
                await _until(lambda: drain.stats.stored == 20)
                assert drain.check().level is HealthLevel.HEALTHY
                await asyncio.to_thread(server.stop)
                second = await fill(redis, keys, make, 30)
                await _until(lambda: drain.check().level is HealthLevel.DEGRADED)
                assert await backlog(redis, keys) == 30
                with pytest.raises(StoreUnavailableError):
                    await store.ping()
                await server.astart()
                await _until(lambda: drain.stats.stored == 50)
                await _until(lambda: drain.check().level is HealthLevel.HEALTHY)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert {event.id for event in await store.events(limit=100)} == {*first, *second}
            assert await backlog(redis, keys) == 0


async def _until(condition: Any, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.02)
