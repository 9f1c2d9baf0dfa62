"""A worker process with shards and a gateway, and nobody who plays: what its manager does, line by line.

Told by its environment, as services are. Prints one JSON object for each thing that happens. SIGTERM
gives the shards back; SIGUSR1 blocks the event loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segue_core.ids import GuildId, NodeId, NodeSessionId, OwnerId, ShardId, UserId
from segue_core.redis.clock import RedisClock
from segue_core.redis.connection import connect
from segue_core.redis.identify import IdentifyGate
from segue_core.redis.keys import Keys
from segue_core.redis.leases import LeasePlane, WorkerBeat
from segue_worker.gateway.bot import WorkerBot
from segue_worker.gateway.connection import Chances
from segue_worker.gateway.errors import FatalGatewayError
from segue_worker.gateway.events import Delivery, SessionReady, SessionResumed, VoiceStateUpdate
from segue_worker.shards.manager import ManagerConfig, ShardManager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_core.events import ShardPromoted
    from segue_worker.shards.lease import LeaseView
    from segue_worker.shards.ports import CloseReason


def say(**what: Any) -> None:
    """Print a line for the test."""
    print(json.dumps(what), flush=True)  # noqa: T201 - the test reads it


class Sink:
    def deliver(self, delivery: Delivery) -> None:
        event, shard = delivery.event, delivery.shard
        if isinstance(event, SessionReady):
            say(what="ready", shard=shard, replaces=event.replaces)
        elif isinstance(event, SessionResumed):
            say(what="resumed", shard=shard, replayed=event.replayed)
        elif isinstance(event, VoiceStateUpdate):
            say(what="voice", shard=shard, user=event.user, channel=event.channel)
        delivery.handled()


class Players:
    async def open_shard(
        self, shard: ShardId, lease: LeaseView, node_sessions: Mapping[NodeId, NodeSessionId]
    ) -> None:
        say(what="opened", shard=shard, epoch=lease.epoch, nodes=len(node_sessions))

    async def close_shard(self, shard: ShardId, reason: CloseReason) -> None:
        say(what="closed", shard=shard, reason=reason)


class Promotions:
    async def promoted(self, event: ShardPromoted) -> None:
        say(what="promoted", shard=event.shard, previous=event.previous, reason=event.reason)


@dataclass
class RedisParts:
    plane: LeasePlane
    identify: IdentifyGate
    clock: RedisClock


async def hold(env: Mapping[str, str]) -> int:
    """Hold shards until told to stop; return the exit code."""
    redis = connect(env["REDIS_URL"], "worker")
    keys = Keys(env["CLUSTER"])
    num_shards = int(env["NUM_SHARDS"])
    bot = WorkerBot(token=env["TOKEN"], rest_url=env["API_URL"], num_shards=num_shards, sink=Sink())
    try:
        await bot.start()
        info = await bot.gateway_info()
        manager = ShardManager(
            ManagerConfig(
                beat=WorkerBeat(owner=OwnerId(env["OWNER"]), capacity=int(env["CAPACITY"])),
                num_shards=num_shards,
                ttl_ms=2000,
                gateway_url=info.url,
                token=env["TOKEN"],
            ),
            redis=RedisParts(LeasePlane(redis, keys), IdentifyGate(redis, keys), RedisClock()),
            bot=bot,
            players=Players(),
            promotions=Promotions(),
            chances=Chances(clock=time.monotonic, uniform=random.uniform),
        )
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, manager.stop)
        loop.add_signal_handler(signal.SIGUSR1, time.sleep, 30)
        say(what="running", user=UserId(bot.identity.user), guild=GuildId(0))
        await manager.run()
    except FatalGatewayError as error:
        say(what="fatal", error=str(error))
        return 3
    finally:
        await bot.close()
        await redis.aclose()
    say(what="done")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(hold(os.environ)))
