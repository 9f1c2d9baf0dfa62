"""/play: from a wish to sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.events import CommandApplied, TrackStarted
from segue_core.ids import ChannelId, TierName
from segue_worker.domain import policy
from segue_worker.domain.effects import (
    Commit,
    LoadTracks,
    PatchPlayer,
    Place,
    Reply,
    SendVoiceState,
    ShowNowPlaying,
)
from segue_worker.domain.messages import Loaded, LoadFailure, SettingsChanged, Verb
from segue_worker.domain.views import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.models import Track

    from .conftest import Table


def test_the_lookup_and_the_voice_join_start_together(table: Table) -> None:
    """One decision asks for the songs and for the channel, behind a commit that makes the guild live."""
    table.command(Verb.PLAY, query="night drive")
    assert [type(effect) for effect in table.last[:3]] == [Commit, SendVoiceState, LoadTracks]
    assert table.one(LoadTracks).query == "night drive"
    assert table.state.live


def test_a_node_is_asked_for_as_soon_as_the_voice_server_is_known(table: Table) -> None:
    """Placement does not wait for the lookup."""
    table.command(Verb.PLAY, query="night drive")
    table.join()
    assert table.one(Place).endpoint == "us-east1.discord.example:443"


def test_the_voice_connection_warms_up_while_the_lookup_runs(table: Table) -> None:
    """A placed player gets the voice data before there is a song."""
    table.command(Verb.PLAY, query="night drive")
    table.join()
    table.place()
    patch = table.one(PatchPlayer)
    assert (patch.item, patch.voice is not None) == (None, True)


def test_song_voice_and_volume_travel_in_one_patch(table: Table) -> None:
    """When the song is found first, the player is set up by a single PATCH."""
    command = table.play()
    table.join()
    table.place()
    patch = table.one(PatchPlayer)
    assert patch.item == table.current
    assert patch.voice is not None
    assert (patch.volume, patch.paused) == (100, False)
    assert patch.version == table.state.snapshot.version
    assert table.phrase(command) == Phrase.PLAYING_NOW


def test_the_command_is_committed_before_the_patch_and_the_answer(table: Table) -> None:
    """Nobody hears or reads what Redis did not take."""
    command = table.play()
    table.join()
    table.place()
    kinds = [type(effect) for effect in table.last]
    assert kinds[0] is Commit
    assert kinds.index(PatchPlayer) < kinds.index(Reply)
    (commit,) = table.committed(command)
    (event,) = commit.events
    assert isinstance(event, CommandApplied)


def test_songs_are_queued_in_the_order_they_were_asked_for(
    playing: Table, track: Callable[..., Track]
) -> None:
    """A fast lookup waits for a slow one that was asked for earlier."""
    slow = playing.command(Verb.PLAY, query="slow")
    slow_request = playing.one(LoadTracks).request
    fast = playing.command(Verb.PLAY, query="fast")
    playing.load(track("Fast"))
    assert playing.replies(fast) == []
    playing.send(Loaded(request=slow_request, tracks=(track("Slow"),)))
    playing.fire("admit")
    assert playing.titles == ["Slow", "Fast"]
    assert [playing.phrase(slow), playing.phrase(fast)] == [Phrase.QUEUED, Phrase.QUEUED]


def test_a_playlist_is_queued_whole(table: Table, track: Callable[..., Track]) -> None:
    """Every song of a playlist, in order; the first one plays."""
    command = table.command(Verb.PLAY, query="https://example.org/list")
    table.load(track("A"), track("B"), track("C"), playlist="Mix")
    table.join()
    table.place()
    assert table.current.track.title == "A"
    assert table.titles == ["B", "C"]
    assert table.phrase(command) == Phrase.QUEUED_PLAYLIST


def test_only_the_best_match_of_a_search_is_queued(playing: Table, track: Callable[..., Track]) -> None:
    """A search that answers many songs means its first."""
    playing.command(Verb.PLAY, query="words")
    playing.load(track("Best"), track("Other"))
    assert playing.titles == ["Best"]


def test_nothing_found_leaves_everything_as_it_was(table: Table) -> None:
    """We leave a channel again that we joined for songs that do not exist."""
    command = table.command(Verb.PLAY, query="xyzzy")
    table.join()
    table.send(Loaded(request=table.newest(LoadTracks).request, failure=LoadFailure.NOTHING_FOUND))
    assert table.phrase(command) == Phrase.NOTHING_FOUND
    assert table.newest(SendVoiceState).channel is None
    assert table.one(Commit).closes
    assert not table.committed(command)
    assert (table.state.voice, table.state.live) == (None, False)


def test_each_failure_of_a_lookup_has_words_of_its_own(playing: Table) -> None:
    """Nothing found, a forbidden address, no node: the person learns which."""
    for failure in LoadFailure:
        command = playing.command(Verb.PLAY, query="x")
        playing.send(Loaded(request=playing.newest(LoadTracks).request, failure=failure))
        assert len(playing.replies(command)) == 1
    said = {reply.view.words.phrase for reply in playing.all(Reply)[-len(LoadFailure) :]}
    assert len(said) == len(LoadFailure)


def test_a_lookup_that_nobody_answers_is_refused_in_time(playing: Table) -> None:
    """A lost answer is no lost command."""
    command = playing.command(Verb.PLAY, query="x")
    request = playing.one(LoadTracks).request
    playing.fire(f"load:{request}")
    assert playing.phrase(command) == Phrase.LOAD_TIMEOUT


def test_who_is_in_no_voice_channel_is_asked_to_join_one(table: Table) -> None:
    """No lookup, no commit, one refusal."""
    command = table.command(Verb.PLAY, query="x", voice_channel=None)
    assert table.phrase(command) == Phrase.JOIN_VOICE_FIRST
    assert len(table.effects) == 1


def test_music_is_not_taken_away_from_another_channel(playing: Table) -> None:
    """Somebody elsewhere is told where we are."""
    command = playing.command(Verb.PLAY, query="x", voice_channel=ChannelId(601))
    assert playing.phrase(command) == Phrase.OTHER_CHANNEL


def test_missing_permissions_are_named(table: Table) -> None:
    """The person can tell an admin what to change."""
    command = table.command(Verb.PLAY, query="x", missing_permissions=("Connect", "Speak"))
    (reply,) = table.replies(command)
    assert reply.view.words.phrase is Phrase.MISSING_PERMISSIONS
    assert reply.view.words.values["permissions"] == "Connect, Speak"


def test_over_long_and_empty_queries_are_refused(table: Table) -> None:
    """Nobody searches for a novel."""
    assert table.phrase(table.command(Verb.PLAY, query="x" * 501)) == Phrase.QUERY_TOO_LONG
    assert table.phrase(table.command(Verb.PLAY, query="   ")) == Phrase.QUERY_EMPTY


def test_a_full_queue_takes_no_more(playing: Table, track: Callable[..., Track]) -> None:
    """The guild's limit holds, and a playlist is cut to what fits."""
    playing.send(SettingsChanged(max_queue_size=2))
    command = playing.command(Verb.PLAY, query="list")
    playing.load(track("A"), track("B"), track("C"), playlist="Mix")
    assert playing.phrase(command) == Phrase.QUEUED_PLAYLIST_PARTLY
    assert playing.titles == ["A", "B"]
    assert playing.phrase(playing.command(Verb.PLAY, query="more")) == Phrase.QUEUE_FULL


