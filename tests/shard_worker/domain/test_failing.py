"""Songs that can't be played: tried again, replaced, put off, skipped; and never a queue burnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.events import TrackEnded, TrackFailed
from segue_core.models import Track
from segue_worker.domain import policy
from segue_worker.domain.effects import (
    Commit,
    DestroyPlayer,
    FindReplacement,
    PatchPlayer,
    Place,
    ShowNowPlaying,
)
from segue_worker.domain.faults import Fault, fault_of
from segue_worker.domain.matching import best_match, query_for
from segue_worker.domain.messages import EndReason, Loaded, LoadFailure, NodeLost, TrackFailedOn, Verb
from segue_worker.domain.views import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.shard_worker.domain.conftest import Table

    MakeTrack = Callable[..., Track]

GONE = "This video is private"
BROKE = "Something broke when playing the track."
RESET = "java.net.SocketException: Connection reset"


def exception(table: Table, message: str = GONE, severity: str = "common", cause: str = "") -> None:
    """Let the node say that the current song threw an exception, and then that it ended."""
    table.send(
        TrackFailedOn(
            node=table.node,
            generation=table.generation,
            item=table.current.id,
            message=message,
            severity=severity,
            cause=cause,
        )
    )
    table.ended(EndReason.LOAD_FAILED)


def stuck(table: Table) -> None:
    """Let the node say that no sound comes any more."""
    table.send(
        TrackFailedOn(
            node=table.node,
            generation=table.generation,
            item=table.current.id,
            message="threshold",
            severity="suspicious",
            stuck=True,
        )
    )


def nothing_else(table: Table) -> None:
    """Find no other song like it."""
    request = table.newest(FindReplacement).request
    table.send(Loaded(request=request, failure=LoadFailure.NOTHING_FOUND))


def actions(table: Table) -> list[tuple[str, str, str]]:
    """Return what was recorded of failures: title, fault, and what followed."""
    events = [event for commit in table.all(Commit) for event in commit.events]
    return [
        (event.track.title, event.fault, event.action) for event in events if isinstance(event, TrackFailed)
    ]


def test_a_song_that_is_gone_is_replaced_by_the_same_from_elsewhere(table: Table, track: MakeTrack) -> None:
    """It is looked for at once, without a second try; what comes next stays; all of it is recorded."""
    table.playing("A", "B")
    exception(table)
    assert table.one(FindReplacement).track.title == "A"
    table.send(Loaded(request=table.newest(FindReplacement).request, tracks=(track("A", identifier="x"),)))
    assert table.current.track.identifier == "x"
    assert table.current.instead_of is not None
    assert table.titles == ["B"]
    assert table.state.notice is not None
    assert table.state.notice.phrase is Phrase.TRACK_REPLACED
    patch = table.one(PatchPlayer)
    assert patch.item == table.current
    assert actions(table) == [("A", "gone", "replaced")]


def test_a_replacement_that_fails_is_not_replaced_again(table: Table, track: MakeTrack) -> None:
    """One other song is tried for each; after that it is skipped, and its requester named."""
    table.playing("A", "B")
    exception(table)
    table.send(Loaded(request=table.newest(FindReplacement).request, tracks=(track("A", identifier="x"),)))
    table.patched()
    exception(table)
    assert not table.some(FindReplacement)
    assert table.current.track.title == "B"
    assert table.state.notice is not None
    assert table.state.notice.phrase is Phrase.TRACK_FAILED
    assert table.state.notice.values["user"] == 1


def test_without_another_one_it_is_skipped_with_the_node_s_reason(table: Table) -> None:
    """The exception says why, the end event that follows moves on."""
    table.playing("A", "B")
    exception(table)
    assert table.current.track.title == "A"
    nothing_else(table)
    assert table.current.track.title == "B"
    assert table.state.notice is not None
    assert table.state.notice.values == {"title": "A", "reason": GONE, "user": 1}
    assert actions(table) == [("A", "gone", "skipped")]


def test_what_broke_on_the_way_is_tried_again_from_where_it_was(table: Table) -> None:
    """A broken connection a minute into the song: after a moment it goes on right there."""
    table.playing("A", "B")
    table.now += 60_000
    exception(table, BROKE, "suspicious", RESET)
    assert not table.some(FindReplacement)
    assert not table.some(PatchPlayer), "not at once"
    table.fire("retry")
    patch = table.one(PatchPlayer)
    assert patch.item == table.current
    assert patch.position_ms == 60_000
    table.patched()
    table.started()
    assert actions(table) == [("A", "broken", "retried")]


def test_a_second_failure_looks_elsewhere_and_then_puts_it_off(table: Table) -> None:
    """Retried once, looked for once, then it comes again at the end of the queue, once."""
    table.playing("A", "B")
    for _ in range(2):
        exception(table, "broke", "fault", RESET)
        if table.state.has_timer("retry"):
            table.fire("retry")
            table.patched()
    nothing_else(table)
    assert table.current.track.title == "B"
    assert table.titles == ["A"]
    assert table.state.notice is not None
    assert table.state.notice.phrase is Phrase.TRACK_PUT_OFF
    table.patched()
    table.started()
    table.now += 200_000
    table.ended()
    assert table.current.track.title == "A"
    table.patched()
    exception(table, "broke", "fault", RESET)
    table.fire("retry")
    table.patched()
    exception(table, "broke", "fault", RESET)
    nothing_else(table)
    assert table.state.current is None
    assert table.titles == []
    assert [action for _, _, action in actions(table)] == ["retried", "put_off", "retried", "skipped"]


def test_a_stuck_song_is_started_again(table: Table) -> None:
    """No end event follows a stall, so we don't wait for one."""
    table.playing("A", "B")
    stuck(table)
    table.fire("retry")
    assert table.one(PatchPlayer).item == table.current
    table.patched()
    stuck(table)
    nothing_else(table)
    assert table.current.track.title == "B"


