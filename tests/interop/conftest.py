"""Clients that others wrote, on our simulator and our stand-in: all real processes and sockets."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import DEFAULT_TOKEN, SimConfig
from segue_devkit.discord.simulator import Simulator
from segue_devkit.peers import PeerBot, ToolchainError, install
from segue_devkit.tunes.catalogue import by_identifier
from segue_devkit.tunes.encode import Container, write_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

PASSWORD = "youshallnotpass"
PATIENCE_S = 20.0
LOCALHOST = "127.0.0.1"
TUNES = ("kite-weather", "bicycle-bells")
NODE_CONFIG = """
lavalink:
  server:
    playerUpdateInterval: 1
    sources: {local: false, http: true}
"""


@pytest.fixture(scope="session", autouse=True)
def _clients() -> None:
    """The npm packages of devkit/peers, installed once; without them no test here means anything."""
    try:
        install()
    except ToolchainError as error:
        pytest.fail(str(error), pytrace=False)


# Discord


@pytest.fixture
def tls_dir(tmp_path: Path) -> Path:
    """Where the simulator puts the certificate of its voice servers."""
    return tmp_path / "tls"


@pytest.fixture
async def simulator(tls_dir: Path) -> AsyncIterator[Simulator]:
    """A simulator with voice servers; IDENTIFYs may follow one another at once."""
    knobs: dict[str, object] = {"identify_window_ms": 0}
    async with Simulator(SimConfig(tls_dir=tls_dir, knobs=knobs)) as running:
        yield running


@pytest.fixture
def authority(simulator: Simulator, tls_dir: Path) -> Path:
    """The certificate that a node must trust."""
    assert simulator.voice.endpoints()
    return tls_dir / "ca.pem"


@pytest.fixture
async def discord(simulator: Simulator) -> AsyncIterator[SimClient]:
    """The typed client."""
    async with SimClient(simulator.url) as client:
        yield client


@pytest.fixture
async def start_bot(simulator: Simulator) -> AsyncIterator[Callable[..., Awaitable[PeerBot]]]:
    """Starts bots of devkit/peers on the simulator and waits until they are ready."""
    async with AsyncExitStack() as running:

        async def start(program: str, **settings: str) -> PeerBot:
            discord = {"PEER_DISCORD_API": f"{simulator.url}/api", "PEER_DISCORD_TOKEN": DEFAULT_TOKEN}
            bot = await running.enter_async_context(PeerBot(program, discord | settings))
            await bot.wait("ready")
            return bot

        yield start


# Lavalink


class Wire:
    """A TCP proxy before a node. Its WebSockets can be cut; REST calls go through untouched."""

    def __init__(self, port: int) -> None:
        self._node_port = port
        self._server: asyncio.Server | None = None
        self._sockets: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._whole = asyncio.Event()
        self._whole.set()

    @property
    def url(self) -> str:
        """Where clients are to connect."""
        assert self._server is not None
        return f"http://{LOCALHOST}:{self._server.sockets[0].getsockname()[1]}"

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, LOCALHOST, 0)

    async def close(self) -> None:
        """End everything."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut_at_node(self) -> None:
        """Reset the node's end of every WebSocket; new ones wait until :meth:`mend`."""
        self._whole.clear()
        for _, upstream in self._sockets:
            upstream.transport.abort()

    def cut_at_client(self) -> None:
        """Reset the clients' end too."""
        for downstream, _ in self._sockets:
            downstream.transport.abort()
        self._sockets.clear()

    def mend(self) -> None:
        """Let new WebSockets through."""
        self._whole.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n")
            is_socket = b"/v4/websocket" in head
            if is_socket:
                await self._whole.wait()
            up_reader, up_writer = await asyncio.open_connection(LOCALHOST, self._node_port)
            if is_socket:
                self._sockets.append((writer, up_writer))
            up_writer.write(head)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._copy(reader, up_writer))
                    # A cut end of the node stays unseen by the client until its own end is cut.
                    both.create_task(self._copy(up_reader, writer, hold_open=is_socket))
            finally:
                up_writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()

    @staticmethod
    async def _copy(
        source: asyncio.StreamReader, target: asyncio.StreamWriter, *, hold_open: bool = False
    ) -> None:
        try:
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
        except ConnectionError:
            if not hold_open:
                target.transport.abort()
            return
        if target.can_write_eof():
            target.write_eof()


@dataclass(frozen=True)
class Node:
    """A stand-in behind a wire. ``url`` is the wire's, ``direct`` the node's own."""

    direct: str
    wire: Wire

    @property
    def settings(self) -> dict[str, str]:
        """What a bot must be told."""
        return {"PEER_NODE_URL": self.wire.url, "PEER_NODE_PASSWORD": PASSWORD}

    async def status(self, path: str) -> int:
        """The status of a GET past the wire."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": PASSWORD}) as http,
            http.get(f"{self.direct}{path}") as response,
        ):
            return response.status


@pytest.fixture
def node_process(authority: Path, tmp_path: Path) -> Iterator[str]:
    """The stand-in as a process of its own that trusts the simulator's voice servers; its address."""
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "application.yml").write_text(NODE_CONFIG)
    env = os.environ | {
        "SERVER_ADDRESS": LOCALHOST,
        "SERVER_PORT": "0",
        "LAVALINK_SERVER_PASSWORD": PASSWORD,
        "SSL_CERT_FILE": str(authority),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "segue_devkit.lavalink"],
        cwd=folder,
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert "listening on" in line, line
        yield f"http://{line.split()[-1]}"
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()


@pytest.fixture
async def node(node_process: str) -> AsyncIterator[Node]:
    """The stand-in, reached through a wire."""
    wire = Wire(int(node_process.rsplit(":", 1)[1]))
    await wire.open()
    yield Node(node_process, wire)
    await wire.close()


@pytest.fixture(scope="session")
def tune_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tunes that are played, encoded once."""
    folder = tmp_path_factory.mktemp("tunes")
    for name in TUNES:
        tune = by_identifier(name)
        assert tune is not None
        write_file(tune, folder / f"{name}.mp3", Container.MP3)
    return folder


@pytest.fixture
async def tune_link(tune_files: Path) -> AsyncIterator[Callable[[str], str]]:
    """Links to them."""
    app = web.Application()
    app.router.add_static("/", tune_files)
    async with TestServer(app) as server:
        yield lambda name: str(server.make_url(f"/{name}.mp3"))
