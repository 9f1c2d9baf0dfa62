"""Redis out of reach: what is known is answered, what changes waits, and nothing is done twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import ChannelId, GuildId, ShardId
from segue_core.redis.connection import connect
from segue_core.redis.guilds import GuildStore
from segue_worker.domain import policy
from segue_worker.domain.messages import EndReason, GatewayReplaced, TrackEndedOn, Verb
from segue_worker.domain.views import Phrase
from segue_worker.shards.lease import LeasePhase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from segue_core.models import Fence
    from segue_core.redis.keys import Keys
    from segue_worker.domain.messages import Command
    from segue_worker.domain.state import GuildState
    from segue_worker.routing.client import Router
    from segue_worker.shards.lease import Lease
    from tests.shard_worker.conftest import NodeProcess
    from tests.shard_worker.players.conftest import Worker

    StartNode = Callable[[str], Awaitable[NodeProcess]]
    Hold = Callable[[str], Awaitable[Lease]]
    MakeWorker = Callable[..., Worker]
    Eventually = Callable[..., Awaitable[float]]
    Publish = Callable[..., Awaitable[None]]
    Ann = Callable[..., Command]

GUILD = GuildId(77)
LOUNGE = ChannelId(600)
SHARD = ShardId(0)


class Line:
    """The worker's line to Redis: can be cut, and can lose answers to what was carried out."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._deaf = asyncio.Event()
        self.url = ""
        self.up = True

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._relay, "127.77.3.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"redis://{host}:{port}/0"

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.up:
            writer.transport.abort()
            return
        there_reader, there = await asyncio.open_connection(*self._target)
        self._writers |= {writer, there}
        for source, sink, answers in ((reader, there, False), (there_reader, writer, True)):
            self._tasks.add(asyncio.create_task(self._pump(source, sink, answers=answers)))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
        try:
            while data := await source.read(65536):
                if answers and self._deaf.is_set():
                    self.cut()
                    return
                sink.write(data)
                await sink.drain()
        except OSError:
            sink.transport.abort()

    def lose_next_answer(self) -> None:
        """Let the next request through, and lose its answer with the connection."""
        self._deaf.set()

    def cut(self) -> None:
        """Break every connection."""
        self._deaf.clear()
        writers, self._writers = self._writers, set()
        for writer in writers:
            writer.transport.abort()

    def away(self) -> None:
        """Redis can't be reached until :meth:`back`."""
        self.up = False
        self.cut()

    def back(self) -> None:
        """It can again."""
        self.up = True

    async def close(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def line(valkey_url: str) -> AsyncIterator[Line]:
    """Return a line to this session's Valkey."""
    host, _, port = valkey_url.partition("://")[2].partition("/")[0].rpartition(":")
    made = Line(host, int(port))
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def distant(line: Line, keys: Keys) -> AsyncIterator[GuildStore]:
    """Return the guilds, reached by the line."""
    client = connect(line.url, "test")
    yield GuildStore(client, keys, 1)
    await client.aclose()


def state_of(worker: Worker) -> GuildState:
    """Return the guild's state; it has one."""
    state = worker.registry.state(GUILD)
    assert state is not None
    return state


@pytest.fixture
async def playing(
    start_node: StartNode,
    publish: Publish,
    router: Router,
    worker: MakeWorker,
    hold: Hold,
    ann: Ann,
    eventually: Eventually,
    distant: GuildStore,
) -> Worker:
    """Return a worker whose guild plays one song, with another queued, at the end of the line."""
    await publish(await start_node("us-east-0"))
    assert await router.known(10)
    made = worker(await hold("worker-0/a"), guilds=distant)
    await made.registry.open_shard(SHARD, made.lease, {})
    for query in ("night", "rain"):
        made.registry.post(GUILD, ann(Verb.PLAY, query=query))
    await eventually(lambda: len(made.discord.replies) == 2)
    await eventually(lambda: state_of(made).audible and state_of(made).snapshot.now_playing is not None)
    return made


def freeze(worker: Worker) -> Fence:
    """Let the lease lapse and find Redis unreachable; return what it was fenced with."""
    fence = worker.lease.last_fence
    worker.lease._grant = replace(worker.lease._grant, deadline=0.0)
    worker.lease.freeze()
    assert worker.lease.phase is LeasePhase.FROZEN
    return fence


def thaw(worker: Worker) -> None:
    """Renew the lease."""
    worker.lease.renewed(replace(worker.lease._grant, deadline=float("inf")))
    assert worker.lease.may_write()


async def test_change_waits_for_redis_and_happens_once(
    playing: Worker, line: Line, store: GuildStore, ann: Ann, eventually: Eventually
) -> None:
    """An acknowledged command is kept while Redis is away, and carried out after; reads go on."""
    line.away()
    playing.registry.post(GUILD, ann(Verb.PAUSE))
    await eventually(lambda: playing.meters.commits["unreachable"] >= 1)
    playing.registry.post(GUILD, ann(Verb.QUEUE))
    await eventually(lambda: len(playing.discord.replies) == 3)
    assert playing.discord.replies[-1].view.words.phrase is Phrase.QUEUE_PAGE
    assert not state_of(playing).snapshot.paused
    line.back()
    await eventually(lambda: state_of(playing).snapshot.paused)
    await eventually(lambda: len(playing.discord.replies) == 4)
    record = await store.load(GUILD)
    assert record is not None
    assert record.snapshot.paused


async def test_commit_whose_answer_is_lost_takes_effect_once(
    playing: Worker, line: Line, store: GuildStore, ann: Ann, eventually: Eventually
) -> None:
    """Redis did it and could not say so: the next attempt finds that out, nothing is doubled."""
    await playing.journal.flush()  # or the lost answer would be that of an earlier command's end
    line.lose_next_answer()
    playing.registry.post(GUILD, ann(Verb.SKIP))
    await eventually(lambda: len(playing.discord.replies) == 3)
    assert playing.meters.commits["unreachable"] >= 1
    assert playing.meters.commits["version_conflict"] == 1
    assert playing.discord.replies[-1].view.words.phrase is Phrase.SKIPPED
    state = state_of(playing)
    assert state.current is not None
    assert state.queue == ()
    await eventually(lambda: state_of(playing).audible)
    record = await store.load(GUILD)
    assert record is not None
    assert record.snapshot.version == state_of(playing).snapshot.version
    assert record.snapshot.current == state_of(playing).current


async def test_a_join_that_waits_for_its_turn_does_not_run_out(
    playing: Worker, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard's budget of sends is used up: nobody asks again meanwhile, and nobody gives up."""
    monkeypatch.setattr(policy, "JOIN_TIMEOUT_MS", 20)
    sent, turn = playing.discord.send_voice_state, asyncio.Event()
    asked: list[ChannelId | None] = []

    async def in_turn(guild: GuildId, channel: ChannelId | None, *, self_deaf: bool) -> None:
        asked.append(channel)
        await turn.wait()
        await sent(guild, channel, self_deaf=self_deaf)

    monkeypatch.setattr(playing.discord, "send_voice_state", in_turn)
    playing.registry.post(GUILD, GatewayReplaced())
    await eventually(lambda: asked == [None])
    await asyncio.sleep(0.3)
    assert asked == [None]
    assert state_of(playing).rejoined_at == ()
    monkeypatch.setattr(policy, "JOIN_TIMEOUT_MS", 10_000)
    turn.set()
    await eventually(lambda: asked == [None, LOUNGE] and state_of(playing).waiting is None)
    assert state_of(playing).halted is None


async def test_frozen_holder_goes_on_to_the_next_song_and_catches_up(
    playing: Worker, line: Line, store: GuildStore, ann: Ann, eventually: Eventually
) -> None:
    """With Redis away the next song follows; a pause waits; both stand in Redis afterwards."""
    line.away()
    freeze(playing)
    before = state_of(playing)
    assert before.current is not None
    assert before.snapshot.node is not None
    playing.registry.post(GUILD, ann(Verb.PAUSE))
    ended = TrackEndedOn(
        node=before.snapshot.node,
        generation=before.snapshot.generation,
        item=before.current.id,
        reason=EndReason.FINISHED,
    )
    playing.registry.post(GUILD, ended)
    await eventually(lambda: state_of(playing).current == before.queue[0])
    patched = playing.meters.effects["PatchPlayer ok"]
    await eventually(lambda: playing.meters.effects["PatchPlayer ok"] > patched - 1)
    assert not state_of(playing).snapshot.paused
    line.back()
    thaw(playing)
    await eventually(lambda: state_of(playing).snapshot.paused)
    record = await store.load(GUILD)
    assert record is not None
    assert record.snapshot.current == before.queue[0]
    assert record.queue == ()


async def test_lost_shard_drops_what_waited(
    playing: Worker, line: Line, ann: Ann, eventually: Eventually
) -> None:
    """What could not be written before the shard was lost is the next holder's, by its journal."""
    line.away()
    playing.registry.post(GUILD, ann(Verb.PAUSE))
    await eventually(lambda: playing.meters.commits["unreachable"] >= 1)
    playing.lease.lose("claimed by another")
    line.back()
    await eventually(lambda: playing.registry.summary().waiting_messages == 0)
    assert not state_of(playing).snapshot.paused
    assert len(playing.discord.replies) == 2
