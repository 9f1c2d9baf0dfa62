"""A shard's side of its nodes, with what it heard written down, and a wire that can be cut."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest

from segue_core.ids import GuildId, NodeId, UserId
from segue_core.redis.clock import RedisClock
from segue_worker.lavalink.pool import NodePool, PoolTiming
from segue_worker.lavalink.socket import Caller
from segue_worker.lavalink.wire import GuildFrame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from segue_core.redis.leases import LeasePlane
    from segue_worker.lavalink.wire import NodePlayer
    from segue_worker.shards.lease import Lease

PASSWORD = "a password of the tests"
SOON_S = 10.0


async def until(condition: Callable[[], bool], within: float = SOON_S) -> float:
    """Wait until ``condition`` holds; return the seconds it took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not condition():
        assert loop.time() - started < within, "it did not come to pass"
        await asyncio.sleep(0.005)
    return loop.time() - started


@dataclass
class Side:
    """One worker's view of one shard's nodes."""

    pool: NodePool
    heard: list[tuple[NodeId, GuildFrame]] = field(default_factory=list)
    lost: list[tuple[NodeId, str, int]] = field(default_factory=list)
    superseded: list[tuple[NodeId, frozenset[GuildId]]] = field(default_factory=list)
    used: set[NodeId] = field(default_factory=set)


class Ears:
    """A listener that writes down."""

    def __init__(self) -> None:
        self.side: Side

    def frame(self, node: NodeId, frame: GuildFrame) -> None:
        self.side.heard.append((node, frame))

    def lost(self, node: NodeId, reason: str, silent_ms: int) -> None:
        self.side.lost.append((node, reason, silent_ms))

    def superseded(self, node: NodeId, players: Mapping[GuildId, NodePlayer]) -> None:
        self.side.superseded.append((node, frozenset(players)))

    def in_use(self, node: NodeId) -> bool:
        return node in self.side.used


class Addresses(dict[NodeId, str]):
    """A directory of nodes."""

    def address(self, node: NodeId) -> str | None:
        return self.get(node)


@pytest.fixture
def addresses() -> Addresses:
    """Return where nodes are; tests fill it."""
    return Addresses()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Return one HTTP session, as a worker has."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


@pytest.fixture
async def side(
    plane: LeasePlane, http: aiohttp.ClientSession, addresses: Addresses
) -> AsyncIterator[Callable[..., Side]]:
    """Return a function that makes a shard's side for a lease."""
    pools: list[NodePool] = []

    def make(lease: Lease, *, password: str = PASSWORD, timing: PoolTiming | None = None) -> Side:
        ears = Ears()
        pool = NodePool(
            Caller(user=UserId(4242), name="segue/test", password=password),
            http,
            lease=lease,
            directory=addresses,
            vault=plane,
            listener=ears,
            now=RedisClock().now,
            timing=timing,
        )
        pools.append(pool)
        ears.side = Side(pool)
        return ears.side

    yield make
    for pool in pools:
        await pool.close()


class Wire:
    """A TCP relay to a node that can be cut, or swallow everything, without the node's doing."""

    def __init__(self) -> None:
        self.address = ""
        self.dialled = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self, target: str) -> None:
        """Listen, and relay to ``target``."""
        host, _, port = target.partition(":")

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.dialled += 1
            there_reader, there = await asyncio.open_connection(host, int(port))
            self._writers |= {writer, there}
            for source, sink in ((reader, there), (there_reader, writer)):
                task = asyncio.create_task(self._pump(source, sink))
                self._tasks.add(task)

        self._server = await asyncio.start_server(relay, "127.77.1.1", 0)
        here = self._server.sockets[0].getsockname()
        self.address = f"{here[0]}:{here[1]}"

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            sink.transport.abort()
        finally:
            sink.close()

    def cut(self) -> None:
        """Reset every connection that is open."""
        writers, self._writers = self._writers, set()
        for writer in writers:
            writer.transport.abort()

    async def close(self) -> None:
        """Stop relaying, and refuse connections."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """Return a wire, not connected yet."""
    made = Wire()
    yield made
    await made.close()


@pytest.fixture
def eventually() -> Callable[..., Awaitable[float]]:
    """Return :func:`until`."""
    return until
