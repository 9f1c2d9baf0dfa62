"""The JSON forms of :mod:`segue_devkit.discord.model`, field for field as REST and gateway send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.discord.model import NO_GUILD, VOCAL

if TYPE_CHECKING:
    from segue_devkit.discord.model import Channel, Guild, Member, Message, Role, Stage, User, VoiceState
    from segue_devkit.discord.wire import Payload


def user(one: User) -> Payload:
    """User object."""
    return {
        "id": str(one.id),
        "username": one.username,
        "discriminator": "0",
        "global_name": None if one.bot else one.username,
        "avatar": None,
        "bot": one.bot,
        "system": False,
        "banner": None,
        "accent_color": None,
        "public_flags": 0,
        "avatar_decoration_data": None,
        "primary_guild": None,
    }


def own_user(one: User) -> Payload:
    """User object as GET /users/@me and READY show it to the bot itself."""
    return {
        **user(one),
        "mfa_enabled": True,
        "locale": one.locale,
        "verified": True,
        "email": None,
        "flags": 0,
    }


def role(one: Role) -> Payload:
    """Role object."""
    payload: Payload = {
        "id": str(one.id),
        "name": one.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": one.position,
        "permissions": str(int(one.permissions)),
        "managed": one.bot_id is not None,
        "mentionable": False,
        "flags": 0,
    }
    if one.bot_id is not None:
        payload["tags"] = {"bot_id": str(one.bot_id)}
    return payload


def channel(one: Channel, *, with_guild: bool = True) -> Payload:
    """Channel object; inside GUILD_CREATE Discord leaves guild_id out."""
    if one.recipient is not None:
        return _direct(one, one.recipient)
    payload: Payload = {
        "id": str(one.id),
        "type": int(one.type),
        "name": one.name,
        "position": one.position,
        "parent_id": None,
        "flags": 0,
        "nsfw": False,
        "rate_limit_per_user": 0,
        "last_message_id": None if one.last_message_id is None else str(one.last_message_id),
        "permission_overwrites": [
            {"id": str(each.id), "type": int(each.type), "allow": str(each.allow), "deny": str(each.deny)}
            for each in one.overwrites.values()
        ],
    }
    if with_guild:
        payload["guild_id"] = str(one.guild_id)
    if one.type in VOCAL:
        payload |= {
            "bitrate": one.bitrate,
            "user_limit": one.user_limit,
            "rtc_region": None,
            "video_quality_mode": 1,
        }
    else:
        payload |= {"topic": one.topic, "last_pin_timestamp": None}
    return payload


def _direct(one: Channel, recipient: User) -> Payload:
    return {
        "id": str(one.id),
        "type": int(one.type),
        "flags": 0,
        "last_message_id": None if one.last_message_id is None else str(one.last_message_id),
        "recipients": [user(recipient)],
    }


def stage(one: Stage) -> Payload:
    """Stage instance object."""
    return {
        "id": str(one.id),
        "guild_id": str(one.guild_id),
        "channel_id": str(one.channel_id),
        "topic": one.topic,
        "privacy_level": 2,
        "discoverable_disabled": True,
        "guild_scheduled_event_id": None,
    }


def member(one: Member, *, with_user: bool = True) -> Payload:
    """Guild member object; message events leave the user out, since the author is there already."""
    payload: Payload = {
        "roles": [str(role_id) for role_id in one.roles],
        "nick": one.nick,
        "avatar": None,
        "banner": None,
        "joined_at": one.joined_at,
        "premium_since": None,
        "communication_disabled_until": None,
        "pending": False,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }
    if with_user:
        payload["user"] = user(one.user)
    return payload


def voice_state(one: VoiceState, *, channel_id: int | None, with_member: Member | None = None) -> Payload:
    """Voice state object; ``channel_id`` None says that the user left."""
    payload: Payload = {
        "guild_id": str(one.guild_id),
        "channel_id": None if channel_id is None else str(channel_id),
        "user_id": str(one.user_id),
        "session_id": one.session_id,
        "deaf": one.deaf,
        "mute": one.mute,
        "self_deaf": one.self_deaf,
        "self_mute": one.self_mute,
        "self_video": False,
        "suppress": one.suppress,
        "request_to_speak_timestamp": one.request_to_speak,
    }
    if with_member is not None:
        payload["member"] = member(with_member)
    return payload


def partial_guild(one: Guild) -> Payload:
    """The guild part of an interaction."""
    return {"id": str(one.id), "locale": one.locale, "features": []}


def guild(one: Guild) -> Payload:
    """Guild object of REST."""
    return {
        "id": str(one.id),
        "name": one.name,
        "icon": None,
        "icon_hash": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": str(one.owner_id),
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "roles": [role(each) for each in one.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "max_presences": None,
        "max_members": 500000,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": one.locale,
        "public_updates_channel_id": None,
        "max_video_channel_users": 25,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None,
        "incidents_data": None,
    }


def guild_create(one: Guild, *, bot_id: int, all_members: bool) -> Payload:
    """GUILD_CREATE. Without the GUILD_MEMBERS intent only the bot and people in voice are listed."""
    shown = [
        each
        for user_id, each in one.members.items()
        if all_members or user_id == bot_id or user_id in one.voice_states
    ]
    states = []
    for state in one.voice_states.values():
        payload = voice_state(state, channel_id=state.channel_id)
        del payload["guild_id"]
        states.append(payload)
    return {
        **guild(one),
        "joined_at": one.bot_joined_at,
        "large": False,
        "unavailable": False,
        "member_count": len(one.members),
        "voice_states": states,
        "members": [member(each) for each in shown],
        "channels": [channel(each, with_guild=False) for each in one.channels.values()],
        "threads": [],
        "presences": [],
        "stage_instances": [stage(each) for each in one.stages.values()],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def message(one: Message) -> Payload:
    """Message object of REST."""
    payload: Payload = {
        "id": str(one.id),
        "type": one.type,
        "channel_id": str(one.channel_id),
        "author": user(one.author),
        "content": one.content,
        "timestamp": one.created_at,
        "edited_timestamp": one.edited_at,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": one.attachments,
        "embeds": one.embeds,
        "components": one.components,
        "pinned": False,
        "flags": one.flags,
    }
    if one.webhook_id is not None:
        payload |= {"webhook_id": str(one.webhook_id), "application_id": str(one.webhook_id)}
    if one.interaction is not None:
        payload["interaction_metadata"] = one.interaction
    if one.reference is not None:
        payload["message_reference"] = one.reference
    if one.nonce is not None:
        payload["nonce"] = one.nonce
    return payload


def message_event(one: Message, author: Member | None) -> Payload:
    """MESSAGE_CREATE and MESSAGE_UPDATE: the message with its guild and the author's member."""
    payload = message(one)
    if one.guild_id != NO_GUILD:
        payload["guild_id"] = str(one.guild_id)
    if author is not None and one.webhook_id is None:
        payload["member"] = member(author, with_user=False)
    return payload
