"""A node (the stand-in, or the one SEGUE_TEST_LAVALINK_URL names), a client for it, and a voice server.

A real node must trust the voice server's certificate: set SEGUE_TEST_VOICE_TLS_DIR to a folder that keeps
`ca.pem` and `key.pem` from run to run, and put that certificate into the node's trust store.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from segue_devkit.tunes import catalogue
from segue_devkit.tunes.encode import Container, write_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PASSWORD = "youshallnotpass"
USER = "1234"
MODE = "aead_aes256_gcm_rtpsize"
NO_VOICE = "Failed to connect to voice server"
SILENCE = b"\xf8\xff\xfe"
PATIENCE_S = 30.0


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# The voice server


@dataclass
class Heard:
    """One RTP packet: when it came (monotonic s), its header's numbers, and the frame."""

    at: float
    sequence: int
    timestamp: int
    nonce: int
    opus: bytes


@dataclass
class VoiceSession:
    """What one voice WebSocket and its packets said."""

    path: str
    headers: dict[str, str]
    ws: web.WebSocketResponse
    ops: list[dict[str, Any]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    ssrc: int = 0
    key: bytes = b""
    close_code: int | None = None

    def op(self, number: int) -> list[dict[str, Any]]:
        """Payloads of an op, in order."""
        return [message["d"] for message in self.ops if message["op"] == number]

    def silent(self) -> bool:
        """Whether the five packets of silence that end music were the last."""
        return [packet.opus for packet in self.heard[-5:]] == [SILENCE] * 5

    @property
    def hung_up(self) -> bool:
        """Whether the node ended it in order: with 1000, or gone before the closing handshake was over."""
        return self.close_code in {1000, 1006}

    def music(self) -> list[Heard]:
        """Packets that are not silence."""
        return [packet for packet in self.heard if packet.opus != SILENCE]


class VoiceServer(asyncio.DatagramProtocol):
    """Discord's side of voice v8: enough of it for a node to play."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.sessions: list[VoiceSession] = []
        self.reject = 0
        self.udp: asyncio.DatagramTransport | None = None
        self._ssrc = 1000

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) == 74 and data[:2] == b"\x00\x01":
            ip = addr[0].encode().ljust(64, b"\0")
            assert self.udp is not None
            self.udp.sendto(b"\x00\x02\x00\x46" + data[4:8] + ip + struct.pack(">H", addr[1]), addr)
            return
        first, kind, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", data)
        assert (first, kind) == (0x80, 0x78)
        session = next(s for s in self.sessions if s.ssrc == ssrc)
        nonce = data[-4:]
        opus = AESGCM(session.key).decrypt(nonce + bytes(8), data[12:-4], data[:12])
        number = struct.unpack("<I", nonce)[0]
        session.heard.append(Heard(time.monotonic(), sequence, timestamp, number, opus))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One voice WebSocket."""
        ws = web.WebSocketResponse(timeout=0.3, autoping=False)
        await ws.prepare(request)
        session = VoiceSession(request.path_qs, dict(request.headers), ws)
        self.sessions.append(session)
        try:
            async for message in ws:
                payload = json.loads(message.data)
                session.ops.append(payload)
                await self._answer(session, payload)
        finally:
            session.close_code = ws.close_code
        return ws

    async def _answer(self, session: VoiceSession, payload: dict[str, Any]) -> None:
        assert self.udp is not None
        match payload["op"]:
            case 0 if self.reject:
                await session.ws.close(code=self.reject, message=b"lab reject")
            case 0:
                self._ssrc += 1
                session.ssrc = self._ssrc
                await session.ws.send_json({"op": 8, "d": {"heartbeat_interval": 300.0}})
                port = self.udp.get_extra_info("sockname")[1]
                ready = {"ssrc": session.ssrc, "ip": "127.0.0.1", "port": port, "modes": [MODE]}
                await session.ws.send_json({"op": 2, "d": ready, "seq": 1})
            case 1:
                session.key = os.urandom(32)
                data = {"mode": MODE, "secret_key": list(session.key), "dave_protocol_version": 0}
                await session.ws.send_json({"op": 4, "d": data, "seq": 2})
            case 3:
                await session.ws.send_json({"op": 6, "d": {"t": payload["d"]["t"]}})
            case 7:
                await session.ws.send_json({"op": 9, "d": None})
            case _:
                pass

    async def close(self, code: int, reason: str) -> None:
        """Close the newest session."""
        await self.sessions[-1].ws.close(code=code, message=reason.encode())

    async def session(self, number: int = 0) -> VoiceSession:
        """A session by number, waited for until it is ready to hear."""
        await until(lambda: len(self.sessions) > number and bool(self.sessions[number].key))
        return self.sessions[number]


async def until(condition: Callable[[], object], patience: float = PATIENCE_S) -> None:
    """Wait for a condition; a failed wait is a failed test."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - any condition, seen from outside
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """Wait for a condition."""
    return until


@pytest.fixture(scope="session")
def tls_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the voice server's certificate (its own authority) and key."""
    kept = os.environ.get("SEGUE_TEST_VOICE_TLS_DIR")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("tls")
    if not (folder / "ca.pem").exists():
        _certificate(folder)
    return folder


def _certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "voice server of the tests")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@asynccontextmanager
async def _voice(tls_dir: Path) -> AsyncIterator[VoiceServer]:
    server = VoiceServer()
    app = web.Application()
    app.router.add_get("/", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls_dir / "ca.pem", tls_dir / "key.pem")
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    server.endpoint = f"localhost:{runner.addresses[0][1]}"
    loop = asyncio.get_running_loop()
    server.udp, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        server.udp.close()
        await runner.cleanup()


