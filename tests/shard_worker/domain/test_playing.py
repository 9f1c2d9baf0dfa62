"""The life of songs, and of the message that shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segue_core.events import TrackEnded
from segue_core.ids import ChannelId, MessageId
from segue_core.models import LoopMode, MessageRef
from segue_worker.domain import policy
from segue_worker.domain.effects import Commit, PatchPlayer, ShowNowPlaying
from segue_worker.domain.messages import (
    EndReason,
    Posted,
    Progress,
    TrackEndedOn,
    Verb,
)
from segue_worker.domain.views import PlayerPhase

if TYPE_CHECKING:
    from .conftest import Table

TEXT = ChannelId(500)


def loop(table: Table, mode: LoopMode) -> None:
    """Set what follows the end of a song."""
    table.state = replace(table.state, snapshot=replace(table.state.snapshot, loop=mode))


def reasons(table: Table) -> list[str]:
    """Return why songs ended, in order."""
    events = [event for commit in table.all(Commit) for event in commit.events]
    return [event.reason for event in events if isinstance(event, TrackEnded)]


def test_the_next_song_follows_a_finished_one(table: Table) -> None:
    """And the history tells how far the first one got."""
    table.playing("A", "B")
    table.now += 200_000
    table.ended()
    assert table.current.track.title == "B"
    assert reasons(table) == ["finished"]
    (event,) = [e for e in table.one(Commit).events if isinstance(e, TrackEnded)]
    assert event.played_ms == 200_000


def test_a_loop_of_one_song_starts_it_again_as_a_new_generation(playing: Table) -> None:
    """The same item, told apart by its generation."""
    loop(playing, LoopMode.TRACK)
    playing.now += 200_000
    before = playing.generation
    playing.ended()
    assert playing.one(PatchPlayer).item == playing.current
    assert playing.generation == before + 1


def test_a_loop_of_the_queue_keeps_every_song(table: Table) -> None:
    """A finished or skipped song goes to the end."""
    table.playing("A", "B")
    loop(table, LoopMode.QUEUE)
    table.now += 200_000
    table.ended()
    assert (table.current.track.title, table.titles) == ("B", ["A"])
    table.patched()
    table.command(Verb.SKIP)
    assert (table.current.track.title, table.titles) == ("A", ["B"])


def test_events_of_an_older_generation_are_passed_over(table: Table) -> None:
    """A late end of the skipped song must not skip the next one."""
    table.playing("A", "B", "C")
    old = TrackEndedOn(
        node=table.node, generation=table.generation, item=table.current.id, reason=EndReason.FINISHED
    )
    table.command(Verb.SKIP)
    table.send(old)
    assert table.last == ()
    assert table.current.track.title == "B"


def test_a_song_of_no_length_looped_does_not_spin(playing: Table) -> None:
    """A song that ends at once, again and again, counts as failing."""
    loop(playing, LoopMode.TRACK)
    for _ in range(policy.FAILURE_LIMIT):
        playing.ended()
        playing.patched()
    assert playing.state.halted is not None


def test_a_player_emptied_by_somebody_else_is_filled_again(playing: Table) -> None:
    """Stopped, though the generation is the current one: not our doing, so the song goes on."""
    playing.now += 30_000
    playing.ended(EndReason.STOPPED)
    patch = playing.one(PatchPlayer)
    assert patch.item == playing.current
    assert patch.position_ms == 30_000


def test_small_drift_is_not_written_but_a_jump_is(playing: Table) -> None:
    """Redis learns the position when it is off by more than the tolerance, not every second."""
    playing.now += 10_000
    playing.send(Progress(node=playing.node, position_ms=9_200, connected=True, at=playing.now))
    assert playing.last == ()
    assert playing.state.position(playing.now) == 9_200
    playing.now += 10_000
    playing.send(Progress(node=playing.node, position_ms=12_000, connected=True, at=playing.now))
    assert playing.one(Commit).command is None
    assert playing.one(ShowNowPlaying).view.position_ms == 12_000


def test_a_post_in_flight_is_awaited_and_then_edited(table: Table) -> None:
    """Never a second message: what changed meanwhile is an edit of the first."""
    table.play("A")
    table.join()
    table.place()
    table.patched()
    table.started()
    assert table.one(ShowNowPlaying).ref is None
    table.command(Verb.PAUSE)
    assert table.some(ShowNowPlaying) == []
    table.posted(901)
    show = table.one(ShowNowPlaying)
    assert show.ref == MessageRef(channel=TEXT, message=MessageId(901))
    assert show.view.phase is PlayerPhase.PAUSED


def test_a_message_posted_after_the_end_is_retired(table: Table) -> None:
    """Stopped while the post was in flight: it appears, and is retired at once."""
    table.play("A")
    table.join()
    table.place()
    table.patched()
    table.started()
    table.command(Verb.LEAVE)
    table.posted(901)
    show = table.one(ShowNowPlaying)
    assert show.view.phase is PlayerPhase.ENDED
    assert table.state.snapshot.now_playing is None


def test_a_deleted_message_is_posted_again(playing: Table) -> None:
    """Only when it is lost is there another one."""
    playing.send(Posted(request=0, channel=TEXT, message=None, lost=True))
    assert playing.one(ShowNowPlaying).ref is None


def test_a_message_that_cannot_be_posted_is_tried_with_the_next_song(table: Table) -> None:
    """No permission to write there: the music plays on, and no request is repeated meanwhile."""
    table.play("A")
    table.join()
    table.place()
    table.patched()
    table.started()
    show = table.newest(ShowNowPlaying)
    table.send(Posted(request=show.request, channel=TEXT, message=None, detail="50013"))
    table.command(Verb.PAUSE)
    assert table.some(ShowNowPlaying) == []


def test_the_end_of_the_queue_shows_in_the_same_message(playing: Table) -> None:
    """The message stays ours, and the next song appears in it."""
    playing.now += 200_000
    playing.ended()
    assert playing.one(ShowNowPlaying).view.phase is PlayerPhase.ENDED
    playing.play("B")
    playing.patched()
    playing.started()
    assert playing.one(ShowNowPlaying).ref is not None
    assert playing.one(ShowNowPlaying).view.notice is None


def test_a_change_of_song_is_one_edit(table: Table) -> None:
    """Not one when it is sent and another when it starts."""
    table.playing("A", "B")
    count = len(table.all(ShowNowPlaying))
    table.command(Verb.SKIP)
    table.patched()
    table.started()
    assert len(table.all(ShowNowPlaying)) == count + 1
