"""The edits of a queue against the plainest model there is: a Python list."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from segue_core.ids import ItemId, UserId
from segue_core.models import QueueItem, Track
from segue_worker.domain import queue_edits as edits


@st.composite
def queues(draw: st.DrawFn, least: int = 0) -> tuple[QueueItem, ...]:
    """Return a queue of a few songs, some of them twice, of a few people; 0 is nobody."""
    songs = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3)), min_size=least, max_size=12))
    return tuple(
        QueueItem(
            id=ItemId(f"{place}"),
            track=Track(
                encoded=f"e{song}",
                identifier=f"i{song}",
                title=f"t{song}",
                author="a",
                length_ms=1,
                source="s",
            ),
            requester=UserId(user),
            requested_at=0,
        )
        for place, (song, user) in enumerate(songs)
    )


def in_order(part: tuple[QueueItem, ...], whole: tuple[QueueItem, ...]) -> bool:
    """Whether ``part`` is ``whole`` with some left out."""
    rest = iter(whole)
    return all(item in rest for item in part)


@given(queue=queues(least=1), data=st.data())
def test_moving_is_taking_out_and_putting_in(queue: tuple[QueueItem, ...], data: st.DataObject) -> None:
    """As a list does it by pop and insert; moving back undoes it."""
    source = data.draw(st.integers(1, len(queue)))
    target = data.draw(st.integers(1, len(queue)))
    model = list(queue)
    model.insert(target - 1, model.pop(source - 1))
    after = edits.moved(queue, source, target)
    assert after == tuple(model)
    assert after[target - 1] is queue[source - 1]
    assert edits.moved(after, target, source) == queue


@given(queue=queues(least=1), data=st.data())
def test_removing_takes_exactly_the_places_named(queue: tuple[QueueItem, ...], data: st.DataObject) -> None:
    """As a list does it by del of a slice; what is gone and what is left make up the whole."""
    first = data.draw(st.integers(1, len(queue)))
    last = data.draw(st.integers(first, len(queue)))
    model = list(queue)
    del model[first - 1 : last]
    left, gone = edits.without_span(queue, first, last), edits.span(queue, first, last)
    assert left == tuple(model)
    assert left[: first - 1] + gone + left[first - 1 :] == queue


@given(queue=queues(), seed=st.text(max_size=4))
def test_shuffling_keeps_every_song_and_repeats_itself(queue: tuple[QueueItem, ...], seed: str) -> None:
    """The same songs, and the same order whenever the seed is the same: a successor comes to it too."""
    after = edits.shuffled(queue, seed)
    assert Counter(item.id for item in after) == Counter(item.id for item in queue)
    assert edits.shuffled(queue, seed) == after


def test_shuffling_prefers_no_order() -> None:
    """Of many seeds, each of three songs comes first about as often."""
    queue = tuple(
        QueueItem(
            id=ItemId(name),
            track=Track(encoded="e", identifier=name, title=name, author="a", length_ms=1, source="s"),
            requester=UserId(1),
            requested_at=0,
        )
        for name in "abc"
    )
    orders = Counter(tuple(item.id for item in edits.shuffled(queue, str(seed))) for seed in range(6_000))
    assert len(orders) == 6
    assert all(800 < count < 1_200 for count in orders.values())


@given(queue=queues())
def test_deduplicating_keeps_the_first_of_each(queue: tuple[QueueItem, ...]) -> None:
    """Every song is left once, where it was first, in the order there was."""
    model: list[QueueItem] = []
    for item in queue:
        if all(item.track.identifier != known.track.identifier for known in model):
            model.append(item)
    after = edits.deduplicated(queue)
    assert after == tuple(model)
    assert edits.deduplicated(after) == after


@given(queue=queues(), user=st.integers(1, 3), present=st.sets(st.integers(1, 3)))
def test_whose_songs_are_removed(queue: tuple[QueueItem, ...], user: int, present: set[int]) -> None:
    """One's own, or those of people who left; what nobody known asked for stays, and so does the order."""
    without = edits.without_requester(queue, UserId(user))
    assert without == tuple(item for item in queue if item.requester != user)
    assert in_order(without, queue)
    kept = edits.of_present(queue, {UserId(one) for one in present})
    assert in_order(kept, queue)
    assert all(item.requester in present or item.requester == 0 for item in kept)
    assert sum(item.requester in {0, *present} for item in queue) == len(kept)
