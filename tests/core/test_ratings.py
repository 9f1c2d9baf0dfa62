"""What people think of songs, on a real PostgreSQL."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue_core.events import DomainEvent, Opinion, SongRated, TrackStarted
from segue_core.ids import EventId, GuildId, UserId
from segue_core.models import Track

if TYPE_CHECKING:
    from segue_core.store import SongRow, Store

GUILD = GuildId(2**62 + 3)
ANN = UserId(1)
BOB = UserId(2)
AT = 1_700_000_000_000

_numbers = itertools.count(1)


def song(name: str = "Night Drive") -> Track:
    """Return a song."""
    return Track(
        encoded="e", identifier=name, title=name, author="The Tubes", length_ms=200_000, source="catalogue"
    )


def rated(
    opinion: Opinion, user: UserId = ANN, *, undone: bool = False, track: Track | None = None
) -> DomainEvent:
    """Return one opinion, as the worker appends it."""
    number = next(_numbers)
    data = SongRated(track=track or song(), user=user, opinion=opinion, undone=undone)
    return DomainEvent(id=EventId(f"rating-{number}"), guild=GUILD, at=AT + number, data=data)


async def row_of(store: Store, name: str = "Night Drive") -> SongRow:
    """Return what the songs table has of it."""
    return next(row for row in await store.songs(1_000) if row.identifier == name)


async def test_likes_dislikes_and_saves_are_counted_by_person(store: Store) -> None:
    """A dislike takes the place of a like, saving is apart from both, and taking back is counted too."""
    await store.append_events([rated(Opinion.LIKE), rated(Opinion.LIKE, BOB), rated(Opinion.SAVE)])
    row = await row_of(store)
    assert (row.likes, row.dislikes, row.saves, row.plays) == (2, 0, 1, 0)
    await store.append_events([rated(Opinion.DISLIKE), rated(Opinion.LIKE, BOB, undone=True)])
    row = await row_of(store)
    assert (row.likes, row.dislikes, row.saves) == (0, 1, 1)
    await store.append_events([rated(Opinion.SAVE, undone=True)])
    assert (await row_of(store)).saves == 0


async def test_an_opinion_read_twice_counts_once(store: Store) -> None:
    """However often a stream is read again, and however often it is said."""
    like = rated(Opinion.LIKE)
    for _ in range(3):
        await store.append_events([like])
    await store.append_events([rated(Opinion.LIKE), rated(Opinion.LIKE)])
    assert (await row_of(store)).likes == 1


async def test_plays_and_opinions_share_a_row(store: Store) -> None:
    """Whichever comes first."""
    await store.append_events([rated(Opinion.LIKE)])
    started = DomainEvent(
        id=EventId("started"), guild=GUILD, at=AT, data=TrackStarted(track=song(), requester=ANN)
    )
    await store.append_events([started])
    row = await row_of(store)
    assert (row.plays, row.likes) == (1, 1)


async def test_a_person_s_songs_are_the_newest_first(store: Store) -> None:
    """Liked or kept, each once, nobody else's, and nothing that was taken back or disliked."""
    events = [rated(Opinion.LIKE, track=song(name)) for name in ("a", "b", "c", "d")]
    events += [
        rated(Opinion.SAVE, track=song("a")),
        rated(Opinion.LIKE, undone=True, track=song("b")),
        rated(Opinion.DISLIKE, track=song("c")),
        rated(Opinion.LIKE, BOB, track=song("e")),
    ]
    await store.append_events(events)
    found = await store.liked(ANN, 10)
    assert [(one.title, one.liked, one.saved) for one in found] == [("a", True, True), ("d", True, False)]
    assert [one.title for one in await store.liked(ANN, 1)] == ["a"]
    assert await store.liked(UserId(3), 10) == ()


OPINIONS = st.tuples(st.sampled_from(Opinion), st.sampled_from([ANN, BOB]), st.booleans())


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=st.lists(OPINIONS, max_size=12), batch=st.integers(1, 5))
async def test_counts_are_what_people_say_now(
    store: Store, said: list[tuple[Opinion, UserId, bool]], batch: int
) -> None:
    """Whatever is said, in whatever batches it is stored, the counts are the sum of the last words."""
    name = f"song {next(_numbers)}"
    events = [rated(opinion, user, undone=undone, track=song(name)) for opinion, user, undone in said]
    for first in range(0, len(events), batch):
        await store.append_events(events[first : first + batch])
    ratings: dict[UserId, Opinion | None] = {}
    saves: dict[UserId, bool] = {}
    for opinion, user, undone in said:
        if opinion is Opinion.SAVE:
            saves[user] = not undone
        else:
            ratings[user] = None if undone else opinion
    rows = [row for row in await store.songs(1_000) if row.identifier == name]
    counts = [(row.likes, row.dislikes, row.saves) for row in rows]
    likes = sum(one is Opinion.LIKE for one in ratings.values())
    dislikes = sum(one is Opinion.DISLIKE for one in ratings.values())
    assert counts == ([(likes, dislikes, sum(saves.values()))] if said else [])
