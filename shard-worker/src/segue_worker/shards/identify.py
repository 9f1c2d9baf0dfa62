"""The way to an IDENTIFY: one token a bucket in 5 s, and the day's budget, for the whole cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog
from redis.exceptions import RedisError

from segue_worker.gateway.errors import DiscordUnreachableError
from segue_worker.shards.cancel import cancellation_point

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.ids import ShardId
    from segue_core.redis.identify import IdentifyGate, IdentifyTicket
    from segue_worker.gateway.info import GatewayInfo
    from segue_worker.shards.lease import LeaseView

ASK_TIMEOUT_S = 1.0
LONGEST_WAIT_S = 30.0
"""The gate is asked again at least so often: budgets are reset, hold-offs end early."""

_FIRST_RETRY_S = 0.5

_log = structlog.get_logger(__name__)


class Informant(Protocol):
    """Who knows the session start limit."""

    async def gateway_info(self) -> GatewayInfo:
        """Ask Discord; DiscordUnreachableError when it does not answer, BadTokenError for good."""


class ClusterGate:
    """Lets a shard through when the cluster may spend an IDENTIFY on it.

    Nobody passes whose lease does not allow it at that moment: an IDENTIFY by a stale owner would
    cost the budget and end the true owner's voice.
    """

    def __init__(
        self, gate: IdentifyGate, informant: Informant, uniform: Callable[[float, float], float]
    ) -> None:
        self._gate = gate
        self._informant = informant
        self._uniform = uniform

    async def passed(self, shard: ShardId, lease: LeaseView) -> None:
        """Wait until ``shard`` may IDENTIFY.

        Raises:
            BadTokenError: no waiting helps.
            LeaseLostError: somebody else's by now.
        """
        retry_s = _FIRST_RETRY_S
        while True:
            await lease.writable()
            try:
                ticket = await self._ask(shard)
            except (RedisError, OSError, TimeoutError, DiscordUnreachableError) as error:
                _log.warning("identify gate can't be asked", shard=shard, error=str(error) or "no answer")
                await asyncio.sleep(self._uniform(0.0, retry_s))
                retry_s = min(retry_s * 2, LONGEST_WAIT_S)
                continue
            cancellation_point()
            if ticket.granted and lease.may_write():
                return
            if ticket.granted:
                continue
            retry_s = _FIRST_RETRY_S
            wait_s = min(max(ticket.wait_ms, 1) / 1000, LONGEST_WAIT_S)
            if ticket.wait_ms > LONGEST_WAIT_S * 1000:
                _log.warning("identify budget is spent", shard=shard, wait_ms=ticket.wait_ms)
            # Those who wait for the same bucket must not all ask in the same millisecond.
            await asyncio.sleep(wait_s + self._uniform(0.0, 0.05))

    async def _ask(self, shard: ShardId) -> IdentifyTicket:
        info = await self._informant.gateway_info()
        async with asyncio.timeout(ASK_TIMEOUT_S):
            return await self._gate.acquire(shard, info.max_concurrency, info.remaining, info.reset_after_ms)