@pytest.fixture
async def voice_server(tls_dir: Path) -> AsyncIterator[VoiceServer]:
    """A running voice server."""
    async with _voice(tls_dir) as server:
        yield server


# The node


@dataclass(frozen=True)
class NodeAddress:
    """Where a node answers. `process` is None for a node that the tests did not start."""

    url: str
    password: str
    process: subprocess.Popen[bytes] | None


CONFIG = """
lavalink:
  server:
    password: from-the-file
    playerUpdateInterval: 1
    trackStuckThresholdMs: 1000
    sources: {local: true, http: true}
"""


def start_node(folder: Path, tls_dir: Path) -> NodeAddress:
    """The stand-in as a process of its own."""
    (folder / "application.yml").write_text(CONFIG)
    port = free_port()
    env = os.environ | {
        "SERVER_ADDRESS": "127.0.0.1",
        "SERVER_PORT": str(port),
        "LAVALINK_SERVER_PASSWORD": PASSWORD,
        "SSL_CERT_FILE": str(tls_dir / "ca.pem"),
    }
    log = (folder / "node.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "segue_devkit.lavalink"], cwd=folder, env=env, stderr=log, stdout=log
    )
    log.close()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return NodeAddress(f"http://127.0.0.1:{port}", PASSWORD, process)
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(f"the node did not start:\n{(folder / 'node.log').read_text()}")


def stop_node(node: NodeAddress) -> None:
    """End a node that the tests started."""
    if node.process is not None and node.process.poll() is None:
        node.process.terminate()
        try:
            node.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            node.process.kill()
            node.process.wait()


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory, tls_dir: Path) -> Iterator[NodeAddress]:
    """The node under test, shared by all tests."""
    if url := os.environ.get("SEGUE_TEST_LAVALINK_URL"):
        yield NodeAddress(url.rstrip("/"), os.environ.get("SEGUE_TEST_LAVALINK_PASSWORD", PASSWORD), None)
        return
    running = start_node(tmp_path_factory.mktemp("node"), tls_dir)
    yield running
    stop_node(running)


@pytest.fixture
def start() -> Callable[[Path, Path], Any]:
    """Runs a node in a folder, with another authority to trust, for as long as a block lasts."""

    @contextmanager
    def run(folder: Path, trust: Path) -> Iterator[NodeAddress]:
        running = start_node(folder, trust)
        try:
            yield running
        finally:
            stop_node(running)

    return run


@pytest.fixture
def own_node(tmp_path: Path, tls_dir: Path) -> Iterator[NodeAddress]:
    """A node that a test may end."""
    running = start_node(tmp_path, tls_dir)
    yield running
    stop_node(running)


