"""What a probe's outcome says of a node, and when one outcome is enough to believe it.

Dead, hung, overloaded and misconfigured are different troubles with different cures, so they are told
apart by how the node failed to answer, not by that it did not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from segue_core.redis.nodes import NodeReport, NodeState

if TYPE_CHECKING:
    from segue_core.ids import NodeId

FRAMES_PER_MINUTE = 3000
"""Frames of 20 ms that Lavalink owes each playing player; its frameStats are averages over a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What GET /v4/stats and /version told (Lavalink v4). Loads are shares of the whole machine."""

    players: int
    playing_players: int
    system_load: float
    lavalink_load: float
    frame_deficit: float | None
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The node answered in time; ``probe_ms`` is the round trip of the stats request."""

    stats: Stats
    probe_ms: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The machine refused the connection or the address does not resolve: certain at once."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No connection came about in time, or it broke before an answer: dead, if it happens again."""

    detail: str


@dataclass(frozen=True, slots=True)
class Silent:
    """The connection was accepted and no answer came in time."""

    detail: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The node refuses our password (401, 403): certain at once."""

    detail: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something answers, but not as Lavalink v4 does."""

    detail: str


Outcome: TypeAlias = Answered | Refused | Unreachable | Silent | Denied | Foreign


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """When a node is overloaded, and when it is no longer: the gap keeps it from flapping.

    The machine's own load is no reason by itself: it counts in the score. A node is overloaded when
    people hear it (frames are missing) or when it alone eats the machine.
    """

    deficit_enter: float = 0.05
    deficit_leave: float = 0.02
    load_enter: float = 0.95
    load_leave: float = 0.80


CERTAIN = 1
REPEATED = 2
"""How often in a row a new state must be seen before it counts."""


def next_report(
    node: NodeId, previous: NodeReport | None, outcome: Outcome, now: int, bounds: Bounds
) -> NodeReport:
    """Return the report after ``outcome``, a probe that ended at ``now`` (Redis ms).

    What a probe did not learn is carried over, so that a table can still show it with its age.
    """
    before = previous or NodeReport(node=node, state=NodeState.UNKNOWN, probed_at=0)
    state, needed, detail = _observed(outcome, before.state, bounds)
    base = _learnt(before, outcome, now)
    if state is before.state:
        return replace(base, detail=detail, candidate=None, streak=0)
    streak = before.streak + 1 if before.candidate is state else 1
    if streak >= needed or before.state is NodeState.UNKNOWN:
        return replace(base, state=state, detail=detail, candidate=None, streak=0)
    return replace(base, detail=detail, candidate=state, streak=streak)


def _observed(outcome: Outcome, current: NodeState, bounds: Bounds) -> tuple[NodeState, int, str]:  # noqa: PLR0911 - one a kind of outcome
    """Return the state an outcome speaks for, how often it must be seen, and why in words."""
    match outcome:
        case Answered(stats=stats):
            reason = _overload(stats, bounds, already=current is NodeState.OVERLOADED)
            if reason:
                return NodeState.OVERLOADED, REPEATED, reason
            return NodeState.READY, REPEATED, ""
        case Refused(detail):
            return NodeState.DEAD, CERTAIN, detail
        case Unreachable(detail):
            return NodeState.DEAD, REPEATED, detail
        case Silent(detail):
            return NodeState.HUNG, REPEATED, detail
        case Denied(detail):
            return NodeState.MISCONFIGURED, CERTAIN, detail
        case Foreign(detail):
            return NodeState.MISCONFIGURED, REPEATED, detail


def _overload(stats: Stats, bounds: Bounds, *, already: bool) -> str:
    deficit = bounds.deficit_leave if already else bounds.deficit_enter
    load = bounds.load_leave if already else bounds.load_enter
    if stats.frame_deficit is not None and stats.frame_deficit > deficit:
        return f"{stats.frame_deficit:.1%} of its audio frames are missing, the bound is {deficit:.0%}"
    if stats.lavalink_load > load:
        return f"it uses {stats.lavalink_load:.0%} of the machine, the bound is {load:.0%}"
    return ""


def _learnt(before: NodeReport, outcome: Outcome, now: int) -> NodeReport:
    if isinstance(outcome, Answered):
        stats = outcome.stats
        return replace(
            before,
            probed_at=now,
            seen_at=now,
            probe_ms=outcome.probe_ms,
            players=stats.players,
            playing_players=stats.playing_players,
            system_load=stats.system_load,
            lavalink_load=stats.lavalink_load,
            frame_deficit=stats.frame_deficit,
            version=stats.version,
        )
    if isinstance(outcome, Refused):
        # A process that is gone has taken its players along.
        return replace(before, probed_at=now, players=0, playing_players=0, frame_deficit=None)
    return replace(before, probed_at=now)


def players_after(outcome: Outcome) -> int | None:
    """Return how many players the node has for certain after ``outcome``; None when nobody knows."""
    match outcome:
        case Answered(stats=stats):
            return stats.players
        case Refused():
            return 0
        case _:
            return None
