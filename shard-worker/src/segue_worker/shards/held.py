"""One held shard: its gateway connection, its players, its checkpoints, and letting go of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from segue_core.events import ShardPromoted
from segue_core.redis.leases import Claimed, LeasePlane
from segue_worker import metrics
from segue_worker.gateway.errors import FatalGatewayError
from segue_worker.gateway.events import SessionReady, SessionResumed
from segue_worker.gateway.facade import ShardFacade, ShardState
from segue_worker.gateway.feed import EventFeed
from segue_worker.shards.cancel import cancellation_point
from segue_worker.shards.keeper import LeaseKeeper
from segue_worker.shards.lease import Lease, LeaseLostError, MonotonicClock
from segue_worker.shards.plan import CHECKPOINT_EVERY_S, CheckpointInput, checkpoint_due
from segue_worker.shards.ports import CloseReason, PromotionLog, ShardPlayers

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.ids import ShardId
    from segue_core.models import GatewaySession
    from segue_worker.gateway.connection import Ended
    from segue_worker.gateway.shard import SegueShard

TURN_EVERY_S = 0.2
CHECKPOINT_TIMEOUT_S = 0.5
CLOSE_PLAYERS_TIMEOUT_S = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTools:
    """What every held shard works with."""

    plane: LeasePlane
    keeper: LeaseKeeper
    feed: EventFeed
    players: ShardPlayers
    promotions: PromotionLog
    clock: MonotonicClock


class HeldShard:
    """From the claim to the end. It listens to its gateway shard and passes on to the feed.

    ``run`` ends when the lease is lost, the shard fails, or :meth:`release` was called.
    """

    def __init__(
        self,
        claimed: Claimed,
        lease: Lease,
        tools: ShardTools,
        gateway: Callable[[HeldShard], SegueShard],
    ) -> None:
        self._claimed = claimed
        self._tools = tools
        self._claimed_at = tools.clock()
        self.lease = lease
        self.gateway = gateway(self)
        self._players_closed = False
        self._task: asyncio.Task[None] | None = None
        self._due = asyncio.Event()
        self._events = 0
        self._forced = False
        self._written: GatewaySession | None = claimed.gateway
        self._written_at = tools.clock()
        self._promoted: asyncio.Future[SessionReady | SessionResumed] = (
            asyncio.get_running_loop().create_future()
        )

    @property
    def shard(self) -> ShardId:
        """The shard's number."""
        return self.lease.shard

    # What the gateway shard tells us.

    def dispatched(
        self, shard: ShardFacade, name: str, data: dict[str, Any], handled: Callable[[], None]
    ) -> None:
        """Pass an event on, and count it towards the next checkpoint."""
        self._events += 1
        self._tools.feed.dispatched(shard, name, data, handled)
        if checkpoint_due(self._checkpoint_input()):
            self._due.set()

    def session(self, shard: ShardFacade, event: SessionReady | SessionResumed, data: dict[str, Any]) -> None:
        """Pass READY or RESUMED on. What a successor resumes with is another one from now on."""
        self._tools.feed.session(shard, event, data)
        if isinstance(event, SessionResumed):
            metrics.GATEWAY_RESUME.observe(event.elapsed_ms / 1000)
        if not self._promoted.done():
            self._promoted.set_result(event)
        self.rewrite()

    def disconnected(self, shard: ShardFacade, ended: Ended) -> None:
        """Pass it on."""
        self._tools.feed.disconnected(shard, ended)
        self._due.set()

    def rewrite(self) -> None:
        """Write the gateway session now, changed or not: Redis may have forgotten it."""
        self._forced = True
        self._due.set()

    # Its life.

    async def run(self) -> None:
        """Hold the shard.

        Raises:
            FatalGatewayError: Discord refuses us for good; the whole worker can stop.
        """
        self._task = asyncio.current_task()
        try:
            async with asyncio.TaskGroup() as group:
                # Players and gateway are taken over side by side; neither waits for the other.
                group.create_task(self._open_players(), name=f"shard {self.shard} players")
                group.create_task(self._turn(), name=f"shard {self.shard} turns")
                group.create_task(self._checkpoints(), name=f"shard {self.shard} checkpoints")
                group.create_task(self._promotion(), name=f"shard {self.shard} promotion")
                group.create_task(self._serve(), name=f"shard {self.shard} gateway")
        except* LeaseLostError as group_error:
            _log.info("shard let go", shard=self.shard, why=str(group_error.exceptions[0]))
        finally:
            self._tools.keeper.drop(self.lease, "the shard ended")
            self.gateway.abort()
            await self._close_players(CloseReason.LOST)
            self._unmeasure()

    def abandon(self, why: str) -> None:
        """Let go at once: the lease is somebody else's. Not one more byte leaves our sockets."""
        self.lease.lose(why)
        self.gateway.abort()
        if self._task is not None:
            self._task.cancel()

    async def release(self) -> bool:
        """Let go in order; True when the lease could be given back.

        Detach the gateway (its session stays resumable), checkpoint what was handled, close the
        players, give the lease back. A successor can go on from there without an IDENTIFY.
        """
        session = await self.gateway.detach()
        await self._close_players(CloseReason.RELEASED)
        given_back = await self._give_back(session)
        self.abandon("released")
        return given_back

    async def _give_back(self, session: GatewaySession | None) -> bool:
        fence = self.lease.fence()
        if fence is None:
            return False
        try:
            async with asyncio.timeout(2 * CHECKPOINT_TIMEOUT_S):
                if session is not None:
                    await self._tools.plane.checkpoint(fence, session)
                return await self._tools.plane.release(fence)
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("shard not released, its lease will expire", shard=self.shard, error=str(error))
            return False

    async def _close_players(self, reason: CloseReason) -> None:
        if self._players_closed:
            return
        self._players_closed = True
        try:
            async with asyncio.timeout(CLOSE_PLAYERS_TIMEOUT_S):
                await self._tools.players.close_shard(self.shard, reason)
        except TimeoutError:
            _log.warning("players did not close in 5 s", shard=self.shard)

    async def _open_players(self) -> None:
        await self._tools.players.open_shard(self.shard, self.lease, self._claimed.nodes)

    async def _serve(self) -> None:
        await self.gateway.open()

    async def _turn(self) -> None:
        label = str(self.shard)
        while True:
            self._tools.keeper.turned(self.lease)
            metrics.GATEWAY_UNHANDLED.labels(label).set(self.gateway.unhandled)
            metrics.GATEWAY_LATENCY.labels(label).set(self.gateway.heartbeat_latency)
            await asyncio.sleep(TURN_EVERY_S)

    def _unmeasure(self) -> None:
        for gauge in (metrics.GATEWAY_UNHANDLED, metrics.GATEWAY_LATENCY):
            gauge.remove_by_labels({"shard": str(self.shard)})

    async def _promotion(self) -> None:
        event = await self._promoted
        elapsed = self._tools.clock() - self._claimed_at
        metrics.PROMOTION_SECONDS.observe(elapsed)
        if self._claimed.previous_owner is None:
            return
        resumed = isinstance(event, SessionResumed)
        await self._tools.promotions.promoted(
            ShardPromoted(
                shard=self.shard,
                previous=self._claimed.previous_owner,
                owner=self.lease.last_fence.owner,
                epoch=self.lease.epoch,
                reason=self._claimed.reason,
                resume_ms=round(elapsed * 1000) if resumed else None,
                replayed=event.replayed if isinstance(event, SessionResumed) else 0,
            )
        )

    async def _checkpoints(self) -> None:
        while True:
            try:
                async with asyncio.timeout(CHECKPOINT_EVERY_S):
                    await self._due.wait()
            except TimeoutError:
                self._due.set()  # nothing was urgent, but handlers may have finished since
            self._due.clear()
            if self.gateway.state is not ShardState.STOPPED:
                await self._checkpoint()
                cancellation_point()

    async def _checkpoint(self) -> None:
        session = self.gateway.checkpoint()
        fence = self.lease.fence()
        if fence is None or (session == self._written and not self._forced):
            return
        try:
            async with asyncio.timeout(CHECKPOINT_TIMEOUT_S):
                if session is None:
                    stored = await self._tools.plane.forget_gateway(fence)
                else:
                    stored = await self._tools.plane.checkpoint(fence, session)
        except (RedisError, OSError, TimeoutError):
            metrics.CHECKPOINTS.labels("failed").inc()
            return
        metrics.CHECKPOINTS.labels("stored" if stored else "refused").inc()
        if stored:
            self._written, self._written_at = session, self._tools.clock()
            self._events, self._forced = 0, False

    def _checkpoint_input(self) -> CheckpointInput:
        return CheckpointInput(
            now=self._tools.clock(),
            written_at=self._written_at,
            events_since=self._events,
            forced=self._forced,
        )


def fatal_in(error: BaseException) -> FatalGatewayError | None:
    """Return the fatal error that ``error``, perhaps a group of errors, holds."""
    if isinstance(error, FatalGatewayError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := fatal_in(one))), None)
    return None
