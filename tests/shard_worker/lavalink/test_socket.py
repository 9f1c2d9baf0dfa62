"""What no well-behaved node sends: sessions survive it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from segue_core.ids import GuildId, NodeId
from segue_worker.lavalink.errors import NodeError, NodeProtocolError
from segue_worker.lavalink.pool import PoolTiming
from segue_worker.lavalink.rest import NodeRest
from segue_worker.lavalink.session import SessionState, SessionTiming
from segue_worker.lavalink.socket import SocketTiming
from segue_worker.lavalink.wire import PlayerUpdate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import aiohttp

    from segue_worker.shards.lease import Lease
    from tests.shard_worker.lavalink.conftest import Addresses, Side

    Hold = Callable[[str], Awaitable[Lease]]
    MakeSide = Callable[..., Side]
    Eventually = Callable[..., Awaitable[float]]

NODE = NodeId("us-east-0")
READY = json.dumps({"op": "ready", "resumed": False, "sessionId": "0123456789abcdef"})
UPDATE = json.dumps(
    {"op": "playerUpdate", "guildId": "1", "state": {"time": 1, "position": 5, "connected": True, "ping": 0}}
)


class OddNode:
    """Says on its WebSocket what it is told to, and answers REST with one body."""

    def __init__(self) -> None:
        self.script: list[str | bytes] = [READY]
        self.body = "{}"
        self.headers: list[dict[str, str]] = []
        self.pinged = 0

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        self.headers.append(dict(request.headers))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in self.script:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
        await socket.ping(b"are you there")
        async for _ in socket:
            continue
        return socket

    async def rest(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"]
        return web.Response(text=self.body)


@pytest.fixture
async def odd(addresses: Addresses) -> AsyncIterator[OddNode]:
    """Return an odd node that the directory knows."""
    node = OddNode()
    application = web.Application()
    application.router.add_get("/v4/websocket", node.websocket)
    application.router.add_route("*", "/{path:.*}", node.rest)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.77.7.1", 0).start()
    addresses[NODE] = f"127.77.7.1:{runner.addresses[0][1]}"
    yield node
    await runner.cleanup()


async def test_nonsense_is_passed_over(
    odd: OddNode, hold: Hold, side: MakeSide, eventually: Eventually
) -> None:
    """Malformed, unknown and binary frames, and pings, end nothing: what follows them is heard."""
    nonsense: list[str | bytes] = [
        "",
        "{",
        "[1]",
        '{"op":"x"}',
        '{"op":"event","type":"Plugin"}',
        '{"op":"playerUpdate"}',
        b"\x00",
    ]
    odd.script = [READY, *(nonsense * 100), UPDATE]
    ours = side(await hold("worker-0/a"))
    session = await ours.pool.session(NODE)
    expected = (NODE, PlayerUpdate(guild=GuildId(1), position_ms=5, connected=True))
    await eventually(lambda: ours.heard == [expected])
    assert session.state is SessionState.READY
    assert ours.lost == []


async def test_who_we_are_is_said_in_headers(odd: OddNode, hold: Hold, side: MakeSide) -> None:
    """Authorization, User-Id and Client-Name; no Session-Id where there is none to ask back."""
    ours = side(await hold("worker-0/a"))
    await ours.pool.session(NODE)
    (headers,) = odd.headers
    assert headers["User-Id"] == "4242"
    assert headers["Client-Name"] == "segue/test"
    assert headers["Authorization"]
    assert "Session-Id" not in headers


async def test_frames_before_ready_are_kept(
    odd: OddNode, hold: Hold, side: MakeSide, eventually: Eventually
) -> None:
    """Stats and updates may come before ``ready``; they are heard after it."""
    odd.script = [UPDATE, READY]
    ours = side(await hold("worker-0/a"))
    await ours.pool.session(NODE)
    await eventually(lambda: len(ours.heard) == 1)


async def test_node_that_is_never_ready_is_given_up(odd: OddNode, hold: Hold, side: MakeSide) -> None:
    """A WebSocket that opens and says nothing is no session; the error comes in time."""
    odd.script = []
    timing = SessionTiming(socket=SocketTiming(dial=0.1), reconnect=0.3)
    ours = side(await hold("worker-0/a"), timing=PoolTiming(session=timing))
    async with asyncio.timeout(5):
        with pytest.raises(NodeError):
            await ours.pool.session(NODE)


async def test_rest_answers_of_another_kind_are_named(
    odd: OddNode, addresses: Addresses, http: aiohttp.ClientSession
) -> None:
    """What is no Lavalink v4 answer is a typed error, whatever it is."""
    rest = NodeRest(NODE, addresses[NODE], "password", http)
    for body in ("<html>", "{}", "[]", "null", '{"loadType":"new"}'):
        odd.body = body
        with pytest.raises(NodeProtocolError):
            await rest.load("ytsearch:x")
