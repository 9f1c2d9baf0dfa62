"""Entering a voice or stage channel: what the voice state then says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.discord.model import ChannelType, VoiceState
from segue_devkit.discord.permissions import Permission, of_member

if TYPE_CHECKING:
    from segue_devkit.discord.model import Channel, Guild


def entering(
    guild: Guild,
    channel: Channel,
    user_id: int,
    session_id: str,
    *,
    self_mute: bool = False,
    self_deaf: bool = False,
) -> VoiceState:
    """The state after joining, moving or changing flags.

    A moderator's mute and deaf stay in every channel. On a stage one enters among the audience; staying
    in it keeps what one was. In a voice channel who lacks SPEAK is suppressed.
    """
    old = guild.voice_states.get(user_id)
    stays = old is not None and old.channel_id == channel.id
    suppress = not of_member(guild, user_id, channel) & Permission.SPEAK
    if channel.type is ChannelType.STAGE:
        suppress = old.suppress if stays and old is not None else True
    return VoiceState(
        guild.id,
        channel.id,
        user_id,
        session_id,
        self_mute=self_mute,
        self_deaf=self_deaf,
        mute=old is not None and old.mute,
        deaf=old is not None and old.deaf,
        suppress=suppress,
        request_to_speak=old.request_to_speak if stays and old is not None else None,
    )
