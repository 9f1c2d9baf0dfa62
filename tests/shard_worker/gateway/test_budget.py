from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_worker.gateway.budget import LIMIT, WINDOW_S, Lane, SendBudget, SendQueue


@given(
    st.lists(st.tuples(st.sampled_from(Lane), st.floats(min_value=0, max_value=5)), min_size=1, max_size=400)
)
@settings(max_examples=60)
def test_never_more_than_discord_allows(wishes: list[tuple[Lane, float]]) -> None:
    """However senders come, no 60 s hold more than 120 payloads; vital ones wait for that limit only."""
    budget, now, sent = SendBudget(), 0.0, []
    for lane, pause in wishes:
        now += pause
        now += budget.wait(now, lane)
        assert budget.wait(now, lane) == pytest.approx(0, abs=1e-6)
        budget.spend(now)
        sent.append(now)
    for at in sent:
        assert sum(1 for other in sent if at - WINDOW_S + 1e-6 < other <= at) <= LIMIT


def test_heartbeats_keep_a_reserve() -> None:
    """A shard that sends op 4 as fast as it may can still heartbeat at once."""
    budget = SendBudget()
    while budget.wait(0.0, Lane.VOICE) == 0:
        budget.spend(0.0)
    assert budget.wait(0.0, Lane.VITAL) == 0
    assert budget.spent(0.0) == LIMIT - 6


def test_voice_keeps_a_reserve_before_the_rest() -> None:
    """Requests that can wait never use up what somebody needs to join a voice channel."""
    budget = SendBudget()
    while budget.wait(0.0, Lane.REST) == 0:
        budget.spend(0.0)
    assert budget.wait(0.0, Lane.VOICE) == 0
    assert budget.wait(0.0, Lane.REST) == WINDOW_S


async def test_queue_prefers_what_matters() -> None:
    """When the window opens again, a heartbeat goes before op 4, and op 4 before the rest."""
    now = 0.0
    queue = SendQueue(lambda: now)
    for _ in range(LIMIT):
        await queue.turn(Lane.VITAL)
    order: list[str] = []

    async def sender(name: str, lane: Lane) -> None:
        await queue.turn(lane)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(sender("presence", Lane.REST))
        group.create_task(sender("voice", Lane.VOICE))
        await asyncio.sleep(0)
        assert order == []
        now = WINDOW_S + 1
        group.create_task(sender("heartbeat", Lane.VITAL))
    assert order == ["heartbeat", "voice", "presence"]


async def test_closing_refuses_those_who_wait() -> None:
    """Senders that wait when the connection ends get its error, as do those who come later."""
    queue = SendQueue(lambda: 0.0)
    for _ in range(LIMIT):
        await queue.turn(Lane.VITAL)
    waiting = asyncio.create_task(queue.turn(Lane.VOICE))
    await asyncio.sleep(0)
    queue.close(ConnectionError("over"))
    with pytest.raises(ConnectionError, match="over"):
        await waiting
    with pytest.raises(ConnectionError, match="over"):
        await queue.turn(Lane.VITAL)


async def test_a_cancelled_sender_costs_nothing() -> None:
    """Whoever gives up while waiting does not use the turn up."""
    now = 0.0
    queue = SendQueue(lambda: now)
    for _ in range(LIMIT):
        await queue.turn(Lane.VITAL)
    given_up = asyncio.create_task(queue.turn(Lane.VITAL))
    await asyncio.sleep(0)
    given_up.cancel()
    now = WINDOW_S + 1
    await queue.turn(Lane.REST)
    assert given_up.cancelled() or given_up.cancelling()
