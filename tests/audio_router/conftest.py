"""Real nodes' sockets, real router processes, and short ways to speak with them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from aiohttp import web

from segue_core.ids import NodeId, RegionName, TierName
from segue_core.models import Topology, TopologyNode, TopologyRegion, TopologyTier
from segue_core.redis.nodes import NodeRegistry
from segue_core.redis.topology import publish
from segue_devkit.embedded.process import free_port
from segue_protos.router.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

PASSWORD = "a password of the tests"


class FakeNode:
    """Answers what a Lavalink node answers to probes; what it says can be changed at any time."""

    def __init__(self) -> None:
        self.players = 0
        self.system_load = 0.1
        self.lavalink_load = 0.05
        self.frames: dict[str, int] | None = None
        self.version = "4.2.2"
        self.status = 200
        self.uptime = 60_000
        self.body: bytes | None = None
        self.delay = asyncio.Event()
        self.delay.set()
        self.asked = 0
        self._runner: web.AppRunner | None = None
        self.port = free_port("127.0.0.1")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.add_routes([web.get("/v4/stats", self._stats), web.get("/version", self._version)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        self.delay.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _denied(self, request: web.Request) -> web.Response | None:
        given = request.headers.get("Authorization")
        if given is None:
            return web.Response(status=401)
        return web.Response(status=403) if given != PASSWORD else None

    async def _stats(self, request: web.Request) -> web.Response:
        self.asked += 1
        await self.delay.wait()
        if denied := self._denied(request):
            return denied
        if self.body is not None or self.status != 200:
            return web.Response(status=self.status, body=self.body)
        return web.json_response(
            {
                "players": self.players,
                "playingPlayers": self.players,
                "uptime": self.uptime,
                "memory": {"free": 1, "used": 1, "allocated": 1, "reservable": 1},
                "cpu": {"cores": 2, "systemLoad": self.system_load, "lavalinkLoad": self.lavalink_load},
                "frameStats": self.frames,
            }
        )

    async def _version(self, request: web.Request) -> web.Response:
        return self._denied(request) or web.Response(text=self.version)


@pytest.fixture
async def fake_node() -> AsyncIterator[Callable[[], Awaitable[FakeNode]]]:
    """Start as many nodes as a test asks for."""
    started: list[FakeNode] = []

    async def start() -> FakeNode:
        node = FakeNode()
        await node.start()
        started.append(node)
        return node

    yield start
    for node in started:
        await node.stop()


@dataclass
class RouterProcess:
    """A router in a process of its own, and a channel to it."""

    process: asyncio.subprocess.Process
    target: str
    http: str
    channel: grpc.aio.Channel = field(repr=False)

    @property
    def stub(self) -> router_pb2_grpc.AudioRouterAsyncStub:
        return router_pb2_grpc.AudioRouterStub(self.channel)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)


class Routers:
    """Starts routers of one cluster, and ends those that are left."""

    def __init__(self, redis_url: str, cluster: str) -> None:
        self._env = {
            "SEGUE_CLUSTER": cluster,
            "SEGUE_REDIS_URL": redis_url,
            "SEGUE_POD_IP": "127.0.0.1",
            "SEGUE_LAVALINK_PASSWORD": PASSWORD,
            "SEGUE_PROBE_INTERVAL_MS": "100",
            "SEGUE_PROBE_ANSWER_MS": "400",
            "SEGUE_PROBE_CONNECT_MS": "400",
            "SEGUE_LOG_FORMAT": "json",
        }
        self._all: list[RouterProcess] = []

    async def start(self, **env: str) -> RouterProcess:
        """Start one and wait until its socket answers (ready or not)."""
        grpc_port, http_port = free_port("127.0.0.1"), free_port("127.0.0.1")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "segue_router",
            env={
                **os.environ,
                **self._env,
                "SEGUE_GRPC_PORT": str(grpc_port),
                "SEGUE_HTTP_PORT": str(http_port),
                "SEGUE_POD_NAME": f"router-{len(self._all)}",
                **env,
            },
            stderr=asyncio.subprocess.DEVNULL,
        )
        target = f"127.0.0.1:{grpc_port}"
        channel = grpc.aio.insecure_channel(target, options=[("grpc.initial_reconnect_backoff_ms", 100)])
        router = RouterProcess(process, target, f"http://127.0.0.1:{http_port}", channel)
        self._all.append(router)
        async with asyncio.timeout(20):
            await channel.channel_ready()
        return router

    async def close(self) -> None:
        for router in self._all:
            await router.channel.close(None)
            if router.process.returncode is None:
                router.process.kill()
            await router.process.wait()


@pytest.fixture
async def routers(valkey_url: str, cluster: str) -> AsyncIterator[Routers]:
    """Start routers on the session's Valkey."""
    starter = Routers(valkey_url, cluster)
    yield starter
    await starter.close()


