"""The identify gate, the topology, the cache, the clock and the names of keys."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import segue_core.redis.keys as names
from segue_core.ids import GuildId, NodeId, RegionName, ShardId
from segue_core.models import Topology, TopologyNode
from segue_core.redis import topology
from segue_core.redis.cache import Cache, CacheKind
from segue_core.redis.clock import MAX_SAMPLE_AGE_S, RedisClock
from segue_core.redis.connection import RedisUrlError, connect
from segue_core.redis.identify import IDENTIFY_INTERVAL_MS, IdentifyGate, IdentifyRefusal
from segue_core.redis.keys import PARTITIONS, Keys, partition_of

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient

DAY_MS = 86_400_000


async def test_one_identify_a_bucket_at_a_time(redis: RedisClient, keys: Keys) -> None:
    """Shards of one bucket wait for one another, those of another don't; however many processes ask."""
    gates = [IdentifyGate(redis, keys) for _ in range(5)]
    tickets = await asyncio.gather(*(gate.acquire(ShardId(0), 2, 1000, DAY_MS) for gate in gates))
    assert sum(ticket.granted for ticket in tickets) == 1
    waiting = next(ticket for ticket in tickets if not ticket.granted)
    assert waiting.refusal is IdentifyRefusal.BUCKET
    assert 0 < waiting.wait_ms <= IDENTIFY_INTERVAL_MS
    assert (await gates[0].acquire(ShardId(1), 2, 1000, DAY_MS)).granted
    assert not (await gates[0].acquire(ShardId(2), 2, 1000, DAY_MS)).granted


async def test_the_day_s_budget_is_counted_down_for_all(redis: RedisClient, keys: Keys) -> None:
    """What one process used is missing for the next, though Discord told it a staler number."""
    gate = IdentifyGate(redis, keys)
    assert (await gate.acquire(ShardId(0), 16, 2, DAY_MS)).remaining == 1
    assert (await gate.acquire(ShardId(1), 16, 2, DAY_MS)).remaining == 0
    refused = await gate.acquire(ShardId(2), 16, 2, DAY_MS)
    assert refused.refusal is IdentifyRefusal.BUDGET
    assert refused.wait_ms > DAY_MS / 2


async def test_a_new_day_begins_with_what_discord_says(redis: RedisClient, keys: Keys) -> None:
    """After the reset the count starts again."""
    gate = IdentifyGate(redis, keys)
    assert (await gate.acquire(ShardId(0), 16, 1, 1000)).granted
    assert not (await gate.acquire(ShardId(1), 16, 1, 1000)).granted
    assert (await gate.acquire(ShardId(1), 16, 1000, DAY_MS)).remaining == 999


async def test_planned_work_leaves_a_reserve(redis: RedisClient, keys: Keys) -> None:
    """A rollout may not use the last IDENTIFYs; a crash may."""
    gate = IdentifyGate(redis, keys, reserve=10)
    planned = await gate.acquire(ShardId(0), 16, 10, DAY_MS, planned=True)
    assert planned.refusal is IdentifyRefusal.BUDGET
    assert (await gate.acquire(ShardId(0), 16, 10, DAY_MS)).granted


async def test_the_gate_is_shut_during_the_hold_off(redis: RedisClient, keys: Keys) -> None:
    """After an outage of Redis nobody identifies before holders have spoken."""
    await redis.execute_command("HSET", f"{keys.plane}plane", "hold_until", 2**52)
    ticket = await IdentifyGate(redis, keys).acquire(ShardId(0), 1, 1000, DAY_MS)
    assert ticket.refusal is IdentifyRefusal.HOLD_OFF
    assert ticket.wait_ms > 0


def sample(generation: int) -> Topology:
    """Return a topology."""
    node = TopologyNode(id=NodeId("us-0"), region=RegionName("us"), address="127.0.0.1:2333")
    return Topology(generation=generation, num_shards=3, nodes=(node,))


