from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segue_worker.gateway.sequence import SequenceTracker


@given(st.permutations(list(range(8))), st.integers(min_value=0, max_value=8))
def test_checkpoint_is_the_handled_prefix(order: list[int], finished: int) -> None:
    """Whatever order events are handled in, the checkpoint ends right before the first unhandled one."""
    tracker = SequenceTracker(100)
    handled = [tracker.received(101 + number) for number in range(8)]
    done = set(order[:finished])
    for number in order[:finished]:
        handled[number]()
    prefix = next((number for number in range(8) if number not in done), 8)
    assert tracker.checkpoint == 100 + prefix
    assert tracker.newest == 108
    assert tracker.pending == 8 - finished


@given(st.lists(st.integers(min_value=1, max_value=30), min_size=1, max_size=40))
def test_repeated_numbers_hold_nothing_up(numbers: list[int]) -> None:
    """Numbers Discord repeats after a RESUME, in any order, never keep the checkpoint from arriving."""
    tracker = SequenceTracker()
    for number in numbers:
        done = tracker.received(number)
        done()
        done()
    assert tracker.checkpoint == max(numbers)
    assert tracker.pending == 0


def test_gaps_in_the_numbers_do_not_matter() -> None:
    """Discord may skip numbers; what was received and handled counts."""
    tracker = SequenceTracker(5)
    first, second = tracker.received(9), tracker.received(20)
    second()
    assert tracker.checkpoint == 5
    first()
    assert tracker.checkpoint == 20
