"""Discord's permission bits, and what a member may do in a channel."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_devkit.discord.model import Channel, Guild


class Permission(IntFlag):
    """The bits a music bot meets; the others travel as plain numbers."""

    KICK_MEMBERS = 1 << 1
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    SET_VOICE_CHANNEL_STATUS = 1 << 48


ALL = (1 << 53) - 1

EVERYONE = int(
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_VAD
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.REQUEST_TO_SPEAK
)
_WITH_SENDING = int(
    Permission.MENTION_EVERYONE
    | Permission.SEND_TTS_MESSAGES
    | Permission.ATTACH_FILES
    | Permission.EMBED_LINKS
)
"""Implicitly denied where messages may not be sent; documented."""
# Plain numbers: operators of an IntFlag cost ten times as much, and each interaction needs forty.
_ADMINISTRATOR, _VIEW_CHANNEL = int(Permission.ADMINISTRATOR), int(Permission.VIEW_CHANNEL)
_SEND_MESSAGES = int(Permission.SEND_MESSAGES)


def of_member(guild: Guild, user_id: int, channel: Channel | None = None) -> int:
    """Documented algorithm: roles, then @everyone, role and member overwrites of the channel."""
    if user_id == guild.owner_id:
        return ALL
    member = guild.members[user_id]
    granted = guild.roles[guild.id].permissions
    for role_id in member.roles:
        granted |= guild.roles[role_id].permissions
    if granted & _ADMINISTRATOR:
        return ALL
    if channel is None:
        return granted
    if channel.overwrites:
        granted = _overwritten(granted, channel, (guild.id,))
        granted = _overwritten(granted, channel, tuple(member.roles))
        granted = _overwritten(granted, channel, (user_id,))
    if not granted & _VIEW_CHANNEL:
        return 0  # what cannot be seen cannot be used
    if not granted & _SEND_MESSAGES:
        granted &= ~_WITH_SENDING
    return granted


def _overwritten(granted: int, channel: Channel, targets: tuple[int, ...]) -> int:
    allow = deny = 0
    for target in targets:
        overwrite = channel.overwrites.get(target)
        if overwrite is not None:
            allow |= overwrite.allow
            deny |= overwrite.deny
    return (granted & ~deny) | allow