def test_a_lost_end_event_does_not_end_the_music(table: Table) -> None:
    """After an exception we go on in any case, and a lost search as well."""
    table.playing("A", "B")
    table.send(
        TrackFailedOn(
            node=table.node,
            generation=table.generation,
            item=table.current.id,
            message=GONE,
            severity="common",
        )
    )
    table.fire("failed")
    table.fire("replace")
    assert table.current.track.title == "B"


@pytest.mark.parametrize("verb", [Verb.SKIP, Verb.STOP, Verb.LEAVE])
def test_people_need_not_wait_for_a_song_that_fails(table: Table, track: MakeTrack, verb: Verb) -> None:
    """Skipped, stopped or left meanwhile: neither a late retry nor a late find plays anything."""
    table.playing("A", "B")
    exception(table)
    request = table.newest(FindReplacement).request
    table.command(verb)
    current = table.state.current
    table.send(Loaded(request=request, tracks=(track("A", identifier="x"),)))
    assert table.state.current == current
    assert not table.state.has_timer("replace")


def test_a_node_that_dies_during_the_pause_is_left_once(table: Table) -> None:
    """The song starts on another node, and not a second time when the pause would have been over."""
    table.playing("A")
    exception(table, "broke", "fault", RESET)
    table.send(NodeLost(node=table.node, reason="dead"))
    assert not table.state.has_timer("retry")
    assert table.state.start_needed


def test_a_node_on_which_song_after_song_fails_is_left(table: Table) -> None:
    """Two in a row, by no fault of theirs: the third is tried on another node."""
    table.playing(*"ABCD")
    for _ in range(policy.FAILURES_OF_NODE):
        exception(table, "broke", "fault", RESET)
        table.fire("retry")
        table.patched()
        exception(table, "broke", "fault", RESET)
        nothing_else(table)
        if table.some(DestroyPlayer):
            break
        table.patched()
    assert table.one(DestroyPlayer).node == "us-east-0"
    assert table.one(Place).excluded == ("us-east-0",)
    assert table.current.track.title == "C"


def test_songs_that_are_gone_speak_against_no_node(table: Table) -> None:
    """A list of deleted videos moves nobody."""
    table.playing(*"ABCD")
    for _ in range(3):
        exception(table)
        nothing_else(table)
        table.patched()
    assert not table.all(DestroyPlayer)


def test_a_queue_of_dead_songs_does_not_spin(table: Table) -> None:
    """After five in a row we stop and say so; the rest of the queue is kept, and /skip goes on."""
    table.playing(*"ABCDEFGH")
    for _ in range(policy.FAILURE_LIMIT):
        exception(table)
        nothing_else(table)
        table.patched()
    assert table.state.current is None
    assert table.titles == ["F", "G", "H"]
    assert table.state.halted is not None
    assert table.state.halted.phrase is Phrase.TOO_MANY_FAILURES
    assert table.newest(ShowNowPlaying).view.notice == table.state.halted
    table.command(Verb.SKIP)
    assert table.current.track.title == "F"


def test_an_outage_of_a_source_burns_no_queue(table: Table) -> None:
    """Five songs that the source refuses: we stop, and every one of them is still in the queue, in order."""
    table.playing(*"ABCDEFGH")
    for _ in range(policy.FAILURE_LIMIT):
        exception(table, "Sign in to confirm you're not a bot", "suspicious")
        nothing_else(table)
        if table.state.snapshot.node is None:
            table.place()
        if table.state.patch is not None:
            table.patched()
    assert table.state.halted is not None
    assert table.titles == list("ABCDEFGH")
    assert all(item.failures == 0 for item in table.state.queue)


