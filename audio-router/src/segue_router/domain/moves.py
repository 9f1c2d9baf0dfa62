"""Where the players of one node go: most listeners first, spread over the nodes, bounded on each.

Pure: the same view and the same request give the same plan in every replica. Room and bounds are kept by
one script in Redis, which follows the plan as far as what is true there allows.
"""

from __future__ import annotations

import heapq
import zlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from segue_core.ids import GuildId, NodeId, RegionName, TierName
from segue_core.redis.nodes import MovePlan, Mover, MoveTarget
from segue_router.domain.placement import (
    NEARLY_EQUAL,
    Candidate,
    NoNodeError,
    NoRoomError,
    Wish,
    nothing_left,
    score,
)
from segue_router.domain.regions import home_of
from segue_router.domain.standings import draw_seed

if TYPE_CHECKING:
    from segue_router.domain.standings import Group, Standings

UNHURRIED = 4
"""A planned move begins only on a quarter of a node's starts: those who are silent come first."""


class MoveReason(Enum):
    """Why players leave; the words of ``segue.router.v1.MoveReason``."""

    NODE_LOST = "node lost"
    DRAIN = "drain"
    HOME = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many players may begin on a node within ``window_ms``.

    ``starts`` 0 goes by capacity: an eighth of it, 8 at least; 32 on a node without a bound. Starting a
    player costs a node some 100 ms of CPU, so more at once are heard later, not sooner.
    """

    starts: int = 0
    window_ms: int = 1_000

    def starts_of(self, capacity: int, reason: MoveReason) -> int:
        """Return the bound of one node for one kind of move."""
        by_capacity = max(8, capacity // 8) if capacity else 32
        bound = self.starts or by_capacity
        return bound if reason is MoveReason.NODE_LOST else max(1, bound // UNHURRIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A player that needs another node."""

    guild: GuildId
    endpoint: str
    tier: TierName | None = None
    listeners: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveWish:
    """Players of one shard that leave one node. ``excluded`` includes that node."""

    players: tuple[Leaving, ...]
    reason: MoveReason = MoveReason.NODE_LOST
    preferred: frozenset[NodeId] = frozenset()
    excluded: frozenset[NodeId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One player of a plan, in the order of the plan. ``nowhere``: no node may take it, and why."""

    player: Leaving
    home: RegionName | None
    order: int | None = None
    nowhere: NoNodeError | NoRoomError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovesPlanned:
    """A plan for Redis, and what its numbers stand for.

    ``plan.movers`` are those of ``players`` with an order, in the same order.
    """

    plan: MovePlan
    players: tuple[Planned, ...]
    targets: tuple[Candidate, ...]
    reasons: tuple[dict[NodeId, Candidate], ...]


def plan_moves(standings: Standings, wish: MoveWish, pace: Pace) -> MovesPlanned:
    """Return whom to place in what order, and where each had best go.

    Raises:
        UnknownTierError: a player's tier is none of the topology's.
    """
    return _Planner(standings, wish, pace).planned()


class _Planner:
    """One plan in the making."""

    def __init__(self, standings: Standings, wish: MoveWish, pace: Pace) -> None:
        self._standings = standings
        self._wish = wish
        self._pace = pace
        self._targets: dict[NodeId, int] = {}
        self._candidates: list[Candidate] = []
        self._given: list[int] = []
        self._orders: list[tuple[tuple[int, ...], ...]] = []
        self._choices: list[list[_Spread]] = []
        self._reasons: list[dict[NodeId, Candidate]] = []
        self._known: dict[tuple[RegionName | None, TierName | None], int | None] = {}
        self._spreads: dict[tuple[NodeId, ...], _Spread] = {}

    def planned(self) -> MovesPlanned:
        players = sorted(
            self._wish.players, key=lambda one: (-one.listeners, draw_seed(one.guild), one.guild)
        )
        movers, planned = [], []
        for player in players:
            found = home_of(player.endpoint, self._standings.fleet.topology)
            home = found.region if found else None
            order = self._order(home, player.tier)
            if order is None:
                planned.append(Planned(player=player, home=home, nowhere=self._nowhere(player, home)))
                continue
            planned.append(Planned(player=player, home=home, order=order))
            movers.append(Mover(guild=player.guild, order=order, meant=self._meant(order)))
        plan = MovePlan(
            targets=tuple(
                MoveTarget(
                    node=one.node.id,
                    capacity=one.node.capacity,
                    starts=self._pace.starts_of(one.node.capacity, self._wish.reason),
                )
                for one in self._candidates
            ),
            orders=tuple(self._orders),
            movers=tuple(movers),
            window_ms=self._pace.window_ms,
        )
        return MovesPlanned(
            plan=plan,
            players=tuple(planned),
            targets=tuple(self._candidates),
            reasons=tuple(self._reasons),
        )

    def _order(self, home: RegionName | None, tier: TierName | None) -> int | None:
        """Return the number of the order of a region and tier, None when no node is in it."""
        key = (home, tier)
        if key not in self._known:
            self._known[key] = self._new_order(home, tier)
        return self._known[key]

    def _new_order(self, home: RegionName | None, tier: TierName | None) -> int | None:
        groups = self._standings.groups(home, tier)
        if self._wish.reason is MoveReason.HOME:
            groups = tuple(one for one in groups if one.all[0].node.region == home)
        left = [one for group in groups if (one := group.without(self._wish.excluded))]
        if not left:
            return None
        self._orders.append(tuple(tuple(self._number(one) for one in group.all) for group in left))
        self._choices.append([self._spread(group) for group in left])
        self._reasons.append({one.node.id: one for group in left for one in group.all})
        return len(self._orders) - 1

    def _number(self, candidate: Candidate) -> int:
        number = self._targets.get(candidate.node.id)
        if number is None:
            number = self._targets[candidate.node.id] = len(self._candidates)
            self._candidates.append(candidate)
            self._given.append(0)
        return number

    def _spread(self, group: Group) -> _Spread:
        members = tuple(one.node.id for one in group.all)
        spread = self._spreads.get(members)
        if spread is None:
            numbers = [self._targets[one] for one in members]
            spread = self._spreads[members] = _Spread(numbers, self._candidates, self._wish.preferred)
        return spread

    def _meant(self, order: int) -> int | None:
        """Return the least burdened node with room by the view, those of this plan counted."""
        for spread in self._choices[order]:
            number = spread.take(self._given)
            if number is not None:
                return number
        return None

    def _nowhere(self, player: Leaving, home: RegionName | None) -> NoNodeError | NoRoomError:
        if self._wish.reason is MoveReason.HOME:
            where = "the voice endpoint names no region we know" if home is None else f"none is in {home}"
            return NoNodeError(f"no node is ready at home: {where}")
        wish = Wish(
            guild=player.guild, endpoint=player.endpoint, tier=player.tier, excluded=self._wish.excluded
        )
        return nothing_left(self._standings.fleet, wish)


class _Spread:
    """The nodes of one group by burden, as the plan fills them."""

    def __init__(self, numbers: list[int], candidates: list[Candidate], preferred: frozenset[NodeId]) -> None:
        self._candidates = candidates
        self._preferred = preferred
        self._heap = [
            (self._burden(number, 0), zlib.crc32(candidates[number].name), number, 0) for number in numbers
        ]
        heapq.heapify(self._heap)

    def take(self, given: list[int]) -> int | None:
        """Return the least burdened with room and count it in ``given``, which other groups share."""
        while self._heap:
            _, draw, number, then = self._heap[0]
            node, now = self._candidates[number].node, given[number]
            if node.capacity and node.players + node.reserved + now >= node.capacity:
                heapq.heappop(self._heap)  # full, and the plan never takes anything back
            elif then != now:
                heapq.heapreplace(self._heap, (self._burden(number, now), draw, number, now))
            else:
                given[number] += 1
                heapq.heapreplace(self._heap, (self._burden(number, now + 1), draw, number, now + 1))
                return number
        return None

    def _burden(self, number: int, given: int) -> float:
        node = self._candidates[number].node
        bonus = NEARLY_EQUAL if node.id in self._preferred else 0.0
        return score(node, node.reserved + given) - bonus
