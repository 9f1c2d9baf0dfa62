"""What happened lately is read from a real event stream, in whichever order the parts come up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from segue_core.events import DomainEvent, PlayerMoved, ShardPromoted
from segue_core.ids import Epoch, EventId, GuildId, NodeId, OwnerId, ShardId
from segue_core.redis.event_log import EventLog
from segue_core.redis.keys import CLUSTER_PARTITION
from segue_devkit.demo.cluster.lately import KEPT, Lately
from segue_devkit.processes import EventKind, PodEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

WAIT_S = 10.0
GUILD = GuildId(7 << 22)


def promoted(number: int, resume_ms: int = 412) -> DomainEvent:
    """Return a promotion."""
    data = ShardPromoted(
        shard=ShardId(3),
        previous=OwnerId("a/1"),
        owner=OwnerId("c/1"),
        epoch=Epoch(number),
        reason="expired",
        resume_ms=resume_ms,
    )
    return DomainEvent(id=EventId(f"p{number}"), guild=None, at=1000 + number, data=data)


async def _until(lately: Lately, count: int) -> list[str]:
    """Wait for so many happenings; return their words, newest first."""
    async with asyncio.timeout(WAIT_S):
        while len(lately.newest()) < count:  # noqa: ASYNC110 - another task reads
            await asyncio.sleep(0.01)
    return [one.text for one in lately.newest()]


@contextlib.asynccontextmanager
async def _reading(lately: Lately) -> AsyncIterator[None]:
    task = asyncio.create_task(lately.read_facts())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_facts_are_told_once_before_and_after_they_are_stored(redis: RedisClient, keys: Keys) -> None:
    """Those that wait in the streams, of every partition, and those that come; storing them repeats none."""
    log, lately = EventLog(redis, keys), Lately(redis, keys, {GUILD: "Vinyl Club"})
    await log.append([promoted(1)])
    async with _reading(lately):
        await _until(lately, 1)
        await redis.delete(keys.partition(CLUSTER_PARTITION).events)  # as if it was stored
        move = PlayerMoved(source=NodeId("a-0"), target=NodeId("b-0"), reason="dead")
        await log.append([DomainEvent(id=EventId("m"), guild=GUILD, at=2000, data=move)])
        assert await _until(lately, 2) == [
            "Vinyl Club: a-0 → b-0, dead",
            "shard 3: a → c, resumed in 412 ms",
        ]


async def test_what_cannot_be_read_is_passed_over(redis: RedisClient, keys: Keys) -> None:
    """A fact of a newer release, or no fact at all, hides none of the others."""
    stream, lately = keys.partition(CLUSTER_PARTITION).events, Lately(redis, keys, {})
    await redis.xadd(stream, {"e": b'{"kind": "of tomorrow"}'})
    await redis.xadd(stream, {"x": b""})
    await EventLog(redis, keys).append([promoted(1)])
    async with _reading(lately):
        assert await _until(lately, 1) == ["shard 3: a → c, resumed in 412 ms"]


async def test_only_the_last_ones_are_kept(redis: RedisClient, keys: Keys) -> None:
    """An evening of trouble does not fill the memory, nor the page."""
    lately = Lately(redis, keys, {})
    await EventLog(redis, keys).append([promoted(number, number) for number in range(KEPT + 5)])
    async with _reading(lately):
        newest = f"shard 3: a → c, resumed in {KEPT + 4} ms"
        async with asyncio.timeout(WAIT_S):
            while newest not in [one.text for one in lately.newest()]:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert len(lately.newest()) == KEPT


async def test_pods_and_hands_are_told_too(redis: RedisClient, keys: Keys) -> None:
    """A pod that ended, and who ended it, stand beside the facts."""
    lately = Lately(redis, keys, {})

    async def events() -> AsyncIterator[PodEvent]:
        yield PodEvent(at=1.0, pod=f"{keys.cluster}-worker-a", kind=EventKind.CREATED, message="")
        yield PodEvent(at=2.0, pod=f"{keys.cluster}-worker-a", kind=EventKind.EXITED, message="by SIGKILL")

    lately.note("worker-a killed by hand")
    await lately.read_pods(events)
    assert sorted(await _until(lately, 2)) == ["worker-a exited: by SIGKILL", "worker-a killed by hand"]
