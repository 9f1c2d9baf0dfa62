"""``segue bench router-failover``: placement alone, when one of ten nodes is lost with its players.

Two real routers over a real Valkey, ten nodes that answer their probes in two regions. Each round, every
shard sends one Replace for its players of the lost node, all at the same moment, to the routers in turn,
and asks again for those that were told to wait. Then Redis itself is asked whether a bound or a capacity
was broken. Players are not started: what that takes is the nodes' affair. Times are milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import grpc
import psutil
import uvloop
from cyclopts import Parameter, validators

from segue_core.ids import NodeId, RegionName
from segue_core.models import Topology, TopologyNode, TopologyRegion
from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_core.redis.nodes import NodeRegistry
from segue_core.redis.topology import publish
from segue_devkit.bench.failure import BenchFailedError
from segue_devkit.bench.router_scene import (
    CALL_TIMEOUT_S,
    CLUSTER,
    HOST,
    BenchResult,
    start_router,
    stats_node,
    wait_ready,
)
from segue_devkit.embedded.valkey import EmbeddedValkey
from segue_devkit.figures import percentile
from segue_protos.router.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    import cyclopts

REGIONS = ("us-east", "rotterdam")
NODES = 10
SHARDS = 16
ROUTERS = 2
LOST = "us-east-0"
TARGET_P99_MS = 50.0
HEADROOM = 2.0
"""Capacity of a node over the players it has: one node's players fit into what its region has left."""
WINDOW_MS = 1_000
ROUND_TIMEOUT_S = 15.0


@dataclass(slots=True)
class Round:
    """What a loss led to. ``first_ms``: each shard's first answer; ``all_ms``: everybody placed."""

    first_ms: list[float] = field(default_factory=list)
    all_ms: float = 0.0
    waited: int = 0
    unplaced: int = 0
    nodes: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Broken:
    """What no round may do."""

    bounds: int = 0
    capacities: int = 0
    on_the_lost_node: int = 0
    off_region: int = 0
    unplaced: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.bounds + self.capacities + self.on_the_lost_node + self.off_region + self.unplaced


