"""Puts the worker together, and takes it down in order: give shards back, flush, close."""

from __future__ import annotations

import asyncio
import random
import signal
import time
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import aiohttp
import stamina

from segue_core.drain import EventDrain
from segue_core.health import CheckResult, Health, HealthLevel, HealthServer
from segue_core.ids import GuildId, OwnerId, ShardId
from segue_core.logging import get_logger
from segue_core.redis import topology as topologies
from segue_core.redis.cache import Cache
from segue_core.redis.clock import RedisClock
from segue_core.redis.connection import RedisClient, connect
from segue_core.redis.event_log import EventLog
from segue_core.redis.guilds import GuildStore
from segue_core.redis.identify import IdentifyGate
from segue_core.redis.leases import LeasePlane, WorkerBeat
from segue_core.redis.limits import RateLimits
from segue_core.store import Store, StoreUnavailableError
from segue_worker import metrics
from segue_worker.app.answers import Answers
from segue_worker.app.informer import ClusterInformer
from segue_worker.app.ingress import Ingress
from segue_worker.app.journal import JournalRecovery
from segue_worker.app.limits import GuildLimits
from segue_worker.app.memory import watch
from segue_worker.app.relay import Relay
from segue_worker.app.reports import PlayerMeter, Promotions, WorkerChecks
from segue_worker.app.screen import DiscordScreen
from segue_worker.commands.cooldown import Cooldowns
from segue_worker.commands.table import registration
from segue_worker.domain.decide import decide
from segue_worker.gateway.bot import WorkerBot
from segue_worker.gateway.connection import Chances
from segue_worker.gateway.errors import DiscordUnreachableError, GatewayError
from segue_worker.gateway.rest import DiscordRest
from segue_worker.gateway.whereabouts import Whereabouts
from segue_worker.lavalink.loader import TrackLoader
from segue_worker.lavalink.pool import NodePool
from segue_worker.lavalink.socket import Caller
from segue_worker.players.journaling import CommandJournal
from segue_worker.players.links import LinkGuard
from segue_worker.players.planned import PlannedTiming
from segue_worker.players.registry import PlayerRegistry, PoolFactory
from segue_worker.players.tools import Tools
from segue_worker.routing.client import Router
from segue_worker.search.desk import SearchDesk
from segue_worker.search.finds import Finds
from segue_worker.search.offers import Offers
from segue_worker.search.suggest import Suggester
from segue_worker.shards.lease import LeaseLapsedError
from segue_worker.shards.manager import ManagerConfig, ShardManager

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from segue_core.ids import ChannelId, Epoch
    from segue_core.memory import MemoryWatch
    from segue_core.models import Topology
    from segue_worker.gateway.info import GatewayInfo
    from segue_worker.lavalink.ports import SessionListener
    from segue_worker.settings import WorkerSettings
    from segue_worker.shards.lease import LeaseView

_T = TypeVar("_T")
_log = get_logger(__name__)

FLUSH_S: Final = 2.0
_LONGEST_RETRY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Plane:
    """The Redis side of holding shards."""

    plane: LeasePlane
    identify: IdentifyGate
    clock: RedisClock


@dataclass(frozen=True, slots=True)
class _Voice:
    """A ``Voice`` and a ``VoiceSender``: op 4 on the guild's shard."""

    bot: WorkerBot
    under_way: Counter[GuildId] = field(default_factory=Counter)

    async def send_voice_state(self, guild: GuildId, channel: ChannelId | None, *, self_deaf: bool) -> None:
        """Join, move to, or leave a voice channel. A send that can't be made is found by its time-out."""
        self.under_way[guild] += 1
        try:
            await self.bot.set_voice_channel(guild, channel, self_deaf=self_deaf)
        except (GatewayError, LeaseLapsedError) as error:
            _log.info("voice.not_sent", guild=guild, why=str(error))
        finally:
            self.under_way[guild] -= 1
            if not self.under_way[guild]:
                del self.under_way[guild]

    def sending(self, guild: GuildId) -> bool:
        """Whether something waits to be sent for this guild."""
        return guild in self.under_way


