from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segue_worker.gateway.backoff import HEALTHY_S, LONGEST_S, Backoff


@given(st.lists(st.none() | st.floats(min_value=0, max_value=HEALTHY_S, exclude_max=True), max_size=40))
def test_waits_grow_and_stay_bounded(outcomes: list[float | None]) -> None:
    """Connections that do not stay ready are followed by longer and longer waits, one minute at most."""
    backoff = Backoff(lambda _low, high: high)
    waits = [backoff.after(ready_for) for ready_for in outcomes]
    assert waits == sorted(waits)
    assert all(0 <= wait <= LONGEST_S for wait in waits)
    assert backoff.failures == len(outcomes)


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
