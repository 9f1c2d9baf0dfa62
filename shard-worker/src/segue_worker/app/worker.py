"""Puts the worker together, and takes it down in order: give shards back, flush, close."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, TypeVar

from segue_core.drain import EventDrain
from segue_core.health import CheckResult, Health, HealthLevel, HealthServer
from segue_core.logging import get_logger
from segue_core.redis.clock import RedisClock
from segue_core.redis.connection import RedisClient, connect
from segue_core.store import Store, StoreUnavailableError
from segue_worker import metrics
from segue_worker.app.assembly import Around, assemble
from segue_worker.app.relay import Relay
from segue_worker.app.reports import WorkerChecks
from segue_worker.app.waiting import first_contact, first_topology, gateway_info
from segue_worker.commands.table import registration
from segue_worker.gateway.bot import WorkerBot
from segue_worker.gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from segue_core.ids import Epoch, ShardId
    from segue_core.memory import MemoryWatch
    from segue_core.models import Topology
    from segue_worker.players.registry import PlayerRegistry
    from segue_worker.settings import WorkerSettings
    from segue_worker.shards.manager import ShardManager

_T = TypeVar("_T")
_log = get_logger(__name__)

FLUSH_S: Final = 2.0


class Worker:
    """One worker process. ``run`` until ``stop``, or until Discord refuses the bot for good."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._clock = RedisClock()
        self._health = Health("shard-worker", settings.version)
        self._stopping = asyncio.Event()
        self._began = time.monotonic()
        self._manager: ShardManager | None = None
        self._registered = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._checks: WorkerChecks | None = None
        self._health.register("leases", self._readiness, readiness=True)

    def stop(self) -> None:
        """Begin to give everything back."""
        self._stopping.set()
        if self._manager is not None:
            self._manager.stop()

    async def run(self) -> None:
        """Hold shards and play.

        Raises:
            FatalGatewayError: Discord refuses the bot; somebody has to change a setting.
            OSError: the health address cannot be listened on.
        """
        settings = self._settings
        async with AsyncExitStack() as resources:
            redis = connect(settings.redis_url.get_secret_value(), settings.pod_name)
            resources.push_async_callback(redis.aclose)
            server = HealthServer(settings.pod_ip, settings.http_port, self._health, process=metrics.PROCESS)
            await resources.enter_async_context(server)
            topology = await self._or_stopped(first_topology(redis, settings.keys))
            if topology is None:
                return
            store = await resources.enter_async_context(
                await Store.open(settings.postgres_dsn.get_secret_value())
            )
            greeting = asyncio.create_task(first_contact(store), name="first contact with PostgreSQL")
            resources.callback(greeting.cancel)
            await self._assemble(resources, redis, store, topology)

    async def _assemble(
        self, resources: AsyncExitStack, redis: RedisClient, store: Store, topology: Topology
    ) -> None:
        settings = self._settings
        relay = Relay(self._clock, self._shard_ready)
        bot = WorkerBot(
            token=settings.discord_token.get_secret_value(),
            rest_url=settings.discord_api_url,
            num_shards=topology.num_shards,
            sink=relay,
        )
        resources.push_async_callback(bot.close)
        await self._or_stopped(bot.start())
        if not bot.is_alive:
            return
        info = await self._or_stopped(gateway_info(bot))
        if info is None:
            return
        around = Around(
            settings=settings,
            resources=resources,
            redis=redis,
            store=store,
            clock=self._clock,
            bot=bot,
            num_shards=topology.num_shards,
            gateway_url=info.url,
            began=self._began,
            stale=self._stale,
        )
        parts = await assemble(around)
        self._bot_rest = parts.rest
        self._manager = parts.manager
        relay.connect(parts.players, parts.ingress, bot.voice_states, parts.voice)
        drain = EventDrain(redis, settings.keys, store)
        checks = WorkerChecks(parts.manager, parts.players, parts.router, parts.loader, store)
        self._watch_memory(resources, parts.memory)
        self._observe(checks, parts.players, drain)
        await self._hold(parts.manager, drain, checks)

    def _watch_memory(self, resources: AsyncExitStack, memory: MemoryWatch) -> None:
        self._health.register("memory", memory.check)
        watching = asyncio.create_task(memory.run(), name="memory watch")
        resources.callback(watching.cancel)

    async def _hold(self, manager: ShardManager, drain: EventDrain, checks: WorkerChecks) -> None:
        if self._stopping.is_set():
            return
        draining = asyncio.create_task(drain.run(), name="event drain")
        try:
            await manager.run()
        finally:
            checks.stopping = True
            draining.cancel()
            await asyncio.gather(draining, *self._tasks, return_exceptions=True)
            try:
                await drain.flush(FLUSH_S)
            except (TimeoutError, StoreUnavailableError, OSError) as error:
                _log.info("events.left_to_others", why=str(error) or type(error).__name__)

    def _observe(self, checks: WorkerChecks, players: PlayerRegistry, drain: EventDrain) -> None:
        self._checks = checks
        self._health.register("gateway", checks.gateway)
        self._health.register("players", checks.players)
        self._health.register("routing", checks.routing)
        self._health.register("nodes", checks.nodes)
        self._health.register("sources", checks.sources)
        self._health.register("store", checks.store)
        checks.observe_breakers()
        self._health.register("events", drain.check)
        metrics.PLAYERS_LIVE.set_function(lambda: players.summary().live)
        metrics.PLAYERS_PLAYING.set_function(lambda: players.summary().playing)
        metrics.QUEUE_SIZE.set_function(lambda: players.summary().queued)

    def _readiness(self) -> CheckResult:
        """Not ready before topology and Discord are known: nothing can be held or taken over until then."""
        if self._checks is None:
            return CheckResult(
                level=HealthLevel.UNHEALTHY, detail="starting: waiting for topology or Discord"
            )
        return self._checks.leases()

    def _shard_ready(self, shard: ShardId) -> None:
        """Register the commands once the first shard of the cluster is up, from the worker that has it."""
        if shard == 0 and not self._registered:
            self._registered = True
            task = asyncio.create_task(self._register_commands(), name="command registration")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _register_commands(self) -> None:
        try:
            await self._bot_rest.register(registration())
        except GatewayError as error:
            self._registered = False
            _log.error("commands.not_registered", why=str(error))
            return
        _log.info("commands registered")

    def _stale(self, shard: ShardId, epoch: Epoch) -> None:
        """Redis refused a write as stale: let the shard go at once."""
        _log.warning("a write was refused: the shard has another owner", shard=shard, epoch=epoch)
        if self._manager is not None:
            self._manager.stale(shard, epoch)

    async def _or_stopped(self, work: Coroutine[None, None, _T]) -> _T | None:
        """Wait for ``work``, or until we are asked to stop: then None."""
        doing = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            for task in (doing, stopped):
                task.cancel()
            await asyncio.gather(doing, stopped, return_exceptions=True)


async def serve(settings: WorkerSettings) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    worker = Worker(settings)
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, worker.stop)
    await worker.run()
