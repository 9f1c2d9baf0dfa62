"""What Discord sends becomes a command, a refusal in words, or nothing; never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_worker.commands import custom_ids
from segue_worker.commands.parse import (
    ADMINISTRATOR,
    CONNECT,
    SPEAK,
    Ack,
    Ignored,
    Refused,
    Wish,
    missing_voice_permissions,
    parse_interaction,
)
from segue_worker.domain.messages import Verb
from segue_worker.domain.views import Phrase


def interaction(data: object, **changes: object) -> dict[str, Any]:
    """Return an interaction in a guild, as Discord sends it."""
    payload: dict[str, Any] = {
        "id": "1100000000000000001",
        "application_id": "42",
        "type": 2,
        "token": "secret-token",
        "version": 1,
        "guild_id": "77",
        "channel_id": "500",
        "member": {"user": {"id": "1", "username": "ann"}, "permissions": "0"},
        "locale": "de",
        "data": data,
        "a_field_of_next_year": {"x": 1},
    }
    return {**payload, **changes}


def slash(name: str, **options: object) -> dict[str, Any]:
    """Return a slash command with options."""
    sent = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
    return interaction({"id": "9", "name": name, "type": 1, "options": sent})


def press(custom_id: object) -> dict[str, Any]:
    """Return a button press."""
    return interaction({"custom_id": custom_id, "component_type": 2}, type=3)


def wish(payload: dict[str, Any]) -> Wish:
    """Return what is asked for, which must be a command."""
    parsed = parse_interaction(payload)
    assert isinstance(parsed, Wish)
    return parsed


def refusal(payload: dict[str, Any]) -> Phrase:
    """Return the words of a refusal."""
    parsed = parse_interaction(payload)
    assert isinstance(parsed, Refused)
    return parsed.view.words.phrase


def test_a_slash_command_becomes_a_command() -> None:
    """Ids, person, channel, language and options arrive; the answer is deferred, ephemeral."""
    asked = wish(slash("play", query="night drive"))
    command = asked.command
    assert (command.id, command.verb, command.user) == ("1100000000000000001", Verb.PLAY, 1)
    assert (command.text_channel, asked.guild, command.query) == (500, 77, "night drive")
    assert (command.locale, command.from_button, asked.ack) == ("de", False, Ack.DEFER)


@pytest.mark.parametrize("name", ["queue", "nowplaying", "ping", "volume"])
def test_reads_are_answered_directly(name: str) -> None:
    """They change nothing, so they need no journal."""
    assert wish(slash(name)).ack is Ack.DIRECT


def test_a_volume_with_a_number_is_a_change() -> None:
    """The same command, but journaled."""
    asked = wish(slash("volume", percent=80))
    assert (asked.command.amount, asked.ack) == (80, Ack.DEFER)


def test_buttons_mean_what_their_ids_say() -> None:
    """Each of them has a verb; what changes is deferred as an update of its message."""
    asked = wish(press(custom_ids.PAUSE))
    assert (asked.command.verb, asked.ack, asked.command.from_button) == (Verb.PAUSE, Ack.DEFER_UPDATE, True)
    louder = wish(press(custom_ids.VOLUME_UP)).command
    assert (louder.verb, louder.amount, louder.relative) == (Verb.VOLUME, 10, True)
    assert wish(press(custom_ids.QUEUE)).ack is Ack.DIRECT
    page = wish(press(custom_ids.page_of(Verb.QUEUE, 3)))
    assert (page.command.page, page.ack) == (3, Ack.DIRECT_UPDATE)


@pytest.mark.parametrize("custom_id", ["sg0:pause", "sg1:", "other", "sg1:queue:0", "sg1:queue:٣", 7, None])
def test_buttons_of_others_and_of_other_times_are_refused_in_words(custom_id: object) -> None:
    """A message outlives a release; its button is not to fail silently."""
    assert refusal(press(custom_id)) is Phrase.UNKNOWN_COMMAND


def test_unknown_commands_and_missing_options_are_refused_in_words() -> None:
    """Discord caches commands; an old client may still show one that is gone."""
    assert refusal(slash("dance")) is Phrase.UNKNOWN_COMMAND
    assert refusal(slash("search")) is Phrase.MISSING_OPTION
    assert refusal(slash("play", query=7)) is Phrase.BAD_OPTION
    assert refusal(slash("volume", percent=1001)) is Phrase.BAD_OPTION
    assert refusal(slash("volume", percent=True)) is Phrase.BAD_OPTION


def test_in_private_messages_there_is_no_music() -> None:
    """No guild, no voice channel: said so."""
    payload = slash("play", query="x")
    del payload["guild_id"]
    del payload["member"]
    payload["user"] = {"id": "1"}
    assert refusal(payload) is Phrase.SERVERS_ONLY


@pytest.mark.parametrize(
    "changes",
    [{"id": None}, {"id": "-1"}, {"id": "9" * 30}, {"token": ""}, {"type": 4}, {"type": [2]}, {"member": 3}],
)
def test_what_cannot_be_answered_is_ignored(changes: dict[str, object]) -> None:
    """Without id or token there is nobody to talk to."""
    assert isinstance(parse_interaction({**slash("ping"), **changes}), Ignored)


def test_the_token_is_never_shown() -> None:
    """It is a credential for fifteen minutes."""
    assert "secret-token" not in repr(parse_interaction(slash("ping")))


def test_missing_permissions_are_named_in_discords_words() -> None:
    """An administrator lacks nothing."""
    assert missing_voice_permissions(0) == ("Connect", "Speak")
    assert missing_voice_permissions(CONNECT) == ("Speak",)
    assert missing_voice_permissions(CONNECT | SPEAK) == ()
    assert missing_voice_permissions(ADMINISTRATOR) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "id",
    "application_id",
    "type",
    "token",
    "guild_id",
    "channel_id",
    "member",
    "user",
    "locale",
    "data",
]


@given(JSON)
def test_any_json_is_survived(payload: object) -> None:
    """Total on hostile input."""
    assert isinstance(parse_interaction(payload), Wish | Refused | Ignored)


@settings(max_examples=300)
@given(
    base=st.sampled_from([slash("play", query="x"), slash("queue", page=2), press("sg1:stop")]),
    changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    data=JSON,
    name=st.sampled_from(["play", "queue", "volume", "ping"]),
)
def test_a_spoilt_interaction_is_survived(
    base: dict[str, Any], changes: dict[str, Any], data: object, name: str
) -> None:
    """Any field may hold anything; a command that comes out has values in their ranges."""
    for payload in (
        {**base, **changes},
        {**base, "data": {"name": name, "options": [data]}},
        {**base, "data": data},
    ):
        parsed = parse_interaction(payload)
        if isinstance(parsed, Wish):
            assert parsed.command.user > 0
            assert parsed.command.page is None or parsed.command.page >= 1


@pytest.mark.parametrize("name", [[], {}, None, 7])
def test_completion_of_an_option_without_a_name_is_passed_over(name: object) -> None:
    """What is typed into an option whose name is anything but a name completes and breaks nothing."""
    option = {"name": name, "type": 3, "value": "ra", "focused": True}
    payload = {
        "id": "5",
        "application_id": "9",
        "token": "t",
        "type": 4,
        "guild_id": "77",
        "channel_id": "500",
        "member": {"user": {"id": "1"}},
        "data": {"name": "play", "options": [option]},
    }
    assert isinstance(parse_interaction(payload), Ignored)
