"""Which events an intent lets through.

Source: Discord's reference "Gateway", list of intents. Events not named here are always sent.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Final

from segue_devkit.discord.model import NO_GUILD

if TYPE_CHECKING:
    from segue_devkit.discord.wire import Payload


class Intent(IntFlag):
    """The intents that decide about something here."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED: Final = int(Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT)
# Bits 17 to 19, 22 and 23 are not assigned; 16 is scheduled events, 20/21 auto moderation, 24/25 polls.
VALID: Final = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))

_NEEDED: Final[dict[str, Intent]] = {
    "GUILD_CREATE": Intent.GUILDS,
    "GUILD_UPDATE": Intent.GUILDS,
    "GUILD_DELETE": Intent.GUILDS,
    "GUILD_ROLE_CREATE": Intent.GUILDS,
    "GUILD_ROLE_UPDATE": Intent.GUILDS,
    "GUILD_ROLE_DELETE": Intent.GUILDS,
    "STAGE_INSTANCE_CREATE": Intent.GUILDS,
    "STAGE_INSTANCE_UPDATE": Intent.GUILDS,
    "STAGE_INSTANCE_DELETE": Intent.GUILDS,
    "VOICE_CHANNEL_STATUS_UPDATE": Intent.GUILDS,
    "CHANNEL_CREATE": Intent.GUILDS,
    "CHANNEL_UPDATE": Intent.GUILDS,
    "CHANNEL_DELETE": Intent.GUILDS,
    "GUILD_MEMBER_ADD": Intent.GUILD_MEMBERS,
    "GUILD_MEMBER_UPDATE": Intent.GUILD_MEMBERS,
    "VOICE_STATE_UPDATE": Intent.GUILD_VOICE_STATES,
    "MESSAGE_CREATE": Intent.GUILD_MESSAGES,
    "MESSAGE_UPDATE": Intent.GUILD_MESSAGES,
    "MESSAGE_DELETE": Intent.GUILD_MESSAGES,
    "MESSAGE_DELETE_BULK": Intent.GUILD_MESSAGES,
}
_CONTENT_EMPTY: Final = {"content": "", "embeds": [], "attachments": [], "components": []}


def wants(intents: int, event: str) -> bool:
    """True if a session with these intents is sent the event."""
    needed = _NEEDED.get(event)
    return needed is None or bool(intents & needed)


def sees(intents: int, event: str, guild_id: int, data: Payload, bot_id: int) -> bool:
    """As :func:`wants`, with its two exceptions: direct messages, and updates of the bot's own member."""
    if guild_id == NO_GUILD and event.startswith("MESSAGE_"):
        return bool(intents & Intent.DIRECT_MESSAGES)
    if event == "GUILD_MEMBER_UPDATE" and data["user"]["id"] == str(bot_id):
        return True
    return wants(intents, event)


def filtered(intents: int, event: str, data: Payload, bot_id: int) -> Payload:
    """What the session may read of it: messages of others in guilds are empty without MESSAGE_CONTENT."""
    if event not in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} or intents & Intent.MESSAGE_CONTENT:
        return data
    if data["author"]["id"] == str(bot_id) or "guild_id" not in data:
        return data
    return {**data, **_CONTENT_EMPTY}