def test_a_song_over_the_limit_is_refused(playing: Table, track: Callable[..., Track]) -> None:
    """The guild's longest song holds; a stream has no length."""
    playing.send(SettingsChanged(max_song_duration_ms=600_000))
    command = playing.command(Verb.PLAY, query="opera")
    playing.load(track("Opera", 3_600_000))
    assert playing.phrase(command) == Phrase.TOO_LONG
    playing.command(Verb.PLAY, query="radio")
    playing.load(track("Radio", 2**53, is_stream=True))
    assert playing.titles == ["Radio"]


def test_no_node_is_said_and_nothing_is_queued(table: Table) -> None:
    """Without a place to play, also a little later, the first song is refused and the channel left."""
    command = table.play()
    table.join()
    for _ in range(policy.NEWCOMER_ATTEMPTS - 1):
        table.place(None)
        assert table.replies(command) == []
        table.fire("place-again")
    table.place(None)
    assert table.phrase(command) == Phrase.NO_NODE
    assert not table.state.live


def test_a_node_that_comes_in_time_plays(table: Table) -> None:
    """A node that was just starting when the first song was asked for is waited for."""
    command = table.play()
    table.join()
    table.place(None)
    table.fire("place-again")
    table.place()
    table.patched()
    assert table.phrase(command) == Phrase.PLAYING_NOW


def test_the_start_of_a_song_is_an_event(table: Table) -> None:
    """What became audible is recorded once, with the node that plays it."""
    table.playing()
    events = [event for commit in table.all(Commit) for event in commit.events]
    assert len([event for event in events if isinstance(event, TrackStarted)]) == 1


def test_the_message_is_posted_when_the_first_song_starts(table: Table) -> None:
    """Not before: until then there is only the person's own answer."""
    table.play()
    table.join()
    table.place()
    assert table.all(ShowNowPlaying) == []
    table.patched()
    table.started()
    show = table.one(ShowNowPlaying)
    assert show.ref is None
    assert show.nonce


def test_a_repeated_interaction_changes_nothing(playing: Table) -> None:
    """The gateway may replay what we have answered."""
    command = playing.play("Second")
    message = next(message for message, _ in playing.log[::-1] if getattr(message, "id", None) == command)
    assert playing.send(message) == ()


def test_a_guilds_tier_is_kept_with_its_player(table: Table) -> None:
    """What a server pays for decides where it may play, also after a takeover; alone it writes nothing."""
    table.send(SettingsChanged(tier=TierName("premium")))
    assert table.all(Commit) == []
    table.playing()
    assert table.state.snapshot.tier == TierName("premium")
