"""The fleet as last heard of: from the router's watch, else from the topology in Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from segue_core.ids import GuildId, NodeId, RegionName, TierName
from segue_core.models import Topology, TopologyNode
from segue_worker.routing.rendezvous import Candidate, ranked, weight_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class NodeHealth(StrEnum):
    """What the router's probes said. ``UNKNOWN`` also stands for what a newer router may say."""

    READY = "ready"
    OVERLOADED = "overloaded"
    HUNG = "hung"
    DEAD = "dead"
    MISCONFIGURED = "misconfigured"
    UNKNOWN = "unknown"


_NOTHING: Mapping[NodeId, int] = MappingProxyType({})
_USABLE = frozenset({NodeHealth.READY, NodeHealth.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node as the router knows it. ``players`` includes what is reserved and not there yet."""

    id: NodeId
    region: RegionName
    address: str
    health: NodeHealth = NodeHealth.UNKNOWN
    cordoned: bool = False
    draining: bool = False
    players: int = 0
    capacity: int = 0

    @property
    def takes_players(self) -> bool:
        """Whether it may be given one more player."""
        return self.health in _USABLE and not self.cordoned and self.room() != 0

    def room(self, promised: int = 0) -> int | None:
        """Return how many more players it may carry beside those ``promised``; None: no bound."""
        return max(0, self.capacity - self.players - promised) if self.capacity else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetView:
    """Nodes by the router, and the topology's regions and tiers. Either may not be known yet."""

    nodes: dict[NodeId, NodeView] = field(default_factory=dict)
    topology: Topology | None = None

    def address(self, node: NodeId) -> str | None:
        """Return ``host:port``. The topology wins where it is newer: it knows replaced nodes first."""
        wanted = self._wanted().get(node)
        if wanted is not None:
            return wanted.address
        seen = self.nodes.get(node)
        return seen.address if seen is not None else None

    def candidates(
        self,
        guild: GuildId,
        endpoint: str = "",
        tier: TierName | None = None,
        promised: Mapping[NodeId, int] = _NOTHING,
    ) -> tuple[NodeId, ...]:
        """Return usable nodes for a guild, best first, within what its tier may use.

        ``promised``: players to be counted beside those of the view.
        """
        home = home_region(self.topology, endpoint)
        allowed = allowed_regions(self.topology, tier)
        return ranked(
            guild,
            (
                Candidate(
                    node=node.id,
                    region=node.region,
                    weight=weight_of(node.capacity),
                    room=node.room(promised.get(node.id, 0)),
                    distance=distance(self.topology, home, node.region),
                )
                for node in self._known()
                if node.health in _USABLE
                and not node.cordoned
                and (allowed is None or node.region in allowed)
            ),
        )

    def knows_tier(self, tier: TierName) -> bool:
        """Whether the topology names this tier; a topology without tiers takes any."""
        tiers = () if self.topology is None else self.topology.tiers
        return not tiers or any(one.name == tier for one in tiers)

    def region_of(self, node: NodeId) -> RegionName | None:
        """Return the region a node is in."""
        return next((known.region for known in self._known() if known.id == node), None)

    def draining(self) -> frozenset[NodeId]:
        """Return the nodes that are to be emptied."""
        return frozenset(node.id for node in self.nodes.values() if node.draining)

    def open_regions(self) -> frozenset[RegionName]:
        """Return the regions with a node that the router sees ready and that takes players."""
        return frozenset(
            node.region
            for node in self.nodes.values()
            if node.health is NodeHealth.READY and node.takes_players
        )

    def _wanted(self) -> dict[NodeId, TopologyNode]:
        return {} if self.topology is None else {node.id: node for node in self.topology.nodes}

    def _known(self) -> tuple[NodeView, ...]:
        """What the router said, and what only the topology has; not what left the topology."""
        wanted = self._wanted()
        if not wanted:
            return tuple(self.nodes.values())
        return tuple(
            self.nodes.get(node.id)
            or NodeView(id=node.id, region=node.region, address=node.address, capacity=node.capacity)
            for node in wanted.values()
        )


def home_region(topology: Topology | None, endpoint: str) -> RegionName | None:
    """Return the region whose name a voice endpoint begins with; the longest such prefix counts."""
    if topology is None or not endpoint:
        return None
    host = endpoint.lower()
    found = [
        (len(prefix), region.name)
        for region in topology.regions
        for prefix in region.voice_prefixes
        if host.startswith(prefix.lower())
    ]
    return max(found)[1] if found else None


def allowed_regions(topology: Topology | None, tier: TierName | None) -> frozenset[RegionName] | None:
    """Return what a tier may use, None for everything."""
    if topology is None or tier is None:
        return None
    known = next((one for one in topology.tiers if one.name == tier), None)
    return frozenset(known.regions) if known is not None and known.regions else None


def distance(topology: Topology | None, home: RegionName | None, region: RegionName) -> float:
    """Return milliseconds between regions; 0 at home or with no home, the farthest where it is not said."""
    if topology is None or home is None or home == region:
        return 0.0
    here = next((one for one in topology.regions if one.name == home), None)
    return float("inf") if here is None else here.distances.get(region, float("inf"))
