"""Pause, resume, skip, stop, volume, and the reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.events import TrackEnded
from segue_core.ids import ChannelId, UserId
from segue_worker.domain.effects import (
    Commit,
    DestroyPlayer,
    PatchPlayer,
    ReleasePlacement,
    Reply,
    SendVoiceState,
    ShowNowPlaying,
)
from segue_worker.domain.messages import CommitRefusal, CommitRefused, PeerVoiceState, SettingsChanged, Verb
from segue_worker.domain.views import Phrase, PlayerPhase, Tone

if TYPE_CHECKING:
    from .conftest import Table


def test_pause_stops_the_clock_and_resume_lets_it_run(playing: Table) -> None:
    """The position stands still while nothing is heard."""
    playing.now += 10_000
    playing.command(Verb.PAUSE)
    assert playing.one(PatchPlayer).paused is True
    playing.patched()
    playing.now += 60_000
    assert playing.state.position(playing.now) == 10_000
    playing.command(Verb.RESUME)
    assert playing.one(PatchPlayer).paused is False
    playing.now += 5_000
    assert playing.state.position(playing.now) == 15_000


def test_pausing_twice_is_no_change(playing: Table) -> None:
    """The second one is told so, without a commit."""
    playing.command(Verb.PAUSE)
    command = playing.command(Verb.PAUSE)
    assert playing.phrase(command) == Phrase.ALREADY_PAUSED
    assert playing.some(Commit) == []


def test_what_comes_faster_than_the_node_answers_is_combined(playing: Table) -> None:
    """One PATCH in flight; the next one carries the sum."""
    playing.command(Verb.PAUSE)
    playing.command(Verb.VOLUME, amount=50)
    assert playing.some(PatchPlayer) == []
    playing.command(Verb.VOLUME, amount=60)
    playing.patched()
    assert (playing.one(PatchPlayer).volume, playing.one(PatchPlayer).paused) == (60, None)


def test_skip_plays_the_next_song_as_a_new_generation(table: Table) -> None:
    """Events of the skipped song can't be taken for the new one's."""
    table.playing("A", "B")
    before = table.state.snapshot.generation
    command = table.command(Verb.SKIP)
    patch = table.one(PatchPlayer)
    assert patch.item is not None
    assert patch.item.track.title == "B"
    assert patch.generation == before + 1
    assert table.phrase(command) == Phrase.SKIPPED
    (ended,) = [e for e in table.one(Commit).events if isinstance(e, TrackEnded)]
    assert ended.reason == "skipped"


def test_skipping_the_last_song_silences_the_player(playing: Table) -> None:
    """The node is told to stop; we stay in the channel for the next wish."""
    command = playing.command(Verb.SKIP)
    assert playing.one(PatchPlayer).stop
    assert playing.phrase(command) == Phrase.SKIPPED_LAST
    assert playing.state.voice is not None


def test_stop_empties_the_queue_and_retires_the_message(table: Table) -> None:
    """The message shows its end; the next song gets a new one."""
    table.playing("A", "B", "C")
    command = table.command(Verb.STOP)
    assert table.one(PatchPlayer).stop
    assert table.one(ShowNowPlaying).view.phase is PlayerPhase.ENDED
    assert (table.titles, table.state.current, table.state.snapshot.now_playing) == ([], None, None)
    assert table.phrase(command) == Phrase.STOPPED
    table.patched()
    table.play("D")
    table.patched()
    table.started()
    assert table.one(ShowNowPlaying).ref is None


def test_stop_answers_those_whose_song_was_still_looked_up(playing: Table) -> None:
    """A lookup that comes too late plays nothing, and its person knows."""
    late = playing.command(Verb.PLAY, query="late")
    playing.command(Verb.STOP)
    assert playing.phrase(late) == Phrase.STOPPED_MEANWHILE
    playing.load()
    assert playing.state.current is None


def test_leave_gives_everything_back(playing: Table) -> None:
    """Player, place, channel and keys; the commit comes first."""
    command = playing.command(Verb.LEAVE)
    kinds = [type(effect) for effect in playing.last]
    assert kinds[:4] == [Commit, SendVoiceState, DestroyPlayer, ReleasePlacement]
    assert playing.one(Commit).closes
    assert playing.one(Commit).command == command
    assert playing.one(SendVoiceState).channel is None
    assert playing.state.timers == ()
    assert playing.state.snapshot.version == 0


def test_volume_keeps_to_the_guilds_limit(playing: Table) -> None:
    """Outside it is refused with the limit; a button's step is cut to it."""
    playing.send(SettingsChanged(volume_limit=120))
    refused = playing.command(Verb.VOLUME, amount=121)
    assert playing.phrase(refused) == Phrase.VOLUME_RANGE
    assert playing.replies(refused)[0].view.words.values["limit"] == 120
    playing.command(Verb.VOLUME, amount=50, relative=True)
    assert playing.state.snapshot.volume == 120


