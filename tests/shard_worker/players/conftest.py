"""A worker's players with everything real around them but Discord, which is a few lines here."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from segue_core.ids import ChannelId, CommandId, GuildId, MessageId, NodeId, RegionName, UserId
from segue_core.models import Topology, TopologyNode, TopologyRegion
from segue_core.redis import topology
from segue_core.redis.cache import Cache
from segue_core.redis.clock import RedisClock
from segue_core.redis.guilds import GuildStore
from segue_core.redis.limits import RateLimits
from segue_devkit.discord.voice.tls import server_context
from segue_worker.domain.decide import decide
from segue_worker.domain.effects import Inform, Reply
from segue_worker.domain.messages import Command, Message, OwnVoiceState, SettingsChanged, Verb, VoiceServer
from segue_worker.domain.views import NowPlayingView, Phrase, ReplyView, Tone, Words
from segue_worker.lavalink.loader import TrackLoader
from segue_worker.lavalink.pool import NodePool
from segue_worker.lavalink.socket import Caller
from segue_worker.players.journaling import CommandJournal
from segue_worker.players.links import LinkGuard
from segue_worker.players.ports import MessageLostError
from segue_worker.players.recorder import RecordingLog
from segue_worker.players.registry import PlayerRegistry
from segue_worker.players.tools import Tools
from segue_worker.routing.client import Router
from segue_worker.search.desk import SearchDesk
from segue_worker.search.finds import Finds
from segue_worker.search.offers import Offers
from segue_worker.shards.lease import Lease

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from segue_core.models import MessageRef
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.guilds import JournalEntry
    from segue_core.redis.keys import Keys
    from segue_core.redis.leases import LeasePlane
    from segue_worker.lavalink.ports import SessionListener
    from segue_worker.shards.lease import LeaseView
    from tests.shard_worker.conftest import NodeProcess

PASSWORD = "a password of the tests"
GUILD = GuildId(77)
ANN = UserId(1)
TEXT = ChannelId(500)
LOUNGE = ChannelId(600)
SOON_S = 10.0
VOICE_HOST = "127.77.2.1"

_ids = itertools.count(1000)


class Meters:
    """Counts what is counted."""

    def __init__(self) -> None:
        self.commits: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.plays = 0
        self.refused: Counter[str] = Counter()
        self.deepest = 0

    def mailbox_depth(self, depth: int) -> None:
        self.deepest = max(self.deepest, depth)

    def message_refused(self, kind: str) -> None:
        self.refused[kind] += 1

    def committed(self, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.commits[outcome] += 1

    def effect(self, kind: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.effects[f"{kind} {outcome}"] += 1

    def track_started(self) -> None:
        self.plays += 1


@dataclass
class Discord:
    """What people see, and the voice states Discord answers with."""

    endpoint: str
    replies: list[Reply] = field(default_factory=list)
    messages: dict[MessageId, list[NowPlayingView]] = field(default_factory=dict)
    voice: list[ChannelId | None] = field(default_factory=list)
    post: Callable[[GuildId, Message], bool] = field(init=False)

    async def send_voice_state(self, guild: GuildId, channel: ChannelId | None, *, self_deaf: bool) -> None:
        assert self_deaf
        self.voice.append(channel)
        self.post(guild, OwnVoiceState(channel=channel, session="voice-session", at=0))
        if channel is not None:
            self.post(guild, VoiceServer(token="voice-token", endpoint=self.endpoint))

    async def reply(self, guild: GuildId, reply: Reply) -> None:
        assert guild == GUILD
        self.replies.append(reply)

    async def create(self, channel: ChannelId, view: NowPlayingView, *, nonce: str) -> MessageId:
        assert channel == TEXT
        assert len(nonce) <= 25
        message = MessageId(next(_ids))
        self.messages[message] = [view]
        return message

    async def edit(self, ref: MessageRef, view: NowPlayingView) -> None:
        if ref.message not in self.messages:
            raise MessageLostError
        self.messages[ref.message].append(view)

    async def look(self, guild: GuildId, question: Inform) -> ReplyView:
        assert guild == GUILD
        return ReplyView(tone=Tone.INFO, words=Words(phrase=Phrase.STATS, values={"page": question.page}))

    async def of(self, guild: GuildId) -> SettingsChanged:
        assert guild == GUILD
        return SettingsChanged()

    def knows(self, command: CommandId) -> bool:
        return any(reply.command == command for reply in self.replies)

    async def command(self, guild: GuildId, entry: JournalEntry) -> Command | None:
        assert guild == GUILD
        return play(entry.payload.decode(), entry.id) if entry.payload else None


def play(query: str, command: CommandId | None = None) -> Command:
    """Return /play, as Ann says it in the lounge."""
    return say(Verb.PLAY, query=query, command=command)


def say(verb: Verb, *, query: str | None = None, command: CommandId | None = None) -> Command:
    """Return a command of Ann's."""
    return Command(
        id=command or CommandId(str(next(_ids))),
        verb=verb,
        user=ANN,
        text_channel=TEXT,
        voice_channel=LOUNGE,
        query=query,
        replayed=command is not None,
    )


