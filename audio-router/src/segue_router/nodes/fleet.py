"""The view of the fleet that every answer is given from, read from Redis a few times a second."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from segue_core.codec import MalformedValueError
from segue_core.logging import get_logger
from segue_core.redis import topology as topologies
from segue_core.redis.nodes import NodeLoad, NodeReport, NodeState, RegistryView
from segue_router.domain.placement import NEARLY_EQUAL, Fleet, FleetNode, score
from segue_router.domain.standings import Standings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segue_core.ids import NodeId
    from segue_core.models import Topology, TopologyNode
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_core.redis.nodes import NodeRegistry

log = get_logger(__name__)

REFRESH_S = 0.25
STALE_MS = 15_000
"""A report nobody renewed for this long tells nothing: the node counts as not probed yet."""
RETRY_S = 1.0
NOTABLE = NEARLY_EQUAL / 5
"""A score that changed by less between two refreshes is not worth ranking everything anew."""


class FleetView:
    """What this replica knows, and when it changed. Written by :meth:`run`, read by everybody."""

    def __init__(
        self,
        redis: RedisClient,
        keys: Keys,
        registry: NodeRegistry,
        observe: Callable[[Fleet], None],
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._registry = registry
        self._observe = observe
        self._topology: Topology | None = None
        self._changed = asyncio.Event()
        self._digest: tuple[object, ...] = ()
        self.addresses: Mapping[NodeId, str] = MappingProxyType({})
        self.fleet: Fleet | None = None
        self._standings: Standings | None = None
        self.version = 0
        self.redis_error: str | None = "not asked yet"

    async def run(self) -> None:
        """Follow topology and registry. Ends only by being cancelled; outages are waited out."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_topology(), name="topology")
            tasks.create_task(self._follow_registry(), name="registry")

    async def changed(self, since: int, timeout_s: float) -> None:
        """Return when the view is newer than version ``since``, or after ``timeout_s``."""
        if self.version != since:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return

    def redis_failed(self, error: Exception) -> None:
        """Remember that Redis could not be asked; said in the log once an outage."""
        if self.redis_error is None:
            log.warning("Redis is away: no placements until it is back", error=str(error))
        self.redis_error = str(error) or type(error).__name__

    def redis_answered(self) -> None:
        """Remember that Redis answers."""
        if self.redis_error is not None:
            log.info("Redis answers")
        self.redis_error = None

    @property
    def standings(self) -> Standings:
        """How the nodes stand by the view.

        Raises:
            LookupError: while there is no view.
        """
        if self.fleet is None:
            raise LookupError("there is no view of the fleet yet")
        if self._standings is None or self._standings.fleet is not self.fleet:
            self._standings = Standings(self.fleet)
        return self._standings

    def moved(self, reserved: Mapping[NodeId, int]) -> None:
        """Count places given away at once."""
        for node, count in reserved.items():
            self.promised(node, count)

    def promised(self, reserved_on: NodeId, reserved: int) -> None:
        """Count places just given away, so that the next guild sees them before the next refresh.

        One that makes a node neither full nor notably more burdened changes no order: the view stays.
        """
        if self.fleet is None:
            return
        for index, node in enumerate(self.fleet.nodes):
            if node.id != reserved_on:
                continue
            full = 0 < node.capacity <= node.players + reserved
            if full != node.full or abs(score(node, reserved) - score(node)) >= NOTABLE:
                now = replace(node, reserved=reserved)
                nodes = (*self.fleet.nodes[:index], now, *self.fleet.nodes[index + 1 :])
                self.fleet = replace(self.fleet, nodes=nodes)
            return

    async def refresh(self) -> None:
        """Read the registry once.

        Raises:
            RedisError: when Redis cannot be asked; the last view stays.
        """
        topology = self._topology
        if topology is None:
            return
        view = await self._registry.view([node.id for node in topology.nodes])
        nodes = tuple(fleet_node(node, view) for node in sorted(topology.nodes, key=lambda node: node.id))
        self.fleet = Fleet(topology=topology, nodes=nodes)
        self._observe(self.fleet)
        digest = (topology.generation, *(_essence(node) for node in nodes))
        if digest != self._digest:
            self._digest = digest
            self.version += 1
            self._changed.set()
            self._changed = asyncio.Event()

    async def _follow_registry(self) -> None:
        while True:
            try:
                if self._topology is None:
                    # Tells "no topology yet" from "Redis is away" to whoever asks.
                    await self._registry.view([])
                else:
                    await self.refresh()
                self.redis_answered()
            except (RedisError, OSError) as error:
                self.redis_failed(error)
            await asyncio.sleep(REFRESH_S)

    async def _follow_topology(self) -> None:
        while True:
            try:
                async for topology in topologies.watch(self._redis, self._keys):
                    await self._adopt(topology)
            except (RedisError, OSError) as error:
                self.redis_failed(error)
            except MalformedValueError as error:
                log.error("the topology in Redis cannot be read, the last one stays", error=str(error))  # noqa: TRY400
            await asyncio.sleep(RETRY_S)

    async def _adopt(self, topology: Topology) -> None:
        log.info("topology", generation=topology.generation, nodes=len(topology.nodes))
        self._topology = topology
        self.addresses = MappingProxyType({node.id: node.address for node in topology.nodes})
        await self._registry.retain([node.id for node in topology.nodes])
        await self.refresh()


def fleet_node(node: TopologyNode, view: RegistryView) -> FleetNode:
    """Join what the topology wants with what is known; a stale report counts as none."""
    report = view.reports.get(node.id)
    if report is None or view.now_ms - report.probed_at > STALE_MS:
        report = NodeReport(node=node.id, state=NodeState.UNKNOWN, probed_at=0)
    load = view.loads.get(node.id, NodeLoad())
    order = view.cordons.get(node.id)
    return FleetNode(
        id=node.id,
        region=node.region,
        address=node.address,
        capacity=node.capacity,
        state=report.state,
        cordoned=order is not None,
        draining=order is not None and order.drain,
        cordoned_by="" if order is None else order.by,
        cordon_reason="" if order is None else order.reason,
        players=load.players,
        playing_players=report.playing_players,
        reserved=load.reserved,
        system_load=report.system_load,
        lavalink_load=report.lavalink_load,
        frame_deficit=report.frame_deficit,
        probe_ms=report.probe_ms,
        seen_at=report.seen_at,
        version=report.version,
        detail=report.detail,
    )


def _essence(node: FleetNode) -> tuple[object, ...]:
    """Return what placements depend on, with the load in tenths: noise is no change."""
    return (
        node.id,
        node.region,
        node.address,
        node.capacity,
        node.state,
        node.cordoned,
        node.draining,
        node.full,
        node.version,
        round(score(node), 1),
    )
