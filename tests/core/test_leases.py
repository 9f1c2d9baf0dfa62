"""The lease plane on a real Valkey."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from segue_core.ids import Epoch, NodeId, NodeSessionId, ShardId, UserId
from segue_core.models import Fence, GatewaySession
from segue_core.redis.leases import ClaimReason, LeaseState, promotion_cap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_core.redis.leases import LeasePlane

NUM_SHARDS = 4
TTL_MS = 400


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 10) -> Any:
    """Return the first truth a condition tells."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):  # noqa: ASYNC110 - Redis has no event for it
            await asyncio.sleep(0.01)
    return found


async def test_each_shard_has_one_holder(worker: Any) -> None:
    """However many workers claim at once, each shard is given once, until none is left."""
    workers = [worker(f"w{number}") for number in range(6)]
    first = workers[0]
    await until(first.claim)
    rounds = await asyncio.gather(*(one.claim(2) for one in workers))
    shards = [claimed.fence.shard for claims in rounds for claimed in claims]
    assert len(shards) == len(set(shards)) == NUM_SHARDS - 1


async def test_a_blank_plane_lets_holders_speak_first(worker: Any) -> None:
    """With no memory of any lease nothing can be claimed before a holder had time to restore its own."""
    holder, spare = worker("holder"), worker("spare")
    assert await spare.claim(4) == ()
    renewal = await holder.renew({ShardId(0): Epoch(77)})
    assert renewal.lost == frozenset()
    claimed = await spare.claim_all(3)
    assert ShardId(0) not in claimed


async def test_a_renewal_extends_all_leases_and_names_the_lost(worker: Any) -> None:
    """One call extends what is held; a shard held by nobody of that name and epoch is lost."""
    one, other = worker("a"), worker("b")
    mine = await one.claim_all(2)
    theirs = await other.claim_all(2)
    epochs = {shard: claimed.fence.epoch for shard, claimed in mine.items()}
    stolen = dict.fromkeys(theirs, Epoch(1))
    renewal = await one.renew(epochs | stolen)
    assert set(renewal.fences) == set(mine)
    assert renewal.lost == frozenset(theirs)
    assert {fence.expires_at for fence in renewal.fences.values()} == {renewal.now_ms + TTL_MS}


async def test_an_expired_lease_is_left_alone_for_its_grace(worker: Any) -> None:
    """A silent holder's lease is claimed 100 ms after its expiry, not before, with a higher epoch."""
    holder, spare = worker("holder"), worker("spare")
    held = await holder.claim_all(1)
    (shard, claimed), *_ = held.items()
    others = {one.fence.shard: one.fence.epoch for one in await spare.claim(3)}

    async def promoted() -> Any:
        await spare.renew(others)
        return await spare.claim()

    (found,) = await until(promoted)
    assert (found.fence.shard, found.reason) == (shard, ClaimReason.EXPIRED)
    assert found.previous_owner == holder.owner
    assert found.fence.epoch > claimed.fence.epoch
    assert found.fence.expires_at - TTL_MS >= claimed.fence.expires_at + 100
    assert (await holder.renew({shard: claimed.fence.epoch})).lost == {shard}


async def test_an_expired_lease_nobody_claimed_is_renewed(worker: Any, redis: RedisClient) -> None:
    """Late is not lost: as long as nobody has claimed, the holder goes on under the same epoch."""
    holder = worker("holder")
    ((shard, claimed),) = (await holder.claim_all(1)).items()
    await until(lambda: _past(redis, claimed.fence.expires_at))
    renewal = await holder.renew({shard: claimed.fence.epoch})
    assert renewal.fences[shard].epoch == claimed.fence.epoch


@pytest.mark.parametrize(
    ("zone", "spare", "least"),
    [("z1", True, 100), ("z2", True, 200), ("z1", False, 100 + TTL_MS)],
    ids=["same zone", "another zone", "a worker that holds shards"],
)
async def test_who_may_claim_an_expired_lease_and_when(
    worker: Any, zone: str, spare: bool, least: int
) -> None:
    """The dead worker's zone goes first, then other zones, one TTL later those that hold shards."""
    holder, keeper, other = (worker(name) for name in ("holder", "keeper", "other"))
    (held,) = await until(lambda: holder.claim(1, zone="z1"))
    kept = {one.fence.shard: one.fence.epoch for one in await keeper.claim(3)}

    async def promoted() -> Any:
        await keeper.renew(kept)
        return await other.claim(1, zone=zone, spare=spare)

    (found,) = await until(promoted)
    assert found.fence.shard == held.fence.shard
    assert found.fence.expires_at - TTL_MS >= held.fence.expires_at + least


