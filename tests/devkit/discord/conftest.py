"""A running simulator, its typed client, and a gateway client of our own that speaks raw JSON."""

from __future__ import annotations

import asyncio
import json
import socket as socket_module
import ssl
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import av
import numpy as np
import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import DEFAULT_TOKEN, SimConfig
from segue_devkit.discord.simulator import Simulator
from segue_devkit.tunes.catalogue import by_id as tune_by_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable
    from pathlib import Path

    from segue_devkit.discord.client import SimGuild

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


@pytest.fixture
async def tasks() -> AsyncIterator[Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]]:
    """Start something in the background; whatever still runs at the end is cancelled."""
    started: list[asyncio.Task[Any]] = []

    def start(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        started.append(asyncio.create_task(work))
        return started[-1]

    yield start
    for task in started:
        task.cancel()
    await asyncio.gather(*started, return_exceptions=True)


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Wait until an asynchronous look says yes."""

    async def wait(look: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(WAIT_S):
            while True:
                if await look():
                    return
                await asyncio.sleep(0.01)

    return wait


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
    """Opens gateway sockets, plain or compressed, on a path and version; HELLO is read already."""

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
        status, _, answer = await self.full(method, path, body, headers, **query)
        return status, answer

    async def full(
        self, method: str, path: str, body: object, headers: dict[str, str], **query: str
    ) -> tuple[int, Any, Any]:
        """One call with headers of one's own: status, headers, JSON."""
        sent = {"data": body} if isinstance(body, aiohttp.FormData) else {"json": body}
        async with self.http.request(
            method, f"{self.base}/api/v10{path}", params=query, headers=headers, **sent
        ) as response:
            text = await response.text()
            return response.status, response.headers, json.loads(text) if text else None


@pytest.fixture
def rest(simulator: Simulator, http: aiohttp.ClientSession) -> Rest:
    """Calls REST with the right token."""
    return Rest(http, simulator.url)


PLAY_COMMAND = {
    "name": "play",
    "description": "Play something",
    "options": [
        {"type": 3, "name": "query", "description": "What to play", "required": True, "max_length": 100}
    ],
}


@pytest.fixture
async def play_command(simulator: Simulator, rest: Rest) -> dict[str, Any]:
    """``/play query`` is registered."""
    status, body = await rest.call("PUT", f"/applications/{simulator.world.bot.id}/commands", [PLAY_COMMAND])
    assert status == 200, body
    found: dict[str, Any] = body[0]
    return found


@dataclass
class VoiceClient:
    """A voice client of our own: TLS WebSocket, UDP, AES-GCM. Shares nothing with the simulator's code."""

    socket: aiohttp.ClientWebSocketResponse
    udp: socket_module.socket
    received: list[dict[str, Any]] = field(default_factory=list)
    ssrc: int = 0
    server: tuple[str, int] = ("", 0)
    key: bytes = b""
    sequence: int = 65_500
    timestamp: int = 2**32 - 48_000
    nonce: int = 0

    async def until_op(self, op: int) -> dict[str, Any]:
        """Read until this opcode; its data."""
        while True:
            async with asyncio.timeout(WAIT_S):
                message = await self.socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, f"closed with {self.socket.close_code}"
            payload = json.loads(message.data)
            self.received.append(payload)
            if payload["op"] == op:
                data: dict[str, Any] = payload["d"] or {}
                return data

    async def closed(self) -> int | None:
        """Read to the end; the close code."""
        async with asyncio.timeout(WAIT_S):
            while (await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return self.socket.close_code

    async def send(self, op: int, data: object) -> None:
        """Send one message."""
        await self.socket.send_str(json.dumps({"op": op, "d": data}))

    async def shake_hands(self, identify: dict[str, Any]) -> None:
        """From IDENTIFY to a secret key, by IP discovery."""
        await self.send(0, identify)
        ready = await self.until_op(2)
        self.ssrc, self.server = ready["ssrc"], (ready["ip"], ready["port"])
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(self.udp, struct.pack(">HHI64sH", 1, 70, self.ssrc, b"", 0), self.server)
        async with asyncio.timeout(WAIT_S):
            answer = await loop.sock_recv(self.udp, 100)
        kind, size, ssrc, address, port = struct.unpack(">HHI64sH", answer)
        own = self.udp.getsockname()
        assert (kind, size, ssrc, port) == (2, 70, self.ssrc, own[1])
        data = {"address": address.rstrip(b"\0").decode(), "port": port, "mode": "aead_aes256_gcm_rtpsize"}
        await self.send(1, {"protocol": "udp", "data": data})
        self.key = bytes((await self.until_op(4))["secret_key"])
        await self.send(5, {"speaking": 1, "delay": 0, "ssrc": self.ssrc})

    def packet(self, opus: bytes) -> bytes:
        """The next RTP packet."""
        header = struct.pack(">BBHII", 0x80, 0x78, self.sequence, self.timestamp, self.ssrc)
        nonce = struct.pack("<I", self.nonce)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + 960) & 0xFFFFFFFF
        self.nonce += 1
        return header + AESGCM(self.key).encrypt(nonce + bytes(8), opus, header) + nonce

    async def play(self, frames: Iterable[bytes]) -> None:
        """Send frames, without waiting between them."""
        for frame in frames:
            await asyncio.get_running_loop().sock_sendto(self.udp, self.packet(frame), self.server)


@dataclass
class VoiceData:
    """What a node is given to connect with."""

    endpoint: str
    identify: dict[str, Any]


@pytest.fixture
async def voice_data(simulator: Simulator) -> Callable[..., Awaitable[VoiceData]]:
    """Join voice over a gateway socket and collect what VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE say."""

    async def join(gateway: Gateway, guild: SimGuild) -> VoiceData:
        body = {"guild_id": str(guild.id), "channel_id": str(guild.voice_channel.id)}
        await gateway.send(4, {**body, "self_mute": False, "self_deaf": True})
        seen: dict[str, dict[str, Any]] = {}
        while len(seen) < 2:
            payload = await gateway.next()
            assert payload is not None
            if payload["t"] in {"VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE"}:
                seen[payload["t"]] = payload["d"]
        server = seen["VOICE_SERVER_UPDATE"]
        identify = {
            "server_id": str(guild.id),
            "user_id": str(simulator.world.bot.id),
            "session_id": seen["VOICE_STATE_UPDATE"]["session_id"],
            "token": server["token"],
            "max_dave_protocol_version": 0,
        }
        return VoiceData(server["endpoint"], identify)

    return join


@pytest.fixture
async def dial(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[VoiceClient]]]:
    """Open a voice WebSocket, trusting nothing but the simulator's ca.pem; HELLO is read already."""
    opened: list[VoiceClient] = []

    async def open_one(endpoint: str, address: str = "127.0.0.1") -> VoiceClient:
        context = ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.pem"))
        udp = socket_module.socket(socket_module.AF_INET, socket_module.SOCK_DGRAM)
        udp.setblocking(False)
        udp.bind((address, 0))
        connector = aiohttp.TCPConnector(local_addr=(address, 0), force_close=True)
        session = aiohttp.ClientSession(connector=connector)
        sessions.append(session)
        client = VoiceClient(await session.ws_connect(f"wss://{endpoint}/?v=8", ssl=context), udp)
        opened.append(client)
        await client.until_op(8)
        return client

    sessions: list[aiohttp.ClientSession] = []
    yield open_one
    for client in opened:
        client.udp.close()
    for session in sessions:
        await session.close()


@pytest.fixture(scope="session")
def tune_frames() -> list[bytes]:
    """Three seconds of tune 1 from second 20 on, as stereo opus frames of 20 ms, 64 kbit/s."""
    tune = tune_by_id(1)
    assert tune is not None
    sound = tune.sound().render(20 * 48_000, 3 * 48_000)
    codec = av.AudioCodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = 48_000, "stereo", "flt", 64_000
    frames: list[bytes] = []
    for start in range(0, sound.shape[1], 960):
        interleaved = np.ascontiguousarray(sound[:, start : start + 960].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, start
        frames += [bytes(packet) for packet in codec.encode(frame)]
    return frames