@pytest.fixture
def routers_on() -> Callable[[str, str], Routers]:
    """Return what starts routers on another Valkey."""
    return Routers


@pytest.fixture
def registry(redis: RedisClient, keys: Keys) -> NodeRegistry:
    """Return the registry of this test's cluster."""
    return NodeRegistry(redis, keys)


@pytest.fixture
def publish_nodes(redis: RedisClient, keys: Keys) -> Callable[..., Awaitable[Topology]]:
    """Publish a topology: regions us-east, rotterdam and singapore, tiers free and premium."""

    async def put(
        nodes: dict[str, str], *, capacity: int = 0, generation: int = 1, client: RedisClient | None = None
    ) -> Topology:
        topology = make_topology(nodes, capacity=capacity, generation=generation)
        assert await publish(redis if client is None else client, keys, topology)
        return topology

    return put


def make_topology(nodes: dict[str, str], *, capacity: int = 0, generation: int = 1) -> Topology:
    """Return a topology of nodes, named <region>-<ordinal>, at their addresses."""
    return Topology(
        generation=generation,
        num_shards=4,
        regions=(
            TopologyRegion(
                name=RegionName("us-east"),
                voice_prefixes=("us-east", "127.80.1."),
                distances={RegionName("rotterdam"): 80.0, RegionName("singapore"): 220.0},
            ),
            TopologyRegion(
                name=RegionName("rotterdam"),
                voice_prefixes=("rotterdam", "127.80.2."),
                distances={RegionName("us-east"): 80.0, RegionName("singapore"): 160.0},
            ),
            TopologyRegion(name=RegionName("singapore"), voice_prefixes=("singapore", "127.80.3.")),
        ),
        nodes=tuple(
            TopologyNode(
                id=NodeId(name),
                region=RegionName(name.rpartition("-")[0]),
                address=address,
                capacity=capacity,
            )
            for name, address in nodes.items()
        ),
        tiers=(
            TopologyTier(name=TierName("free"), regions=(RegionName("us-east"), RegionName("rotterdam"))),
            TopologyTier(name=TierName("premium")),
        ),
    )


@pytest.fixture
def topology() -> Callable[..., Topology]:
    """Return what makes topologies."""
    return make_topology


async def wait_until(condition: Callable[[], Awaitable[Any]], timeout_s: float = 15.0) -> Any:
    """Return the first truthy answer of ``condition``, asked again and again."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = await condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        await asyncio.sleep(0.03)


@pytest.fixture
def until() -> Callable[..., Awaitable[Any]]:
    """Wait for a condition."""
    return wait_until


@pytest.fixture
def states(until: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Wait until a router sees nodes in the states given by name."""

    async def wait(router: RouterProcess, **wanted: str) -> Any:
        async def seen() -> list[router_pb2.Node] | None:
            try:
                answer = await router.stub.ListNodes(router_pb2.ListNodesRequest(), timeout=5)
            except grpc.aio.AioRpcError as error:
                if error.code() not in {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNAVAILABLE}:
                    raise
                return None
            found = {
                node.id.replace("-", "_"): router_pb2.NodeState.Name(node.state).removeprefix("NODE_STATE_")
                for node in answer.nodes
            }
            return (
                list(answer.nodes)
                if all(found.get(name) == state for name, state in wanted.items())
                else None
            )

        return await until(seen)

    return wait