async def test_a_release_goes_to_the_successor_with_all_it_needs(worker: Any) -> None:
    """A hand-off gives the successor the gateway session and node sessions, under a new epoch."""
    leaver, heir, thief = worker("leaver"), worker("heir"), worker("thief")
    ((_shard, claimed),) = (await leaver.claim_all(1)).items()
    await thief.claim(3)
    session = GatewaySession(
        session_id="secret",
        seq=2**40,
        resume_url="wss://r",
        user_id=UserId(2**62 + 1),
        num_shards=4,
        intents=5,
    )
    fence = claimed.fence
    assert await leaver.plane.checkpoint(fence, session)
    assert await leaver.plane.save_node_session(fence, NodeId("us-0"), NodeSessionId("abc"))
    assert await leaver.plane.release(fence, heir.owner)
    assert await thief.claim(1) == ()
    (given,) = await heir.claim(1)
    assert given.reason is ClaimReason.OFFERED
    assert given.previous_owner == leaver.owner
    assert given.gateway == session
    assert given.nodes == {"us-0": "abc"}
    assert "secret" not in repr(given)
    assert "abc" not in repr(given)
    assert given.fence.epoch > fence.epoch
    assert not await leaver.plane.release(fence, None)


async def test_a_lapsed_offer_may_be_claimed_by_anyone(worker: Any) -> None:
    """A successor that never comes keeps a shard from nobody for longer than half a second."""
    leaver, other = worker("leaver"), worker("other")
    ((shard, claimed),) = (await leaver.claim_all(1)).items()
    await other.claim(3)
    assert await leaver.plane.release(claimed.fence, worker("nobody").owner)
    began = time.monotonic()
    assert await other.claim() == ()
    (found,) = await until(other.claim)
    assert time.monotonic() - began > 0.4
    assert (found.fence.shard, found.reason) == (shard, ClaimReason.OFFERED)


async def test_a_released_lease_is_free_at_once(worker: Any) -> None:
    """Without a successor the next claim gets it, and it reads as free until then."""
    leaver = worker("leaver")
    ((shard, claimed),) = (await leaver.claim_all(1)).items()
    assert await leaver.plane.release(claimed.fence)
    assert (await leaver.plane.overview())[shard].state is LeaseState.FREE
    assert (await leaver.renew({shard: claimed.fence.epoch})).lost == {shard}
    taken = {one.fence.shard: one for one in await leaver.claim(4)}
    assert taken[shard].reason is ClaimReason.FREE
    assert taken[shard].fence.epoch > claimed.fence.epoch


async def test_what_a_stale_holder_keeps_is_refused(worker: Any) -> None:
    """Checkpoints and node sessions of an older epoch, or of another owner, are not stored."""
    holder = worker("holder")
    ((shard, claimed),) = (await holder.claim_all(1)).items()
    await holder.plane.release(claimed.fence)
    session = GatewaySession(
        session_id="s", seq=1, resume_url="r", user_id=UserId(1), num_shards=4, intents=0
    )
    plane: LeasePlane = holder.plane
    forged = Fence(shard=shard, epoch=claimed.fence.epoch, owner=worker("x").owner, expires_at=2**50)
    for fence in (claimed.fence, forged):
        assert not await plane.checkpoint(fence, session)
        assert not await plane.save_node_session(fence, NodeId("n"), NodeSessionId("s"))
        assert not await plane.drop_node_session(fence, NodeId("n"))
        assert not await plane.forget_gateway(fence)
        assert not await plane.owe_defuse(fence, NodeId("n"), NodeSessionId("s"), 1)


async def test_a_debt_stands_until_it_is_settled(worker: Any) -> None:
    """An old node session that is still to be ended outlives the worker that owes it."""
    holder = worker("holder")
    ((shard, claimed),) = (await holder.claim_all(1)).items()
    plane: LeasePlane = holder.plane
    assert await plane.owe_defuse(claimed.fence, NodeId("us-0"), NodeSessionId("old"), 5)
    assert await plane.owed_defuses(shard) == (("us-0", "old"),)
    assert await plane.settle_defuse(claimed.fence, NodeId("us-0"), NodeSessionId("old"))
    assert await plane.owed_defuses(shard) == ()