class Failover:
    """The stage: routers, registry, and the players of the lost node by shard."""

    def __init__(
        self, stubs: list[router_pb2_grpc.AudioRouterAsyncStub], registry: NodeRegistry, players: int
    ) -> None:
        self._stubs = stubs
        self._registry = registry
        self.per_node = players // NODES
        self.capacity = round(self.per_node * HEADROOM)
        self.bound = max(8, self.capacity // 8)
        self.nodes = [NodeId(f"{REGIONS[number % 2]}-{number // 2}") for number in range(NODES)]

    def shards(self, shards: int) -> list[list[router_pb2.MovingPlayer]]:
        """Return the players of the lost node, by shard."""
        every = [
            router_pb2.MovingPlayer(
                guild_id=(1 << 50) + number,
                voice_endpoint=f"us-east{1000 + number}.discord.media:443",
                listeners=1 + number % 7,
            )
            for number in range(self.per_node)
        ]
        return [part for shard in range(shards) if (part := every[shard::shards])]

    async def play(self, shards: int) -> Round:
        """Lose the node: every shard asks at once; then give all places back."""
        found = Round()
        parts = self.shards(shards)
        started = time.monotonic()
        async with asyncio.timeout(ROUND_TIMEOUT_S):
            await asyncio.gather(*(self._shard(number, part, found) for number, part in enumerate(parts)))
        found.all_ms = (time.monotonic() - started) * 1000
        return found

    async def judge(self, found: Round, broken: Broken) -> None:
        """Ask Redis what stands there now, and count what should not be."""
        view = await self._registry.view(self.nodes)
        starts = await self._registry.starting(self.nodes, WINDOW_MS)
        for node in self.nodes:
            load = view.loads[node]
            broken.capacities += load.players + load.reserved > self.capacity
            broken.bounds += starts[node] > self.bound
        broken.on_the_lost_node += found.nodes[LOST]
        broken.off_region += sum(
            count for node, count in found.nodes.items() if not node.startswith(REGIONS[0])
        )
        broken.unplaced += found.unplaced + self.per_node - found.nodes.total()

    async def clear(self) -> None:
        """Give every place back."""
        await asyncio.gather(
            *(
                self._stubs[0].Release(
                    router_pb2.ReleaseRequest(guild_id=player.guild_id), timeout=CALL_TIMEOUT_S
                )
                for player in self.shards(1)[0]
            )
        )

    async def _shard(self, shard: int, players: list[router_pb2.MovingPlayer], found: Round) -> None:
        rest = players
        while rest:
            request = router_pb2.ReplaceRequest(
                node=LOST,
                shard_id=shard,
                players=rest,
                reason=router_pb2.MOVE_REASON_NODE_LOST,
                preferred_nodes=[self.nodes[shard % NODES]],
            )
            asked = time.monotonic()
            answer = await self._stubs[shard % len(self._stubs)].Replace(request, timeout=CALL_TIMEOUT_S)
            if rest is players:
                found.first_ms.append((time.monotonic() - asked) * 1000)
            waits: dict[int, int] = {}
            for one in answer.players:
                if one.outcome == router_pb2.PLAYER_OUTCOME_PLACED:
                    found.nodes[one.node] += 1
                elif one.outcome == router_pb2.PLAYER_OUTCOME_WAIT:
                    waits[one.guild_id] = one.retry_after_ms
                else:
                    found.unplaced += 1
            if rest is players:
                found.waited += len(waits)
            rest = [player for player in rest if player.guild_id in waits]
            if rest:
                await asyncio.sleep(min(waits.values()) / 1000)


async def run(*, players: int = 2000, rounds: int = 20) -> BenchResult:
    """Lose a node ``rounds`` times.

    Raises:
        BenchFailedError: when something did not start or no node became ready.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="segue-bench-failover-")))
        valkey = await stack.enter_async_context(EmbeddedValkey(host=HOST))
        client = connect(valkey.url, "bench-failover")
        stack.push_async_callback(client.aclose)
        registry = NodeRegistry(client, Keys(CLUSTER))
        started = [
            await start_router(stack, valkey.url, folder, name=f"router-{number}")
            for number in range(ROUTERS)
        ]
        channels = [await stack.enter_async_context(grpc.aio.insecure_channel(one.target)) for one in started]
        stubs: list[router_pb2_grpc.AudioRouterAsyncStub] = [
            router_pb2_grpc.AudioRouterStub(channel) for channel in channels
        ]
        failover = Failover(stubs, registry, players)
        addresses = [await stats_node(stack, players=failover.per_node) for _ in range(NODES)]
        await publish(client, Keys(CLUSTER), _topology(failover, addresses))
        for stub in stubs:
            await wait_ready(stub, NODES)
        processes = [psutil.Process(one.pid) for one in started]
        try:
            return await _measure(failover, processes, rounds)
        except TimeoutError as error:
            raise BenchFailedError(f"a round took longer than {ROUND_TIMEOUT_S:g} s") from error


def _topology(failover: Failover, addresses: list[str]) -> Topology:
    return Topology(
        generation=1,
        num_shards=SHARDS,
        regions=tuple(
            TopologyRegion(
                name=RegionName(name),
                voice_prefixes=(name,),
                distances={RegionName(other): 80.0 for other in REGIONS if other != name},
            )
            for name in REGIONS
        ),
        nodes=tuple(
            TopologyNode(
                id=node,
                region=RegionName(node.rpartition("-")[0]),
                address=address,
                capacity=failover.capacity,
            )
            for node, address in zip(failover.nodes, addresses, strict=True)
        ),
    )


async def _measure(failover: Failover, processes: list[psutil.Process], rounds: int) -> BenchResult:
    for _ in range(2):  # connections, scripts, and Python's own first times
        await failover.play(SHARDS)
        await failover.clear()
    broken, by_shard, alone = Broken(), list[Round](), list[Round]()
    used = _cpu_s(processes)
    for _ in range(rounds):
        by_shard.append(await failover.play(SHARDS))
        await failover.judge(by_shard[-1], broken)
        used_by_rounds = _cpu_s(processes)
        await failover.clear()
        used += _cpu_s(processes) - used_by_rounds  # giving places back is no failover
    cpu_s = _cpu_s(processes) - used
    for _ in range(rounds):
        alone.append(await failover.play(1))
        await failover.judge(alone[-1], broken)
        await failover.clear()
    batches = [took for one in by_shard for took in one.first_ms]
    single = [one.first_ms[0] for one in alone]
    p99 = percentile(batches, 0.99)
    metrics = {
        "batch_p50_ms": percentile(batches, 0.50),
        "batch_p99_ms": p99,
        "batch_max_ms": max(batches, default=0.0),
        "one_batch_p50_ms": percentile(single, 0.50),
        "one_batch_p99_ms": percentile(single, 0.99),
        "all_placed_p50_ms": percentile([one.all_ms for one in by_shard], 0.50),
        "all_placed_max_ms": max((one.all_ms for one in by_shard), default=0.0),
        "router_cpu_ms_per_player": cpu_s * 1000 / max(1, rounds * failover.per_node),
        "players_lost": float(failover.per_node),
        "players_per_batch": failover.per_node / SHARDS,
        "batches": float(len(batches)),
        "waited": float(sum(one.waited for one in by_shard)),
        "bounds_broken": float(broken.bounds),
        "capacities_broken": float(broken.capacities),
        "on_the_lost_node": float(broken.on_the_lost_node),
        "off_region": float(broken.off_region),
        "unplaced": float(broken.unplaced),
    }
    return BenchResult(
        bench="router-failover",
        ok=bool(batches) and not broken.total,
        metrics={name: round(value, 3) for name, value in metrics.items()},
        targets={
            "batch_p99_ms": {"at_most": TARGET_P99_MS, "met": p99 <= TARGET_P99_MS},
            "broken": {"at_most": 0, "met": not broken.total},
        },
        notes=[
            (
                f"{NODES} nodes of {failover.per_node} players, room for {failover.capacity}, "
                f"{failover.bound} begin at once on each; {SHARDS} shards ask {ROUTERS} routers at once"
            )
        ],
    )


def _cpu_s(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return float(sum(one.user + one.system for one in times))


def register(app: cyclopts.App) -> None:
    """Add ``router-failover`` to the ``bench`` commands."""
    app.command(router_failover, name="router-failover")


def router_failover(
    *,
    players: Annotated[int, Parameter(validator=validators.Number(gte=NODES, lte=10_000))] = 2000,
    rounds: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=1000))] = 20,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    enforce: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Measure how soon all players of a lost node have a place, with every bound checked in Redis.

    Args:
        players: Players of all ten nodes; a tenth of them loses its node.
        rounds: How often the node is lost.
        as_json: Print JSON for programs.
        enforce: Fail when a target is missed.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(run(players=players, rounds=rounds))
    except BenchFailedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write((json.dumps(asdict(result)) if as_json else result.table()) + "\n")
    return int(not result.ok or (enforce and not result.met))