class Worker:
    """One worker process. ``run`` until ``stop``, or until Discord refuses the bot for good."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._keys = settings.keys
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
            topology = await self._or_stopped(self._first_topology(redis))
            if topology is None:
                return
            store = await resources.enter_async_context(
                await Store.open(settings.postgres_dsn.get_secret_value())
            )
            greeting = asyncio.create_task(_greet(store), name="first contact with PostgreSQL")
            resources.callback(greeting.cancel)
            await self._assemble(resources, redis, store, topology)

    async def _assemble(
        self, resources: AsyncExitStack, redis: RedisClient, store: Store, topology: Topology
    ) -> None:
        settings = self._settings
        clock = RedisClock()
        num_shards = topology.num_shards
        guilds = GuildStore(redis, self._keys, num_shards)
        plane = _Plane(LeasePlane(redis, self._keys), IdentifyGate(redis, self._keys), clock)

        relay = Relay(clock, self._shard_ready)
        bot = WorkerBot(
            token=settings.discord_token.get_secret_value(),
            rest_url=settings.discord_api_url,
            num_shards=num_shards,
            sink=relay,
        )
        resources.push_async_callback(bot.close)
        await self._or_stopped(bot.start())
        if not bot.is_alive:
            return
        info = await self._or_stopped(self._gateway_info(bot))
        if info is None:
            return
        self._bot_rest = rest = DiscordRest(bot.rest, bot.identity.application, bot.interactions)
        resources.push_async_callback(rest.close)
        people = Whereabouts(bot.voice_states, rest, num_shards)

        http = await resources.enter_async_context(
            # Node sockets stay open: a limit on connections would starve what comes after them.
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        router = Router(
            settings.router_targets, settings.pod_name, lambda: topologies.watch(redis, self._keys)
        )
        await router.start()
        resources.push_async_callback(router.close)
        links = LinkGuard(
            settings.media_allowed_networks,
            local_files=settings.media_local_files,
            file_hosts=settings.media_attachment_hosts,
        )
        resources.push_async_callback(links.close)
        answers = Answers(rest)
        resources.push_async_callback(answers.close)
        password = settings.lavalink_password.get_secret_value()
        loader = TrackLoader(http, password, router)
        cache = Cache(redis, self._keys)
        finds, limits = Finds(cache, clock), GuildLimits(store, cache)
        memory = watch(settings.memory_limit_bytes, finds.forget, limits.forget)
        searches = SearchDesk(loader, finds, RateLimits(redis, self._keys), settings.search_limits)
        resources.push_async_callback(searches.close)

        journal = CommandJournal(guilds)
        resources.push_async_callback(journal.close)
        voice = _Voice(bot)
        informer = ClusterInformer(
            store=store,
            plane=plane.plane,
            fleet=lambda: router.view,
            num_shards=num_shards,
            pod=settings.pod_name,
            version=settings.version,
            uptime=lambda: time.monotonic() - self._began,
            latencies=lambda: bot.heartbeat_latencies,
        )
        tools = Tools(
            decide=decide,
            store=guilds,
            clock=clock,
            voice=voice,
            replies=answers,
            now_playing=DiscordScreen(rest),
            placer=router,
            fleet=router,
            loader=loader,
            searches=searches,
            offers=Offers(cache),
            links=links,
            settings=limits,
            meter=PlayerMeter(),
            journal=journal,
            stale=self._stale,
            informer=informer,
            search_prefix=settings.search_prefix,
            replacement_prefixes=settings.replacement_searches,
            planned=PlannedTiming(cooldown=settings.home_cooldown_s),
        )
        caller = Caller(user=bot.identity.user, name=f"Segue/{settings.version}", password=password)
        pools = _pools(caller, http, router, plane)
        players = PlayerRegistry(tools, JournalRecovery(answers, people), pools, num_shards)
        resources.push_async_callback(players.close)
        manager = ShardManager(
            ManagerConfig(
                beat=WorkerBeat(
                    owner=OwnerId(f"{settings.pod_name}/{uuid.uuid4().hex[:12]}"),
                    capacity=settings.shards_per_worker,
                    zone=settings.zone,
                    version=settings.version,
                ),
                num_shards=num_shards,
                ttl_ms=settings.lease_ttl_ms,
                gateway_url=info.url,
                token=settings.discord_token.get_secret_value(),
            ),
            redis=plane,
            bot=bot,
            players=players,
            promotions=Promotions(EventLog(redis, self._keys), clock),
            chances=Chances(clock=time.monotonic, uniform=random.uniform),
        )
        self._manager = manager
        informer.connect(players, manager)
        ingress = Ingress(
            journal=journal,
            answers=answers,
            people=people,
            lease_of=manager.lease_of,
            post=players.post,
            cooldowns=Cooldowns(),
            clock=clock,
            may_begin=lambda guild: memory.has_room or players.is_live(guild),
            completer=Suggester(searches, router, store, settings.search_prefix),
        )
        resources.push_async_callback(ingress.close)
        relay.connect(players, ingress, bot.voice_states, voice)
        drain = EventDrain(redis, self._keys, store)
        checks = WorkerChecks(manager, players, router, loader, store)
        self._watch_memory(resources, memory)
        self._observe(checks, players, drain)
        await self._hold(manager, drain, checks)

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

    async def _first_topology(self, redis: RedisClient) -> Topology:
        _log.info("waiting for the topology")
        async for topology in topologies.watch(redis, self._keys):
            return topology
        raise RuntimeError("the topology's watch ended by itself")

    async def _gateway_info(self, bot: WorkerBot) -> GatewayInfo:
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


def _pools(caller: Caller, http: aiohttp.ClientSession, router: Router, plane: _Plane) -> PoolFactory:
    """Return what makes a held shard's node sessions."""

    def pool(lease: LeaseView, listener: SessionListener) -> NodePool:
        return NodePool(
            caller,
            http,
            lease=lease,
            directory=router,
            vault=plane.plane,
            listener=listener,
            now=plane.clock.now,
        )

    return pool


async def _greet(store: Store) -> None:
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


async def serve(settings: WorkerSettings) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    worker = Worker(settings)
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, worker.stop)
    await worker.run()
