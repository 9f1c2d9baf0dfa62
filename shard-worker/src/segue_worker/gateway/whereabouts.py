"""Where people are: what events told us, and Discord asked for the rest, once for all who want to know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from segue_core.ids import ChannelId, GuildId, UserId, shard_of
from segue_worker.gateway.errors import DiscordUnreachableError, GatewayError
from segue_worker.gateway.voice_states import Unknown, VoiceStates

if TYPE_CHECKING:
    from segue_worker.gateway.rest import DiscordRest


class Whereabouts:
    """Knows, or asks, which voice channel somebody is in."""

    def __init__(self, voice_states: VoiceStates, rest: DiscordRest, num_shards: int) -> None:
        self._voice_states = voice_states
        self._rest = rest
        self._num_shards = num_shards
        self._asked: dict[tuple[GuildId, UserId], asyncio.Task[ChannelId | None]] = {}

    def known_channel(self, guild: GuildId, user: UserId) -> ChannelId | Unknown | None:
        """Return where ``user`` is as far as we were told."""
        return self._voice_states.channel_of(guild, user)

    async def voice_channel_of(self, guild: GuildId, user: UserId) -> ChannelId | None:
        """Return where ``user`` is, asking Discord when we were never told. None: in no channel.

        Raises:
            DiscordUnreachableError: when the answer could not be had.
        """
        known = self._voice_states.channel_of(guild, user)
        if not isinstance(known, Unknown):
            return known
        who = (guild, user)
        asked = self._asked.get(who)
        if asked is None:
            asked = self._asked[who] = asyncio.create_task(self._ask(guild, user))
            asked.add_done_callback(lambda done: self._answered(who, done))
        try:
            return await asyncio.shield(asked)
        except GatewayError as error:
            raise DiscordUnreachableError(f"can't learn who is in voice: {error}") from error

    async def _ask(self, guild: GuildId, user: UserId) -> ChannelId | None:
        channel = await self._rest.voice_channel(guild, user)
        self._voice_states.learn(shard_of(guild, self._num_shards), guild, user, channel)
        return channel

    def _answered(self, who: tuple[GuildId, UserId], done: asyncio.Task[ChannelId | None]) -> None:
        del self._asked[who]
        if not done.cancelled():
            done.exception()  # told to those who waited, if anybody still does
