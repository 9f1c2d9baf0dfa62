from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from segue_core.redis.leases import LeasePlane

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient


async def _others(stage: Any, holder: Any, **options: Any) -> Any:
    """Start a second worker once the first holds everything, and wait until it looks for shards."""
    await holder.until("ready")
    spare = await stage.worker("spare", **options)
    await spare.until("running")
    return spare


async def test_a_killed_workers_shard_is_resumed(stage: Any) -> None:
    """SIGKILL: a spare takes the lease, RESUMEs, gets what was missed, and never IDENTIFYs."""
    guild = await stage.client.guild("Vinyl Club", voice_channels=2)
    first = await stage.worker("first")
    spare = await _others(stage, first)
    ada = await stage.client.person("Ada")
    await ada.join(guild.voice_channels[0])
    await first.until("voice")
    await asyncio.sleep(0.7)  # one checkpoint interval: what was handled before it is not repeated
    first.signal(signal.SIGKILL)
    await first.ended()
    await ada.join(guild.voice_channels[1])
    await spare.until("resumed")
    await spare.until("promoted")
    assert [line["channel"] for line in spare.said("voice")] == [guild.voice_channels[1].id]
    assert spare.said("promoted") == [
        {"what": "promoted", "shard": 0, "previous": "first/1", "reason": "expired"}
    ]
    assert not spare.said("ready")
    assert await stage.identifies() == 1
    assert len((await stage.client.gateway()).sessions) == 1


async def test_a_stopping_worker_gives_its_shards_back(stage: Any) -> None:
    """SIGTERM: detached, checkpointed, released; a successor RESUMEs long before any lease expires."""
    guild = await stage.client.guild("Vinyl Club")
    first = await stage.worker("first")
    spare = await _others(stage, first)
    first.signal(signal.SIGTERM)
    assert await first.ended() == 0
    assert first.said("closed") == [{"what": "closed", "shard": 0, "reason": "released"}]
    await spare.until("resumed")
    assert spare.at("resumed") - first.at("done") < 1.0
    assert spare.said("promoted")[0]["reason"] == "free"
    assert await stage.identifies() == 1
    ada = await stage.client.person("Ada")
    await ada.join(guild.voice_channel)
    await spare.until("voice")


async def test_a_stopped_worker_loses_its_shard(stage: Any, redis: RedisClient) -> None:
    """SIGSTOP: the lease runs out and is taken; the sleeper's fence is refused and it ends or lets go."""
    await stage.client.guild("Vinyl Club")
    first = await stage.worker("first")
    spare = await _others(stage, first)
    plane = LeasePlane(redis, stage.keys)
    before = (await plane.overview())[0]
    first.signal(signal.SIGSTOP)
    await spare.until("resumed")
    first.signal(signal.SIGCONT)
    await first.wait(lambda one: one.process.returncode is not None or one.said("closed"))
    after = (await plane.overview())[0]
    assert (before.owner, after.owner) == ("first/1", "spare/1")
    assert after.epoch > before.epoch
    assert await stage.identifies() == 1
    sessions = (await stage.client.gateway()).sessions
    assert [(one.connected, one.resumes) for one in sessions] == [(True, 1)]


async def test_a_blocked_loop_ends_the_process(stage: Any) -> None:
    """A loop that stands still is ended by the watchdog with its lease, and the shard goes on elsewhere."""
    await stage.client.guild("Vinyl Club")
    first = await stage.worker("first")
    spare = await _others(stage, first)
    first.signal(signal.SIGUSR1)
    assert await first.ended(10) == 1
    assert "Timeout" in "".join(first.errors)
    await spare.until("resumed")
    assert await stage.identifies() == 1


async def test_workers_share_the_shards(stage: Any) -> None:
    """Two workers with room for two each hold four shards between them, each shard once."""
    first = await stage.worker("first", capacity=2, num_shards=4)
    second = await stage.worker("second", capacity=2, num_shards=4)
    await first.until("ready", 2)
    await second.until("ready", 2)
    held = [line["shard"] for worker in (first, second) for line in worker.said("opened")]
    assert sorted(held) == [0, 1, 2, 3]
    gateway = await stage.client.gateway()
    assert sorted(one.shard_id for one in gateway.identifies) == [0, 1, 2, 3]
    assert all(one.accepted for one in gateway.identifies)


async def test_a_shard_count_of_another_time_identifies(stage: Any) -> None:
    """A session of another shard count is not resumed but replaced, through the gate."""
    first = await stage.worker("first")
    await first.until("ready")
    first.signal(signal.SIGTERM)
    assert await first.ended() == 0
    second = await stage.worker("second", capacity=2, num_shards=2)
    await second.until("ready", 2)
    assert second.said("ready", 0)[0]["replaces"] is True
    assert second.said("ready", 1)[0]["replaces"] is False


async def test_a_bad_token_is_one_clear_line(stage: Any) -> None:
    """A worker with a wrong token ends by itself and says which variable to set."""
    worker = await stage.worker("first", token="bm90.a.token")
    assert await worker.ended() == 3
    assert "SEGUE_DISCORD_TOKEN" in worker.said("fatal")[0]["error"]
