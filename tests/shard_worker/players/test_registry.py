"""Players from /play to a node and back, over real Redis and real nodes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import ChannelId, GuildId, ShardId, UserId
from segue_core.redis.guilds import JournalEntry
from segue_worker.domain.decide import decide
from segue_worker.domain.messages import PeerVoiceState, Verb
from segue_worker.domain.state import new_guild
from segue_worker.domain.views import Phrase, PlayerPhase
from segue_worker.players.recorder import replay
from segue_worker.shards.ports import CloseReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_core.redis.guilds import GuildStore
    from segue_core.redis.leases import LeasePlane
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
SHARD = ShardId(0)


def state_of(worker: Worker) -> GuildState:
    """Return the guild's state; it has one."""
    state = worker.registry.state(GUILD)
    assert state is not None
    return state


def sounds(worker: Worker) -> bool:
    """Whether the node said that the song started."""
    state = worker.registry.state(GUILD)
    return state is not None and state.audible and state.patch is None


@pytest.fixture
async def node(start_node: StartNode, voice_server: str, publish: Publish, router: Router) -> NodeProcess:
    """Return a node in the topology."""
    assert voice_server
    started = await start_node("us-east-0")
    await publish(started)
    assert await router.known(10)
    return started


@pytest.fixture
async def playing(
    node: NodeProcess, router: Router, worker: MakeWorker, hold: Hold, ann: Ann, eventually: Eventually
) -> Worker:
    """Return a worker whose guild plays a song on ``node``."""
    assert router.address(node.node) == node.address
    made = worker(await hold("worker-0/a"))
    await made.registry.open_shard(SHARD, made.lease, {})
    assert made.registry.post(GUILD, ann(Verb.PLAY, query="night"))
    await eventually(lambda: sounds(made))
    return made


async def hand_over(plane: LeasePlane, lease: Lease) -> None:
    """Let go of the lease."""
    assert await plane.release(lease.last_fence)


async def test_play_reaches_the_node_and_is_committed(
    playing: Worker, node: NodeProcess, store: GuildStore, eventually: Eventually
) -> None:
    """/play: found, joined, placed, patched, answered once, shown in one message, and stored."""
    state = state_of(playing)
    await eventually(lambda: bool(state_of(playing).snapshot.now_playing))
    assert state.snapshot.node == node.node
    assert playing.discord.voice == [ChannelId(600)]
    assert [reply.view.words.phrase for reply in playing.discord.replies] == [Phrase.PLAYING_NOW]
    assert len(playing.discord.messages) == 1
    await eventually(lambda: next(iter(playing.discord.messages.values()))[-1].phase is PlayerPhase.PLAYING)
    record = await store.load(GUILD)
    assert record is not None
    now = state_of(playing)
    assert (record.snapshot, record.queue, record.voice) == (now.snapshot, now.queue, now.voice)
    (player,) = await playing.pools[0].existing(node.node).players()  # type: ignore[union-attr]
    assert player.tag is not None
    assert (player.tag.item, player.tag.generation) == (now.current.id if now.current else "", 1)


async def test_recorded_messages_replay_to_the_same_state(playing: Worker, eventually: Eventually) -> None:
    """What reached the mailbox, decided again, comes to what is true."""
    await eventually(lambda: bool(state_of(playing).snapshot.now_playing))
    log = playing.log.of(GUILD)
    assert replay(log, new_guild(GUILD), decide) == state_of(playing)


async def test_stopped_guild_is_forgotten(
    playing: Worker, ann: Ann, store: GuildStore, eventually: Eventually
) -> None:
    """After /leave nothing is stored and nothing is kept in memory."""
    playing.registry.post(GUILD, ann(Verb.LEAVE))
    await eventually(lambda: playing.registry.state(GUILD) is None)
    assert await store.load(GUILD) is None
    assert playing.discord.voice[-1] is None
    assert playing.registry.summary().guilds == 0


async def test_bystanders_make_no_player(playing: Worker) -> None:
    """Somebody changing channels in a guild without music leaves no trace."""
    other = GuildId(78)
    assert not playing.registry.post(other, PeerVoiceState(user=UserId(5), channel=None))
    assert playing.registry.state(other) is None


