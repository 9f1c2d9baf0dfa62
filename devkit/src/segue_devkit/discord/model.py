"""What exists in the simulated Discord: users, guilds, channels, members, messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final

from segue_devkit.discord.wire import Payload, timestamp


class ChannelType(IntEnum):
    """The kinds of channel a music bot meets."""

    TEXT = 0
    DM = 1
    VOICE = 2
    STAGE = 13


VOCAL: Final = frozenset({ChannelType.VOICE, ChannelType.STAGE})
"""Channels that can be joined."""
NO_GUILD: Final = 0
"""``guild_id`` of direct messages; by the sharding formula they belong to shard 0, as documented."""


class MessageFlag(IntFlag):
    """Message flags with a meaning here."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12


class OverwriteType(IntEnum):
    """Whom a permission overwrite is for."""

    ROLE = 0
    MEMBER = 1


@dataclass(slots=True)
class User:
    """A person, or the bot."""

    id: int
    username: str
    bot: bool = False
    locale: str = "en-US"


@dataclass(slots=True)
class Role:
    """A role; the one with the guild's id is @everyone."""

    id: int
    name: str
    permissions: int
    position: int = 0
    bot_id: int | None = None


@dataclass(frozen=True, slots=True)
class Overwrite:
    """A channel's permission overwrite for a role or a member."""

    id: int
    type: OverwriteType
    allow: int
    deny: int


@dataclass(slots=True)
class Channel:
    """A channel; ``guild_id`` is NO_GUILD and ``recipient`` set for direct messages."""

    id: int
    guild_id: int
    type: ChannelType
    name: str
    position: int
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    user_limit: int = 0
    bitrate: int = 64_000
    topic: str | None = None
    status: str | None = None
    last_message_id: int | None = None
    recipient: User | None = None


@dataclass(slots=True)
class Member:
    """A user in a guild."""

    user: User
    roles: list[int] = field(default_factory=list)
    nick: str | None = None
    joined_at: str = field(default_factory=timestamp)


@dataclass(slots=True)
class VoiceState:
    """A member in a voice channel. For the bot, session_id is its gateway session.

    ``suppress``: may not speak, for want of SPEAK or as the audience of a stage.
    """

    guild_id: int
    channel_id: int
    user_id: int
    session_id: str
    self_mute: bool = False
    self_deaf: bool = False
    mute: bool = False
    deaf: bool = False
    suppress: bool = False
    request_to_speak: str | None = None


@dataclass(slots=True)
class Stage:
    """What is on in a stage channel."""

    id: int
    guild_id: int
    channel_id: int
    topic: str


@dataclass(slots=True)
class Guild:
    """A guild and all that is in it. Region is the simulator's own: where its voice server is."""

    id: int
    name: str
    owner_id: int
    region: str
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    voice_states: dict[int, VoiceState] = field(default_factory=dict)
    stages: dict[int, Stage] = field(default_factory=dict)
    locale: str = "en-US"
    bot_joined_at: str = field(default_factory=timestamp)

    @property
    def everyone(self) -> Role:
        """The role of all members."""
        return self.roles[self.id]

    def channels_of(self, kind: ChannelType) -> list[Channel]:
        """The channels of one kind, in order of position."""
        return [channel for channel in self.channels.values() if channel.type is kind]


@dataclass(slots=True)
class Message:
    """A message as people see it, and how often it was edited.

    ``ephemeral_for`` is the only person who sees it, if it is ephemeral.
    """

    id: int
    channel_id: int
    guild_id: int
    author: User
    content: str = ""
    embeds: list[Payload] = field(default_factory=list)
    components: list[Payload] = field(default_factory=list)
    attachments: list[Payload] = field(default_factory=list)
    flags: int = 0
    type: int = 0
    created_at: str = field(default_factory=timestamp)
    edited_at: str | None = None
    edits: int = 0
    ephemeral_for: int | None = None
    interaction: Payload | None = None
    webhook_id: int | None = None
    reference: Payload | None = None
    nonce: str | int | None = None
    deleted: bool = False

    @property
    def loading(self) -> bool:
        """True while a deferred answer shows "thinking…"."""
        return bool(self.flags & MessageFlag.LOADING)
