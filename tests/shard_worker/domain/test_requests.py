"""What people ask to be played: where in the queue it goes, in which form it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segue_core.events import TrackEnded
from segue_core.models import LoopMode
from segue_worker.domain import policy
from segue_worker.domain.copying import changed
from segue_worker.domain.effects import Commit, LoadTracks, OfferSongs, QueryKind
from segue_worker.domain.messages import Loaded, LoadFailure, SettingsChanged, Verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.models import Track
    from tests.shard_worker.domain.conftest import Table

    MakeTrack = Callable[..., Track]


def ask(table: Table, verb: Verb, track: Track) -> str:
    """Ask for a song by ``verb`` and let it be found; return how that was answered."""
    command = table.command(verb, query=track.title)
    table.load(track)
    return table.phrase(command)


def test_playnext_goes_to_the_head_of_the_queue(playing: Table, track: MakeTrack) -> None:
    """What plays goes on; what waited waits one song longer."""
    playing.play("Second")
    assert ask(playing, Verb.PLAY_NEXT, track("Third")) == "queued_next"
    assert playing.titles == ["Third", "Second"]
    assert playing.current.track.title == "Nightdrive"


def test_a_playlist_goes_to_the_head_in_its_own_order(playing: Table, track: MakeTrack) -> None:
    """Playing a list next does not turn it around."""
    playing.play("Last")
    command = playing.command(Verb.PLAY_NEXT, query="a list")
    playing.load(track("One"), track("Two"), playlist="Mix")
    assert playing.phrase(command) == "queued_playlist"
    assert playing.titles == ["One", "Two", "Last"]


def test_playnow_takes_the_place_of_what_plays(playing: Table, track: MakeTrack) -> None:
    """The song ends as replaced, in one commit with the new one; the queue waits on."""
    playing.play("Second")
    assert ask(playing, Verb.PLAY_NOW, track("Urgent")) == "playing_now"
    assert playing.current.track.title == "Urgent"
    assert playing.titles == ["Second"]
    (commit,) = playing.some(Commit)
    (ended,) = [event for event in commit.events if isinstance(event, TrackEnded)]
    assert (ended.track.title, ended.reason) == ("Nightdrive", "replaced")


def test_playnow_plays_even_when_paused_and_keeps_a_looping_queue_whole(
    playing: Table, track: MakeTrack
) -> None:
    """Who wants a song now wants to hear it; a queue that loops loses none of its songs."""
    snapshot = changed(playing.state.snapshot, loop=LoopMode.QUEUE)
    playing.state = changed(playing.state, snapshot=snapshot)
    playing.play("Second")
    playing.command(Verb.PAUSE)
    ask(playing, Verb.PLAY_NOW, track("Urgent"))
    assert not playing.state.snapshot.paused
    assert playing.titles == ["Second", "Nightdrive"]


@pytest.mark.parametrize("verb", [Verb.PLAY, Verb.PLAY_NEXT, Verb.PLAY_NOW])
def test_a_first_song_is_played_whatever_it_was_asked_by(table: Table, verb: Verb) -> None:
    """With nothing playing, next and now mean the same as play."""
    command = table.command(verb, query="Nightdrive")
    table.load()
    table.join()
    table.place()
    assert table.phrase(command) == "playing_now"
    assert table.current.track.title == "Nightdrive"


def test_a_full_queue_still_lets_the_present_song_be_replaced(playing: Table, track: MakeTrack) -> None:
    """Playing now adds nothing to the queue; playing next would."""
    playing.send(SettingsChanged(max_queue_size=2))
    playing.play("Second")
    command = playing.command(Verb.PLAY_NOW, query="a list")
    playing.load(*(track(f"t{number}") for number in range(4)), playlist="Mix")
    assert playing.phrase(command) == "queued_playlist_partly"
    assert playing.current.track.title == "t0"
    assert playing.titles == ["t1", "Second"]


def test_a_playlist_is_bounded_and_says_how_much_of_it_came(playing: Table, track: MakeTrack) -> None:
    """However long a list is, so many of its songs are taken; all of them are counted in the answer."""
    playing.send(SettingsChanged(max_queue_size=10_000))
    command = playing.command(Verb.PLAY, query="https://music.example/list")
    request = playing.newest(LoadTracks).request
    songs = tuple(track(f"t{number}") for number in range(policy.PLAYLIST_LIMIT + 5))
    playing.send(Loaded(request=request, tracks=songs, playlist="Everything", left_out=7))
    assert len(playing.state.queue) == policy.PLAYLIST_LIMIT
    (reply,) = playing.replies(command)
    values = reply.view.words.values
    assert reply.view.words.phrase.value == "queued_playlist_partly"
    assert (values["count"], values["of"]) == (policy.PLAYLIST_LIMIT, policy.PLAYLIST_LIMIT + 12)


def test_a_file_is_looked_up_as_one(table: Table) -> None:
    """The link of a sent file is judged by other rules than a typed one, so it says what it is."""
    table.command(Verb.PLAY, query="ignored", file="https://cdn.discordapp.com/attachments/1/2/a.mp3")
    load = table.one(LoadTracks)
    assert (load.kind, load.query) == (QueryKind.FILE, "https://cdn.discordapp.com/attachments/1/2/a.mp3")


def test_a_choice_from_a_list_is_looked_up_there(table: Table) -> None:
    """The effect carries list, place and person: loading judges them, deciding stays pure."""
    command = table.command(Verb.PLAY, offer="123", place=4)
    load = table.one(LoadTracks)
    assert (load.kind, load.query, load.place, load.user) == (QueryKind.OFFER, "123", 4, 1)
    table.send(Loaded(request=load.request, failure=LoadFailure.OFFER_EXPIRED))
    assert table.phrase(command) == "offer_expired"
    assert table.state.voice is None, "we had come for it alone"


def test_a_search_is_answered_by_its_effect_alone(playing: Table) -> None:
    """Nothing is committed, nothing waits, and a repeated one is not searched again."""
    command = playing.command(Verb.SEARCH, query="  night ")
    expected = OfferSongs(command=command, query="night", user=playing.current.requester)
    assert playing.last == (expected,)
    playing.command(Verb.SEARCH, query="night", id=command)
    assert not playing.last


def test_nothing_to_search_for_is_refused_in_words(playing: Table) -> None:
    """Neither words nor a file: the person is asked for some."""
    assert playing.phrase(playing.command(Verb.SEARCH, query=" ")) == "query_empty"
    assert playing.phrase(playing.command(Verb.PLAY_NEXT)) == "query_empty"
    assert playing.phrase(playing.command(Verb.SEARCH, query="x" * 501)) == "query_too_long"


def test_too_many_searches_name_the_time_to_wait(playing: Table) -> None:
    """In whole seconds, rounded up."""
    command = playing.command(Verb.PLAY, query="night")
    request = playing.newest(LoadTracks).request
    playing.send(Loaded(request=request, failure=LoadFailure.TOO_MANY_SEARCHES, wait_ms=2_001))
    (reply,) = playing.replies(command)
    assert reply.view.words.phrase.value == "too_many_searches"
    assert reply.view.words.values["wait_s"] == 3
