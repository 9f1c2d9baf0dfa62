from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.ids import Epoch, ShardId
from segue_worker.shards.lease import LeasePhase
from segue_worker.shards.plan import (
    CheckpointInput,
    ClaimInput,
    ClaimWhy,
    HeldLease,
    checkpoint_due,
    frozen_by,
    plan_claim,
    plan_renewal,
)

SPARE = ClaimInput(
    now=100.0, capacity=4, held=0, spares=1, busy_since=None, asked_at=None, renewals_answered=True, ttl_s=2.0
)


@pytest.mark.parametrize(
    ("world", "most", "why"),
    [
        (SPARE, 4, ClaimWhy.SPARE),
        (replace(SPARE, spares=2), 2, ClaimWhy.SPARE),
        (replace(SPARE, spares=3), 2, ClaimWhy.SPARE),
        (replace(SPARE, spares=0), 4, ClaimWhy.SPARE),
        (replace(SPARE, asked_at=99.95), 0, ClaimWhy.TOO_SOON),
        (replace(SPARE, asked_at=99.9), 4, ClaimWhy.SPARE),
        (replace(SPARE, renewals_answered=False), 0, ClaimWhy.REDIS_AWAY),
        (replace(SPARE, held=4, busy_since=50.0), 0, ClaimWhy.FULL),
        (replace(SPARE, held=3, busy_since=50.0), 1, ClaimWhy.BELOW_CAPACITY),
        (replace(SPARE, held=3, busy_since=50.0, asked_at=99.8), 0, ClaimWhy.TOO_SOON),
        (replace(SPARE, held=1, busy_since=99.0), 3, ClaimWhy.SPARE),
    ],
)
def test_claims(world: ClaimInput, most: int, why: ClaimWhy) -> None:
    """Spares ask every 100 ms for their part, others every 500 ms for what they have room for."""
    plan = plan_claim(world)
    assert (plan.max_shards, plan.why) == (most, why)


@given(
    capacity=st.integers(min_value=1, max_value=50),
    held=st.integers(min_value=0, max_value=50),
    spares=st.integers(min_value=0, max_value=20),
    busy_since=st.none() | st.floats(min_value=0, max_value=100),
    asked_at=st.none() | st.floats(min_value=0, max_value=100),
    answered=st.booleans(),
)
def test_claims_never_exceed_the_room(
    capacity: int,
    held: int,
    spares: int,
    busy_since: float | None,
    asked_at: float | None,
    answered: bool,
) -> None:
    """No claim asks for more than there is room for, and none is made while Redis stays silent."""
    world = ClaimInput(
        now=100.0, capacity=capacity, held=held, spares=spares, busy_since=busy_since, asked_at=asked_at,
        renewals_answered=answered, ttl_s=2.0,
    )  # fmt: skip
    plan = plan_claim(world)
    assert 0 <= plan.max_shards <= max(0, capacity - held)
    assert answered or plan.max_shards == 0


@given(st.integers(min_value=1, max_value=50), st.integers(min_value=1, max_value=10))
def test_spares_together_take_a_whole_worker(capacity: int, spares: int) -> None:
    """What the spares ask for in one round is enough for all shards of one dead worker."""
    plan = plan_claim(replace(SPARE, capacity=capacity, spares=spares))
    assert plan.max_shards * spares >= capacity


def _lease(
    shard: int, *, phase: LeasePhase = LeasePhase.HELD, deadline: float = 101.0, turned: float = 100.0
) -> HeldLease:
    return HeldLease(
        shard=ShardId(shard), epoch=Epoch(shard + 1000), phase=phase, deadline=deadline, turned_at=turned
    )


def test_only_shards_that_turn_are_renewed() -> None:
    """A shard whose task stood still for over a second is left out, and cut at its deadline."""
    held = [_lease(0), _lease(1, turned=98.9), _lease(2, turned=98.0, deadline=99.9)]
    plan = plan_renewal(held, 100.0)
    assert plan.renewed == {ShardId(0): Epoch(1000)}
    assert plan.stalled == {1, 2}
    assert plan.cut == {2}


def test_a_process_that_slept_blames_no_task() -> None:
    """Right after the whole process stood still, every shard is renewed: Redis says who lost it."""
    held = [_lease(0, phase=LeasePhase.SILENT, turned=90.0, deadline=92.0)]
    assert plan_renewal(held, 100.0, woke_at=100.0).renewed == {ShardId(0): Epoch(1000)}
    assert plan_renewal(held, 101.5, woke_at=100.0).cut == {0}


def test_lost_leases_are_not_renewed() -> None:
    """What is lost is neither renewed nor cut again."""
    plan = plan_renewal([_lease(0, phase=LeasePhase.LOST, turned=0)], 100.0)
    assert (plan.renewed, plan.cut) == ({}, frozenset())


def test_past_the_deadline_answers_are_awaited_for_300_ms() -> None:
    """A renewal sent after the deadline gets 300 ms, any other 500."""
    assert plan_renewal([_lease(0)], 100.0).timeout_s == 0.5
    assert plan_renewal([_lease(0), _lease(1, deadline=99.0)], 100.0).timeout_s == 0.3


def test_only_a_renewal_sent_after_the_deadline_freezes() -> None:
    """A renewal from before the deadline proves nothing: the process may have slept since."""
    silent = _lease(0, phase=LeasePhase.SILENT, deadline=99.0)
    assert frozen_by([silent], 98.9) == frozenset()
    assert frozen_by([silent], 99.0) == {0}
    assert frozen_by([_lease(1, deadline=99.0)], 99.5) == frozenset()


@pytest.mark.parametrize(
    ("events", "age", "forced", "due"),
    [
        (0, 9.0, False, False),
        (1, 0.4, False, False),
        (1, 0.5, False, True),
        (100, 0, False, True),
        (0, 0, True, True),
    ],
)
def test_checkpoints(events: int, age: float, forced: bool, due: bool) -> None:
    """A checkpoint is due after 500 ms with events, after 100 events, or when a session began."""
    world = CheckpointInput(now=10.0, written_at=10.0 - age, events_since=events, forced=forced)
    assert checkpoint_due(world) is due
