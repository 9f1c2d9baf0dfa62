"""Limits that all processes share, on a real Valkey."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue_core.redis.limits import Bucket, RateLimits

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

HOUR_MS = 3_600_000
_people = itertools.count(100)


def bucket(whom: str, uses: int = 3, per_ms: int = HOUR_MS) -> Bucket:
    """Return a bucket that does not fill again within a test."""
    return Bucket(what="search", whom=whom, uses=uses, per_ms=per_ms)


async def test_processes_share_what_a_person_may_use(redis: RedisClient, keys: Keys) -> None:
    """Five processes that ask at once let through what one would."""
    processes = [RateLimits(redis, keys) for _ in range(5)]
    verdicts = await asyncio.gather(*(one.use([bucket("user:1")]) for one in processes))
    assert sum(verdict.allowed for verdict in verdicts) == 3
    refused = next(verdict for verdict in verdicts if not verdict.allowed)
    assert refused.bucket == bucket("user:1")
    assert HOUR_MS // 3 - 10_000 < refused.wait_ms <= HOUR_MS // 3


async def test_a_use_is_taken_from_every_bucket_or_from_none(redis: RedisClient, keys: Keys) -> None:
    """Somebody whom their guild's limit turns away has not spent their own; the empty bucket is named."""
    limits = RateLimits(redis, keys)
    guild = bucket("guild:7", uses=1)
    assert (await limits.use([bucket("user:1"), guild])).allowed
    for _ in range(5):
        assert (await limits.use([bucket("user:1"), guild])).bucket == guild
    assert (await limits.use([bucket("user:1")])).allowed
    assert (await limits.use([bucket("user:1")])).allowed
    assert not (await limits.use([bucket("user:1")])).allowed


async def test_a_bucket_fills_again_by_the_time_it_names(redis: RedisClient, keys: Keys) -> None:
    """Who waits as long as they are told is let through, and the key goes by itself once it is full."""
    limits = RateLimits(redis, keys)
    quick = bucket("user:1", uses=2, per_ms=400)
    assert (await limits.use([quick])).allowed
    assert (await limits.use([quick])).allowed
    refused = await limits.use([quick])
    assert 0 < refused.wait_ms <= 200
    await asyncio.sleep(refused.wait_ms / 1000 + 0.005)
    assert (await limits.use([quick])).allowed
    ttl = await redis.execute_command("PTTL", keys.limit("search", "user:1"))
    assert 0 < ttl <= 400


async def test_people_and_purposes_are_counted_apart(redis: RedisClient, keys: Keys) -> None:
    """One person's searches cost nobody else, and nothing but searches."""
    limits = RateLimits(redis, keys)
    one = bucket("user:1", uses=1)
    assert (await limits.use([one])).allowed
    assert not (await limits.use([one])).allowed
    assert (await limits.use([bucket("user:2", uses=1)])).allowed
    assert (await limits.use([Bucket(what="suggest", whom="user:1", uses=1, per_ms=HOUR_MS)])).allowed
    assert (await limits.use([])).allowed


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(uses=st.integers(1, 12), asked=st.integers(1, 20))
async def test_never_more_than_the_bucket_holds(
    redis: RedisClient, keys: Keys, uses: int, asked: int
) -> None:
    """However large a bucket is, at once it gives exactly what it holds."""
    limits = RateLimits(redis, keys)
    whole = bucket(f"user:{next(_people)}", uses=uses)
    verdicts = [await limits.use([whole]) for _ in range(asked)]
    assert [verdict.allowed for verdict in verdicts] == [place < uses for place in range(asked)]


def test_a_bucket_that_lets_nobody_through_is_refused() -> None:
    """A limit of nothing is a mistake of who set it, and says so at once."""
    with pytest.raises(ValueError, match="lets nobody through"):
        bucket("user:1", uses=0)
    with pytest.raises(ValueError, match="lets nobody through"):
        bucket("user:1", uses=100, per_ms=10)
