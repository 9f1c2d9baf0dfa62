from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import OwnerId, ShardId
from segue_core.redis.clock import RedisClock
from segue_core.redis.connection import RedisClient, connect
from segue_core.redis.leases import Claimed, LeasePlane, WorkerBeat
from segue_devkit.embedded.valkey import EmbeddedValkey
from segue_worker.shards.keeper import LeaseKeeper
from segue_worker.shards.lease import Lease, LeasePhase
from segue_worker.shards.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from segue_core.redis.keys import Keys

TTL_MS = 1200
SHARD = ShardId(0)


@dataclass
class Kept:
    """A keeper with one shard, and what it reported."""

    plane: LeasePlane
    keeper: LeaseKeeper
    lost: list[tuple[ShardId, str]] = field(default_factory=list)
    restored: int = 0
    turning: bool = True
    lease: Lease | None = None

    async def turn(self) -> None:
        """Play the shard's task."""
        while True:
            if self.turning and self.lease is not None:
                self.keeper.turned(self.lease)
            await asyncio.sleep(0.1)

    def note_restored(self) -> None:
        self.restored += 1


def _beat(owner: str) -> WorkerBeat:
    return WorkerBeat(owner=OwnerId(owner), capacity=4)


async def _claimed(plane: LeasePlane, owner: str, *, spare: bool = True) -> Claimed:
    """Claim the shard as soon as it can be had; a blank plane lets holders speak first."""
    async with asyncio.timeout(15):
        while True:
            claims = await plane.claim(OwnerId(owner), 1, 1, ttl_ms=TTL_MS, per_worker=4, spare=spare)
            if claims.claimed:
                return claims.claimed[0]
            await asyncio.sleep(0.02)


