"""A running simulator, its typed client, and a gateway client of our own that speaks raw JSON."""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import zstandard

from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import DEFAULT_TOKEN, SimConfig
from segue_devkit.discord.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

WAIT_S = 10.0
ALL_INTENTS = 1 << 0 | 1 << 7 | 1 << 9


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A simulator in this process on free ports; IDENTIFYs may follow one another at once."""
    knobs: dict[str, object] = {"identify_window_ms": 0, "rest_per_second": 0}
    async with Simulator(SimConfig(tls_dir=tmp_path / "tls", knobs=knobs)) as running:
        yield running


@pytest.fixture
async def discord(simulator: Simulator) -> AsyncIterator[SimClient]:
    """The typed client."""
    async with SimClient(simulator.url) as client:
        yield client


@dataclass
class Gateway:
    """One gateway socket, raw: what was received in order, and what closed it."""

    socket: aiohttp.ClientWebSocketResponse
    inflate: Callable[[bytes], bytes] | None = None
    received: list[dict[str, Any]] = field(default_factory=list)

    async def next(self) -> dict[str, Any] | None:
        """The next message; None once closed."""
        async with asyncio.timeout(WAIT_S):
            message = await self.socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            payload = json.loads(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            assert self.inflate is not None
            payload = json.loads(self.inflate(message.data))
        else:
            return None
        self.received.append(payload)
        found: dict[str, Any] = payload
        return found

    async def until(self, name: str) -> dict[str, Any]:
        """Read until a dispatch of this name; its data."""
        while (payload := await self.next()) is not None:
            if payload.get("t") == name:
                data: dict[str, Any] = payload["d"]
                return data
        raise AssertionError(f"closed with {self.socket.close_code} before {name}; got {self.names}")

    async def until_op(self, op: int) -> dict[str, Any]:
        """Read until a message with this opcode."""
        while (payload := await self.next()) is not None:
            if payload["op"] == op:
                return payload
        raise AssertionError(f"closed with {self.socket.close_code} before op {op}")

    async def closed(self) -> int | None:
        """Read to the end; the close code."""
        while await self.next() is not None:
            pass
        return self.socket.close_code

    @property
    def names(self) -> list[str]:
        """Names of all dispatches so far."""
        return [each["t"] for each in self.received if each["op"] == 0]

    @property
    def seq(self) -> int:
        """The highest sequence number so far."""
        return max(int(each["s"]) for each in self.received if each["op"] == 0)

    async def send(self, op: int, data: object) -> None:
        """Send one message."""
        await self.socket.send_str(json.dumps({"op": op, "d": data}))

    async def identify(self, shard: tuple[int, int] = (0, 1), **changes: object) -> dict[str, Any]:
        """IDENTIFY and read READY."""
        await self.send(2, identify_body(shard, **changes))
        return await self.until("READY")

    async def resume(self, session_id: str, seq: int) -> None:
        """Send RESUME."""
        await self.send(6, {"token": DEFAULT_TOKEN, "session_id": session_id, "seq": seq})


def identify_body(shard: tuple[int, int] = (0, 1), **changes: object) -> dict[str, object]:
    """A correct IDENTIFY, with changes."""
    return {
        "token": DEFAULT_TOKEN,
        "intents": ALL_INTENTS,
        "shard": list(shard),
        "properties": {"os": "linux", "browser": "test", "device": "test"},
        **changes,
    }


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP session."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def connect(simulator: Simulator, http: aiohttp.ClientSession) -> Callable[..., Awaitable[Gateway]]:
    """Open a gateway socket: ``await connect(compress="zlib-stream")``; HELLO is read already."""

    async def open_one(compress: str | None = None, path: str = "/", version: str = "10") -> Gateway:
        url = f"{simulator.gateway_url}{path}?v={version}&encoding=json"
        inflate: Callable[[bytes], bytes] | None = zlib.decompress
        if compress:
            url += f"&compress={compress}"
        if compress == "zlib-stream":
            inflate = zlib.decompressobj().decompress
        elif compress == "zstd-stream":
            inflate = zstandard.ZstdDecompressor().decompressobj().decompress
        gateway = Gateway(await http.ws_connect(url), inflate)
        await gateway.next()
        return gateway

    return open_one


@dataclass
class Rest:
    """REST as a bot calls it: status and JSON."""

    http: aiohttp.ClientSession
    base: str
    token: str = DEFAULT_TOKEN

    async def call(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        """One call."""
        headers = {"Authorization": f"Bot {self.token}"}
        async with self.http.request(
            method, f"{self.base}/api/v10{path}", json=body, params=query, headers=headers
        ) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None


@pytest.fixture
def rest(simulator: Simulator, http: aiohttp.ClientSession) -> Rest:
    """Calls REST with the right token."""
    return Rest(http, simulator.url)


PLAY_COMMAND = {
    "name": "play",
    "description": "Play something",
    "options": [{"type": 3, "name": "query", "description": "What to play", "required": True, "max_length": 100}],
}


@pytest.fixture
async def play_command(simulator: Simulator, rest: Rest) -> dict[str, Any]:
    """``/play query`` is registered."""
    status, body = await rest.call("PUT", f"/applications/{simulator.world.bot.id}/commands", [PLAY_COMMAND])
    assert status == 200, body
    found: dict[str, Any] = body[0]
    return found
