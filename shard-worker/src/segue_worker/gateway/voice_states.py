"""Who is in which voice channel, for the guilds of the shards we hold.

Fed by GUILD_CREATE and VOICE_STATE_UPDATE. After a RESUME in a new process nothing brings the states
of before, so what is missing is *unknown*, not *nowhere*: then one REST call answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segue_core.ids import ChannelId, GuildId, ShardId, UserId
from segue_worker.gateway.events import GuildAvailable, VoiceMember, VoiceStateUpdate

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Unknown:
    """We have not been told where the user is."""


UNKNOWN = Unknown()


@dataclass(slots=True)
class _Guild:
    shard: ShardId
    complete: bool = False
    members: dict[UserId, VoiceMember] = field(default_factory=dict)
    gone: set[UserId] = field(default_factory=set)


class VoiceStates:
    """The map. Everything in it belongs to a shard, and leaves with it."""

    def __init__(self) -> None:
        self._guilds: dict[GuildId, _Guild] = {}

    def channel_of(self, guild: GuildId, user: UserId) -> ChannelId | Unknown | None:
        """Return where ``user`` is: a channel, None for nowhere, or UNKNOWN."""
        known = self._guilds.get(guild)
        if known is None:
            return UNKNOWN
        member = known.members.get(user)
        if member is not None:
            return member.channel
        return None if known.complete or user in known.gone else UNKNOWN

    def members(self, guild: GuildId, channel: ChannelId) -> tuple[VoiceMember, ...]:
        """Return everybody we know to be in ``channel``, bots too."""
        known = self._guilds.get(guild)
        members: Mapping[UserId, VoiceMember] = {} if known is None else known.members
        return tuple(member for member in members.values() if member.channel == channel)

    def complete(self, guild: GuildId) -> bool:
        """Whether we know of everybody in this guild's voice channels."""
        known = self._guilds.get(guild)
        return known is not None and known.complete

    def opened(self, shard: ShardId, event: GuildAvailable) -> None:
        """Take the whole of a guild's voice states."""
        self._guilds[event.guild] = _Guild(
            shard, complete=True, members={member.user: member for member in event.voice}
        )

    def moved(self, shard: ShardId, event: VoiceStateUpdate) -> ChannelId | None:
        """Take one change; return the channel the user was known to be in before."""
        guild = self._guilds.setdefault(event.guild, _Guild(shard))
        before = guild.members.pop(event.user, None)
        if event.channel is None:
            if not guild.complete:
                guild.gone.add(event.user)
        else:
            guild.gone.discard(event.user)
            bot = event.bot if event.bot is not None or before is None else before.bot
            guild.members[event.user] = VoiceMember(
                user=event.user, channel=event.channel, session=event.session, own=event.own, bot=bot
            )
        return None if before is None else before.channel

    def learn(self, shard: ShardId, guild: GuildId, user: UserId, channel: ChannelId | None) -> None:
        """Keep what a REST call answered, unless an event told us newer in the meantime."""
        if isinstance(self.channel_of(guild, user), Unknown):
            self.moved(
                shard, VoiceStateUpdate(guild=guild, user=user, channel=channel, session="", own=False)
            )

    def closed(self, guild: GuildId) -> None:
        """Forget a guild."""
        self._guilds.pop(guild, None)

    def drop(self, shard: ShardId) -> None:
        """Forget everything of a shard that is no longer ours, or whose session began anew."""
        self._guilds = {guild: known for guild, known in self._guilds.items() if known.shard != shard}

    def guilds(self, shard: ShardId) -> tuple[GuildId, ...]:
        """Return the guilds of ``shard`` that we know something about."""
        return tuple(guild for guild, known in self._guilds.items() if known.shard == shard)