async def _phase(lease: Lease, wanted: LeasePhase, timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while lease.phase is not wanted:  # noqa: ASYNC110 - a phase passes with time alone
            await asyncio.sleep(0.01)


@pytest.fixture
def server() -> Iterator[EmbeddedValkey]:
    """A Valkey of the test's own, to be stopped."""
    with EmbeddedValkey(cluster=True) as server:
        yield server


@pytest.fixture
async def own_redis(server: EmbeddedValkey) -> AsyncIterator[RedisClient]:
    """A client of it."""
    client = connect(server.url, "test")
    yield client
    await client.aclose()


@pytest.fixture
async def keep(keys: Keys) -> AsyncIterator[Callable[[RedisClient], Kept]]:
    """Makes running keepers."""
    tasks: list[asyncio.Task[None]] = []

    def make(redis: RedisClient) -> Kept:
        plane = LeasePlane(redis, keys)
        made: Kept

        def lost(shard: ShardId, why: str) -> None:
            made.lost.append((shard, why))

        def restored() -> None:
            made.note_restored()

        keeper = LeaseKeeper(
            plane, _beat("a/1"), ttl_ms=TTL_MS, clock=time.monotonic, redis_clock=RedisClock(),
            on_lost=lost, on_restored=restored,
        )  # fmt: skip
        made = Kept(plane, keeper)
        tasks.append(asyncio.create_task(keeper.run()))
        tasks.append(asyncio.create_task(made.turn()))
        return made

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _taken(kept: Kept) -> Lease:
    sent = time.monotonic()
    claimed = await _claimed(kept.plane, "a/1")
    kept.lease = kept.keeper.take(claimed.fence, max(sent, time.monotonic() - 0.05))
    return kept.lease


async def test_a_turning_shard_keeps_its_lease(
    redis: RedisClient, keep: Callable[[RedisClient], Kept]
) -> None:
    """As long as its task turns, the lease is renewed, and the fence carries the newest expiry."""
    kept = keep(redis)
    lease = await _taken(kept)
    first = lease.last_fence.expires_at
    until = time.monotonic() + 2 * TTL_MS / 1000
    while time.monotonic() < until:
        assert lease.may_write()
        await asyncio.sleep(0.02)
    assert lease.last_fence.expires_at > first + TTL_MS
    assert kept.lost == []


async def test_a_shard_that_stands_still_is_cut(
    redis: RedisClient, keep: Callable[[RedisClient], Kept]
) -> None:
    """A task that does not turn is not renewed; at the deadline it is cut, and others may claim."""
    kept = keep(redis)
    lease = await _taken(kept)
    kept.turning = False
    await _phase(lease, LeasePhase.LOST)
    assert kept.lost == [(SHARD, "its task stood still until the deadline")]
    assert kept.keeper.answering
    claimed = await _claimed(kept.plane, "b/1")
    assert claimed.previous_owner == "a/1"


async def test_another_owner_is_noticed(redis: RedisClient, keep: Callable[[RedisClient], Kept]) -> None:
    """A renewal that finds a newer epoch loses the lease for good."""
    kept = keep(redis)
    lease = await _taken(kept)
    fence = lease.fence()
    assert fence is not None
    assert await kept.plane.release(fence, OwnerId("b/1"))
    await _claimed(kept.plane, "b/1")
    await _phase(lease, LeasePhase.LOST)
    assert kept.lost == [(SHARD, "somebody else claimed it")]


async def test_an_unreachable_redis_freezes_and_thaws(
    server: EmbeddedValkey, own_redis: RedisClient, keep: Callable[[RedisClient], Kept]
) -> None:
    """Redis silent: nothing is written past the deadline, the shard freezes, and goes on when Redis does.

    Back again, Redis holds off claims of expired leases, and holders are told to write anew.
    """
    kept = keep(own_redis)
    lease = await _taken(kept)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        await _phase(lease, LeasePhase.FROZEN)
        assert lease.fence() is None
        assert kept.lost == []
        await asyncio.sleep(TTL_MS / 1000)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await _phase(lease, LeasePhase.HELD)
    async with asyncio.timeout(5):
        while not kept.restored:  # noqa: ASYNC110 - a counter has no event
            await asyncio.sleep(0.01)
    assert kept.lost == []
    assert (await kept.plane.overview())[0].owner == "a/1"


async def test_a_redis_that_forgot_everything_learns_from_the_holder(
    server: EmbeddedValkey, own_redis: RedisClient, keep: Callable[[RedisClient], Kept]
) -> None:
    """A restarted, empty Redis is given the lease back under the epoch its holder has."""
    kept = keep(own_redis)
    lease = await _taken(kept)
    epoch = lease.epoch
    await asyncio.to_thread(server.stop)
    await _phase(lease, LeasePhase.FROZEN)
    await asyncio.to_thread(server.start)
    await _phase(lease, LeasePhase.HELD)
    stored = (await kept.plane.overview())[0]
    assert (stored.epoch, stored.owner) == (epoch, "a/1")


@pytest.mark.parametrize(("expiry", "allowed"), [(None, 2.0), (101.6, 1.6), (100.2, 1.0), (99.0, 2.0)])
def test_watchdog_ends_with_the_lease(expiry: float | None, allowed: float) -> None:
    """The loop may stand still until the earliest lease ends, never less than a few turns."""
    watchdog = Watchdog(ttl_s=2.0, clock=lambda: 100.0, expiry=lambda: expiry)
    assert watchdog.allowance() == pytest.approx(allowed)


async def test_a_cancelled_keeper_ends(redis: RedisClient, keys: Keys) -> None:
    """Cancelled at any moment of a renewal, the keeper ends: the client may lose the cancellation once."""
    for attempt in range(200):
        keeper = LeaseKeeper(
            LeasePlane(redis, keys), _beat("a/1"), ttl_ms=TTL_MS, clock=time.monotonic,
            redis_clock=RedisClock(), on_lost=lambda _shard, _why: None, on_restored=lambda: None,
        )  # fmt: skip
        task = asyncio.create_task(keeper.run())
        await asyncio.sleep(attempt * 0.00002)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
        assert done


async def test_an_old_lease_does_not_end_a_new_one(
    redis: RedisClient, keep: Callable[[RedisClient], Kept]
) -> None:
    """Dropping a lease that was lost and taken again leaves the newer lease of the same shard alone."""
    kept = keep(redis)
    old = await _taken(kept)
    fence = old.fence()
    assert fence is not None
    assert await kept.plane.release(fence)
    new = await _taken(kept)
    kept.keeper.drop(old, "ended late")
    await asyncio.sleep(TTL_MS / 1000)
    assert old.phase is LeasePhase.LOST
    assert new.may_write()
