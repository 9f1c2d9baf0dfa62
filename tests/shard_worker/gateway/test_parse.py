from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.ids import ChannelId, CommandId, GuildId, UserId
from segue_worker.gateway.events import (
    GuildAvailable,
    GuildGone,
    Interaction,
    InteractionKind,
    VoiceMember,
    VoiceServerUpdate,
    VoiceStateUpdate,
)
from segue_worker.gateway.parse import MalformedPayloadError, parse

OWN = UserId(7)

SLASH: dict[str, Any] = {
    "id": "1100000000000000001",
    "application_id": "42",
    "type": 2,
    "token": "secret-token",
    "version": 1,
    "guild_id": "900",
    "channel_id": "901",
    "channel": {"id": "901", "type": 0},
    "member": {
        "user": {"id": "55", "username": "ada"},
        "permissions": "2147483647",
        "roles": ["12", "13"],
    },
    "locale": "de",
    "guild_locale": "en-GB",
    "app_permissions": "3146752",
    "data": {
        "id": "3",
        "name": "play",
        "type": 1,
        "options": [{"name": "query", "type": 3, "value": "rain"}],
    },
    "something_new": {"ignored": True},
}


def test_interaction() -> None:
    """An interaction keeps what routing and acknowledging need, beside Discord's own object."""
    assert parse("INTERACTION_CREATE", SLASH, OWN) == Interaction(
        id=CommandId("1100000000000000001"),
        application=42,
        token="secret-token",
        kind=InteractionKind.COMMAND,
        guild=GuildId(900),
        payload=SLASH,
    )


def test_token_is_not_shown() -> None:
    """An interaction's token is a credential and never part of a repr."""
    assert "secret" not in repr(parse("INTERACTION_CREATE", SLASH, OWN))


def test_voice_state_of_ourselves_and_others() -> None:
    """Our own voice state is told apart; a null channel means nowhere."""
    state = {
        "guild_id": "1",
        "channel_id": "2",
        "user_id": "7",
        "session_id": "abc",
        "member": {"user": {"id": "7", "bot": True}},
    }
    found = parse("VOICE_STATE_UPDATE", state, OWN)
    assert found == VoiceStateUpdate(
        guild=GuildId(1), user=OWN, channel=ChannelId(2), session="abc", own=True, bot=True
    )
    found = parse("VOICE_STATE_UPDATE", {"guild_id": "1", "channel_id": None, "user_id": "8"}, OWN)
    assert found == VoiceStateUpdate(
        guild=GuildId(1), user=UserId(8), channel=None, session="", own=False, bot=None
    )
    assert parse("VOICE_STATE_UPDATE", state | {"guild_id": None}, OWN) is None


def test_voice_server() -> None:
    """A null endpoint is kept: the voice server went away."""
    found = parse("VOICE_SERVER_UPDATE", {"guild_id": "1", "token": "t", "endpoint": None}, OWN)
    assert found == VoiceServerUpdate(guild=GuildId(1), token="t", endpoint=None)


def test_guilds() -> None:
    """GUILD_CREATE brings its voice states; an outage is told apart from being removed."""
    guild = {
        "id": "1",
        "voice_states": [{"user_id": "8", "channel_id": "2", "session_id": "s"}],
        "members": [{"user": {"id": "8", "bot": True}}],
    }
    found = parse("GUILD_CREATE", guild, OWN)
    member = VoiceMember(user=UserId(8), channel=ChannelId(2), session="s", own=False, bot=True)
    assert found == GuildAvailable(guild=GuildId(1), voice=(member,))
    assert parse("GUILD_CREATE", {"id": "1", "unavailable": True}, OWN) is None
    assert parse("GUILD_DELETE", {"id": "1"}, OWN) == GuildGone(guild=GuildId(1), removed=True)
    assert parse("GUILD_DELETE", {"id": "1", "unavailable": True}, OWN) == GuildGone(
        guild=GuildId(1), removed=False
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(SLASH)), inner),
    max_leaves=12,
)


@given(
    st.sampled_from(["INTERACTION_CREATE", "VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE", "GUILD_CREATE"]),
    st.dictionaries(st.sampled_from([*SLASH, "user_id", "voice_states", "members"]), JSON, max_size=8),
)
def test_no_payload_gets_through_by_surprise(name: str, payload: dict[str, Any]) -> None:
    """Whatever Discord sends is a value, nothing, or a MalformedPayloadError."""
    with suppress(MalformedPayloadError):
        parse(name, payload, OWN)


@pytest.mark.parametrize("name", ["TYPING_START", "SOMETHING_NEW"])
def test_events_without_use(name: str) -> None:
    """An event that means nothing to us is nothing."""
    assert parse(name, {"guild_id": "1"}, OWN) is None