def test_each_song_that_fails_ends_once_in_the_history(table: Table, track: MakeTrack) -> None:
    """A retry is no end; a replacement ends the one before."""
    table.playing("A")
    exception(table, "broke", "fault", RESET)
    table.fire("retry")
    table.patched()
    exception(table, "broke", "fault", RESET)
    table.send(Loaded(request=table.newest(FindReplacement).request, tracks=(track("A", identifier="x"),)))
    events = [event for commit in table.all(Commit) for event in commit.events]
    assert [event.reason for event in events if isinstance(event, TrackEnded)] == ["failed"]


@pytest.mark.parametrize(
    ("message", "cause", "severity", "fault"),
    [
        ("This video is unavailable", "", "common", Fault.GONE),
        ("Video unavailable in your country", "", "suspicious", Fault.GONE),
        (
            BROKE,
            "java.io.FileNotFoundException: /gone.mp3",
            "fault",
            Fault.GONE,
        ),
        ("Please sign in to confirm you're not a bot", "", "common", Fault.REFUSED),
        ("Not success status code: 429", "", "suspicious", Fault.REFUSED),
        ("Unknown file format.", "", "common", Fault.UNREADABLE),
        (BROKE, RESET, "fault", Fault.BROKEN),
        (
            BROKE,
            "java.net.SocketTimeoutException: Read timed out",
            "fault",
            Fault.BROKEN,
        ),
        ("Something else", "", "common", Fault.GONE),
        ("Something else", "", "suspicious", Fault.BROKEN),
        ("", "", "", Fault.BROKEN),
    ],
)
def test_faults_are_told_apart_by_what_nodes_say(
    message: str, cause: str, severity: str, fault: Fault
) -> None:
    """Words decide where they can, else how severe it is called; nothing known is tried again."""
    assert fault_of(message, cause, severity) is fault
    assert fault_of(message.upper(), cause.upper(), severity.upper()) is fault
    assert fault_of(message, cause, severity, stuck=True) is Fault.STUCK


@given(message=st.text(), cause=st.text(), severity=st.text(), stuck=st.booleans())
def test_every_word_of_a_node_has_a_fault(message: str, cause: str, severity: str, stuck: bool) -> None:
    """Whatever a node says, there is something to do about it."""
    assert fault_of(message, cause, severity, stuck=stuck) in Fault


def test_only_the_same_song_replaces_one(track: MakeTrack) -> None:
    """Title and length must fit; a live version, a remix or an hour's loop is another song."""
    song = track("Night Drive (Official Video)", 200_000, author="The Tubes")
    same = track("NIGHT DRIVE - The Tubes", 203_000, source="elsewhere", identifier="s")
    for wrong in (
        track("Night Drive", 260_000, source="elsewhere"),
        track("Night Drive (Live)", 200_000, source="elsewhere"),
        track("Night Drive - Remix", 200_000, source="elsewhere"),
        track("Morning Walk", 200_000, source="elsewhere"),
        track("Night Drive", 200_000, source="elsewhere", is_stream=True),
        song,
    ):
        assert best_match(song, [wrong]) is None, wrong.title
        assert best_match(song, [wrong, same]) == same
    nearer = track("Night Drive", 200_500, author="The Tubes", source="third", identifier="n")
    assert best_match(song, [same, nearer]) == nearer
    assert query_for(song) == "Night Drive (Official Video) The Tubes"
    assert query_for(track("Unknown title")) is None
    assert query_for(track("???")) is None


TRACKS = st.builds(
    Track,
    encoded=st.just("e"),
    identifier=st.sampled_from(["1", "2", "3"]),
    title=st.text(alphabet="abé (x) live", max_size=12),
    author=st.sampled_from(["", "Unknown artist", "Bé"]),
    length_ms=st.integers(0, 400_000),
    source=st.sampled_from(["s", "t"]),
    is_stream=st.booleans(),
)


@given(song=TRACKS, others=st.lists(TRACKS, max_size=6))
def test_a_match_is_never_the_same_entry_nor_of_another_length(song: Track, others: list[Track]) -> None:
    """Whatever is found, what is taken is one of them, elsewhere, and about as long."""
    match = best_match(song, others)
    if match is not None:
        assert match in others
        assert (match.source, match.identifier) != (song.source, song.identifier)
        assert abs(match.length_ms - song.length_ms) <= max(5_000, song.length_ms * 0.05)
