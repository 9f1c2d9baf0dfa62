"""Node sessions against a Lavalink node that is a process of its own."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import ChannelId, GuildId, NodeSessionId
from segue_core.models import VoiceLink
from segue_worker.lavalink.errors import (
    NodeAuthError,
    NodeRefusedError,
    NodeRejectedError,
    NodeTimeoutError,
    NodeUnknownError,
    SessionGoneError,
)
from segue_worker.lavalink.loader import TrackLoader
from segue_worker.lavalink.pool import PoolTiming
from segue_worker.lavalink.rest import NodeRest, PlayerPatch
from segue_worker.lavalink.session import Adoption, SessionState
from segue_worker.lavalink.wire import TrackStart, TrackTag
from segue_worker.shards.lease import LeaseLapsedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from segue_core.redis.leases import LeasePlane
    from segue_worker.shards.lease import Lease
    from tests.shard_worker.conftest import NodeProcess
    from tests.shard_worker.lavalink.conftest import Addresses, Side, Wire

    StartNode = Callable[[str], Awaitable[NodeProcess]]
    Hold = Callable[[str], Awaitable[Lease]]
    MakeSide = Callable[..., Side]
    Eventually = Callable[..., Awaitable[float]]

PASSWORD = "a password of the tests"
GUILD = GuildId(1)
OTHER = GuildId(2)
TAG = TrackTag(item="song-1", generation=3, version=7)


async def tune(http: aiohttp.ClientSession, node: NodeProcess) -> str:
    """Return an encoded song."""
    result = await NodeRest(node.node, node.address, PASSWORD, http).load("ytsearch:night")
    return result.tracks[0].encoded


@pytest.fixture
async def node(start_node: StartNode, addresses: Addresses) -> NodeProcess:
    """Return a running node that the directory knows."""
    started = await start_node("us-east-0")
    addresses[started.node] = started.address
    return started


async def test_session_is_opened_resumable_and_saved(
    node: NodeProcess, hold: Hold, side: MakeSide, plane: LeasePlane, eventually: Eventually
) -> None:
    """Before the first player, the session outlives its socket and a successor could find its id."""
    lease = await hold("worker-0/a")
    ours = side(lease)
    first, second = await asyncio.gather(ours.pool.session(node.node), ours.pool.session(node.node))
    assert first is second
    assert first.state is SessionState.READY
    assert ours.pool.open_nodes() == (node.node,)
    await eventually(lambda: first.stats is not None)
    await ours.pool.close()
    assert await plane.release(lease.last_fence)
    (claimed,) = (await plane.claim(lease.last_fence.owner, 1, 1)).claimed
    assert set(claimed.nodes) == {node.node}


async def test_player_events_reach_the_listener_with_their_tag(
    node: NodeProcess, hold: Hold, side: MakeSide, http: aiohttp.ClientSession, eventually: Eventually
) -> None:
    """What is put into userData comes back with the track's events and in the node's players."""
    ours = side(await hold("worker-0/a"))
    session = await ours.pool.session(node.node)
    await session.patch(GUILD, PlayerPatch(encoded=await tune(http, node), tag=TAG, volume=40))
    await eventually(lambda: (node.node, TrackStart(guild=GUILD, tag=TAG)) in ours.heard)
    (player,) = await session.players()
    assert (player.guild, player.tag, player.volume) == (GUILD, TAG, 40)
    await session.destroy(GUILD)
    await session.destroy(GUILD)
    assert await session.players() == ()


async def test_cut_socket_is_resumed_and_nobody_notices(
    node: NodeProcess,
    addresses: Addresses,
    wire: Wire,
    hold: Hold,
    side: MakeSide,
    http: aiohttp.ClientSession,
    eventually: Eventually,
) -> None:
    """A blip: the session comes back with its players, no player is given up, PATCHes meanwhile wait."""
    await wire.connect(node.address)
    addresses[node.node] = wire.address
    ours = side(await hold("worker-0/a"))
    session = await ours.pool.session(node.node)
    await session.patch(GUILD, PlayerPatch(encoded=await tune(http, node), tag=TAG))
    for volume in (30, 40, 50):
        dialled = wire.dialled
        wire.cut()
        await session.patch(GUILD, PlayerPatch(volume=volume))
        (player,) = await session.players()
        assert (player.tag, player.volume) == (TAG, volume)
        # one for the request, one for the socket
        await eventually(lambda before=dialled: wire.dialled >= before + 2)
    assert ours.lost == []
    assert ours.superseded == []


async def test_killed_node_is_lost_at_once(
    node: NodeProcess, hold: Hold, side: MakeSide, eventually: Eventually
) -> None:
    """A machine that refuses is believed: players are given up within a second, nothing is owed."""
    ours = side(await hold("worker-0/a"))
    await ours.pool.session(node.node)
    node.kill()
    took = await eventually(lambda: bool(ours.lost))
    assert took < 1.0
    ((lost, _, silent_ms),) = ours.lost
    assert lost == node.node
    assert silent_ms < 1000
    await eventually(lambda: ours.pool.owed == 0)
    with pytest.raises(NodeRefusedError):
        await ours.pool.session(node.node)


async def test_hung_node_is_lost_by_its_silence_and_defused_when_it_wakes(
    node: NodeProcess,
    hold: Hold,
    side: MakeSide,
    plane: LeasePlane,
    http: aiohttp.ClientSession,
    eventually: Eventually,
) -> None:
    """1.5 s without frame or pong is a hang. When the node wakes, its old session ends with its players."""
    lease = await hold("worker-0/a")
    ours = side(lease)
    session = await ours.pool.session(node.node)
    await session.patch(GUILD, PlayerPatch(encoded=await tune(http, node), tag=TAG))
    await asyncio.sleep(0.4)
    node.hang()
    took = await eventually(lambda: bool(ours.lost))
    assert 1.0 < took < 2.5
    assert ours.lost[0][2] >= 1400
    assert session.state is SessionState.DOWN
    assert ours.pool.owed == 1
    node.wake()
    await eventually(lambda: ours.pool.owed == 0)
    rest = NodeRest(node.node, node.address, PASSWORD, http)
    fresh = await ours.pool.session(node.node)
    assert await fresh.players() == ()
    await eventually(lambda: fresh.stats is not None)
    assert fresh.stats is not None
    assert fresh.stats.players == 0
    assert (await rest.load("ytsearch:x")).tracks
    await ours.pool.close()
    assert await plane.owed_defuses(lease.shard) == ()


async def test_debts_are_settled_by_the_next_holder(
    node: NodeProcess,
    hold: Hold,
    side: MakeSide,
    plane: LeasePlane,
    http: aiohttp.ClientSession,
    eventually: Eventually,
) -> None:
    """A hung node outlives the worker that gave it up: whoever holds the shard next ends its old session."""
    lease = await hold("worker-0/a")
    ours = side(lease)
    session = await ours.pool.session(node.node)
    await session.patch(GUILD, PlayerPatch(encoded=await tune(http, node), tag=TAG))
    node.hang()
    await eventually(lambda: bool(ours.lost))
    await ours.pool.close()
    assert len(await plane.owed_defuses(lease.shard)) == 1
    await plane.release(lease.last_fence)
    node.wake()
    theirs = side(await hold("worker-1/b"))
    await theirs.pool.settle_debts()
    await eventually(lambda: theirs.pool.owed == 0)
    await theirs.pool.close()
    assert await plane.owed_defuses(lease.shard) == ()


async def test_bad_voice_endpoint_times_out_and_a_delete_recovers(
    node: NodeProcess, hold: Hold, side: MakeSide, http: aiohttp.ClientSession
) -> None:
    """A voice PATCH to a dead endpoint is never answered: given up after 2 s; DELETE frees the player."""
    ours = side(await hold("worker-0/a"))
    session = await ours.pool.session(node.node)
    dead = VoiceLink(channel=ChannelId(5), session="s", token="t", endpoint="127.77.0.250:9")
    started = time.monotonic()
    with pytest.raises(NodeTimeoutError):
        await session.patch(GUILD, PlayerPatch(voice=dead))
    assert 1.9 < time.monotonic() - started < 2.6
    await session.patch(OTHER, PlayerPatch(encoded=await tune(http, node), tag=TAG))
    await session.destroy(GUILD)
    await session.patch(GUILD, PlayerPatch(encoded=await tune(http, node), tag=TAG))
    assert ours.lost == []


async def test_successor_adopts_players_under_the_old_session(
    node: NodeProcess, hold: Hold, side: MakeSide, plane: LeasePlane, http: aiohttp.ClientSession
) -> None:
    """After a hand-off the players are there as they were left, and the session goes on under its id."""
    lease = await hold("worker-0/a")
    ours = side(lease)
    session = await ours.pool.session(node.node)
    await session.patch(GUILD, PlayerPatch(encoded=await tune(http, node), tag=TAG, paused=True))
    await ours.pool.close()
    await plane.release(lease.last_fence)
    successor = await plane.claim(lease.last_fence.owner, 1, 1, ttl_ms=60_000)
    sessions = successor.claimed[0].nodes
    await plane.release(successor.claimed[0].fence)
    theirs = side(await hold("worker-1/b"))
    adoption, players = await theirs.pool.adopt(node.node, sessions[node.node])
    assert adoption is Adoption.RESUMED
    assert players[GUILD].tag == TAG
    assert players[GUILD].paused
    adopted = await theirs.pool.session(node.node)
    await adopted.patch(GUILD, PlayerPatch(volume=10))


async def test_session_of_a_sleeping_owner_is_superseded(
    node: NodeProcess,
    hold: Hold,
    side: MakeSide,
    plane: LeasePlane,
    http: aiohttp.ClientSession,
    eventually: Eventually,
) -> None:
    """The old owner still has its socket: a new session takes over, and each old player ends once moved."""
    lease = await hold("worker-0/a")
    ours = side(lease)
    session = await ours.pool.session(node.node)
    encoded = await tune(http, node)
    for guild in (GUILD, OTHER):
        await session.patch(guild, PlayerPatch(encoded=encoded, tag=TAG))
    old = session._session_id()
    await eventually(lambda: len(ours.heard) > 0)
    await plane.release(lease.last_fence)
    theirs = side(await hold("worker-1/b"))
    adoption, players = await theirs.pool.adopt(node.node, old)
    assert adoption is Adoption.SUPERSEDED
    assert set(players) == {GUILD, OTHER}
    adopted = await theirs.pool.session(node.node)
    assert await adopted.players() == ()
    await adopted.patch(GUILD, PlayerPatch(encoded=encoded, tag=TAG))
    rest = NodeRest(node.node, node.address, PASSWORD, http)
    left: set[GuildId] = set()

    async def look() -> None:
        left.clear()
        left.update(player.guild for player in await rest.players(old))

    async with asyncio.timeout(5):
        await look()
        while left != {OTHER}:
            await asyncio.sleep(0.02)
            await look()


async def test_unknown_session_is_gone_and_a_new_one_is_ready(
    node: NodeProcess, hold: Hold, side: MakeSide
) -> None:
    """A node that restarted knows no old session; its new one serves at once."""
    ours = side(await hold("worker-0/a"))
    adoption, players = await ours.pool.adopt(node.node, NodeSessionId("0123456789abcdef"))
    assert (adoption, dict(players)) == (Adoption.GONE, {})
    assert (await ours.pool.session(node.node)).state is SessionState.READY


async def test_restarted_node_is_lost_and_usable_again(
    node: NodeProcess, hold: Hold, side: MakeSide, eventually: Eventually
) -> None:
    """After a crash and a restart the pool opens a new session when somebody needs one."""
    ours = side(await hold("worker-0/a"))
    await ours.pool.session(node.node)
    node.kill()
    await eventually(lambda: bool(ours.lost))
    node.end()
    await node.start()
    assert (await ours.pool.session(node.node)).state is SessionState.READY


async def test_wrong_password_is_named(node: NodeProcess, hold: Hold, side: MakeSide) -> None:
    """The error says which setting to look at, and does not show the password."""
    ours = side(await hold("worker-0/a"), password="not this one")
    with pytest.raises(NodeAuthError, match="SEGUE_LAVALINK_PASSWORD") as caught:
        await ours.pool.session(node.node)
    assert "not this one" not in str(caught.value)


async def test_unknown_node_has_no_address(hold: Hold, side: MakeSide, node: NodeProcess) -> None:
    """A node in no view of the fleet can't be dialled, and the error says why."""
    ours = side(await hold("worker-0/a"))
    with pytest.raises(NodeUnknownError):
        await ours.pool.session(node.node.__class__("eu-west-9"))


