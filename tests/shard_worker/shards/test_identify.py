from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import Epoch, OwnerId, ShardId
from segue_core.models import Fence
from segue_core.redis.identify import IdentifyGate
from segue_core.redis.leases import LeasePlane, WorkerBeat
from segue_worker.gateway.errors import BadTokenError, DiscordUnreachableError
from segue_worker.gateway.info import GatewayInfo
from segue_worker.shards.identify import ClusterGate
from segue_worker.shards.lease import Grant, Lease, LeaseLostError

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

INFO = GatewayInfo(
    url="ws://127.0.0.1", shards=2, max_concurrency=2, remaining=1000, total=1000, reset_after_ms=86_400_000
)


class Informant:
    """Discord's answers, one after another; the last one stays."""

    def __init__(self, *answers: GatewayInfo | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def gateway_info(self) -> GatewayInfo:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def _lease(shard: int, deadline: float = 3600.0) -> Lease:
    fence = Fence(shard=ShardId(shard), epoch=Epoch(1), owner=OwnerId("a/1"), expires_at=2**42)
    return Lease(Grant(fence=fence, deadline=time.monotonic() + deadline), time.monotonic)


@pytest.fixture
async def gate(redis: RedisClient, keys: Keys) -> IdentifyGate:
    """The gate of a cluster whose plane has been in use."""
    await LeasePlane(redis, keys).renew(WorkerBeat(owner=OwnerId("a/1"), capacity=1), {})
    return IdentifyGate(redis, keys)


async def test_buckets_pass_side_by_side_and_one_after_another(gate: IdentifyGate) -> None:
    """Shards of different buckets pass at once; two of one bucket are five seconds apart."""
    cluster = ClusterGate(gate, Informant(INFO), lambda low, _high: low)
    started = time.monotonic()
    await asyncio.gather(*(cluster.passed(ShardId(shard), _lease(shard)) for shard in (0, 1)))
    assert time.monotonic() - started < 4
    await cluster.passed(ShardId(2), _lease(2))
    assert time.monotonic() - started >= 5


async def test_discord_away_is_waited_out(gate: IdentifyGate) -> None:
    """While Discord does not say how many IDENTIFYs are left, nobody passes, and it is asked again."""
    informant = Informant(DiscordUnreachableError("away"), DiscordUnreachableError("away"), INFO)
    await ClusterGate(gate, informant, lambda _low, _high: 0.0).passed(ShardId(0), _lease(0))
    assert informant.asked == 3


async def test_a_bad_token_ends_the_wait(gate: IdentifyGate) -> None:
    """No waiting helps a wrong token."""
    with pytest.raises(BadTokenError):
        await ClusterGate(gate, Informant(BadTokenError()), lambda low, _high: low).passed(
            ShardId(0), _lease(0)
        )


async def test_nobody_passes_without_a_lease(gate: IdentifyGate) -> None:
    """A shard whose lease has lapsed does not even ask; once lost, it is told so."""
    informant = Informant(INFO)
    lease = _lease(0, deadline=-1)
    waiting = asyncio.create_task(
        ClusterGate(gate, informant, lambda low, _high: low).passed(ShardId(0), lease)
    )
    await asyncio.sleep(0.1)
    assert informant.asked == 0
    lease.lose("claimed")
    with pytest.raises(LeaseLostError):
        await waiting