async def until(condition: Callable[[], bool], within: float = SOON_S) -> float:
    """Wait until ``condition`` holds; return the seconds it took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not condition():
        assert loop.time() - started < within, "it did not come to pass"
        await asyncio.sleep(0.005)
    return loop.time() - started


@dataclass
class Worker:
    """One worker that holds shard 0 of 1."""

    lease: Lease
    registry: PlayerRegistry
    discord: Discord
    meters: Meters
    log: RecordingLog
    stale: list[int]
    pools: list[NodePool]
    journal: CommandJournal


@pytest.fixture
async def voice_server(tmp_path: Path) -> AsyncIterator[str]:
    """Answer the handshake of voice clients, and nothing else: a node takes that for a voice server."""

    async def accept(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            continue
        return socket

    application = web.Application()
    application.router.add_get("/", accept)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    context = server_context(tmp_path / "tls", [VOICE_HOST])
    site = web.TCPSite(runner, VOICE_HOST, 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    yield f"{VOICE_HOST}:{port}"
    await runner.cleanup()


@pytest.fixture
def store(redis: RedisClient, keys: Keys) -> GuildStore:
    """Return this test's guilds."""
    return GuildStore(redis, keys, 1)


@pytest.fixture
async def publish(redis: RedisClient, keys: Keys) -> Callable[..., Awaitable[None]]:
    """Return a function that publishes a topology of these nodes."""
    generations = itertools.count(1)

    async def publish_nodes(*nodes: NodeProcess) -> None:
        region = RegionName("us-east")
        await topology.publish(
            redis,
            keys,
            Topology(
                generation=next(generations),
                num_shards=1,
                regions=(TopologyRegion(name=region),),
                nodes=tuple(
                    TopologyNode(id=NodeId(node.node), region=region, address=node.address) for node in nodes
                ),
            ),
        )

    return publish_nodes


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Return one HTTP session, as a worker has."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


@pytest.fixture
async def router(redis: RedisClient, keys: Keys) -> AsyncIterator[Router]:
    """Return a router client without routers: it places by the topology."""
    made = Router((), "worker-0", lambda: topology.watch(redis, keys, poll_s=0.05))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def worker(
    voice_server: str,
    store: GuildStore,
    plane: LeasePlane,
    router: Router,
    http: aiohttp.ClientSession,
    redis: RedisClient,
    keys: Keys,
) -> AsyncIterator[Callable[..., Worker]]:
    """Return a function that makes a worker's players for a lease."""
    registries: list[PlayerRegistry] = []
    desks: list[SearchDesk] = []
    journals: list[CommandJournal] = []
    guard = LinkGuard()

    def make(lease: Lease, *, guilds: GuildStore | None = None) -> Worker:
        discord = Discord(voice_server)
        meters, log, stale, pools = Meters(), RecordingLog(), [], []
        clock = RedisClock()
        loader = TrackLoader(http, PASSWORD, router)
        desk = SearchDesk(loader, Finds(Cache(redis, keys), clock), RateLimits(redis, keys))
        desks.append(desk)
        journal = CommandJournal(guilds or store)
        journals.append(journal)
        tools = Tools(
            decide=decide,
            store=guilds or store,
            clock=clock,
            voice=discord,
            replies=discord,
            now_playing=discord,
            placer=router,
            fleet=router,
            loader=loader,
            searches=desk,
            offers=Offers(Cache(redis, keys)),
            links=guard,
            settings=discord,
            meter=meters,
            journal=journal,
            informer=discord,
            stale=lambda shard, _epoch: stale.append(shard),
            recorder=log,
        )

        def pool(view: LeaseView, listener: SessionListener) -> NodePool:
            made = NodePool(
                Caller(user=UserId(4242), name="segue/test", password=PASSWORD),
                http,
                lease=view,
                directory=router,
                vault=plane,
                listener=listener,
                now=clock.now,
            )
            pools.append(made)
            return made

        registry = PlayerRegistry(tools, discord, pool, 1)
        registries.append(registry)
        discord.post = registry.post
        return Worker(lease, registry, discord, meters, log, stale, pools, journal)

    yield make
    for registry in registries:
        await registry.close()
    for journal in journals:
        await journal.close()
    for desk in desks:
        await desk.close()
    await guard.close()


@pytest.fixture
def eventually() -> Callable[..., Awaitable[float]]:
    """Return :func:`until`."""
    return until


@pytest.fixture
def ann() -> Callable[..., Command]:
    """Return what Ann can say."""
    return say
