"""``segue bench router``: how long Place takes with its reservation, and what of it is the router's.

A real Valkey, a real router process and nodes that answer its probes; requests arrive open-loop, each timed
from when it was due, so that a slow answer cannot hide behind the next request's delay. In turn with
them, half a second each, a bare grpc.aio server of the same message sizes is asked at the same rate: the
ratio is what our work adds to what gRPC and this machine cost anyway. Times are milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import aiohttp
import grpc
import psutil
import uvloop
from cyclopts import Parameter

from segue_core.ids import NodeId, RegionName
from segue_core.models import Topology, TopologyNode, TopologyRegion
from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_core.redis.topology import publish
from segue_devkit.bench.failure import BenchFailedError
from segue_devkit.bench.router_echo import SERVICE as ECHO
from segue_devkit.bench.router_scene import (
    CALL_TIMEOUT_S,
    CLUSTER,
    HOST,
    BenchResult,
    listening,
    start_router,
    stats_node,
    wait_ready,
)
from segue_devkit.embedded.process import Child, free_port
from segue_devkit.embedded.valkey import EmbeddedValkey
from segue_devkit.figures import percentile
from segue_protos.router.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    import cyclopts

TARGET_P99_MS = 10.0
SLICE_S = 0.5
WARM_UP = 200
REGIONS = ("us-east", "rotterdam", "singapore")
KEPT_PACE = 0.95
"""A run that sent less than this share of its rate measured the machine, not the router."""


@dataclass(slots=True)
class Load:
    """One kind of call under open-loop load."""

    call: Callable[[], Awaitable[object]]
    server: psutil.Process
    took_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    busy_s: float = 0.0
    cpu_s: float = 0.0

    async def slice(self, rate: float, seconds: float) -> None:
        """Send at ``rate`` for ``seconds`` and wait for the answers."""
        # Not the loop's clock: uvloop's counts whole milliseconds.
        begun, used = time.monotonic(), self._server_cpu_s()
        count = int(rate * seconds)
        async with asyncio.TaskGroup() as calls:
            for number in range(count):
                due = begun + number / rate
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                self.late_ms.append(max(0.0, (time.monotonic() - due) * 1000))
                calls.create_task(self._one(due))
            self.busy_s += max(time.monotonic() - begun, count / rate)
        self.cpu_s += self._server_cpu_s() - used

    def _server_cpu_s(self) -> float:
        times = self.server.cpu_times()
        return float(times.user + times.system)

    async def _one(self, due: float) -> None:
        try:
            await self.call()
        except grpc.aio.AioRpcError as error:
            self.errors.append(f"{error.code().name}: {error.details()}")
            return
        self.took_ms.append((time.monotonic() - due) * 1000)


async def run(*, seconds: float = 10.0, rate: float = 500.0, nodes: int = 12) -> BenchResult:
    """Measure for ``seconds`` of Place and as many of echo, at ``rate`` calls a second.

    Raises:
        BenchFailedError: when something did not start or no node became ready.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="segue-bench-router-")))
        valkey = await stack.enter_async_context(EmbeddedValkey(host=HOST))
        addresses = [await stats_node(stack) for _ in range(nodes)]
        await _publish(valkey.url, addresses)
        started = await start_router(stack, valkey.url, folder)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(started.target))
        stub: router_pb2_grpc.AudioRouterAsyncStub = router_pb2_grpc.AudioRouterStub(channel)
        await wait_ready(stub, nodes)
        sample = await stub.Place(_request(random.Random(0)), timeout=CALL_TIMEOUT_S)
        echo_channel, echo_pid = await _start_echo(stack, folder, sample.ByteSize())
        source = random.Random(1)  # the same guilds every run
        ask = echo_channel.unary_unary(f"/{ECHO}/Echo", bytes, bytes)
        size = len(_request(source).SerializeToString())
        place = Load(
            lambda: stub.Place(_request(source), timeout=CALL_TIMEOUT_S), psutil.Process(started.pid)
        )
        echo = Load(lambda: ask(bytes(size), timeout=CALL_TIMEOUT_S), psutil.Process(echo_pid))
        return await _measure(place, echo, started.http, rate=rate, seconds=seconds)


async def _measure(place: Load, echo: Load, http: str, *, rate: float, seconds: float) -> BenchResult:
    for _ in range(WARM_UP):
        await place.call()
        await echo.call()
    before = await _served(http)
    for _ in range(max(1, round(seconds / SLICE_S))):
        await place.slice(rate, SLICE_S)
        await echo.slice(rate, SLICE_S)
    after = await _served(http)
    return _report(place, echo, rate, {name: after[name] - before[name] for name in after})


