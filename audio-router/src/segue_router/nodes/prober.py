"""Probing the whole fleet, shared with the other replicas.

Nobody is the leader: each replica takes what is due from the schedule in Redis under a short lease, so a
node is probed once an interval however many replicas there are, and all read the same reports. A replica
that dies is missed for one lease. Without Redis nothing is probed: nothing could be placed either.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from segue_core.logging import get_logger
from segue_router.domain.health import Bounds, next_report, players_after

if TYPE_CHECKING:
    from segue_core.ids import NodeId
    from segue_core.redis.nodes import NodeRegistry, NodeReport, ProbeLease
    from segue_router.metrics import RouterMetrics
    from segue_router.nodes.fleet import FleetView
    from segue_router.nodes.probe import Prober
    from segue_router.settings import RouterSettings

log = get_logger(__name__)

MAX_AT_ONCE = 64
LOOK_S = 0.1
"""How often a replica looks for due nodes, give or take a third."""
CONFIRM_MS = 200
"""A node that seems to have changed is asked again this soon."""
LEASE_MARGIN_MS = 1_000


class FleetProber:
    """Probes what is due until cancelled."""

    def __init__(
        self,
        registry: NodeRegistry,
        prober: Prober,
        fleet: FleetView,
        metrics: RouterMetrics,
        settings: RouterSettings,
    ) -> None:
        self._registry = registry
        self._prober = prober
        self._fleet = fleet
        self._metrics = metrics
        self._interval_ms = settings.probe_interval_ms
        self._lease_ms = settings.probe_connect_ms + settings.probe_answer_ms + LEASE_MARGIN_MS
        self._bounds = Bounds()
        self._running: set[NodeId] = set()

    async def run(self) -> None:
        """Look for due nodes and probe them. Ends only by being cancelled, and its probes with it."""
        async with asyncio.TaskGroup() as probes:
            while True:
                await asyncio.sleep(LOOK_S * random.uniform(0.67, 1.33))  # noqa: S311 - spreads replicas
                nodes = [node for node in self._fleet.addresses if node not in self._running]
                free = MAX_AT_ONCE - len(self._running)
                if not nodes or free <= 0:
                    continue
                try:
                    lease = await self._registry.due(nodes, lease_ms=self._lease_ms, most=free)
                except (RedisError, OSError) as error:
                    self._fleet.redis_failed(error)
                    continue
                for node, report in lease.nodes.items():
                    self._running.add(node)
                    probes.create_task(self._one(node, report, lease), name=f"probe {node}")

    async def _one(self, node: NodeId, previous: NodeReport | None, lease: ProbeLease) -> None:
        try:
            address = self._fleet.addresses.get(node)
            if address is None:
                return  # it left the topology since it was taken
            loop = asyncio.get_running_loop()
            started = loop.time()
            version = previous.version if previous is not None else ""
            outcome = await self._prober.probe(address, version)
            took = loop.time() - started
            self._metrics.probed(outcome, took)
            report = next_report(node, previous, outcome, lease.now_ms + int(took * 1000), self._bounds)
            wait = self._interval_ms if report.candidate is None else min(CONFIRM_MS, self._interval_ms)
            next_at = max(lease.now_ms + wait, report.probed_at + wait // 2)
            stored = await self._registry.record(
                report, lease, next_at=next_at, players=players_after(outcome)
            )
            if stored and (previous is None or previous.state is not report.state):
                before = previous.state.value if previous else "new"
                log.info("node changed", node=node, before=before, now=report.state.value, why=report.detail)
        except (RedisError, OSError) as error:
            self._fleet.redis_failed(error)
        finally:
            self._running.discard(node)