class NodeClient:
    """A bot's view of a node: the socket's messages as they came, and REST."""

    def __init__(self, http: aiohttp.ClientSession, node: NodeAddress) -> None:
        self.messages: list[dict[str, Any]] = []
        self.session = ""
        self.resumed = False
        self.close_code: int | None = None
        self.headers: dict[str, str] = {}
        self._http = http
        self._node = node
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    async def connect(self, session: str | None = None, user: str = USER) -> None:
        """Open the socket and wait for the greeting."""
        headers = {"Authorization": self._node.password, "User-Id": user, "Client-Name": "tests/1"}
        if session is not None:
            headers["Session-Id"] = session
        self._ws = await self._http.ws_connect(f"{self._node.url}/v4/websocket", headers=headers)
        self.headers = dict(self._ws._response.headers)
        self._reader = asyncio.create_task(self._read(self._ws))
        await until(lambda: self.of("ready"))
        ready = self.of("ready")[0]
        self.session, self.resumed = ready["sessionId"], ready["resumed"]

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            self.messages.append(json.loads(message.data))
        self.close_code = ws.close_code

    async def close(self) -> None:
        """Close cleanly."""
        assert self._ws is not None
        await self._ws.close()
        await self._gone()

    async def abort(self) -> None:
        """Cut the connection, as a crash does."""
        assert self._ws is not None
        transport = self._ws._response.connection.transport  # type: ignore[union-attr]
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
        await self._gone()

    async def _gone(self) -> None:
        assert self._reader is not None
        await asyncio.wait([self._reader], timeout=PATIENCE_S)

    def of(self, op: str) -> list[dict[str, Any]]:
        """Messages of an op."""
        return [message for message in self.messages if message["op"] == op]

    def events(self, kind: str, guild: int | None = None) -> list[dict[str, Any]]:
        """Events of a type, of one guild or all."""
        return [
            message
            for message in self.of("event")
            if message["type"] == kind and guild in {None, int(message["guildId"])}
        ]

    async def event(self, kind: str, guild: int, number: int = 0) -> dict[str, Any]:
        """An event, waited for."""
        await until(lambda: len(self.events(kind, guild)) > number)
        return self.events(kind, guild)[number]

    async def call(
        self, method: str, path: str, body: Any = None, params: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """A REST call: status and body (None if empty)."""
        async with self._http.request(
            method,
            f"{self._node.url}{path}",
            headers={"Authorization": self._node.password},
            json=body,
            params=params,
            timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
        ) as response:
            text = await response.text()
            answer = json.loads(text) if text else None
            # What a node did not foresee is answered without its version.
            unforeseen = response.status == 500 and NO_VOICE not in text
            assert response.headers.get("Lavalink-Api-Version") == (None if unforeseen else "4")
            return response.status, answer

    def player_path(self, guild: int, session: str | None = None) -> str:
        """Where a player is."""
        return f"/v4/sessions/{session or self.session}/players/{guild}"

    async def patch(self, guild: int, body: Any, **params: str) -> tuple[int, Any]:
        """PATCH a player of this session."""
        return await self.call("PATCH", self.player_path(guild), body, params)

    async def get(self, guild: int) -> tuple[int, Any]:
        """GET a player of this session."""
        return await self.call("GET", self.player_path(guild))

    async def answers(self, path: str, status: int) -> None:
        """Ask until a GET is answered with a status."""
        async with asyncio.timeout(PATIENCE_S):
            while (await self.call("GET", path))[0] != status:  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.02)

    async def shows(self, guild: int, condition: Callable[[dict[str, Any]], bool]) -> None:
        """Ask until a player's state meets a condition."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition((await self.get(guild))[1]["state"]):  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.02)

    async def resuming(self, timeout_s: int = 60) -> None:
        """Ask for resuming."""
        status, _ = await self.call(
            "PATCH", f"/v4/sessions/{self.session}", {"resuming": True, "timeout": timeout_s}
        )
        assert status == 200


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP session."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def new_client(http: aiohttp.ClientSession, node: NodeAddress) -> Callable[..., Any]:
    """Makes clients that are not connected yet; of the shared node, or of another."""

    def make(other: NodeAddress | None = None) -> NodeClient:
        return NodeClient(http, other or node)

    return make


@pytest.fixture(scope="session")
def warmed() -> set[str]:
    """URLs of the nodes that have had a voice connection."""
    return set()


@pytest.fixture
async def warm(
    node: NodeAddress, new_client: Callable[[], NodeClient], tls_dir: Path, warmed: set[str]
) -> None:
    """A node of others may be a JVM that has just started: its first voice connection takes seconds."""
    if node.process is not None or node.url in warmed:
        return
    warmed.add(node.url)
    client = new_client()
    await client.connect()
    async with _voice(tls_dir) as server:
        status, _ = await client.patch(1, {"voice": voice_data(server)})
        assert status == 200
        await server.session()
    await client.close()


@pytest.fixture
async def client(new_client: Callable[[], NodeClient], warm: None) -> AsyncIterator[NodeClient]:  # noqa: ARG001 - done before
    """A connected client."""
    made = new_client()
    await made.connect()
    yield made
    await made.close()


def voice_data(server: VoiceServer, token: str = "tok") -> dict[str, str]:  # noqa: S107 - of a fake server
    """Voice data for a PATCH."""
    return {"token": token, "endpoint": server.endpoint, "sessionId": "dsess", "channelId": "555"}


@pytest.fixture
def voice_of(voice_server: VoiceServer) -> Callable[..., dict[str, str]]:
    """Voice data for a PATCH."""

    def make(token: str = "tok") -> dict[str, str]:  # noqa: S107 - of a fake server
        return voice_data(voice_server, token)

    return make


# Music


@pytest.fixture(scope="session")
def tune() -> catalogue.Tune:
    """A short tune."""
    return min(catalogue.tunes(), key=lambda one: one.length_ms)


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory, tune: catalogue.Tune) -> Path:
    """A folder with the short tune in every container, ready before a node's patience of 3 s begins."""
    folder = tmp_path_factory.mktemp("music")
    for container in Container:
        write_file(tune, folder / f"tune.{container.ending}", container)
    return folder


