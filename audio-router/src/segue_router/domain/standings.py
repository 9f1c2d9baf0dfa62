"""Which nodes may play for a guild, best first, and why the first is the best.

Pure: the same fleet and the same wish give the same order in every replica. Whether a node still has
room is decided by the reservation in Redis, which tries the candidates in this order. What does not
depend on the guild is worked out once a view and region, not once a call.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segue_core.redis.nodes import Place
from segue_router.domain.placement import (
    NEARLY_EQUAL,
    Candidate,
    Fleet,
    Ranking,
    Reason,
    Wish,
    allowed_regions,
    nothing_left,
    score,
)
from segue_router.domain.regions import distance, home_of

if TYPE_CHECKING:
    from segue_core.ids import GuildId, NodeId, RegionName, TierName

_FAR_MS = 1_000.0
"""Stands for a distance nobody knows: behind every known one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Candidates to be compared with each other: a region's, or all when nobody knows where the guild is.

    ``equal``: as good as the best; each guild has its own order of them. ``behind``: the others, best
    first, and those full by this view, which may be a moment old: tried last, as the script knows better.
    """

    equal: tuple[Candidate, ...]
    behind: tuple[Candidate, ...]

    @property
    def all(self) -> tuple[Candidate, ...]:
        """Every candidate of the group."""
        return self.equal + self.behind

    def without(self, excluded: frozenset[NodeId]) -> Group | None:
        """Return the group of the others; None when nothing is left."""
        left = [one for one in self.all if one.node.id not in excluded]
        return _group(left) if left else None


class Standings:
    """How the nodes of one view stand, for whoever may ask. Immutable but for what it remembers."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        # The topology says which nodes there are; only those that take players are ranked.
        self._usable = tuple((score(node), node) for node in fleet.nodes if node.usable)
        self._regions: dict[TierName | None, frozenset[RegionName]] = {}
        self._groups: dict[tuple[RegionName | None, TierName | None], tuple[Group, ...]] = {}

    def regions(self, tier: TierName | None) -> frozenset[RegionName]:
        """Return the regions a tier may use.

        Raises:
            UnknownTierError: naming those there are.
        """
        known = self._regions.get(tier)
        if known is None:
            known = self._regions[tier] = allowed_regions(self.fleet.topology, tier)
        return known

    def groups(self, home: RegionName | None, tier: TierName | None) -> tuple[Group, ...]:
        """Return the nodes a tier may use, nearest region first; empty when there are none.

        Raises:
            UnknownTierError: naming the tiers there are.
        """
        known = self._groups.get((home, tier))
        if known is None:
            known = self._groups[home, tier] = self._grouped(home, self.regions(tier))
        return known

    def rank(self, wish: Wish) -> Ranking:
        """Return every node that may play for the guild, best first.

        Region by region, nearest first; within one by score. Among the nearly equal ones, those with
        an open session of the shard come first, and the guild's id decides the rest, so that guilds spread.

        Raises:
            UnknownTierError, NoRoomError, NoNodeError: with words for the caller.
        """
        found = home_of(wish.endpoint, self.fleet.topology)
        home = found.region if found else None
        groups = self.groups(home, wish.tier)
        if wish.excluded:
            groups = tuple(left for group in groups if (left := group.without(wish.excluded)))
        if not groups:
            raise nothing_left(self.fleet, wish)
        seed = draw_seed(wish.guild)
        candidates: list[Candidate] = []
        for group in groups:
            if len(group.equal) == 1:
                candidates += group.equal
            else:
                candidates += sorted(
                    group.equal,
                    key=lambda one: (one.node.id not in wish.preferred, zlib.crc32(one.name, seed)),
                )
            candidates += group.behind
        return Ranking(candidates=tuple(candidates), nearly_equal=len(groups[0].equal) or 1, home=home)

    def _grouped(self, home: RegionName | None, regions: frozenset[RegionName]) -> tuple[Group, ...]:
        usable = [one for one in self._usable if one[1].region in regions]
        topology = self.fleet.topology
        far = {
            name: None if home is None else distance(home, name, topology)
            for name in {node.region for _, node in usable}
        }
        candidates = [
            Candidate(
                node=node,
                score=value,
                reason=_reason(node.region, home, far),
                place=Place(node=node.id, capacity=node.capacity),
                name=node.id.encode(),
            )
            for value, node in sorted(usable, key=lambda one: (one[0], one[1].id))
        ]
        if all(value is None for value in far.values()):
            # Nobody knows where this is: burden alone decides, over all regions at once.
            return (_group(candidates),) if candidates else ()
        order = sorted(far, key=lambda name: (_FAR_MS if far[name] is None else far[name], name))
        return tuple(_group([one for one in candidates if one.node.region == name]) for name in order)


def rank(fleet: Fleet, wish: Wish) -> Ranking:
    """Return every node of a fleet that may play for the guild, best first: see :meth:`Standings.rank`."""
    return Standings(fleet).rank(wish)


def draw_seed(guild: GuildId) -> int:
    """Return the seed of a guild's rendezvous draw: its own order of nodes, alike in every replica."""
    return zlib.crc32(b"%d/" % guild)


def _group(candidates: list[Candidate]) -> Group:
    """Return a group of candidates. Never of none."""
    candidates.sort(key=lambda one: (one.score, one.node.id))
    bound = candidates[0].score + NEARLY_EQUAL
    equal = tuple(one for one in candidates if one.score <= bound and not one.node.full)
    behind = tuple(one for one in candidates if one.score > bound or one.node.full)
    return Group(equal=equal, behind=behind)


def _reason(region: RegionName, home: RegionName | None, far: dict[RegionName, float | None]) -> Reason:
    if home is not None and region == home:
        return Reason.HOME_REGION
    return Reason.UNKNOWN_REGION if far[region] is None else Reason.NEAREST_REGION
