"""Files, chosen songs and half-typed words: interactions that bring more than words along."""

from __future__ import annotations

from typing import Any

import pytest

from segue_worker.commands.custom_ids import offer, parse_custom_id
from segue_worker.commands.parse import Ack, Ignored, Refused, Typing, Wish, parse_interaction
from segue_worker.commands.spec import OptionKind
from segue_worker.commands.table import registration
from segue_worker.domain.messages import Verb

LINK = "https://cdn.discordapp.com/ephemeral-attachments/1/2/song.mp3?ex=1"


def interaction(kind: int, data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an interaction of somebody in a guild."""
    return {
        "id": "11",
        "application_id": "9",
        "token": "t",
        "type": kind,
        "guild_id": "77",
        "channel_id": "500",
        "member": {"user": {"id": "1"}},
        "data": data,
        **changes,
    }


def test_a_sent_file_becomes_its_link() -> None:
    """The option holds an id; the link stands in what Discord resolved."""
    data = {
        "name": "play",
        "options": [{"name": "file", "type": 11, "value": "5"}],
        "resolved": {"attachments": {"5": {"id": "5", "filename": "song.mp3", "url": LINK}}},
    }
    wish = parse_interaction(interaction(2, data))
    assert isinstance(wish, Wish)
    assert (wish.command.verb, wish.command.file, wish.command.query) == (Verb.PLAY, LINK, None)


@pytest.mark.parametrize(
    "resolved",
    [None, {}, {"attachments": []}, {"attachments": {"5": {}}}, {"attachments": {"5": {"url": 7}}}],
)
def test_a_file_that_did_not_come_along_is_refused(resolved: object) -> None:
    """Never a crash, never a guess: the option is named."""
    data = {"name": "play", "options": [{"name": "file", "value": "5"}], "resolved": resolved}
    refused = parse_interaction(interaction(2, data))
    assert isinstance(refused, Refused)
    assert refused.view.words.values["option"] == "file"


def test_a_chosen_song_is_a_play_that_replaces_the_list() -> None:
    """Journaled, deferred as an update of the list's own message, with list and place in the command."""
    data = {"custom_id": offer("123"), "component_type": 3, "values": ["4"]}
    wish = parse_interaction(interaction(3, data))
    assert isinstance(wish, Wish)
    command = wish.command
    assert (command.verb, command.offer, command.place) == (Verb.PLAY, "123", 4)
    assert wish.ack is Ack.DEFER_UPDATE
    assert not command.from_button, "its answer is an edit of the list"


@pytest.mark.parametrize("values", [None, [], ["x"], ["-1"], [4], ["9" * 40], "4"])
def test_a_choice_that_is_none_is_refused(values: object) -> None:
    """What no menu of ours holds is not looked up."""
    data = {"custom_id": offer("123"), "values": values}
    assert isinstance(parse_interaction(interaction(3, data)), Refused)


def test_the_id_of_a_list_is_a_number() -> None:
    """Other ids of that form are not ours."""
    press = parse_custom_id(offer("123"))
    assert press is not None
    assert press.offer == "123"
    for other in ("sg1:offer:", "sg1:offer:x", "sg1:offer:1:2", "sg1:offer:" + "9" * 30):
        assert parse_custom_id(other) is None


def test_half_typed_words_are_completed() -> None:
    """The focused option is what counts, whichever command it belongs to; an empty one too."""
    for words in ("", "nig"):
        data = {"name": "playnext", "options": [{"name": "query", "value": words, "focused": True}]}
        typing = parse_interaction(interaction(4, data))
        assert isinstance(typing, Typing)
        assert (typing.words, typing.guild, typing.user) == (words, 77, 1)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"name": "play"},
        {"name": "play", "options": [{"name": "query", "value": "nig"}]},
        {"name": "play", "options": [{"name": "query", "value": 7, "focused": True}]},
        {"name": "play", "options": [{"name": "page", "value": "1", "focused": True}]},
        {"name": "play", "options": "query"},
    ],
)
def test_what_we_do_not_complete_is_passed_over(data: dict[str, Any]) -> None:
    """Discord shows that there is nothing; nothing is answered, nothing raises."""
    assert isinstance(parse_interaction(interaction(4, data)), Ignored)


def test_nothing_is_completed_outside_servers() -> None:
    """Commands are for servers, so words typed elsewhere have no songs."""
    data = {"name": "play", "options": [{"name": "query", "value": "n", "focused": True}]}
    assert isinstance(parse_interaction(interaction(4, data, guild_id=None)), Ignored)


def test_discord_is_told_which_option_is_completed_and_which_takes_a_file() -> None:
    """An attachment has no bounds, and only what we complete says so."""
    play = next(body for body in registration() if body["name"] == "play")
    query, file = play["options"]
    assert query["autocomplete"] is True
    assert file == {
        "type": OptionKind.ATTACHMENT,
        "name": "file",
        "description": "A file of yours to play",
        "required": False,
    }
