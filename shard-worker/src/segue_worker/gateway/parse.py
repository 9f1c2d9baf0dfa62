"""Discord's payloads into values: the one place where its JSON is looked into.

Fields that are missing or unknown are passed over wherever a value can do without them; a payload
that lacks what it can't do without is a :class:`MalformedPayloadError`, logged and passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from segue_core.ids import ChannelId, CommandId, GuildId, UserId
from segue_worker.gateway.errors import GatewayError
from segue_worker.gateway.events import (
    GatewayEvent,
    GuildAvailable,
    GuildGone,
    Interaction,
    InteractionKind,
    VoiceMember,
    VoiceServerUpdate,
    VoiceStateUpdate,
)

Payload = Mapping[str, Any]

_UNSHAPED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What looking into JSON of another shape raises; OverflowError is what infinity as an integer is."""


class MalformedPayloadError(GatewayError):
    """A payload lacks what every payload of its kind has."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name} is not as documented: {detail}")


def parse(name: str, payload: Payload, own: UserId) -> GatewayEvent | None:
    """Return what a dispatch means to us; None for one that we have no use for.

    Raises:
        MalformedPayloadError: naming what is missing.
    """
    parser = _PARSERS.get(name)
    if parser is None:
        return None
    try:
        return parser(payload, own)
    except _UNSHAPED as error:
        raise MalformedPayloadError(name, f"{type(error).__name__}: {error}") from error


def _interaction(payload: Payload, _own: UserId) -> Interaction:
    guild = payload.get("guild_id")
    return Interaction(
        id=CommandId(str(int(payload["id"]))),
        application=int(payload["application_id"]),
        token=str(payload["token"]),
        kind=InteractionKind(int(payload["type"])),
        guild=None if guild is None else GuildId(int(guild)),
        payload=payload,
    )


def _voice_state(payload: Payload, own: UserId) -> VoiceStateUpdate | None:
    if payload.get("guild_id") is None:  # a call outside of any guild
        return None
    user = UserId(int(payload["user_id"]))
    channel = payload.get("channel_id")
    return VoiceStateUpdate(
        guild=GuildId(int(payload["guild_id"])),
        user=user,
        channel=None if channel is None else ChannelId(int(channel)),
        session=str(payload.get("session_id") or ""),
        own=user == own,
        bot=_is_bot(payload),
    )


def _is_bot(payload: Payload) -> bool | None:
    user = (payload.get("member") or {}).get("user")
    return None if user is None else bool(user.get("bot"))


def _voice_server(payload: Payload, _own: UserId) -> VoiceServerUpdate:
    endpoint = payload.get("endpoint")
    return VoiceServerUpdate(
        guild=GuildId(int(payload["guild_id"])),
        token=str(payload["token"]),
        endpoint=None if endpoint is None else str(endpoint),
    )


def _guild_create(payload: Payload, own: UserId) -> GuildAvailable | None:
    if payload.get("unavailable"):
        return None
    bots = {
        int(member["user"]["id"]): bool(member["user"].get("bot"))
        for member in payload.get("members") or ()
        if member.get("user")
    }
    return GuildAvailable(
        guild=GuildId(int(payload["id"])),
        voice=tuple(
            VoiceMember(
                user=UserId(int(state["user_id"])),
                channel=ChannelId(int(state["channel_id"])),
                session=str(state.get("session_id") or ""),
                own=int(state["user_id"]) == own,
                bot=bots.get(int(state["user_id"]), _is_bot(state)),
            )
            for state in payload.get("voice_states") or ()
            if state.get("channel_id") is not None
        ),
    )


def _guild_delete(payload: Payload, _own: UserId) -> GuildGone:
    return GuildGone(guild=GuildId(int(payload["id"])), removed=not payload.get("unavailable"))


_PARSERS: dict[str, Callable[[Payload, UserId], GatewayEvent | None]] = {
    "INTERACTION_CREATE": _interaction,
    "VOICE_STATE_UPDATE": _voice_state,
    "VOICE_SERVER_UPDATE": _voice_server,
    "GUILD_CREATE": _guild_create,
    "GUILD_DELETE": _guild_delete,
}
