"""What to renew, claim, freeze and cut off: decided here, without a clock or a socket.

Gathered by the keeper and the manager, applied by them. Seconds are of the monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segue_core.ids import Epoch, ShardId
from segue_worker.shards.lease import LeasePhase

if TYPE_CHECKING:
    from collections.abc import Iterable

TURNED_WITHIN_S = 1.0
"""A lease says "my task for this shard turns": a task that has not for so long is not renewed."""

RENEW_EVERY_S = 0.5
RETRY_RENEWAL_S = 0.1
RENEWAL_TIMEOUT_S = 0.5
LAPSED_RENEWAL_TIMEOUT_S = 0.3
"""Past the deadline, an unanswered renewal this old means that Redis is unreachable from here."""

SPARE_LOOKS_EVERY_S = 0.1
OTHERS_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLease:
    """One held shard, as the keeper sees it: when its task last turned, and its deadline."""

    shard: ShardId
    epoch: Epoch
    phase: LeasePhase
    deadline: float
    turned_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalPlan:
    """One renewal.

    ``stalled`` are not part of it: their tasks do not turn. ``cut`` are those of them whose deadline
    has passed: their sockets are aborted, as their own tasks no longer can.
    """

    renewed: dict[ShardId, Epoch]
    stalled: frozenset[ShardId]
    cut: frozenset[ShardId]
    timeout_s: float


def plan_renewal(held: Iterable[HeldLease], now: float, woke_at: float = float("-inf")) -> RenewalPlan:
    """Return what to renew at ``now`` and how long to wait for the answer.

    ``woke_at`` is when the whole process last came back from standing still: no task could turn
    before that, so none of them is to blame.
    """
    leases = [lease for lease in held if lease.phase is not LeasePhase.LOST]
    stalled = {lease.shard for lease in leases if now - max(lease.turned_at, woke_at) > TURNED_WITHIN_S}
    lapsed = any(now >= lease.deadline for lease in leases)
    return RenewalPlan(
        renewed={lease.shard: lease.epoch for lease in leases if lease.shard not in stalled},
        stalled=frozenset(stalled),
        cut=frozenset(lease.shard for lease in leases if lease.shard in stalled and now >= lease.deadline),
        timeout_s=LAPSED_RENEWAL_TIMEOUT_S if lapsed else RENEWAL_TIMEOUT_S,
    )


def frozen_by(held: Iterable[HeldLease], sent_at: float) -> frozenset[ShardId]:
    """Return the shards that an unanswered renewal, sent at ``sent_at``, freezes.

    One sent before the deadline proves nothing: the process may have been asleep since, and has to
    ask once more before it believes that Redis is gone.
    """
    return frozenset(
        lease.shard for lease in held if lease.phase is LeasePhase.SILENT and sent_at >= lease.deadline
    )


class ClaimWhy(StrEnum):
    """Why a claim is, or is not, made."""

    SPARE = "spare"
    BELOW_CAPACITY = "below capacity"
    FULL = "at capacity"
    TOO_SOON = "asked a moment ago"
    REDIS_AWAY = "redis does not answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimInput:
    """What a claim depends on.

    ``spares`` counts the workers of the cluster that hold nothing, ourselves included if so.
    ``busy_since``: when we came to hold something; ``asked_at``: when we last asked.
    """

    now: float
    capacity: int
    held: int
    spares: int
    busy_since: float | None
    asked_at: float | None
    renewals_answered: bool
    ttl_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPlan:
    """``max_shards`` 0: ask for nothing now. ``spare``: expired leases may be taken at once."""

    max_shards: int
    spare: bool
    why: ClaimWhy


def plan_claim(world: ClaimInput) -> ClaimPlan:
    """Return how many shards to ask for at ``world.now``.

    Spares share a dead worker's shards: each asks for its part of a full worker. One that has just
    taken its part still counts as a spare for one TTL, so that nothing is left lying when there were
    fewer spares than it seemed.
    """
    room = world.capacity - world.held
    spare = world.busy_since is None or world.now - world.busy_since < world.ttl_s
    if room <= 0:
        return ClaimPlan(max_shards=0, spare=spare, why=ClaimWhy.FULL)
    if not world.renewals_answered:
        return ClaimPlan(max_shards=0, spare=spare, why=ClaimWhy.REDIS_AWAY)
    every = SPARE_LOOKS_EVERY_S if spare else OTHERS_LOOK_EVERY_S
    if world.asked_at is not None and world.now - world.asked_at < every * 0.9:
        return ClaimPlan(max_shards=0, spare=spare, why=ClaimWhy.TOO_SOON)
    if not spare:
        return ClaimPlan(max_shards=room, spare=False, why=ClaimWhy.BELOW_CAPACITY)
    share = -(-world.capacity // max(1, world.spares))
    return ClaimPlan(max_shards=min(room, share), spare=True, why=ClaimWhy.SPARE)


CHECKPOINT_EVERY_S = 0.5
CHECKPOINT_EVENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointInput:
    """How far a shard is from its last checkpoint. ``forced``: a session began, or Redis forgot."""

    now: float
    written_at: float
    events_since: int
    forced: bool


def checkpoint_due(world: CheckpointInput) -> bool:
    """Whether the gateway session is to be written now: every 500 ms or 100 events."""
    if world.forced or world.events_since >= CHECKPOINT_EVENTS:
        return True
    return world.events_since > 0 and world.now - world.written_at >= CHECKPOINT_EVERY_S
