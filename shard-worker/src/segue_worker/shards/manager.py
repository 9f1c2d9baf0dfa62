"""Claims shards, holds them, and lets go of them: gather, plan, apply."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog
from redis.exceptions import RedisError

from segue_core.ids import Epoch, GuildId, ShardId, shard_of
from segue_core.models import SNAPSHOT_SCHEMA
from segue_core.redis.leases import Claimed, LeasePlane, WorkerBeat
from segue_worker import metrics
from segue_worker.gateway.facade import ShardConfig, ShardState
from segue_worker.gateway.inflate import Compression
from segue_worker.gateway.session import Terms
from segue_worker.gateway.shard import SegueShard
from segue_worker.shards.cancel import cancellation_point
from segue_worker.shards.held import HeldShard, ShardTools, fatal_in
from segue_worker.shards.identify import ClusterGate
from segue_worker.shards.keeper import LeaseKeeper
from segue_worker.shards.lease import LeasePhase, LeaseView
from segue_worker.shards.plan import SPARE_LOOKS_EVERY_S, ClaimInput, ClaimPlan, plan_claim
from segue_worker.shards.watchdog import Watchdog

if TYPE_CHECKING:
    from segue_core.redis.clock import RedisClock
    from segue_core.redis.identify import IdentifyGate
    from segue_worker.gateway.bot import WorkerBot
    from segue_worker.gateway.connection import Chances
    from segue_worker.gateway.errors import FatalGatewayError
    from segue_worker.shards.ports import PromotionLog, ShardPlayers

CLAIM_TIMEOUT_S = 1.0
RELEASE_TIMEOUT_S = 10.0
_COUNT_SPARES_EVERY_S = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerConfig:
    """What the manager is told. ``gateway_url`` is GET /gateway/bot's."""

    beat: WorkerBeat
    num_shards: int
    ttl_ms: int
    gateway_url: str
    token: str = field(repr=False)
    compression: Compression = Compression.ZSTD
    watchdog: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardStatus:
    """One held shard, for health pages and readiness."""

    shard: ShardId
    gateway: ShardState
    lease: LeasePhase


class Redis(Protocol):
    """What the manager needs of Redis."""

    @property
    def plane(self) -> LeasePlane:
        """The lease plane."""

    @property
    def identify(self) -> IdentifyGate:
        """The identify gate."""

    @property
    def clock(self) -> RedisClock:
        """Redis time, kept by our renewals."""