async def test_second_worker_adopts_without_a_break(
    playing: Worker,
    node: NodeProcess,
    worker: MakeWorker,
    hold: Hold,
    plane: LeasePlane,
    eventually: Eventually,
    ann: Ann,
) -> None:
    """After a hand-off the successor takes over the playing player: no new start, no rejoin, one message."""
    await eventually(lambda: bool(state_of(playing).snapshot.now_playing))
    before = state_of(playing)
    await playing.registry.close_shard(SHARD, CloseReason.RELEASED)
    await hand_over(plane, playing.lease)
    claims = await plane.claim(playing.lease.last_fence.owner, 1, 1, ttl_ms=60_000)
    sessions = claims.claimed[0].nodes
    assert set(sessions) == {node.node}
    await plane.release(claims.claimed[0].fence)
    theirs = worker(await hold("worker-1/b"))
    await theirs.registry.open_shard(SHARD, theirs.lease, sessions)
    await eventually(lambda: sounds(theirs))
    after = state_of(theirs)
    assert after.snapshot.generation == before.snapshot.generation
    assert after.current == before.current
    assert theirs.discord.messages == {}
    assert theirs.discord.voice == []
    theirs.registry.post(GUILD, ann(Verb.PAUSE))
    await eventually(lambda: state_of(theirs).snapshot.paused and state_of(theirs).patch is None)
    (player,) = await theirs.pools[0].existing(node.node).players()  # type: ignore[union-attr]
    assert player.paused
    assert player.tag is not None
    assert player.tag.generation == before.snapshot.generation


async def test_killed_node_moves_its_players(
    playing: Worker,
    node: NodeProcess,
    start_node: StartNode,
    publish: Publish,
    router: Router,
    eventually: Eventually,
) -> None:
    """The song goes on at another node, under a new generation, where its sound stopped."""
    second = await start_node("us-east-1")
    await publish(node, second)
    await eventually(lambda: len(router.candidates(GUILD)) == 2)
    node.kill()
    await eventually(lambda: sounds(playing) and state_of(playing).snapshot.node == second.node)
    assert state_of(playing).snapshot.generation == 2
    assert state_of(playing).current is not None


async def test_stale_holder_changes_nothing(
    playing: Worker,
    plane: LeasePlane,
    hold: Hold,
    store: GuildStore,
    node: NodeProcess,
    ann: Ann,
    eventually: Eventually,
) -> None:
    """A commit under an older epoch is refused: no effect of it happens, and the shard is told."""
    await hand_over(plane, playing.lease)
    newer = await hold("worker-1/b")
    await store.open({SHARD: newer.last_fence})
    patched = playing.meters.effects["PatchPlayer ok"]
    replies = len(playing.discord.replies)
    before = state_of(playing)
    playing.registry.post(GUILD, ann(Verb.PAUSE))
    await eventually(lambda: playing.stale == [SHARD])
    assert playing.meters.commits["stale_epoch"] == 1
    assert state_of(playing) == before
    assert (playing.meters.effects["PatchPlayer ok"], len(playing.discord.replies)) == (patched, replies)
    (player,) = await playing.pools[0].existing(node.node).players()  # type: ignore[union-attr]
    assert not player.paused


async def test_journaled_command_is_finished_by_the_successor_once(
    node: NodeProcess,
    worker: MakeWorker,
    hold: Hold,
    store: GuildStore,
    plane: LeasePlane,
    eventually: Eventually,
) -> None:
    """A command its receiver could not finish is carried out by the next holder, and settled."""
    assert node.address
    lease = await hold("worker-0/a")
    entry = JournalEntry(id="4711", payload=b"night", received_at=1)  # type: ignore[arg-type]
    assert await store.journal(lease.last_fence, GUILD, entry)
    unreadable = JournalEntry(id="4712", payload=b"", received_at=2)  # type: ignore[arg-type]
    assert await store.journal(lease.last_fence, GUILD, unreadable)
    await hand_over(plane, lease)
    theirs = worker(await hold("worker-1/b"))
    await theirs.registry.open_shard(SHARD, theirs.lease, {})
    await eventually(lambda: sounds(theirs))
    assert [reply.command for reply in theirs.discord.replies] == ["4711"]
    async with asyncio.timeout(5):
        while await store.journaled((SHARD,)):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.01)
    assert await store.applied(GUILD, entry.id)


async def test_command_applied_by_a_predecessor_is_not_applied_again(
    playing: Worker,
    worker: MakeWorker,
    hold: Hold,
    plane: LeasePlane,
    ann: Ann,
    eventually: Eventually,
) -> None:
    """Settling was all that was missing: the successor answers, and changes nothing."""
    command = playing.discord.replies[0].command
    await playing.registry.close_shard(SHARD, CloseReason.RELEASED)
    await hand_over(plane, playing.lease)
    theirs = worker(await hold("worker-1/b"))
    await theirs.registry.open_shard(SHARD, theirs.lease, {})
    await eventually(lambda: sounds(theirs))
    theirs.registry.post(GUILD, ann(Verb.PLAY, query="night", command=command))
    await eventually(lambda: len(theirs.discord.replies) == 1)
    assert theirs.meters.commits["duplicate"] == 1
    assert state_of(theirs).queue == ()
