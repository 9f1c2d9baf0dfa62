"""What a worker waits for when it starts, as long as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import stamina

from segue_core.logging import get_logger
from segue_core.redis import topology as topologies
from segue_core.store import Store, StoreUnavailableError
from segue_worker.gateway.errors import DiscordUnreachableError

if TYPE_CHECKING:
    from segue_core.models import Topology
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_worker.gateway.bot import WorkerBot
    from segue_worker.gateway.info import GatewayInfo

_log = get_logger(__name__)

_LONGEST_RETRY_S: Final = 30.0


async def first_topology(redis: RedisClient, keys: Keys) -> Topology:
    """Return the topology once somebody has published one."""
    _log.info("waiting for the topology")
    async for topology in topologies.watch(redis, keys):
        return topology
    raise RuntimeError("the topology's watch ended by itself")


async def gateway_info(bot: WorkerBot) -> GatewayInfo:
    """Return what Discord says of its gateway once it says something. Raises BadTokenError."""
    async for attempt in stamina.retry_context(
        on=DiscordUnreachableError,
        attempts=None,
        timeout=None,
        wait_initial=0.5,
        wait_max=_LONGEST_RETRY_S,
    ):
        with attempt:
            return await bot.gateway_info()
    raise RuntimeError("a retry without an end ended")


async def first_contact(store: Store) -> None:
    """Say whether PostgreSQL answers, before anybody misses what it has. We work without it meanwhile."""
    async for attempt in stamina.retry_context(
        on=StoreUnavailableError, attempts=None, timeout=None, wait_initial=1.0, wait_max=_LONGEST_RETRY_S
    ):
        with attempt:
            try:
                await store.ping()
            except StoreUnavailableError as error:
                if attempt.num == 1:
                    _log.warning(
                        "PostgreSQL can't be asked: events wait, settings are the defaults", why=str(error)
                    )
                raise
        if attempt.num > 1:
            _log.info("PostgreSQL answers")
