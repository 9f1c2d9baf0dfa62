"""What the router's benchmarks share: nodes that answer probes, router processes, and their result."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from aiohttp import web

from segue_devkit.bench.failure import BenchFailedError
from segue_devkit.embedded.process import Child, free_port
from segue_protos.router.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from pathlib import Path

HOST = "127.0.0.1"
CLUSTER = "bench-router"
PASSWORD = "a bench has nothing to hide"  # noqa: S105 - of servers that live for seconds on loopback
START_TIMEOUT_S = 30.0
CALL_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """What a run found. ``ok``: it was sound (all answered, the pace kept), not that targets were met."""

    bench: str
    ok: bool
    metrics: dict[str, float]
    targets: dict[str, dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether every target was met."""
        return all(bool(target["met"]) for target in self.targets.values())

    def table(self) -> str:
        """Return it for people."""
        lines = [f"{name:<26}{value:>12.3f}" for name, value in self.metrics.items()]
        for name, target in self.targets.items():
            bound = ", ".join(f"{word} {limit:g}" for word, limit in target.items() if word != "met")
            lines.append(f"target {name} {bound.replace('_', ' ')}: {'met' if target['met'] else 'missed'}")
        sound = "the run was sound" if self.ok else "the run was NOT sound"
        return "\n".join([*lines, *self.notes, sound])


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRouter:
    """A router process that listens. ``http``: where its metrics are."""

    target: str
    http: str
    pid: int


async def stats_node(stack: AsyncExitStack, *, players: int = 20) -> str:
    """Serve what a probe asks of a Lavalink node, and return its address."""

    async def stats(_request: web.Request) -> web.Response:
        return web.json_response(
            {
                "players": players,
                "playingPlayers": players,
                "uptime": 3_600_000,
                "cpu": {"cores": 2, "systemLoad": 0.2, "lavalinkLoad": 0.1},
                "frameStats": None,
            }
        )

    async def version(_request: web.Request) -> web.Response:
        return web.Response(text="4.2.2")

    app = web.Application()
    app.add_routes([web.get("/v4/stats", stats), web.get("/version", version)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    port = free_port(HOST)
    await web.TCPSite(runner, HOST, port).start()
    return f"{HOST}:{port}"


async def start_router(
    stack: AsyncExitStack, redis_url: str, folder: Path, *, name: str = "bench-router"
) -> StartedRouter:
    """Start a router and wait until it listens; it ends with ``stack``."""
    grpc_port, http_port = free_port(HOST), free_port(HOST)
    env = {
        **os.environ,
        "SEGUE_CLUSTER": CLUSTER,
        "SEGUE_REDIS_URL": redis_url,
        "SEGUE_POD_IP": HOST,
        "SEGUE_POD_NAME": name,
        "SEGUE_LAVALINK_PASSWORD": PASSWORD,
        "SEGUE_GRPC_PORT": str(grpc_port),
        "SEGUE_HTTP_PORT": str(http_port),
        "SEGUE_LOG_LEVEL": "warning",
    }
    child = Child([sys.executable, "-m", "segue_router"], env, folder / f"{name}.log")
    stack.callback(child.stop)
    await listening(f"{HOST}:{grpc_port}", child)
    return StartedRouter(target=f"{HOST}:{grpc_port}", http=f"http://{HOST}:{http_port}", pid=child.pid)


async def listening(address: str, child: Child) -> None:
    """Wait until a process accepts connections."""
    host, _, port = address.rpartition(":")
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
    while True:
        child.check()
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError as error:
            if asyncio.get_running_loop().time() > deadline:
                raise BenchFailedError(f"{address} did not listen:\n{child.tail()}") from error
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return


async def wait_ready(stub: router_pb2_grpc.AudioRouterAsyncStub, nodes: int) -> None:
    """Wait until the router sees so many nodes ready.

    Raises:
        BenchFailedError: when it does not.
    """
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
    while True:
        try:
            listing = await stub.ListNodes(router_pb2.ListNodesRequest(), timeout=CALL_TIMEOUT_S)
            if sum(node.state == router_pb2.NODE_STATE_READY for node in listing.nodes) == nodes:
                return
            trouble = f"{len(listing.nodes)} nodes known, not all ready"
        except grpc.aio.AioRpcError as error:
            trouble = f"{error.code().name}: {error.details()}"
        if asyncio.get_running_loop().time() > deadline:
            raise BenchFailedError(f"the nodes did not become ready: {trouble}")
        await asyncio.sleep(0.05)