class ShardManager:
    """Holds as many shards as it has room for. ``run`` until ``stop``, or until Discord refuses us."""

    def __init__(
        self,
        config: ManagerConfig,
        *,
        redis: Redis,
        bot: WorkerBot,
        players: ShardPlayers,
        promotions: PromotionLog,
        chances: Chances,
    ) -> None:
        self._config = config
        self._plane = redis.plane
        self._bot = bot
        self._chances = chances
        self._clock = chances.clock
        self._gate = ClusterGate(redis.identify, bot, chances.uniform)
        self._keeper = LeaseKeeper(
            redis.plane,
            config.beat,
            ttl_ms=config.ttl_ms,
            clock=chances.clock,
            redis_clock=redis.clock,
            on_lost=self._lost,
            on_restored=self._restored,
        )
        self._tools = ShardTools(
            plane=redis.plane,
            keeper=self._keeper,
            feed=bot.feed,
            players=players,
            promotions=promotions,
            clock=chances.clock,
        )
        self._held: dict[ShardId, HeldShard] = {}
        self._tasks: dict[ShardId, asyncio.Task[None]] = {}
        self._busy_since: float | None = None
        self._capped = False
        self._asked_at: float | None = None
        self._spares = 1
        self._spares_at: float | None = None
        self._stopping = asyncio.Event()
        self._fatal: FatalGatewayError | None = None

    # What others see.

    @property
    def redis_answers(self) -> bool:
        """Whether the last lease renewal was answered."""
        return self._keeper.answering

    def lease(self, shard: ShardId) -> LeaseView | None:
        """Return the lease of a held shard."""
        held = self._held.get(shard)
        return None if held is None else held.lease

    def lease_of(self, guild: GuildId) -> LeaseView | None:
        """Return the lease under which we act for ``guild``; None when its shard is not held here."""
        return self.lease(shard_of(guild, self._config.num_shards))

    def status(self) -> tuple[ShardStatus, ...]:
        """Return every held shard, by number."""
        return tuple(
            ShardStatus(shard=shard, gateway=held.gateway.state, lease=held.lease.phase)
            for shard, held in sorted(self._held.items())
        )

    # Its life.

    async def run(self) -> None:
        """Renew, claim and hold shards.

        Returns after :meth:`stop`, when all shards have been given back.

        Raises:
            FatalGatewayError: after giving all shards back.
        """
        watchdog = Watchdog(ttl_s=self._config.ttl_ms / 1000, clock=self._clock, expiry=self._keeper.expiry)
        async with asyncio.TaskGroup() as group:
            renewals = group.create_task(self._keeper.run(), name="lease renewals")
            claims = group.create_task(self._claims(), name="shard claims")
            others = [renewals]
            if self._config.watchdog:
                others.append(group.create_task(watchdog.run(), name="watchdog"))
            try:
                await self._stopping.wait()
                claims.cancel()
                await asyncio.wait({claims})  # what it was just given is given back, too
                # Leases are renewed until the last one is given back.
                await self._release_all()
            finally:
                await self._abandon_all()
                for task in (claims, *others):
                    task.cancel()
        if self._fatal is not None:
            raise self._fatal

    def stop(self) -> None:
        """Begin to give everything back; :meth:`run` returns when that is done."""
        self._stopping.set()

    async def release(self, shard: ShardId) -> bool:
        """Give one shard back; False when it was not ours to give."""
        held = self._held.get(shard)
        return False if held is None else await held.release()

    def stale(self, shard: ShardId, epoch: Epoch) -> None:
        """Take note that Redis refused a write under ``epoch``: the shard is somebody else's by now."""
        held = self._held.get(shard)
        if held is not None and held.lease.epoch == epoch:
            metrics.LEASES_LOST.labels("stale").inc()
            held.abandon("redis knows a newer epoch")

    # Claims.

    async def _claims(self) -> None:
        while True:
            self._measure()
            plan = plan_claim(await self._gather())
            cancellation_point()
            if plan.max_shards:
                await self._claim(plan)
                cancellation_point()
            # A random part keeps spares from asking in step, so that they share what there is.
            await asyncio.sleep(SPARE_LOOKS_EVERY_S * self._chances.uniform(0.9, 1.1))

    async def _gather(self) -> ClaimInput:
        now = self._clock()
        if not self._held:
            self._busy_since = None
            if self._spares_at is None or now - self._spares_at >= _COUNT_SPARES_EVERY_S:
                await self._count_spares()
                self._spares_at = now
        return ClaimInput(
            now=self._clock(),
            capacity=self._config.beat.capacity,
            held=len(self._held),
            spares=self._spares,
            busy_since=self._busy_since,
            asked_at=self._asked_at,
            renewals_answered=self._keeper.answering,
            ttl_s=self._config.ttl_ms / 1000,
        )

    async def _count_spares(self) -> None:
        try:
            async with asyncio.timeout(CLAIM_TIMEOUT_S):
                workers = await self._plane.workers()
        except (RedisError, OSError, TimeoutError):
            return  # the last count is good enough, and renewals report that Redis is away
        self._spares = sum(1 for worker in workers if not worker.held)

    async def _claim(self, plan: ClaimPlan) -> None:
        beat = self._config.beat
        sent = self._asked_at = self._clock()
        try:
            async with asyncio.timeout(CLAIM_TIMEOUT_S):
                claims = await self._plane.claim(
                    beat.owner,
                    plan.max_shards,
                    self._config.num_shards,
                    SNAPSHOT_SCHEMA,
                    self._config.ttl_ms,
                    beat.capacity,
                    zone=beat.zone,
                    spare=plan.spare,
                )
        except (RedisError, OSError, TimeoutError) as error:
            # What a lost answer gave us expires by itself: we never renew what we don't know of.
            _log.warning("claim failed", error=str(error) or type(error).__name__)
            return
        for claimed in claims.claimed:
            self._hold(claimed, sent)
        if claims.capped and not self._capped:
            _log.warning("expired leases left alone by the cap on promotions", shards=claims.capped)
        self._capped = bool(claims.capped)

    def _hold(self, claimed: Claimed, sent: float) -> None:
        fence = claimed.fence
        metrics.SHARD_CLAIMS.labels(claimed.reason).inc()
        _log.info(
            "shard claimed",
            shard=fence.shard,
            epoch=fence.epoch,
            reason=claimed.reason,
            previous=claimed.previous_owner,
            resumes=claimed.gateway is not None,
        )
        lease = self._keeper.take(fence, sent)
        held = HeldShard(claimed, lease, self._tools, lambda listener: self._gateway(claimed, listener))
        self._held[fence.shard] = held
        if self._busy_since is None:
            self._busy_since = self._clock()
        before = self._tasks.get(fence.shard)
        self._tasks[fence.shard] = asyncio.create_task(
            self._run_held(held, before), name=f"shard {fence.shard}"
        )

    def _gateway(self, claimed: Claimed, listener: HeldShard) -> SegueShard:
        shard = claimed.fence.shard
        config = ShardConfig(
            shard=shard,
            terms=Terms(num_shards=self._config.num_shards, intents=int(self._bot.intents)),
            token=self._config.token,
            gateway_url=self._config.gateway_url,
            compression=self._config.compression,
            session=claimed.gateway,
            had_session=claimed.previous_owner is not None,
        )

        async def gate(shard: ShardId) -> None:
            await self._gate.passed(shard, listener.lease)

        return SegueShard(config, listener=listener, gate=gate, lease=listener.lease, chances=self._chances)

    # Held shards.

    async def _run_held(self, held: HeldShard, before: asyncio.Task[None] | None) -> None:
        try:
            if before is not None:
                # We have lost this shard and got it again before its old players were closed.
                await asyncio.wait({before})
            self._bot.add(held.gateway)
            await held.run()
        except asyncio.CancelledError:
            # Our own abandon() ends a shard by cancelling it; nobody else has this task.
            _log.debug("shard ended", shard=held.shard)
        except Exception as error:  # noqa: BLE001 - whatever ended it, the other shards go on
            self._failed(held, error)
        finally:
            self._forget(held)

    def _failed(self, held: HeldShard, error: Exception) -> None:
        fatal = fatal_in(error)
        if fatal is None:
            # Not given back: its lease expires in two seconds, which keeps a shard that fails at once
            # from being claimed and failing in a tight circle.
            _log.error("shard failed", shard=held.shard, exc_info=error)
            metrics.LEASES_LOST.labels("failed").inc()
            return
        _log.error("Discord refuses the bot", shard=held.shard, error=str(fatal))
        self._fatal = self._fatal or fatal
        self._stopping.set()

    def _forget(self, held: HeldShard) -> None:
        self._bot.drop(held.shard)
        if self._held.get(held.shard) is held:
            del self._held[held.shard]
            del self._tasks[held.shard]
        self._measure()

    def _lost(self, shard: ShardId, why: str) -> None:
        held = self._held.get(shard)
        if held is not None:
            held.abandon(why)

    def _restored(self) -> None:
        _log.warning("redis came back and may have lost its last second: sessions are written anew")
        for held in self._held.values():
            held.rewrite()

    async def _release_all(self) -> None:
        held = tuple(self._held.values())
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT_S):
                outcomes = await asyncio.gather(*(one.release() for one in held), return_exceptions=True)
        except TimeoutError:
            _log.warning("not every shard could be given back in 10 s", shards=len(held))
            return
        for one, outcome in zip(held, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                _log.error("shard not given back, its lease will expire", shard=one.shard, exc_info=outcome)
        if held:
            _log.info("shards given back", given_back=outcomes.count(True), held=len(held))

    async def _abandon_all(self) -> None:
        for held in tuple(self._held.values()):
            held.abandon("the worker stops")
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _measure(self) -> None:
        metrics.SHARDS_READY.set(
            sum(1 for held in self._held.values() if held.gateway.state is ShardState.READY)
        )
