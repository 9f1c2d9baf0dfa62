"""Who may do what from where; a refusal in words otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_worker.domain.views import Phrase

if TYPE_CHECKING:
    from segue_core.ids import ChannelId
    from segue_worker.domain.messages import Command
    from segue_worker.domain.turn import Turn


def channel_to_come_to(turn: Turn, command: Command) -> ChannelId | None:
    """Return the person's channel when we are or may go there; refuse otherwise."""
    channel = command.voice_channel
    link = turn.state.voice
    if channel is None:
        turn.refuse(command, Phrase.JOIN_VOICE_FIRST)
        return None
    if link is not None and link.channel != channel and (turn.state.has_music or turn.state.joins):
        turn.refuse(command, Phrase.OTHER_CHANNEL, channel=int(link.channel))
        return None
    if command.missing_permissions and (link is None or link.channel != channel):
        missing = ", ".join(command.missing_permissions)
        turn.refuse(command, Phrase.MISSING_PERMISSIONS, permissions=missing, channel=int(channel))
        return None
    return channel


def is_with_us(turn: Turn, command: Command) -> bool:
    """Whether the person may steer the music: refuse unless they are in our channel."""
    link = turn.state.voice
    if link is None:
        turn.refuse(command, Phrase.NOT_CONNECTED)
        return False
    if command.voice_channel is None:
        turn.refuse(command, Phrase.JOIN_VOICE_FIRST)
        return False
    if command.voice_channel != link.channel:
        turn.refuse(command, Phrase.OTHER_CHANNEL, channel=int(link.channel))
        return False
    return True
