"""Which nodes may play for a guild, best first, and why the first is the best.

Pure: the same fleet and the same request give the same order in every replica. Whether a node still
has room is decided by the reservation in Redis, which tries the candidates in this order.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from segue_core.ids import GuildId, NodeId, RegionName, TierName
from segue_core.models import Topology, TopologyTier
from segue_core.redis.nodes import NodeState
from segue_router.domain.regions import distance, home_of

DEFAULT_TIER = TierName("free")
NEARLY_EQUAL = 0.10
"""Scores this close are not worth a new session on another node, nor crowding one node of many."""

_FAR_MS = 1_000.0
"""Stands for a distance nobody knows: behind every known one."""


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
    """A node that may be chosen. A lower score is better; compare only within a region."""

    node: FleetNode
    score: float
    reason: Reason


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


def score(node: FleetNode) -> float:
    """Return how burdened a node is: about 0 when idle, about 1 when it should get nothing more.

    The fullest resource counts most, as that is what people would hear; missing frames weigh tenfold.
    """
    taken = node.players + node.reserved
    # Without a bound: what one core carries in practice (facts: 100 unfiltered players) gives the scale.
    fill = taken / node.capacity if node.capacity else taken / (taken + 100)
    load = max(node.system_load, node.lavalink_load)
    deficit = 10 * (node.frame_deficit or 0.0)
    worst = max(fill, load, deficit)
    return 0.7 * worst + 0.1 * (fill + load + deficit)


def rank(fleet: Fleet, wish: Wish) -> Ranking:
    """Return every node that may play for the guild, best first.

    Region by region, nearest first; within one by score. Among the nearly equal first ones, those with
    an open session of the shard come first, and the guild's id decides the rest, so that guilds spread.

    Raises:
        UnknownTierError, NoRoomError, NoNodeError: with words for the caller.
    """
    regions = allowed_regions(fleet.topology, wish.tier)
    home = home_of(wish.endpoint, fleet.topology)
    allowed = [node for node in fleet.nodes if node.region in regions and node.id not in wish.excluded]
    usable = [node for node in allowed if node.usable]
    if not usable:
        raise nothing_left(fleet, wish)
    far = _distances(fleet.topology, home.region if home else None, {node.region for node in usable})
    if home is None or all(value is None for value in far.values()):
        # Nobody knows where this is: burden alone decides, over all regions at once.
        groups = [sorted((score(node), node.id, node) for node in usable)]
    else:
        order = sorted(far, key=lambda name: (_FAR_MS if far[name] is None else far[name], name))
        groups = [
            sorted((score(node), node.id, node) for node in usable if node.region == name) for name in order
        ]
    candidates, equal = _spread(groups, wish, home.region if home else None, far)
    return Ranking(candidates=candidates, nearly_equal=equal, home=home.region if home else None)


def _distances(
    topology: Topology, home: RegionName | None, regions: set[RegionName]
) -> dict[RegionName, float | None]:
    return {name: None if home is None else distance(home, name, topology) for name in regions}


def _spread(
    groups: list[list[tuple[float, NodeId, FleetNode]]],
    wish: Wish,
    home: RegionName | None,
    far: dict[RegionName, float | None],
) -> tuple[tuple[Candidate, ...], int]:
    """Put each group's nearly equal nodes in the guild's own order; count those of the first group."""
    candidates: list[Candidate] = []
    first: int | None = None
    for group in groups:
        bound = group[0][0] + NEARLY_EQUAL
        equal = [one for one in group if one[0] <= bound and not one[2].full]
        # Full by our view, which may be a moment old: tried last, as the script knows better.
        behind = [one for one in group if one[0] > bound or one[2].full]
        equal.sort(key=lambda one: (one[1] not in wish.preferred, _draw(wish.guild, one[1])))
        first = len(equal) if first is None else first
        candidates += [
            Candidate(node=node, score=value, reason=_reason(node.region, home, far))
            for value, _, node in (*equal, *behind)
        ]
    return tuple(candidates), first or 1


def _reason(region: RegionName, home: RegionName | None, far: dict[RegionName, float | None]) -> Reason:
    if home is not None and region == home:
        return Reason.HOME_REGION
    return Reason.UNKNOWN_REGION if far[region] is None else Reason.NEAREST_REGION


def _draw(guild: GuildId, node: NodeId) -> int:
    """Rendezvous hashing: a guild's own order of nodes, alike in every replica and release."""
    return zlib.crc32(f"{guild}/{node}".encode())


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
