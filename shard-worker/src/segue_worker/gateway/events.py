"""What Discord tells us, as values. Raw payloads stop at :mod:`segue_worker.gateway.parse`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

from segue_core.ids import ChannelId, CommandId, GuildId, ShardId, UserId


class InteractionKind(IntEnum):
    """Discord's interaction types (Interactions, *Interaction Type*)."""

    PING = 1
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """INTERACTION_CREATE. ``token`` is a credential, good for 15 minutes: never logged.

    ``payload`` is Discord's own object, which the commands read and the journal keeps; the fields
    beside it are what routing and acknowledging need.
    """

    id: CommandId
    application: int
    token: str = field(repr=False)
    kind: InteractionKind
    guild: GuildId | None
    payload: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceStateUpdate:
    """VOICE_STATE_UPDATE. ``channel`` None: in no voice channel any more.

    ``own`` marks our own state; only then ``session`` is of use to anybody. ``bot`` is None when the
    payload does not say. ``previous`` is the channel we knew the user to be in before.
    """

    guild: GuildId
    user: UserId
    channel: ChannelId | None
    session: str = field(repr=False)
    own: bool
    bot: bool | None = None
    previous: ChannelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceServerUpdate:
    """VOICE_SERVER_UPDATE. ``endpoint`` None: the voice server went away, another one follows."""

    guild: GuildId
    token: str = field(repr=False)
    endpoint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceMember:
    """Where one user of a guild is."""

    user: UserId
    channel: ChannelId
    session: str = field(repr=False)
    own: bool
    bot: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildAvailable:
    """GUILD_CREATE: everything of the guild's voice channels as of now."""

    guild: GuildId
    voice: tuple[VoiceMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildGone:
    """GUILD_DELETE. ``removed``: we are no longer a member; else Discord has an outage there."""

    guild: GuildId
    removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReady:
    """READY: a *new* gateway session. Voice states of an older one are dropped by Discord.

    ``replaces``: this shard had a session before (here or in another process), so every live player
    has to rejoin its channel.
    """

    guilds: tuple[GuildId, ...]
    replaces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResumed:
    """RESUMED: the old gateway session goes on, ``replayed`` missed events were delivered first.

    ``elapsed_ms`` from the moment the socket was opened.
    """

    replayed: int
    elapsed_ms: int


GatewayEvent = (
    Interaction
    | VoiceStateUpdate
    | VoiceServerUpdate
    | GuildAvailable
    | GuildGone
    | SessionReady
    | SessionResumed
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to whoever acts on it.

    ``handled`` is called exactly when the event can no longer be lost: acted upon or, for an
    interaction, journaled. Until then the shard's checkpoint stays in front of it, and a successor is
    given it again. Calling it twice is harmless.
    """

    shard: ShardId
    event: GatewayEvent
    handled: Callable[[], None] = field(repr=False)


class EventSink(Protocol):
    """Takes a shard's events in Discord's order."""

    def deliver(self, delivery: Delivery, /) -> None:
        """Take the event and return at once; what takes time happens in tasks of the sink's own."""
