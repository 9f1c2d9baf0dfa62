from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.ids import Epoch, OwnerId, ShardId
from segue_core.models import Fence
from segue_worker.shards.lease import Grant, Lease, LeaseLostError, LeasePhase


class Clock:
    """Virtual seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _phase(lease: Lease) -> LeasePhase:
    return lease.phase


def _grant(deadline: float, expires_at: int = 2_000) -> Grant:
    fence = Fence(shard=ShardId(3), epoch=Epoch(9), owner=OwnerId("a/1"), expires_at=expires_at)
    return Grant(fence=fence, deadline=deadline)


async def test_a_write_is_allowed_until_the_deadline() -> None:
    """Right before the deadline we may write, at it we may not, whoever was told what in between."""
    clock = Clock()
    lease = Lease(_grant(1.75), clock)
    clock.now = 1.7499
    assert lease.may_write()
    assert lease.fence() is not None
    clock.now = 1.75
    assert not lease.may_write()
    assert lease.fence() is None
    assert lease.phase is LeasePhase.SILENT


async def test_freezing_and_thawing() -> None:
    """Past the deadline a failed renewal freezes; an answered one lets us go on under the same epoch."""
    clock = Clock()
    lease = Lease(_grant(1.0), clock)
    lease.freeze()
    assert _phase(lease) is LeasePhase.HELD
    clock.now = 2.0
    lease.freeze()
    assert _phase(lease) is LeasePhase.FROZEN
    waiting = asyncio.create_task(lease.writable())
    await asyncio.sleep(0)
    assert not waiting.done()
    lease.renewed(_grant(4.0, 5_000))
    await waiting
    assert _phase(lease) is LeasePhase.HELD
    fence = lease.fence()
    assert fence is not None
    assert fence.expires_at == 5_000


async def test_lost_is_for_good() -> None:
    """Whoever waits to write learns that the lease is lost; no later renewal brings it back."""
    clock = Clock()
    lease = Lease(_grant(1.0), clock)
    clock.now = 2.0
    waiting = asyncio.create_task(lease.writable())
    await asyncio.sleep(0)
    lease.lose("claimed by another")
    with pytest.raises(LeaseLostError, match="claimed by another"):
        await waiting
    lease.renewed(_grant(9.0))
    assert lease.phase is LeasePhase.LOST
    assert not lease.may_write()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("wait"), st.floats(min_value=0, max_value=3)),
            st.tuples(st.just("renew"), st.floats(min_value=0, max_value=3)),
            st.tuples(st.just("freeze"), st.just(0.0)),
            st.tuples(st.just("lose"), st.just(0.0)),
        ),
        max_size=30,
    )
)
def test_never_writable_past_the_last_grant(steps: list[tuple[str, float]]) -> None:
    """Whatever happens in whatever order: writing needs a grant whose deadline is ahead, and no loss."""
    clock = Clock()
    newest, lost = 1.75, False
    with asyncio.Runner() as runner:

        async def play() -> None:
            nonlocal newest, lost
            lease = Lease(_grant(newest), clock)
            for what, amount in steps:
                if what == "wait":
                    clock.now += amount
                elif what == "renew":
                    deadline = clock.now + amount
                    lease.renewed(_grant(deadline))
                    newest = max(newest, deadline) if not lost else newest
                elif what == "freeze":
                    lease.freeze()
                else:
                    lease.lose("taken")
                    lost = True
                assert lease.may_write() == (not lost and clock.now < newest)
                assert (lease.fence() is not None) == lease.may_write()
                assert (lease.phase is LeasePhase.HELD) == lease.may_write()

        runner.run(play())
