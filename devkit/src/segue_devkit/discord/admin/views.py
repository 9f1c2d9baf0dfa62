"""What /sim answers: JSON forms of the simulator's state, ids as strings, times in ns or ms as named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.discord import payloads
from segue_devkit.discord.model import ChannelType

if TYPE_CHECKING:
    from segue_devkit.discord.gateway.hub import Hub
    from segue_devkit.discord.interactions import Interaction
    from segue_devkit.discord.model import Guild, Message, User
    from segue_devkit.discord.wire import Payload


def guild(one: Guild) -> Payload:
    """A guild with its channels and who is in voice."""
    return {
        "id": str(one.id),
        "name": one.name,
        "region": one.region,
        "text_channels": [
            {"id": str(each.id), "name": each.name} for each in one.channels_of(ChannelType.TEXT)
        ],
        "voice_channels": [
            {"id": str(each.id), "name": each.name} for each in one.channels_of(ChannelType.VOICE)
        ],
        "stage_channels": [
            {"id": str(each.id), "name": each.name} for each in one.channels_of(ChannelType.STAGE)
        ],
        "voice_states": [
            {
                "user_id": str(each.user_id),
                "name": one.members[each.user_id].user.username,
                "bot": one.members[each.user_id].user.bot,
                "channel_id": str(each.channel_id),
                "self_mute": each.self_mute,
                "self_deaf": each.self_deaf,
                "suppress": each.suppress,
            }
            for each in one.voice_states.values()
        ],
    }


def person(one: User) -> Payload:
    """A person."""
    return {"id": str(one.id), "name": one.username, "locale": one.locale}


def message(one: Message) -> Payload:
    """A message with what only people's clients know: who sees it, how often it was edited."""
    return {
        **payloads.message(one),
        "guild_id": str(one.guild_id),
        "edits": one.edits,
        "loading": one.loading,
        "ephemeral_for": None if one.ephemeral_for is None else str(one.ephemeral_for),
    }


def interaction(one: Interaction) -> Payload:
    """An interaction without its token; a deleted answer is None, as the person sees nothing."""
    shown = None if one.original is None or one.original.deleted else message(one.original)
    return {
        "id": str(one.id),
        "type": int(one.kind),
        "guild_id": str(one.guild_id),
        "channel_id": str(one.channel_id),
        "user_id": str(one.user.id),
        "stage": one.stage.value,
        "callback": one.callback,
        "created_ns": one.created_ns,
        "sent_ns": one.sent_ns,
        "acked_ns": one.acked_ns,
        "answered_ns": one.answered_ns,
        "message": shown,
        "followups": [message(each) for each in one.followups.values()],
        "choices": one.choices,
        "modal": one.modal,
    }


def gateway(hub: Hub) -> Payload:
    """Sessions, and every IDENTIFY that was ever made."""
    return {
        "sessions": [
            {
                "session_id": each.session_id,
                "shard_id": each.shard_id,
                "num_shards": each.num_shards,
                "intents": each.intents,
                "seq": each.seq,
                "connected": each.connection is not None,
                "compression": None if each.connection is None else each.connection.compression,
                "resumes": each.resumes,
                "started_ns": each.started_ns,
            }
            for each in hub.sessions.values()
        ],
        "identifies": [
            {
                "at_ns": each.at_ns,
                "shard_id": each.shard_id,
                "num_shards": each.num_shards,
                "bucket": each.bucket,
                "accepted": each.accepted,
            }
            for each in hub.limits.records
        ],
    }
