"""Likes, dislikes and saves of the song that plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segue_core.events import Opinion, SongRated
from segue_core.ids import UserId
from segue_worker.domain.effects import Inform, Topic
from segue_worker.domain.messages import Verb

if TYPE_CHECKING:
    from tests.shard_worker.domain.conftest import Table


@pytest.mark.parametrize(
    ("verb", "opinion", "phrase"),
    [
        (Verb.LIKE, Opinion.LIKE, "likes"),
        (Verb.DISLIKE, Opinion.DISLIKE, "dislikes"),
        (Verb.SAVE, Opinion.SAVE, "saved"),
    ],
)
def test_an_opinion_is_written_with_its_command(
    playing: Table, verb: Verb, opinion: Opinion, phrase: str
) -> None:
    """One commit applies the command and carries the fact, so that it counts exactly once."""
    command = playing.command(verb, user=UserId(5), voice_channel=None)
    (commit,) = playing.committed(command)
    (rated,) = [event for event in commit.events if isinstance(event, SongRated)]
    assert rated == SongRated(track=playing.current.track, user=UserId(5), opinion=opinion)
    assert playing.phrase(command) == phrase


def test_an_opinion_can_be_taken_back(playing: Table) -> None:
    """The fact says so, and so does the answer."""
    command = playing.command(Verb.LIKE, choice="undo")
    (commit,) = playing.committed(command)
    assert any(isinstance(event, SongRated) and event.undone for event in commit.events)
    assert playing.phrase(command) == "opinion_undone"


def test_who_presses_the_button_is_told(playing: Table) -> None:
    """The message does not change by it, so the answer is no mere OK, which a button would not show."""
    command = playing.command(Verb.LIKE, from_button=True)
    (reply,) = playing.replies(command)
    assert reply.from_button
    assert reply.view.tone.value == "info"


def test_without_a_song_there_is_nothing_to_like(table: Table) -> None:
    """Refused in words, and nothing is written."""
    command = table.command(Verb.SAVE)
    assert table.phrase(command) == "nothing_playing"
    assert not table.committed(command)


def test_the_list_is_one_s_own(playing: Table) -> None:
    """Who asks is whose songs are looked up."""
    command = playing.command(Verb.LIKED, user=UserId(5), page=2)
    inform = playing.one(Inform)
    assert (inform.command, inform.topic, inform.user, inform.page) == (command, Topic.LIKED, 5, 2)