async def test_the_newest_topology_stays(redis: RedisClient, keys: Keys) -> None:
    """Read back as published; an older generation that comes late changes nothing."""
    assert await topology.read(redis, keys) is None
    assert await topology.publish(redis, keys, sample(2))
    assert not await topology.publish(redis, keys, sample(1))
    assert await topology.publish(redis, keys, sample(2))
    assert await topology.read(redis, keys) == sample(2)


async def test_a_watcher_sees_each_change(redis: RedisClient, keys: Keys) -> None:
    """The one that is there, and each newer one."""
    await topology.publish(redis, keys, sample(1))
    seen = []
    async with asyncio.timeout(10):
        async for found in topology.watch(redis, keys, poll_s=0.01):
            seen.append(found.generation)
            if len(seen) == 3:
                break
            await topology.publish(redis, keys, sample(found.generation + 5))
    assert seen == [1, 6, 11]


async def test_the_cache_forgets_on_demand_and_in_time(redis: RedisClient, keys: Keys) -> None:
    """What is cached is found under any key a person can type, for its lifetime, until invalidated."""
    cache = Cache(redis, keys)
    for key in ("lofi", "{g1}:x", "ü" * 500, ""):
        await cache.set(CacheKind.SEARCH, key, b"\x00found")
        assert await cache.get(CacheKind.SEARCH, key) == b"\x00found"
        assert await cache.get(CacheKind.SETTINGS, key) is None
        await cache.invalidate(CacheKind.SEARCH, key)
        assert await cache.get(CacheKind.SEARCH, key) is None
    await cache.set(CacheKind.SEARCH, "x", b"y")
    left = await redis.execute_command("PTTL", keys.cache("search", "x"))
    assert 0 < int(left) <= 300_000


def test_the_clock_prefers_the_quickest_answer_and_never_goes_back() -> None:
    """Redis time is right within half a round trip, and what was once now is never later future."""
    now = [100.0]
    clock = RedisClock(monotonic=lambda: now[0], wall=lambda: 5.0)
    assert clock.now() == 5000
    clock.observe(100.0, 100.2, 1_000_000)
    assert clock.now() == 999_900
    clock.observe(100.0, 104.0, 9_000_000)
    assert clock.now() == 999_900
    clock.observe(100.0, 100.002, 900_000)
    assert clock.now() == 999_900
    now[0] += MAX_SAMPLE_AGE_S + 1
    clock.observe(now[0] - 1, now[0], 2_000_000)
    assert clock.now() == 2_000_500


@given(st.integers(0, 2**63 - 1))
def test_every_guild_has_one_partition(guild: int) -> None:
    """The partition is a number below 128, the same each time."""
    assert 0 <= partition_of(GuildId(guild)) == partition_of(GuildId(guild)) < PARTITIONS


@pytest.mark.parametrize("name", ["", "UPPER", "a:b", "{g1}", "a" * 80, "-a"])
def test_a_cluster_s_name_cannot_choose_a_slot(name: str) -> None:
    """A name that would change a key's hash tag, or two clusters' keys into one's, is refused."""
    with pytest.raises(ValueError, match="no cluster name"):
        Keys(name)


def test_every_key_a_script_writes_is_documented() -> None:
    """The table in keys.py lists whatever name the scripts of this module build."""
    table = names.__doc__ or ""
    folder = Path(names.__file__).parent / "lua"
    for script in folder.glob("*.lua"):
        if script.name.startswith("nodes"):
            continue
        for name in re.findall(r"P \.\. '([a-z:]+)'", script.read_text(encoding="utf-8")):
            assert f"``{name}" in table, f"{script.name} uses {name}"


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://", "127.0.0.1:6379"])
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    """What cannot be an address of Redis is named at once."""
    with pytest.raises(RedisUrlError) as caught:
        connect(url.replace("://", "://u:topsecret@"), "test")
    assert "topsecret" not in str(caught.value)
