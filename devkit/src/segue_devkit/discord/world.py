"""The simulated Discord itself: every change goes through here and becomes an event.

Listeners (the gateway, followers of the admin API) see each event once, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from segue_devkit.discord import payloads
from segue_devkit.discord.errors import unknown_channel, unknown_guild, unknown_message
from segue_devkit.discord.model import (
    NO_GUILD,
    Channel,
    ChannelType,
    Guild,
    Member,
    Message,
    Overwrite,
    OverwriteType,
    Role,
    User,
    VoiceState,
)
from segue_devkit.discord.permissions import EVERYONE, Permission
from segue_devkit.discord.wire import Payload, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_devkit.discord.ids import Ids


BOT_PERMISSIONS = EVERYONE | int(Permission.MANAGE_MESSAGES)


MESSAGES_KEPT: Final = 2_000
"""Of each channel; older ones are forgotten, so that a day's benchmark does not fill the memory."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``to_bot`` False: people see it, the gateway does not send it.

    ``session_id`` narrows it to one gateway session (a voice server update belongs to who asked).
    ``on_sent`` hears when it was first written to a socket (ns, monotonic).
    """

    name: str
    guild_id: int
    data: Payload
    to_bot: bool = True
    session_id: str | None = None
    on_sent: Callable[[int], None] | None = None
    message: Message | None = None


class World:
    """State and its changes; every method that changes something publishes the event Discord would."""

    def __init__(self, ids: Ids, *, bot_name: str, token: str) -> None:
        self.ids = ids
        self.token = token
        self.bot = User(id=ids.new(), username=bot_name, bot=True)
        self.users: dict[int, User] = {self.bot.id: self.bot}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, dict[int, Message]] = {}
        self.global_commands: list[Payload] = []
        self.guild_commands: dict[int, list[Payload]] = {}
        self._listeners: list[Callable[[Event], None]] = []

    # ---- listening -----------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Hear every event from now on; returns the call that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, event: Event) -> None:
        """Tell everybody."""
        for listener in tuple(self._listeners):
            listener(event)

    # ---- looking up ----------------------------------------------------------------------------

    def guild(self, guild_id: int) -> Guild:
        """The guild, or 10004."""
        if guild_id not in self.guilds:
            raise unknown_guild()
        return self.guilds[guild_id]

    def channel(self, channel_id: int) -> Channel:
        """The channel, or 10003."""
        if channel_id not in self.channels:
            raise unknown_channel()
        return self.channels[channel_id]

    def message(self, channel_id: int, message_id: int) -> Message:
        """The message, or 10008."""
        found = self.messages.get(channel_id, {}).get(message_id)
        if found is None:
            raise unknown_message()
        return found

    def member_of(self, guild_id: int, user_id: int) -> Member | None:
        """The member, if there is one."""
        guild = self.guilds.get(guild_id)
        return None if guild is None else guild.members.get(user_id)

    # ---- guilds and people ---------------------------------------------------------------------

    def create_person(self, name: str, locale: str = "en-US") -> User:
        """A new human user."""
        user = User(id=self.ids.new(), username=name, locale=locale)
        self.users[user.id] = user
        return user

    def create_guild(self, name: str, *, region: str, voice_channels: int, text_channels: int) -> Guild:
        """A guild the bot is in, with an owner nobody plays, and the channels asked for."""
        owner = self.create_person(f"owner of {name}")
        guild = Guild(id=self.ids.guild(), name=name, owner_id=owner.id, region=region)
        bot_role = Role(
            id=self.ids.new(),
            name=self.bot.username,
            permissions=BOT_PERMISSIONS,
            position=1,
            bot_id=self.bot.id,
        )
        guild.roles = {
            guild.id: Role(id=guild.id, name="@everyone", permissions=EVERYONE),
            bot_role.id: bot_role,
        }
        guild.members = {owner.id: Member(owner), self.bot.id: Member(self.bot, roles=[bot_role.id])}
        for number in range(text_channels):
            self._add_channel(guild, ChannelType.TEXT, "music" if number == 0 else f"music-{number + 1}")
        for number in range(voice_channels):
            self._add_channel(
                guild, ChannelType.VOICE, "Listening" if number == 0 else f"Listening {number + 1}"
            )
        self.guilds[guild.id] = guild
        self.publish(Event("GUILD_CREATE", guild.id, {}))
        return guild

    def _add_channel(self, guild: Guild, kind: ChannelType, name: str) -> Channel:
        channel = Channel(self.ids.new(), guild.id, kind, name, position=len(guild.channels))
        guild.channels[channel.id] = channel
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        return channel

    def create_channel(self, guild_id: int, kind: ChannelType, name: str) -> Channel:
        """A further channel of a guild."""
        channel = self._add_channel(self.guild(guild_id), kind, name)
        self.publish(Event("CHANNEL_CREATE", guild_id, payloads.channel(channel)))
        return channel

    def change_channel(self, channel: Channel, fields: Payload) -> None:
        """Set attributes of a channel."""
        for name, value in fields.items():
            setattr(channel, name, value)
        self.publish(Event("CHANNEL_UPDATE", channel.guild_id, payloads.channel(channel)))

    def direct_channel(self, user: User) -> Channel:
        """The direct messages between the bot and somebody; the same each time."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.ids.new(), NO_GUILD, ChannelType.DM, user.username, position=0, recipient=user)
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        return channel

    def remove_guild(self, guild_id: int) -> None:
        """The bot is removed from a guild: it is gone for everybody here."""
        guild = self.guild(guild_id)
        del self.guilds[guild_id]
        for channel_id in guild.channels:
            del self.channels[channel_id]
            del self.messages[channel_id]
        self.publish(Event("GUILD_DELETE", guild_id, {"id": str(guild_id)}))

    def delete_channel(self, channel_id: int) -> None:
        """A channel is deleted; who was in it leaves it."""
        channel = self.channel(channel_id)
        guild = self.guilds[channel.guild_id]
        for state in [each for each in guild.voice_states.values() if each.channel_id == channel_id]:
            self.leave_voice(guild.id, state.user_id)
        del guild.channels[channel_id]
        del self.channels[channel_id]
        del self.messages[channel_id]
        self.publish(Event("CHANNEL_DELETE", guild.id, payloads.channel(channel)))

    def ensure_member(self, guild_id: int, user_id: int) -> Member:
        """The member, who joins the guild first if need be."""
        guild = self.guild(guild_id)
        if user_id not in guild.members:
            member = Member(self.users[user_id])
            guild.members[user_id] = member
            self.publish(
                Event("GUILD_MEMBER_ADD", guild_id, {**payloads.member(member), "guild_id": str(guild_id)})
            )
        return guild.members[user_id]

    def set_role_permissions(self, guild_id: int, role_id: int, permissions: int) -> None:
        """Change what a role may do."""
        role = self.guild(guild_id).roles[role_id]
        role.permissions = permissions
        data = {"guild_id": str(guild_id), "role": payloads.role(role)}
        self.publish(Event("GUILD_ROLE_UPDATE", guild_id, data))

    def create_role(self, guild_id: int, name: str, permissions: int) -> Role:
        """A role nobody has yet."""
        guild = self.guild(guild_id)
        role = Role(self.ids.new(), name, permissions, position=len(guild.roles))
        guild.roles[role.id] = role
        data = {"guild_id": str(guild_id), "role": payloads.role(role)}
        self.publish(Event("GUILD_ROLE_CREATE", guild_id, data))
        return role

    def delete_role(self, guild_id: int, role_id: int) -> None:
        """A role goes; whoever had it has it no more."""
        guild = self.guild(guild_id)
        del guild.roles[role_id]
        for member in guild.members.values():
            if role_id in member.roles:
                member.roles.remove(role_id)
        data = {"guild_id": str(guild_id), "role_id": str(role_id)}
        self.publish(Event("GUILD_ROLE_DELETE", guild_id, data))

    def change_member(self, guild_id: int, member: Member, fields: Payload) -> None:
        """Set attributes of a member: its roles, its nickname."""
        for name, value in fields.items():
            setattr(member, name, value)
        data = {**payloads.member(member), "guild_id": str(guild_id)}
        self.publish(Event("GUILD_MEMBER_UPDATE", guild_id, data))

    def bot_role(self, guild_id: int) -> Role:
        """The bot's own role in a guild."""
        return next(each for each in self.guild(guild_id).roles.values() if each.bot_id == self.bot.id)

    def set_overwrite(self, channel_id: int, target_id: int, *, allow: int, deny: int) -> None:
        """Set a channel's permission overwrite for a role or a member; both zero removes it."""
        channel = self.channel(channel_id)
        guild = self.guilds[channel.guild_id]
        kind = OverwriteType.ROLE if target_id in guild.roles else OverwriteType.MEMBER
        if allow or deny:
            channel.overwrites[target_id] = Overwrite(target_id, kind, allow, deny)
        else:
            channel.overwrites.pop(target_id, None)
        self.publish(Event("CHANNEL_UPDATE", guild.id, payloads.channel(channel)))

    # ---- voice states --------------------------------------------------------------------------

    def enter_voice(self, state: VoiceState) -> None:
        """Put somebody into a voice channel, or change channel or flags."""
        guild = self.guilds[state.guild_id]
        guild.voice_states[state.user_id] = state
        self._publish_voice(guild, state, state.channel_id)

    def leave_voice(self, guild_id: int, user_id: int) -> VoiceState | None:
        """Take somebody out of voice; returns the state that was."""
        guild = self.guild(guild_id)
        state = guild.voice_states.pop(user_id, None)
        if state is not None:
            self._publish_voice(guild, state, None)
        return state

    def set_voice(
        self,
        guild_id: int,
        user_id: int,
        *,
        mute: bool | None = None,
        deaf: bool | None = None,
        suppress: bool | None = None,
        request_to_speak: str | None = None,
    ) -> None:
        """Change what a moderator can about somebody in voice; an empty request to speak is withdrawn."""
        state = self.guild(guild_id).voice_states[user_id]
        self.enter_voice(
            replace(
                state,
                mute=state.mute if mute is None else mute,
                deaf=state.deaf if deaf is None else deaf,
                suppress=state.suppress if suppress is None else suppress,
                request_to_speak=state.request_to_speak
                if request_to_speak is None
                else request_to_speak or None,
            )
        )

    def _publish_voice(self, guild: Guild, state: VoiceState, channel_id: int | None) -> None:
        member = guild.members.get(state.user_id)
        data = payloads.voice_state(replace(state), channel_id=channel_id, with_member=member)
        self.publish(Event("VOICE_STATE_UPDATE", guild.id, data))

    # ---- messages ------------------------------------------------------------------------------

    def post(self, message: Message) -> Message:
        """A new message appears."""
        known = self.messages.get(message.channel_id)
        if known is None:
            raise unknown_channel()  # deleted while the answer was under way
        known[message.id] = message
        if len(known) > MESSAGES_KEPT:
            del known[next(iter(known))]
        self.channels[message.channel_id].last_message_id = message.id
        self._publish_message("MESSAGE_CREATE", message)
        return message

    def edit(self, message: Message, fields: Payload) -> Message:
        """Change fields of a message; counts as an edit unless it was only the "thinking…" of a deferral."""
        first_answer = message.loading
        for name, value in fields.items():
            setattr(message, name, value)
        if not first_answer:
            message.edits += 1
            message.edited_at = timestamp()
        self._publish_message("MESSAGE_UPDATE", message)
        return message

    def delete(self, message: Message) -> None:
        """A message disappears."""
        del self.messages[message.channel_id][message.id]
        message.deleted = True
        data = {
            "id": str(message.id),
            "channel_id": str(message.channel_id),
        }
        if message.guild_id != NO_GUILD:
            data["guild_id"] = str(message.guild_id)
        to_bot = message.ephemeral_for is None
        self.publish(Event("MESSAGE_DELETE", message.guild_id, data, to_bot=to_bot, message=message))

    def delete_many(self, channel: Channel, messages: Sequence[Message]) -> None:
        """Several messages disappear at once."""
        for message in messages:
            del self.messages[channel.id][message.id]
            message.deleted = True
            gone = {"id": str(message.id), "channel_id": str(channel.id), "guild_id": str(channel.guild_id)}
            self.publish(Event("MESSAGE_DELETE", channel.guild_id, gone, to_bot=False, message=message))
        data = {
            "ids": [str(each.id) for each in messages],
            "channel_id": str(channel.id),
            "guild_id": str(channel.guild_id),
        }
        self.publish(Event("MESSAGE_DELETE_BULK", channel.guild_id, data))

    def _publish_message(self, name: str, message: Message) -> None:
        data = payloads.message_event(message, self.member_of(message.guild_id, message.author.id))
        to_bot = message.ephemeral_for is None
        self.publish(Event(name, message.guild_id, data, to_bot=to_bot, message=message))
