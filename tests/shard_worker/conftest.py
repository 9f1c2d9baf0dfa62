"""What several suites of the worker need: a lease that is really held, and Lavalink nodes as processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import NodeId, OwnerId
from segue_core.redis.leases import LeasePlane, WorkerBeat
from segue_worker.shards.lease import Grant, Lease

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

HELD_MS = 60_000
PASSWORD = "a password of the tests"
_STARTED_WITHIN_S = 20.0


@pytest.fixture
def plane(redis: RedisClient, keys: Keys) -> LeasePlane:
    """Return this test's lease plane."""
    return LeasePlane(redis, keys)


@pytest.fixture
async def hold(plane: LeasePlane) -> Callable[[str], Awaitable[Lease]]:
    """Return a function that claims shard 0 of 1 for an owner; the owner before must have released it."""

    async def claim(owner: str) -> Lease:
        # A plane without memory lets holders speak first, for half the shortest time to live it sees.
        await plane.renew(WorkerBeat(owner=OwnerId(owner), capacity=1), {}, ttl_ms=2)
        async with asyncio.timeout(_STARTED_WITHIN_S):
            claims = await plane.claim(OwnerId(owner), 1, 1, ttl_ms=HELD_MS)
            while not claims.claimed:
                await asyncio.sleep(0.005)
                claims = await plane.claim(OwnerId(owner), 1, 1, ttl_ms=HELD_MS)
        (claimed,) = claims.claimed
        deadline = time.monotonic() + HELD_MS / 1000
        return Lease(Grant(fence=claimed.fence, deadline=deadline), time.monotonic)

    return claim


class NodeProcess:
    """The Lavalink stand-in as a process of its own, which can be hung and killed."""

    def __init__(self, node: NodeId, host: str, port: int, folder: Path) -> None:
        self.node = node
        self.host = host
        self.port = port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return ``host:port``."""
        return f"{self.host}:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        environment = {
            **os.environ,
            "SERVER_ADDRESS": self.host,
            "SERVER_PORT": str(self.port),
            "LAVALINK_SERVER_PASSWORD": PASSWORD,
            "SSL_CERT_FILE": str(self._folder.parent / "tls" / "ca.pem"),
        }
        self._process = subprocess.Popen(  # noqa: ASYNC220 - it must be there before the first wait
            [sys.executable, "-m", "segue_devkit.lavalink"], cwd=self._folder, env=environment
        )
        deadline = time.monotonic() + _STARTED_WITHIN_S
        while not await self._listens():
            assert self._process.poll() is None, f"{self.node} ended with {self._process.returncode}"
            assert time.monotonic() < deadline, f"{self.node} does not listen"
            await asyncio.sleep(0.05)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return False
        writer.close()
        return True

    def kill(self) -> None:
        """End it as a crash would."""
        self._signal(signal.SIGKILL)

    def hang(self) -> None:
        """Stop it from doing anything, with its sockets open."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """Make sure that it is gone."""
        if self._process is not None and self._process.poll() is None:
            self._signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@pytest.fixture
async def start_node(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[NodeProcess]]]:
    """Return a function that starts a node of the given name."""
    started: list[NodeProcess] = []

    async def start(name: str) -> NodeProcess:
        host = f"127.77.0.{len(started) + 1}"
        with socket.socket() as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
        folder = tmp_path / name
        folder.mkdir()
        node = NodeProcess(NodeId(name), host, port, folder)
        started.append(node)
        await node.start()
        return node

    yield start
    for node in started:
        node.end()