def _report(place: Load, echo: Load, rate: float, served: dict[str, float]) -> BenchResult:
    """Sum up. ``served`` is what the router counted of itself meanwhile: calls, and seconds of them."""
    calls = max(1.0, served["calls"])
    server_ms = served["place_s"] / calls * 1000
    redis_ms = served["reserve_s"] / calls * 1000
    mean_ms = sum(place.took_ms) / max(1, len(place.took_ms))
    p50, p99 = percentile(place.took_ms, 0.50), percentile(place.took_ms, 0.99)
    echo_p50, echo_p99 = percentile(echo.took_ms, 0.50), percentile(echo.took_ms, 0.99)
    pace = len(place.late_ms) / place.busy_s if place.busy_s else 0.0
    notes = [
        f"{kind}: {error}" for kind, load in (("place", place), ("echo", echo)) for error in load.errors[:3]
    ]
    if pace < KEPT_PACE * rate:
        notes.append(
            f"only {pace:.0f} calls/s were sent of {rate:.0f}: the machine was busy with other things"
        )
    metrics = {
        "place_p50_ms": p50,
        "place_p99_ms": p99,
        "place_max_ms": max(place.took_ms, default=0.0),
        "place_mean_ms": mean_ms,
        "echo_p50_ms": echo_p50,
        "echo_p99_ms": echo_p99,
        "ratio_to_echo": p50 / echo_p50 if echo_p50 else 0.0,
        "ratio_to_echo_p99": p99 / echo_p99 if echo_p99 else 0.0,
        "redis_mean_ms": redis_ms,
        "router_own_mean_ms": server_ms - redis_ms,
        "grpc_and_client_mean_ms": mean_ms - server_ms,
        "router_cpu_ms": place.cpu_s / max(1, len(place.took_ms)) * 1000,
        "echo_cpu_ms": echo.cpu_s / max(1, len(echo.took_ms)) * 1000,
        "sent_late_p99_ms": percentile(place.late_ms, 0.99),
        "places_per_s": pace,
        "places": float(len(place.took_ms)),
        "errors": float(len(place.errors) + len(echo.errors)),
    }
    return BenchResult(
        bench="router",
        ok=not place.errors and not echo.errors and bool(place.took_ms) and pace >= KEPT_PACE * rate,
        metrics={name: round(value, 3) for name, value in metrics.items()},
        targets={"place_p99_ms": {"below": TARGET_P99_MS, "met": p99 < TARGET_P99_MS}},
        notes=notes,
    )


def _request(source: random.Random) -> router_pb2.PlaceRequest:
    """Return a request as workers send them: a guild, its voice endpoint, the shard's open nodes."""
    region = source.choice(REGIONS)
    return router_pb2.PlaceRequest(
        guild_id=source.randrange(1 << 62, 1 << 63),
        shard_id=source.randrange(16),
        voice_endpoint=f"{region}{source.randrange(1000, 9999)}.discord.media:443",
        preferred_nodes=[f"{region}-0", f"{region}-1"],
    )


async def _publish(redis_url: str, addresses: list[str]) -> None:
    nodes = tuple(
        TopologyNode(
            id=NodeId(f"{REGIONS[number % len(REGIONS)]}-{number // len(REGIONS)}"),
            region=RegionName(REGIONS[number % len(REGIONS)]),
            address=address,
            # Bounded, so that the room is counted, and roomy, so that no run is refused.
            capacity=1_000_000,
        )
        for number, address in enumerate(addresses)
    )
    regions = tuple(TopologyRegion(name=RegionName(name), voice_prefixes=(name,)) for name in REGIONS)
    client = connect(redis_url, "bench-router")
    try:
        await publish(
            client, Keys(CLUSTER), Topology(generation=1, num_shards=16, regions=regions, nodes=nodes)
        )
    finally:
        await client.aclose()


async def _start_echo(stack: AsyncExitStack, folder: Path, size: int) -> tuple[grpc.aio.Channel, int]:
    address = f"{HOST}:{free_port(HOST)}"
    command = [sys.executable, "-m", "segue_devkit.bench.router_echo", address, str(size)]
    child = Child(command, dict(os.environ), folder / "echo.log")
    stack.callback(child.stop)
    await listening(address, child)
    return await stack.enter_async_context(grpc.aio.insecure_channel(address)), child.pid


async def _served(http: str) -> dict[str, float]:
    """Return what the router counted: calls, seconds of Place, seconds of them spent on Redis."""
    names = {
        "segue_router_place_seconds_count": "calls",
        "segue_router_place_seconds_sum": "place_s",
        "segue_router_reserve_seconds_sum": "reserve_s",
    }
    async with aiohttp.ClientSession() as session, session.get(f"{http}/metrics") as response:
        pairs = (line.rpartition(" ") for line in (await response.text()).splitlines())
        return {names[name]: float(value) for name, _, value in pairs if name in names}


def register(app: cyclopts.App) -> None:
    """Add ``router`` to the ``bench`` commands."""
    app.command(router, name="router")


def router(
    *,
    seconds: float = 10.0,
    rate: float = 500.0,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    enforce: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Measure Place with reservation, and its ratio to a bare gRPC echo in the same run.

    Args:
        seconds: How long Place is measured; the echo takes as long again, in turns.
        rate: Calls a second, sent whether or not earlier ones were answered.
        as_json: Print JSON for programs.
        enforce: Fail when a target is missed.
    """
    try:
        # uvloop halves the client's own cost, which shares the cores with what is measured.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(run(seconds=seconds, rate=rate))
    except BenchFailedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write((json.dumps(asdict(result)) if as_json else result.table()) + "\n")
    return int(not result.ok or (enforce and not result.met))