@pytest.fixture
async def links(music: Path) -> AsyncIterator[Callable[[str], str]]:
    """The short tune behind links, by the ending of the file."""
    app = web.Application()
    app.router.add_static("/music", music)
    async with TestServer(app, host="127.0.0.1") as server:
        base = str(server.make_url("")).rstrip("/")
        yield lambda ending: f"{base}/music/tune.{ending}"


@pytest.fixture
def link(links: Callable[[str], str]) -> str:
    """A link that any node plays and seeks in."""
    return links("mp3")


class Site:
    """A web site with pages that are no music, and redirects to music."""

    def __init__(self, music: str) -> None:
        self.base = ""
        self._music = music
        self._released = asyncio.Event()

    def app(self) -> web.Application:
        """Its pages."""
        app = web.Application()
        app.router.add_get("/status/{code}", self._status)
        app.router.add_get("/hops/{count}", self._hops)
        app.router.add_get("/to/{code}", self._to)
        app.router.add_get("/page", self._page)
        app.router.add_get("/away", self._away)
        app.router.add_get("/silent", self._silent)
        return app

    def release(self) -> None:
        """Let go of whoever still waits for an answer."""
        self._released.set()

    async def _status(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["code"]))

    async def _hops(self, request: web.Request) -> web.Response:
        count = int(request.match_info["count"])
        where = f"/hops/{count - 1}" if count > 1 else self._music
        return web.Response(status=302, headers={"Location": where})

    async def _to(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["code"]), headers={"Location": self._music})

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text="<html><body>words</body></html>", content_type="text/html")

    async def _away(self, _request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "file:///etc/hostname"})

    async def _silent(self, _request: web.Request) -> web.Response:
        await self._released.wait()
        return web.Response(status=204)


@pytest.fixture
async def site(link: str) -> AsyncIterator[Site]:
    """The site, running."""
    made = Site(link)
    async with TestServer(made.app(), host="127.0.0.1") as server:
        made.base = str(server.make_url("")).rstrip("/")
        yield made
        made.release()
