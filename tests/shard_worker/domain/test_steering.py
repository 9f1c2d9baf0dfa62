"""Seek, forward, rewind, replay, previous, skip to, loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segue_core.events import TrackEnded
from segue_core.models import LoopMode
from segue_worker.domain.effects import Commit, PatchPlayer
from segue_worker.domain.messages import Progress, Verb
from segue_worker.domain.views import Phrase

from .conftest import make_track

if TYPE_CHECKING:
    from .conftest import Table


@pytest.mark.parametrize(
    ("verb", "time", "expected"),
    [
        (Verb.SEEK, "1:23", 83_000),
        (Verb.SEEK, "+30", 50_000),
        (Verb.SEEK, "-5", 15_000),
        (Verb.SEEK, "-30", 0),
        (Verb.FORWARD, None, 30_000),
        (Verb.FORWARD, "1m", 80_000),
        (Verb.REWIND, None, 10_000),
        (Verb.REWIND, "30", 0),
    ],
)
def test_one_patch_brings_the_song_where_it_was_asked_to_be(
    playing: Table, verb: Verb, time: str | None, expected: int
) -> None:
    """The position is written first; the node is sent it alone, and the clock runs on from there."""
    playing.now += 20_000
    command = playing.command(verb, time=time)
    patch = playing.one(PatchPlayer)
    assert (patch.position_ms, patch.item, patch.paused, patch.volume) == (expected, None, None, None)
    assert playing.phrase(command) == Phrase.SOUGHT
    assert len(playing.committed(command)) == 1
    playing.patched()
    playing.now += 1_000
    assert playing.state.position(playing.now) == expected + 1_000


def test_a_seek_while_paused_stays_paused(playing: Table) -> None:
    """And the song goes on from there afterwards."""
    playing.command(Verb.PAUSE)
    playing.patched()
    playing.command(Verb.SEEK, time="60")
    assert playing.one(PatchPlayer).position_ms == 60_000
    playing.patched()
    playing.now += 5_000
    assert playing.state.position(playing.now) == 60_000


def test_a_node_may_not_take_a_seek_back(playing: Table) -> None:
    """What it says of the position while the PATCH is under way is older than the seek."""
    playing.command(Verb.SEEK, time="60")
    playing.send(Progress(node=playing.node, position_ms=3_000, connected=True, at=playing.now))
    assert playing.state.position(playing.now) == 60_000


def test_two_seeks_at_once_end_at_the_last(playing: Table) -> None:
    """One PATCH in flight; the second seek goes after it."""
    playing.command(Verb.SEEK, time="60")
    playing.command(Verb.SEEK, time="90")
    assert playing.some(PatchPlayer) == []
    playing.patched()
    assert playing.one(PatchPlayer).position_ms == 90_000


def test_a_seek_before_the_node_is_found_starts_the_song_there(table: Table) -> None:
    """No seek of its own: the song is sent with its position."""
    table.playing()
    table.command(Verb.PLAY, query="B")
    table.load(make_track("B"))
    table.command(Verb.SKIP)
    table.command(Verb.SEEK, time="30")
    table.patched()
    assert table.newest(PatchPlayer).position_ms == 30_000


@pytest.mark.parametrize(
    ("time", "phrase"),
    [
        ("nonsense", Phrase.BAD_TIME),
        ("", Phrase.BAD_TIME),
        (None, Phrase.BAD_TIME),
        ("3:20", Phrase.SEEK_BEYOND),
        ("+3:20", Phrase.SEEK_BEYOND),
    ],
)
def test_a_seek_that_leads_nowhere_is_refused(playing: Table, time: str | None, phrase: Phrase) -> None:
    """In words that say what to do, with nothing changed."""
    command = playing.command(Verb.SEEK, time=time)
    assert playing.phrase(command) == phrase
    assert not (playing.some(Commit))
    assert not (playing.some(PatchPlayer))


def test_live_music_is_not_wound(table: Table) -> None:
    """A stream has no times; replaying it connects anew."""
    table.playing("A")
    table.command(Verb.PLAY, query="radio")
    table.load(make_track("radio", is_stream=True))
    table.command(Verb.SKIP)
    table.patched()
    table.started()
    assert table.phrase(table.command(Verb.SEEK, time="10")) == Phrase.NOT_SEEKABLE
    assert table.phrase(table.command(Verb.FORWARD)) == Phrase.NOT_SEEKABLE
    generation = table.generation
    table.command(Verb.REPLAY)
    patch = table.one(PatchPlayer)
    assert (patch.item, patch.generation) == (table.current, generation + 1)


def test_replaying_goes_to_the_beginning_and_plays(playing: Table) -> None:
    """Also from a pause: whoever asks wants to hear it."""
    playing.now += 50_000
    playing.command(Verb.PAUSE)
    playing.patched()
    command = playing.command(Verb.REPLAY)
    patch = playing.one(PatchPlayer)
    assert (patch.position_ms, patch.paused, patch.item) == (0, False, None)
    assert playing.phrase(command) == Phrase.REPLAYING


def test_previous_goes_back_song_by_song(table: Table) -> None:
    """Each song heard comes back, the ones after it follow again, in their order."""
    table.playing("A", "B", "C")
    for _ in range(2):
        table.command(Verb.SKIP)
        table.patched()
        table.started()
    assert (table.current.track.title, table.titles) == ("C", [])
    command = table.command(Verb.PREVIOUS)
    assert table.phrase(command) == Phrase.PLAYING_AGAIN
    assert (table.current.track.title, table.titles) == ("B", ["C"])
    (ended,) = [event for event in table.one(Commit).events if isinstance(event, TrackEnded)]
    assert (ended.track.title, ended.reason) == ("C", "skipped")
    table.patched()
    table.command(Verb.PREVIOUS)
    assert (table.current.track.title, table.titles) == ("A", ["B", "C"])
    table.patched()
    assert table.phrase(table.command(Verb.PREVIOUS)) == Phrase.NO_PREVIOUS


def test_previous_after_the_end_plays_the_last_song_again(playing: Table) -> None:
    """And so does replay."""
    playing.ended()
    assert playing.state.current is None
    playing.command(Verb.REPLAY)
    assert playing.current.track.title == "Nightdrive"
    assert playing.one(PatchPlayer).item == playing.current


def test_previous_in_a_looped_queue_makes_no_song_twice(table: Table) -> None:
    """The song that was heard stands at the end of the queue as well, until it is played again."""
    table.playing("A", "B", "C")
    table.command(Verb.LOOP, choice="queue")
    table.ended()
    assert (table.current.track.title, table.titles) == ("B", ["C", "A"])
    table.command(Verb.PREVIOUS)
    assert (table.current.track.title, table.titles) == ("A", ["B", "C"])


def test_only_so_many_songs_are_remembered(table: Table) -> None:
    """They travel in every snapshot."""
    table.playing(*(f"song {number}" for number in range(14)))
    for _ in range(12):
        table.command(Verb.SKIP)
        table.patched()
        table.started()
    titles = [item.track.title for item in table.state.snapshot.played]
    assert titles == [f"song {number}" for number in range(7, 12)]


def test_skipping_to_a_place_drops_what_is_before_it(table: Table) -> None:
    """Places are those of the queue as it is shown."""
    table.playing("A", "B", "C", "D")
    command = table.command(Verb.SKIP_TO, place=2)
    assert table.phrase(command) == Phrase.SKIPPED_TO
    assert (table.current.track.title, table.titles) == ("C", ["D"])
    assert [item.track.title for item in table.state.snapshot.played] == ["A"]


def test_skipping_in_a_looped_queue_loses_nothing(table: Table) -> None:
    """What was passed over comes around again."""
    table.playing("A", "B", "C", "D")
    table.command(Verb.LOOP, choice="queue")
    table.command(Verb.SKIP_TO, place=2)
    assert (table.current.track.title, table.titles) == ("C", ["D", "A", "B"])


@pytest.mark.parametrize("place", [0, -1, 4])
def test_a_place_that_is_not_there_is_refused(table: Table, place: int) -> None:
    """With how many there are."""
    table.playing("A", "B", "C", "D")
    command = table.command(Verb.SKIP_TO, place=place)
    assert table.phrase(command) == Phrase.NO_SUCH_PLACE
    assert (table.current.track.title, table.titles) == ("A", ["B", "C", "D"])


@pytest.mark.parametrize(
    "verb", [Verb.SEEK, Verb.FORWARD, Verb.REPLAY, Verb.PREVIOUS, Verb.SKIP_TO, Verb.LOOP]
)
def test_steering_is_for_those_in_the_channel(playing: Table, verb: Verb) -> None:
    """Others are told where to go."""
    command = playing.command(verb, voice_channel=None, time="10", place=1, choice="queue")
    assert playing.phrase(command) == Phrase.JOIN_VOICE_FIRST
    assert playing.some(Commit) == []


def test_a_loop_is_shown_set_and_turned_around(playing: Table) -> None:
    """The command says or sets it, the button goes around."""
    assert playing.phrase(playing.command(Verb.LOOP)) == Phrase.LOOPING_NOTHING
    assert playing.some(Commit) == []
    assert playing.phrase(playing.command(Verb.LOOP, choice="queue")) == Phrase.LOOPING_QUEUE
    for expected in (LoopMode.OFF, LoopMode.TRACK, LoopMode.QUEUE):
        playing.command(Verb.LOOP, from_button=True)
        assert playing.state.snapshot.loop is expected
    assert playing.phrase(playing.command(Verb.LOOP, choice="sideways")) == Phrase.BAD_OPTION


def test_a_looped_song_is_nothing_to_go_back_to(playing: Table) -> None:
    """It is still the present one."""
    playing.command(Verb.LOOP, choice="track")
    playing.ended()
    assert playing.current.track.title == "Nightdrive"
    assert playing.state.snapshot.played == ()