async def test_lapsed_lease_writes_nothing(
    node: NodeProcess, hold: Hold, side: MakeSide, http: aiohttp.ClientSession
) -> None:
    """A worker that lost its lease changes no player, though its socket still works."""
    lease = await hold("worker-0/a")
    ours = side(lease)
    session = await ours.pool.session(node.node)
    encoded = await tune(http, node)
    lease.lose("claimed by another")
    with pytest.raises(LeaseLapsedError):
        await session.patch(GUILD, PlayerPatch(encoded=encoded))
    with pytest.raises(LeaseLapsedError):
        await session.destroy(GUILD)
    assert await session.players() == ()


async def test_idle_session_is_closed_and_its_id_forgotten(
    node: NodeProcess, hold: Hold, side: MakeSide, plane: LeasePlane, eventually: Eventually
) -> None:
    """A session nobody plays on ends after its idle time; one in use stays."""
    lease = await hold("worker-0/a")
    ours = side(lease, timing=PoolTiming(idle=0.2, sweep=0.05))
    session = await ours.pool.session(node.node)
    ours.used.add(node.node)
    await asyncio.sleep(0.5)
    assert ours.pool.open_nodes() == (node.node,)
    ours.used.clear()
    await eventually(lambda: session.state is SessionState.DOWN)
    assert ours.pool.open_nodes() == ()
    await ours.pool.close()
    await plane.release(lease.last_fence)
    (claimed,) = (await plane.claim(lease.last_fence.owner, 1, 1)).claimed
    assert claimed.nodes == {}


async def test_rest_tells_a_missing_session_from_a_bad_request(
    node: NodeProcess, http: aiohttp.ClientSession
) -> None:
    """404 for a session means: open another. What the node does not like is its own kind of error."""
    rest = NodeRest(node.node, node.address, PASSWORD, http)
    with pytest.raises(SessionGoneError):
        await rest.players(NodeSessionId("nosuchsession000"))
    with pytest.raises(NodeRejectedError):
        await rest.decode("AAAA")
    encoded = await tune(http, node)
    assert (await rest.decode(encoded)).encoded == encoded


async def test_loader_passes_over_dead_nodes(
    node: NodeProcess, addresses: Addresses, http: aiohttp.ClientSession
) -> None:
    """A dead node costs one refused connection; after three its breaker keeps it from being asked."""
    dead = node.node.__class__("us-east-9")
    addresses[dead] = "127.77.0.250:9"
    loader = TrackLoader(http, PASSWORD, addresses)
    for _ in range(4):
        assert (await loader.load("ytsearch:night", (dead, node.node))).tracks
    assert loader.breakers() == {dead: "open", node.node: "closed"}
