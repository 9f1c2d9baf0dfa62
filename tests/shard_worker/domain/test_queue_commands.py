"""Editing the queue: who may, what is said, and that it is written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segue_worker.domain.effects import Commit, PatchPlayer
from segue_worker.domain.messages import PeerVoiceState, Verb
from segue_worker.domain.views import Phrase

from .conftest import ANN, BOB, LOUNGE, make_track

if TYPE_CHECKING:
    from .conftest import Table

EDITS = (
    Verb.SHUFFLE,
    Verb.MOVE,
    Verb.BUMP,
    Verb.REMOVE,
    Verb.REMOVE_MINE,
    Verb.REMOVE_GONE,
    Verb.CLEAR,
    Verb.DEDUPE,
)


@pytest.fixture
def queued(table: Table) -> Table:
    """A song playing and four waiting."""
    return table.playing("A", "B", "C", "D", "E")


@pytest.mark.parametrize(
    ("verb", "places", "left", "phrase"),
    [
        (Verb.REMOVE, {"place": 2}, ["B", "D", "E"], Phrase.REMOVED),
        (Verb.REMOVE, {"place": 2, "to_place": 3}, ["B", "E"], Phrase.REMOVED_SOME),
        (Verb.REMOVE, {"place": 3, "to_place": 2}, ["B", "E"], Phrase.REMOVED_SOME),
        (Verb.REMOVE, {"place": 1, "to_place": 4}, [], Phrase.REMOVED_SOME),
        (Verb.MOVE, {"place": 4, "to_place": 1}, ["E", "B", "C", "D"], Phrase.MOVED),
        (Verb.MOVE, {"place": 1, "to_place": 3}, ["C", "D", "B", "E"], Phrase.MOVED),
        (Verb.BUMP, {"place": 3}, ["D", "B", "C", "E"], Phrase.MOVED),
        (Verb.CLEAR, {}, [], Phrase.CLEARED),
        (Verb.REMOVE_MINE, {}, [], Phrase.CLEARED),
    ],
)
def test_an_edit_is_written_once_and_leaves_the_song_alone(
    queued: Table, verb: Verb, places: dict[str, int], left: list[str], phrase: Phrase
) -> None:
    """What plays goes on; the node hears nothing of it."""
    command = queued.command(verb, user=ANN, **places)
    assert queued.titles == left
    assert queued.phrase(command) == phrase
    assert len(queued.committed(command)) == 1
    assert queued.some(PatchPlayer) == []
    assert queued.current.track.title == "A"


@pytest.mark.parametrize(
    "places",
    [{"place": 5}, {"place": 0}, {"place": -3}, {"place": 1, "to_place": 5}, {"place": 1, "to_place": 0}],
)
@pytest.mark.parametrize("verb", [Verb.REMOVE, Verb.MOVE])
def test_places_that_are_not_there_are_refused(queued: Table, verb: Verb, places: dict[str, int]) -> None:
    """All or nothing: no part of a span is removed."""
    command = queued.command(verb, user=ANN, **places)
    assert queued.phrase(command) == Phrase.NO_SUCH_PLACE
    assert queued.titles == ["B", "C", "D", "E"]
    assert queued.some(Commit) == []


def test_moving_a_song_to_its_own_place_is_no_change(queued: Table) -> None:
    """Said so, not written."""
    command = queued.command(Verb.MOVE, place=2, to_place=2)
    assert queued.phrase(command) == Phrase.MOVED
    assert queued.committed(command) == []


def test_shuffling_mixes_what_waits(table: Table) -> None:
    """Every song is still there; again gives another order."""
    table.playing(*(f"{number}" for number in range(30)))
    before = table.titles
    table.command(Verb.SHUFFLE)
    once = table.titles
    table.command(Verb.SHUFFLE)
    assert sorted(once) == sorted(before)
    assert len({tuple(before), tuple(once), tuple(table.titles)}) == 3


def test_one_song_is_not_shuffled(table: Table) -> None:
    """There is nothing to mix."""
    table.playing("A", "B")
    assert table.phrase(table.command(Verb.SHUFFLE)) == Phrase.SHUFFLE_ONE


def test_doubles_are_removed_by_what_they_are_not_by_their_title(table: Table) -> None:
    """Two recordings may share a title."""
    table.playing("A", "B", "C")
    table.play("B")
    table.command(Verb.PLAY, query="C")
    table.load(make_track("C", identifier="another C"))
    command = table.command(Verb.DEDUPE)
    assert table.titles == ["B", "C", "C"]
    assert table.phrase(command) == Phrase.REMOVED_SOME
    assert table.phrase(table.command(Verb.DEDUPE)) == Phrase.NO_DUPLICATES


def test_people_remove_their_own_songs(table: Table) -> None:
    """Those of others stay."""
    table.playing("A", "B")
    table.play("C", user=BOB)
    table.command(Verb.REMOVE_MINE, user=BOB)
    assert table.titles == ["B"]
    assert table.phrase(table.command(Verb.REMOVE_MINE, user=BOB)) == Phrase.NONE_OF_YOURS


def test_songs_of_those_who_left_are_removed(table: Table) -> None:
    """Who listens is known from Discord; nobody else's songs go."""
    table.playing("A", "B")
    table.send(PeerVoiceState(user=BOB, channel=LOUNGE))
    table.play("C", user=BOB)
    assert table.phrase(table.command(Verb.REMOVE_GONE)) == Phrase.NOBODY_GONE
    table.send(PeerVoiceState(user=BOB, channel=None))
    table.command(Verb.REMOVE_GONE, user=ANN)
    assert table.titles == ["B"]


@pytest.mark.parametrize("verb", EDITS)
def test_an_empty_queue_is_said_to_be_empty(playing: Table, verb: Verb) -> None:
    """With what to do about it."""
    assert playing.phrase(playing.command(verb, place=1, to_place=1)) == Phrase.QUEUE_EMPTY


@pytest.mark.parametrize("verb", EDITS)
def test_editing_is_for_those_in_the_channel(queued: Table, verb: Verb) -> None:
    """Nobody clears a queue from outside."""
    command = queued.command(verb, voice_channel=None, place=1, to_place=2)
    assert queued.phrase(command) == Phrase.JOIN_VOICE_FIRST
    assert queued.titles == ["B", "C", "D", "E"]
