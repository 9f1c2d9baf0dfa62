from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segue_worker.gateway.backoff import HEALTHY_S, LONGEST_READY_S, LONGEST_S, Backoff

SHORT = st.floats(min_value=0, max_value=HEALTHY_S, exclude_max=True)


@given(st.lists(st.none(), max_size=40) | st.lists(SHORT, max_size=40))
def test_waits_grow(outcomes: list[float | None]) -> None:
    """Connections that do not stay ready are followed by longer and longer waits."""
    backoff = Backoff(lambda _low, high: high)
    waits = [backoff.after(ready_for) for ready_for in outcomes]
    assert waits == sorted(waits)
    assert backoff.failures == len(outcomes)


@given(st.lists(st.none() | SHORT, max_size=40))
def test_waits_stay_bounded(outcomes: list[float | None]) -> None:
    """Half a minute at most while Discord is not there, seconds only once it has let us in."""
    backoff = Backoff(lambda _low, high: high)
    for ready_for in outcomes:
        longest = LONGEST_S if ready_for is None else LONGEST_READY_S
        assert 0 <= backoff.after(ready_for) <= longest


def test_no_wait_after_a_healthy_connection() -> None:
    """A connection that was ready for long is replaced at once, and past failures are forgotten."""
    backoff = Backoff(lambda _low, high: high)
    for _ in range(10):
        backoff.after(None)
    assert backoff.after(HEALTHY_S) == 0
    assert backoff.failures == 0
    assert backoff.after(0.1) == 0


def test_never_a_hot_loop() -> None:
    """A gateway that lets us in and throws us out at once is not hammered."""
    backoff = Backoff(lambda low, _high: low)
    backoff.after(0.0)
    assert all(backoff.after(0.0) > 0 for _ in range(20))
