"""What a worker is made of, put together once Discord has said who we are."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from segue_core.ids import Epoch, OwnerId, ShardId
from segue_core.memory import MemoryWatch
from segue_core.redis import topology as topologies
from segue_core.redis.cache import Cache
from segue_core.redis.clock import RedisClock
from segue_core.redis.connection import RedisClient
from segue_core.redis.event_log import EventLog
from segue_core.redis.guilds import GuildStore
from segue_core.redis.identify import IdentifyGate
from segue_core.redis.leases import LeasePlane, WorkerBeat
from segue_core.redis.limits import RateLimits
from segue_core.store import Store
from segue_worker.app.answers import Answers
from segue_worker.app.informer import ClusterInformer
from segue_worker.app.ingress import Ingress
from segue_worker.app.journal import JournalRecovery
from segue_worker.app.limits import GuildLimits
from segue_worker.app.memory import watch
from segue_worker.app.reports import PlayerMeter, Promotions
from segue_worker.app.screen import DiscordScreen
from segue_worker.app.voice import VoiceCaller
from segue_worker.commands.cooldown import Cooldowns
from segue_worker.domain.decide import decide
from segue_worker.gateway.bot import WorkerBot
from segue_worker.gateway.connection import Chances
from segue_worker.gateway.rest import DiscordRest
from segue_worker.gateway.whereabouts import Whereabouts
from segue_worker.lavalink.loader import TrackLoader
from segue_worker.lavalink.pool import NodePool
from segue_worker.lavalink.socket import Caller
from segue_worker.players.journaling import CommandJournal
from segue_worker.players.links import LinkGuard
from segue_worker.players.registry import PlayerRegistry, PoolFactory
from segue_worker.players.tools import PlannedTiming, Tools
from segue_worker.routing.client import Router
from segue_worker.search.desk import SearchDesk
from segue_worker.search.finds import Finds
from segue_worker.search.offers import Offers
from segue_worker.search.suggest import Suggester
from segue_worker.settings import WorkerSettings
from segue_worker.shards.manager import ManagerConfig, ShardManager

if TYPE_CHECKING:
    from segue_worker.lavalink.ports import SessionListener
    from segue_worker.shards.lease import LeaseView


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is there already. ``resources`` closes what is made here, the last first."""

    settings: WorkerSettings
    resources: AsyncExitStack
    redis: RedisClient
    store: Store
    clock: RedisClock
    bot: WorkerBot
    num_shards: int
    gateway_url: str
    began: float
    stale: Callable[[ShardId, Epoch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the worker runs, shows and connects to its gateway."""

    rest: DiscordRest
    router: Router
    loader: TrackLoader
    voice: VoiceCaller
    players: PlayerRegistry
    manager: ShardManager
    ingress: Ingress
    memory: MemoryWatch


@dataclass(frozen=True, slots=True)
class _Plane:
    """The Redis side of holding shards."""

    plane: LeasePlane
    identify: IdentifyGate
    clock: RedisClock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Searching:
    """The part that finds songs."""

    loader: TrackLoader
    searches: SearchDesk
    cache: Cache
    limits: GuildLimits
    memory: MemoryWatch
    links: LinkGuard


async def assemble(around: Around) -> Parts:
    """Make the parts and let them know each other; nothing is held or played yet."""
    settings, resources, bot = around.settings, around.resources, around.bot
    plane = _Plane(
        LeasePlane(around.redis, settings.keys), IdentifyGate(around.redis, settings.keys), around.clock
    )
    rest = DiscordRest(bot.rest, bot.identity.application, bot.interactions)
    resources.push_async_callback(rest.close)
    answers = Answers(rest)
    resources.push_async_callback(answers.close)
    people = Whereabouts(bot.voice_states, rest, around.num_shards)
    http = await resources.enter_async_context(
        # Node sockets stay open: a limit on connections would starve what comes after them.
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    )
    router = await _router(around)
    finding = _searching(around, http, router)
    guilds = GuildStore(around.redis, settings.keys, around.num_shards)
    journal = CommandJournal(guilds)
    resources.push_async_callback(journal.close)
    voice, informer = VoiceCaller(bot), _informer(around, plane, router)
    tools = Tools(
        decide=decide,
        store=guilds,
        clock=around.clock,
        voice=voice,
        replies=answers,
        now_playing=DiscordScreen(rest),
        placer=router,
        fleet=router,
        loader=finding.loader,
        searches=finding.searches,
        offers=Offers(finding.cache),
        links=finding.links,
        settings=finding.limits,
        meter=PlayerMeter(),
        journal=journal,
        stale=around.stale,
        informer=informer,
        search_prefix=settings.search_prefix,
        replacement_prefixes=settings.replacement_searches,
        planned=PlannedTiming(cooldown=settings.home_cooldown_s),
    )
    pools = _pools(_caller(around), http, router, plane)
    players = PlayerRegistry(tools, JournalRecovery(answers, people), pools, around.num_shards)
    resources.push_async_callback(players.close)
    manager = _manager(around, plane, players)
    informer.connect(players, manager)
    memory = finding.memory
    ingress = Ingress(
        journal=journal,
        answers=answers,
        people=people,
        lease_of=manager.lease_of,
        post=players.post,
        cooldowns=Cooldowns(),
        clock=around.clock,
        may_begin=lambda guild: memory.has_room or players.is_live(guild),
        completer=Suggester(finding.searches, router, around.store, settings.search_prefix),
    )
    resources.push_async_callback(ingress.close)
    return Parts(
        rest=rest,
        router=router,
        loader=finding.loader,
        voice=voice,
        players=players,
        manager=manager,
        ingress=ingress,
        memory=memory,
    )


async def _router(around: Around) -> Router:
    settings = around.settings
    router = Router(
        settings.router_targets, settings.pod_name, lambda: topologies.watch(around.redis, settings.keys)
    )
    await router.start()
    around.resources.push_async_callback(router.close)
    return router


def _searching(around: Around, http: aiohttp.ClientSession, router: Router) -> _Searching:
    settings = around.settings
    links = LinkGuard(
        settings.media_allowed_networks,
        local_files=settings.media_local_files,
        file_hosts=settings.media_attachment_hosts,
    )
    around.resources.push_async_callback(links.close)
    loader = TrackLoader(http, settings.lavalink_password.get_secret_value(), router)
    cache = Cache(around.redis, settings.keys)
    finds, limits = Finds(cache, around.clock), GuildLimits(around.store, cache)
    throttle = RateLimits(around.redis, settings.keys)
    searches = SearchDesk(loader, finds, throttle, settings.search_limits)
    around.resources.push_async_callback(searches.close)
    return _Searching(
        loader=loader,
        searches=searches,
        cache=cache,
        limits=limits,
        memory=watch(settings.memory_limit_bytes, finds.forget, limits.forget),
        links=links,
    )


def _informer(around: Around, plane: _Plane, router: Router) -> ClusterInformer:
    return ClusterInformer(
        store=around.store,
        plane=plane.plane,
        fleet=lambda: router.view,
        num_shards=around.num_shards,
        pod=around.settings.pod_name,
        version=around.settings.version,
        uptime=lambda: time.monotonic() - around.began,
        latencies=lambda: around.bot.heartbeat_latencies,
    )


def _caller(around: Around) -> Caller:
    return Caller(
        user=around.bot.identity.user,
        name=f"Segue/{around.settings.version}",
        password=around.settings.lavalink_password.get_secret_value(),
    )


def _manager(around: Around, plane: _Plane, players: PlayerRegistry) -> ShardManager:
    settings = around.settings
    return ShardManager(
        ManagerConfig(
            beat=WorkerBeat(
                owner=OwnerId(f"{settings.pod_name}/{uuid.uuid4().hex[:12]}"),
                capacity=settings.shards_per_worker,
                zone=settings.zone,
                version=settings.version,
            ),
            num_shards=around.num_shards,
            ttl_ms=settings.lease_ttl_ms,
            gateway_url=around.gateway_url,
            token=settings.discord_token.get_secret_value(),
        ),
        redis=plane,
        bot=around.bot,
        players=players,
        promotions=Promotions(EventLog(around.redis, settings.keys), around.clock),
        chances=Chances(clock=time.monotonic, uniform=random.uniform),
    )


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
