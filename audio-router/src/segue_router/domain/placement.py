"""The fleet, who wants what of it, how burdened a node is, and why none can be had. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from segue_core.ids import GuildId, NodeId, RegionName, TierName
from segue_core.models import Topology, TopologyTier
from segue_core.redis.nodes import NodeState, Place

DEFAULT_TIER = TierName("free")
NEARLY_EQUAL = 0.10
"""Scores this close are not worth a new session on another node, nor crowding one node of many."""


class Reason(Enum):
    """Why a node is where it is; the words of ``segue.router.v1.PlacementReason``."""

    HOME_REGION = "home region"
    NEAREST_REGION = "nearest region"
    UNKNOWN_REGION = "unknown region"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetNode:
    """A node of the topology with what is known of it. ``capacity`` 0 means unbounded."""

    id: NodeId
    region: RegionName
    address: str
    capacity: int
    state: NodeState
    cordoned: bool = False
    draining: bool = False
    cordoned_by: str = ""
    cordon_reason: str = ""
    players: int = 0
    playing_players: int = 0
    reserved: int = 0
    system_load: float = 0.0
    lavalink_load: float = 0.0
    frame_deficit: float | None = None
    probe_ms: float | None = None
    seen_at: int = 0
    version: str = ""
    detail: str = ""

    @property
    def usable(self) -> bool:
        """Whether it takes new players, were there room."""
        return self.state is NodeState.READY and not self.cordoned

    @property
    def full(self) -> bool:
        """Whether its players and promises reach its capacity."""
        return self.capacity > 0 and self.players + self.reserved >= self.capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All nodes, ordered by id, and the topology they stand in."""

    topology: Topology
    nodes: tuple[FleetNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wants a node, and what is asked of it."""

    guild: GuildId
    endpoint: str
    tier: TierName | None = None
    preferred: frozenset[NodeId] = frozenset()
    excluded: frozenset[NodeId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A node that may be chosen. A lower score is better; compare only within a region.

    ``place`` and ``name`` are what the reservation and the draw need of it, made once a view.
    """

    node: FleetNode
    score: float
    reason: Reason
    place: Place
    name: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Candidates, best first; the first ``nearly_equal`` are as good as the best. Never empty."""

    candidates: tuple[Candidate, ...]
    nearly_equal: int
    home: RegionName | None


class NoRoomError(Exception):
    """Nodes would do, but each is full or overloaded."""


class NoNodeError(Exception):
    """No node could be used even if it were empty."""


class UnknownTierError(ValueError):
    """The topology has tiers, and this is none of them."""


def allowed_regions(topology: Topology, tier: TierName | None) -> frozenset[RegionName]:
    """Return the regions a tier may use. No tier is the default tier; without tiers, all may use all.

    Raises:
        UnknownTierError: naming those there are.
    """
    everywhere = frozenset(node.region for node in topology.nodes)
    chosen = _tier(topology, tier)
    return frozenset(chosen.regions) if chosen is not None and chosen.regions else everywhere


def _tier(topology: Topology, name: TierName | None) -> TopologyTier | None:
    if not topology.tiers:
        return None
    by_name = {tier.name: tier for tier in topology.tiers}
    if name is None:
        return by_name.get(DEFAULT_TIER, topology.tiers[0])
    if name not in by_name:
        raise UnknownTierError(f"{name!r} is none of the topology's tiers: {', '.join(sorted(by_name))}")
    return by_name[name]


def score(node: FleetNode, reserved: int | None = None) -> float:
    """Return how burdened a node is: about 0 when idle, about 1 when it should get nothing more.

    ``reserved`` stands for the node's own count of promised places.

    The fullest resource counts most, as that is what people would hear; missing frames weigh tenfold.
    """
    taken = node.players + (node.reserved if reserved is None else reserved)
    # Without a bound: what one core carries in practice (facts: 100 unfiltered players) gives the scale.
    fill = taken / node.capacity if node.capacity else taken / (taken + 100)
    load = max(node.system_load, node.lavalink_load)
    deficit = 10 * (node.frame_deficit or 0.0)
    worst = max(fill, load, deficit)
    return 0.7 * worst + 0.1 * (fill + load + deficit)


def nothing_left(fleet: Fleet, wish: Wish, *, known_full: bool = False) -> NoRoomError | NoNodeError:
    """Return why no node can be had, counting those the guild may use by what keeps each from it.

    ``known_full``: the reservation found each ready node full, whatever this view says.
    """
    if not fleet.nodes:
        return NoNodeError("the topology has no nodes")
    tier = f"tier {wish.tier!r}" if wish.tier else "the default tier"
    regions = allowed_regions(fleet.topology, wish.tier)
    there = [node for node in fleet.nodes if node.region in regions]
    if not there:
        return NoNodeError(
            f"there is no node in the regions that {tier} may use: {', '.join(sorted(regions))}"
        )
    allowed = [node for node in there if node.id not in wish.excluded]
    if not allowed:
        return NoNodeError(f"each of the {len(there)} nodes that {tier} may use is in excluded_nodes")
    obstacles = [_obstacle(node) for node in allowed]
    words = ", ".join(f"{count} {name}" for name, count in sorted(Counter(obstacles).items()))
    if known_full or {_FULL, NodeState.OVERLOADED.value} & set(obstacles):
        return NoRoomError(f"no room on the {len(allowed)} nodes that {tier} may use: {words}")
    return NoNodeError(f"none of the {len(allowed)} nodes that {tier} may use is ready: {words}")


def _obstacle(node: FleetNode) -> str:
    if node.cordoned:
        return "cordoned"
    return _FULL if node.state is NodeState.READY else node.state.value


_FULL = "full"
