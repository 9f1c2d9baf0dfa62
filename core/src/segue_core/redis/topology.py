"""The topology: published by whoever applies the plan, read by the data plane, which runs by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from segue_core.codec import decode, encode
from segue_core.logging import get_logger
from segue_core.models import Topology
from segue_core.redis.connection import UNREACHABLE
from segue_core.redis.script import Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

log = get_logger(__name__)

POLL_S = 0.5
_publish = Script("topology")


async def publish(redis: RedisClient, keys: Keys, topology: Topology) -> bool:
    """Store a topology. False: a newer generation is there already, and it stays.

    Raises:
        RedisError: when Redis cannot be asked; publishing again is harmless.
    """
    return bool(await _publish(redis, [keys.topology], [topology.generation, encode(topology)]))


async def read(redis: RedisClient, keys: Keys) -> Topology | None:
    """Return the newest topology, None before the first.

    Raises:
        RedisError: when Redis cannot be asked.
        MalformedValueError: when what is stored is not a topology.
    """
    data = await redis.execute_command("HGET", keys.topology, "data")
    return None if data is None else decode(Topology, data)


async def watch(redis: RedisClient, keys: Keys, poll_s: float = POLL_S) -> AsyncIterator[Topology]:
    """Yield the topology now and whenever its generation grows. Ends only by being closed.

    Polled, not subscribed to: a lost message would leave us behind for ever. While Redis is away
    the last one stays true.
    """
    seen: int | None = None
    reachable = True
    while True:
        try:
            generation = await redis.execute_command("HGET", keys.topology, "generation")
            topology = None
            if generation is not None and (seen is None or int(generation) > seen):
                topology = await read(redis, keys)
            reachable = True
        except UNREACHABLE as error:
            topology = None
            if reachable:
                log.warning("topology: Redis is away, the last one stays", error=str(error))
            reachable = False
        if topology is not None:
            seen = topology.generation
            yield topology
        await asyncio.sleep(poll_s)
