"""What people do in their Discord clients; refused where the client would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.discord import modals, options, resolved
from segue_devkit.discord.commands import CommandType
from segue_devkit.discord.entering import entering
from segue_devkit.discord.interactions import Interaction, Kind
from segue_devkit.discord.model import NO_GUILD, VOCAL, Message
from segue_devkit.discord.options import NotPossibleError
from segue_devkit.discord.permissions import ALL, Permission, of_member

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from segue_devkit.discord.files import Files, StoredFile, Upload
    from segue_devkit.discord.interactions import Interactions
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.model import Channel, Guild, User
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World

_BUTTON = 2


class People:
    """The actions of all persons."""

    def __init__(self, world: World, interactions: Interactions, files: Files, knobs: Knobs) -> None:
        self._world = world
        self._interactions = interactions
        self._files = files
        self._knobs = knobs

    # ---- voice -----------------------------------------------------------------------------------

    def join(self, user: User, channel_id: int) -> None:
        """Enter a voice channel (leaving another one in the same guild)."""
        channel = self._world.channel(channel_id)
        if channel.type not in VOCAL:
            raise NotPossibleError(f"{channel.name} is no voice channel")
        guild = self._world.guild(channel.guild_id)
        self._world.ensure_member(guild.id, user.id)
        if not of_member(guild, user.id, channel) & Permission.CONNECT:
            raise NotPossibleError(f"{user.username} may not connect to {channel.name}")
        known = guild.voice_states.get(user.id)
        session_id = known.session_id if known is not None else self._world.ids.session()
        self._world.enter_voice(entering(guild, channel, user.id, session_id))

    def leave(self, user: User, guild_id: int | None) -> None:
        """Leave voice, in one guild or wherever the person is."""
        for guild in tuple(self._world.guilds.values()):
            if guild_id in {None, guild.id} and user.id in guild.voice_states:
                self._world.leave_voice(guild.id, user.id)

    # ---- messages --------------------------------------------------------------------------------

    def say(self, user: User, channel_id: int, content: str) -> Message:
        """Write a plain message."""
        channel = self._world.channel(channel_id)
        if channel.guild_id == NO_GUILD:
            if channel.recipient is not user:
                raise NotPossibleError("these are somebody else's direct messages")
        else:
            self._permitted(user, channel, Permission.SEND_MESSAGES)
        message = Message(self._world.ids.new(), channel.id, channel.guild_id, user, content=content)
        return self._world.post(message)

    def upload(self, user: User, upload: Upload) -> StoredFile:
        """Choose a file for a slash option."""
        limit = self._knobs.attachment_size_limit
        if len(upload.data) > limit:
            raise NotPossibleError(f"{upload.filename} is too large: the limit is {limit} bytes")
        return self._files.keep(user.id, upload, ephemeral=True)

    # ---- interactions ----------------------------------------------------------------------------

    def visible_commands(self, user: User, channel_id: int) -> list[Payload]:
        """The slash commands the client lists for this person in this channel."""
        channel = self._world.channel(channel_id)
        if channel.guild_id == NO_GUILD:
            raise NotPossibleError("commands in direct messages are not simulated")
        guild = self._permitted(user, channel, Permission.USE_APPLICATION_COMMANDS)
        allowed = of_member(guild, user.id, channel)
        of_guild = self._world.guild_commands.get(guild.id, [])
        names = {each["name"] for each in of_guild}
        known = [*of_guild, *(each for each in self._world.global_commands if each["name"] not in names)]
        return [each for each in known if each["type"] == CommandType.CHAT_INPUT and _may_use(each, allowed)]

    def slash(
        self,
        user: User,
        channel_id: int,
        name: str,
        values: Mapping[str, object],
        listener: Callable[[Interaction], None] | None = None,
    ) -> Interaction:
        """``/name sub… option:value`` in a channel; ``name`` has the sub-commands after spaces."""
        command, path = self._command(user, channel_id, name)
        guild = self._world.guild(self._world.channel(channel_id).guild_id)
        uploads = self._files.of(user.id)
        filled = options.filled(command, path, values, options.Targets(guild, uploads))
        data = _command_data(command)
        if filled:
            data["options"] = filled
        found = resolved.of_options(filled, guild)
        attached = resolved.attachments(filled)
        if attached:
            channel = self._world.bot.id  # ephemeral files live under the application, not the channel
            found["attachments"] = {
                str(each): self._files.payload(uploads[each], channel) for each in attached
            }
        if found:
            data["resolved"] = found
        return self._start(Kind.COMMAND, user, channel_id, data, listener)

    def autocomplete(
        self,
        user: User,
        channel_id: int,
        name: str,
        focused: str,
        values: Mapping[str, object],
        listener: Callable[[Interaction], None] | None = None,
    ) -> Interaction:
        """Typing into an option that completes."""
        command, path = self._command(user, channel_id, name)
        data = {**_command_data(command), "options": options.draft(command, path, focused, values)}
        return self._start(Kind.AUTOCOMPLETE, user, channel_id, data, listener)

    def click(
        self,
        user: User,
        channel_id: int,
        message_id: int,
        custom_id: str,
        values: Sequence[str],
        listener: Callable[[Interaction], None] | None = None,
    ) -> Interaction:
        """Press a button, or choose in a select menu."""
        message = self._world.message(channel_id, message_id)
        if message.ephemeral_for not in {None, user.id}:
            raise NotPossibleError("this message is somebody else's")
        guild = self._permitted(user, self._world.channel(channel_id), Permission.VIEW_CHANNEL)
        component = _component(message, custom_id)
        data: Payload = {
            "custom_id": custom_id,
            "component_type": component["type"],
            "id": component["id"],
        }
        if component["type"] != _BUTTON:
            data["values"] = options.selected(component, values)
            found = resolved.of_values(component["type"], data["values"], guild)
            if found:
                data["resolved"] = found
        return self._start(Kind.COMPONENT, user, channel_id, data, listener, source=message)

    def submit(
        self,
        user: User,
        asked: Interaction,
        values: Mapping[str, object],
        listener: Callable[[Interaction], None] | None = None,
    ) -> Interaction:
        """Fill in and send the modal that an interaction opened."""
        if asked.modal is None or asked.user.id != user.id:
            raise NotPossibleError("no modal is open")
        data = {"custom_id": asked.modal["custom_id"], "components": modals.filled(asked.modal, values)}
        return self._start(Kind.MODAL_SUBMIT, user, asked.channel_id, data, listener, source=asked.source)

    def _start(
        self,
        kind: Kind,
        user: User,
        channel_id: int,
        data: Payload,
        listener: Callable[[Interaction], None] | None,
        source: Message | None = None,
    ) -> Interaction:
        channel = self._world.channel(channel_id)
        return self._interactions.start(
            kind,
            guild_id=channel.guild_id,
            channel_id=channel.id,
            user=user,
            data=data,
            source=source,
            listener=listener,
        )

    def _command(self, user: User, channel_id: int, name: str) -> tuple[Payload, list[str]]:
        first, *path = name.split()
        for command in self.visible_commands(user, channel_id):
            if command["name"] == first:
                return command, path
        raise NotPossibleError(f"there is no command /{first} for {user.username} here")

    def _permitted(self, user: User, channel: Channel, needed: Permission) -> Guild:
        guild = self._world.guild(channel.guild_id)
        self._world.ensure_member(guild.id, user.id)
        if not of_member(guild, user.id, channel) & needed:
            raise NotPossibleError(f"{user.username} lacks {needed.name} in {channel.name}")
        return guild


def _may_use(command: Payload, allowed: int) -> bool:
    needed = command["default_member_permissions"]
    if needed is None or allowed == ALL or allowed & Permission.ADMINISTRATOR:
        return True
    bits = int(needed)
    return bits != 0 and allowed & bits == bits


def _command_data(command: Payload) -> Payload:
    data: Payload = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    return data


def _component(message: Message, custom_id: str) -> Payload:
    for row in message.components:
        for each in row["components"]:
            if each.get("custom_id") != custom_id:
                continue
            if each.get("disabled"):
                raise NotPossibleError(f"{custom_id} is disabled")
            found: Payload = each
            return found
    raise NotPossibleError(f"the message has no component {custom_id}")