def test_reads_commit_nothing(playing: Table) -> None:
    """Queue, now playing, ping and the volume without a number leave Redis alone."""
    for verb in (Verb.QUEUE, Verb.NOW_PLAYING, Verb.PING, Verb.VOLUME):
        playing.command(verb, voice_channel=None)
        assert [type(effect) for effect in playing.last] == [Reply]


def test_the_queue_comes_in_pages(table: Table) -> None:
    """Ten a page; a page that does not exist is brought to one that does."""
    table.playing("A", *(f"song {n}" for n in range(23)))
    table.command(Verb.QUEUE, page=99)
    page = table.one(Reply).view.queue
    assert page is not None
    assert (page.page, page.pages, page.total, page.first_position, len(page.items)) == (3, 3, 23, 21, 3)


def test_only_listeners_steer(playing: Table) -> None:
    """From another channel, or from none, the music is left alone."""
    elsewhere = playing.command(Verb.SKIP, voice_channel=ChannelId(601))
    nowhere = playing.command(Verb.PAUSE, voice_channel=None)
    assert playing.phrase(elsewhere) == Phrase.OTHER_CHANNEL
    assert playing.phrase(nowhere) == Phrase.JOIN_VOICE_FIRST


def test_anybody_may_send_us_away_when_nobody_listens(playing: Table) -> None:
    """A bot left behind alone needs no listener's word to leave."""
    playing.send(PeerVoiceState(user=UserId(1), channel=None))
    command = playing.command(Verb.LEAVE, voice_channel=None)
    assert playing.phrase(command) == Phrase.LEFT


def test_nothing_to_control_is_said(table: Table) -> None:
    """Controls without a player are refused, all of them."""
    for verb in (Verb.PAUSE, Verb.RESUME, Verb.SKIP, Verb.STOP, Verb.LEAVE):
        assert table.phrase(table.command(verb)) == Phrase.NOT_CONNECTED
    assert table.all(Commit) == []


def test_a_duplicate_commit_is_told_as_done(table: Table) -> None:
    """A predecessor applied the command: its person reads so, once, and nothing waits any more."""
    command = table.play()
    table.send(CommitRefused(command=command, reason=CommitRefusal.DUPLICATE))
    (reply,) = table.replies(command)
    assert (reply.view.tone, reply.view.words.phrase) == (Tone.INFO, Phrase.ALREADY_APPLIED)
    assert table.state.loads == ()


def test_a_duplicate_that_waits_for_nothing_is_answered_as_well(playing: Table) -> None:
    """A replayed /pause that the predecessor applied: the decision is dropped, the person told."""
    before = playing.state
    command = playing.command(Verb.PAUSE, replayed=True)
    playing.state = before
    playing.send(CommitRefused(command=command, reason=CommitRefusal.DUPLICATE, from_button=False))
    assert playing.one(Reply).view.words.phrase is Phrase.ALREADY_APPLIED
    assert not playing.one(Reply).from_button


def test_a_buttons_answer_says_that_it_is_one(playing: Table) -> None:
    """Its original is the now-playing message, which must not be overwritten by a sentence."""
    playing.command(Verb.PAUSE, from_button=True)
    assert playing.one(Reply).from_button