async def test_a_holder_restores_what_redis_forgot(worker: Any, redis: RedisClient, keys: Keys) -> None:
    """A renewal above the stored epoch is believed; the next claim is above both."""
    holder, spare = worker("holder"), worker("spare")
    ((shard, claimed),) = (await holder.claim_all(1)).items()
    await redis.execute_command("DEL", f"{keys.plane}lease:{shard}")
    await redis.execute_command("ZADD", f"{keys.plane}leases", 0, shard)
    renewal = await holder.renew({shard: claimed.fence.epoch})
    assert renewal.fences[shard].epoch == claimed.fence.epoch
    assert shard not in {one.fence.shard for one in await spare.claim(4)}


@pytest.mark.parametrize("forgotten", ["run_id", "tick"])
async def test_after_an_outage_expired_leases_wait_for_their_holders(
    worker: Any, redis: RedisClient, keys: Keys, forgotten: str
) -> None:
    """Another server, or no ticks for a while: for two TTLs expired leases can't be claimed, free can."""
    holder, spare = worker("holder"), worker("spare")
    ((shard, claimed),) = (await holder.claim_all(1)).items()
    await until(lambda: _past(redis, claimed.fence.expires_at + 100))
    value = "another" if forgotten == "run_id" else "1"
    await redis.execute_command("HSET", f"{keys.plane}plane", forgotten, value)
    claims = await spare.plane.claim(spare.owner, 4, NUM_SHARDS, 1, TTL_MS, NUM_SHARDS)
    assert claims.hold_until == claims.now_ms + 2 * TTL_MS
    assert {one.reason for one in claims.claimed} == {ClaimReason.FREE}
    assert shard not in {one.fence.shard for one in claims.claimed}
    assert shard in (await holder.renew({shard: claimed.fence.epoch})).fences


async def test_a_mass_expiry_promotes_only_so_many(plane: LeasePlane, worker: Any) -> None:
    """Of many leases that expire at once only a few change hands within ten seconds."""
    crowd, spare = worker("crowd"), worker("spare")
    held = await until(lambda: plane.claim(crowd.owner, 20, 20, 1, TTL_MS, 1))
    while len(held.claimed) < 20:
        held = await plane.claim(crowd.owner, 20, 20, 1, TTL_MS, 1)
        await asyncio.sleep(0.01)

    async def capped() -> Any:
        claims = await plane.claim(spare.owner, 20, 20, 1, TTL_MS, 1)
        return claims if claims.claimed else None

    claims = await until(capped)
    assert len(claims.claimed) == promotion_cap(20, 1) == 4
    assert claims.capped == 16
    assert (await plane.claim(spare.owner, 20, 20, 1, TTL_MS, 1)).claimed == ()


async def test_a_newer_release_s_shards_are_left_to_those_who_can_read_them(worker: Any) -> None:
    """A shard whose snapshots are of a newer schema than ours is skipped."""
    newer, older = worker("newer"), worker("older")
    await until(newer.claim)
    claims = await newer.plane.claim(newer.owner, 1, NUM_SHARDS, 9, TTL_MS, NUM_SHARDS)
    (held,) = claims.claimed
    assert await newer.plane.release(held.fence)
    assert held.fence.shard not in {one.fence.shard for one in await older.claim(4)}
    again = await newer.plane.claim(newer.owner, 4, NUM_SHARDS, 9, TTL_MS, NUM_SHARDS)
    assert held.fence.shard in {one.fence.shard for one in again.claimed}


async def test_workers_are_seen_while_they_speak(worker: Any) -> None:
    """The list of workers is those who sent a heartbeat lately, spares included."""
    one = worker("one")
    await one.renew()
    assert [beat.owner for beat in await one.plane.workers()] == [one.owner]
    assert await until(lambda: _nobody(one.plane))


async def _nobody(plane: LeasePlane) -> bool:
    return await plane.workers(seen_within_ms=20) == ()


async def _past(redis: RedisClient, at: int) -> bool:
    seconds, micros = await redis.execute_command("TIME")
    return int(seconds) * 1000 + int(micros) // 1000 > at
