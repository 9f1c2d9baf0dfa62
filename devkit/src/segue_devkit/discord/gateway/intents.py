"""Which events an intent lets through.

Source: Discord's reference "Gateway", list of intents. Events not named here are always sent.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from segue_devkit.discord.wire import Payload


class Intent(IntFlag):
    """The intents that decide about something here."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED: Final = int(Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT)
# Bits 17 to 19, 22 and 23 are not assigned; 16 is scheduled events, 20/21 auto moderation, 24/25 polls.
VALID: Final = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))

_NEEDED: Final[dict[str, Intent]] = {
    "GUILD_CREATE": Intent.GUILDS,
    "GUILD_UPDATE": Intent.GUILDS,
    "GUILD_DELETE": Intent.GUILDS,
    "GUILD_ROLE_UPDATE": Intent.GUILDS,
    "CHANNEL_CREATE": Intent.GUILDS,
    "CHANNEL_UPDATE": Intent.GUILDS,
    "CHANNEL_DELETE": Intent.GUILDS,
    "GUILD_MEMBER_ADD": Intent.GUILD_MEMBERS,
    "VOICE_STATE_UPDATE": Intent.GUILD_VOICE_STATES,
    "MESSAGE_CREATE": Intent.GUILD_MESSAGES,
    "MESSAGE_UPDATE": Intent.GUILD_MESSAGES,
    "MESSAGE_DELETE": Intent.GUILD_MESSAGES,
}
_CONTENT_EMPTY: Final = {"content": "", "embeds": [], "attachments": [], "components": []}


def wants(intents: int, event: str) -> bool:
    """True if a session with these intents is sent the event."""
    needed = _NEEDED.get(event)
    return needed is None or bool(intents & needed)


def filtered(intents: int, event: str, data: Payload, bot_id: int) -> Payload:
    """What the session may read of it: messages of others are empty without MESSAGE_CONTENT."""
    if event not in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} or intents & Intent.MESSAGE_CONTENT:
        return data
    if data["author"]["id"] == str(bot_id):
        return data
    return {**data, **_CONTENT_EMPTY}
