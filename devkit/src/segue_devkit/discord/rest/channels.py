"""Channels: look, change, make, delete, overwrites, typing, voice status, direct messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from segue_devkit.discord import payloads
from segue_devkit.discord.errors import cannot_message, unknown, wrong_channel_type
from segue_devkit.discord.model import NO_GUILD, VOCAL, ChannelType
from segue_devkit.discord.permissions import ALL, Permission
from segue_devkit.discord.rest.fields import Fields
from segue_devkit.discord.rest.http import answer, object_body, path_id
from segue_devkit.discord.world import Event

if TYPE_CHECKING:
    from segue_devkit.discord.rest.access import Access
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World

_MAX_NAME, _MAX_TOPIC, _MAX_STATUS = 100, 1024, 500
_MAX_USERS: Final = {ChannelType.VOICE: 99, ChannelType.STAGE: 10_000}
_MAX_BITRATE: Final = 96_000
_CREATABLE: Final = (0, 2, 13)


class ChannelCalls:
    """Handlers under /channels/{channel_id}, and the two calls that make channels."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        channel = "/channels/{channel_id}"
        return [
            web.get(channel, self.get),
            web.patch(channel, self.change),
            web.delete(channel, self.delete),
            web.put(channel + "/permissions/{overwrite_id}", self.put_overwrite),
            web.delete(channel + "/permissions/{overwrite_id}", self.delete_overwrite),
            web.post(channel + "/typing", self.typing),
            web.put(channel + "/voice-status", self.voice_status),
            web.get("/guilds/{guild_id}/channels", self.of_guild),
            web.post("/guilds/{guild_id}/channels", self.create),
            web.post("/users/@me/channels", self.direct),
        ]

    async def get(self, request: web.Request) -> web.Response:
        """GET /channels/{channel_id}."""
        return answer(payloads.channel(self._access.channel(request)))

    async def of_guild(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/channels."""
        return answer([payloads.channel(each) for each in self._access.guild(request).channels.values()])

    async def change(self, request: web.Request) -> web.Response:
        """PATCH /channels/{channel_id}: name, topic, position, user_limit, bitrate."""
        channel = self._access.channel(request, Permission.MANAGE_CHANNELS)
        self._world.change_channel(channel, _settings(channel.type, await object_body(request)))
        return answer(payloads.channel(channel))

    async def create(self, request: web.Request) -> web.Response:
        """POST /guilds/{guild_id}/channels."""
        guild = self._access.guild(request, Permission.MANAGE_CHANNELS)
        body = await object_body(request)
        fields = Fields(body)
        name = fields.text("name", 1, _MAX_NAME, required=True)
        kind = ChannelType(fields.one_of("type", _CREATABLE) or ChannelType.TEXT)
        fields.done()
        channel = self._world.create_channel(guild.id, kind, name or "")
        settings = _settings(kind, body)
        if len(settings) > 1:
            self._world.change_channel(channel, settings)
        return answer(payloads.channel(channel), 201)

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /channels/{channel_id}; of direct messages it only closes the window."""
        channel = self._access.channel(request, Permission.MANAGE_CHANNELS)
        if channel.guild_id != NO_GUILD:
            self._world.delete_channel(channel.id)
        return answer(payloads.channel(channel))

    async def put_overwrite(self, request: web.Request) -> web.Response:
        """PUT /channels/{channel_id}/permissions/{overwrite_id}; only what the bot has itself."""
        channel = self._access.channel(request, Permission.MANAGE_ROLES)
        fields = Fields(await object_body(request))
        fields.one_of("type", (0, 1))
        allow, deny = fields.number("allow", 0, ALL) or 0, fields.number("deny", 0, ALL) or 0
        fields.done()
        self._access.need(channel, Permission(allow | deny))
        self._world.set_overwrite(channel.id, path_id(request, "overwrite_id"), allow=allow, deny=deny)
        return web.Response(status=204)

    async def delete_overwrite(self, request: web.Request) -> web.Response:
        """DELETE /channels/{channel_id}/permissions/{overwrite_id}; 10009."""
        channel = self._access.channel(request, Permission.MANAGE_ROLES)
        target = path_id(request, "overwrite_id")
        if target not in channel.overwrites:
            raise unknown(10009, "Overwrite")
        self._world.set_overwrite(channel.id, target, allow=0, deny=0)
        return web.Response(status=204)

    async def typing(self, request: web.Request) -> web.Response:
        """POST /channels/{channel_id}/typing."""
        self._access.channel(request, Permission.SEND_MESSAGES)
        return web.Response(status=204)

    async def voice_status(self, request: web.Request) -> web.Response:
        """PUT /channels/{channel_id}/voice-status; who is not in it needs MANAGE_CHANNELS too."""
        channel = self._access.channel(request, Permission.SET_VOICE_CHANNEL_STATUS)
        if channel.type is not ChannelType.VOICE:
            raise wrong_channel_type()
        state = self._world.guild(channel.guild_id).voice_states.get(self._world.bot.id)
        if state is None or state.channel_id != channel.id:
            self._access.need(channel, Permission.MANAGE_CHANNELS)
        fields = Fields(await object_body(request))
        channel.status = fields.text("status", 0, _MAX_STATUS) or None
        fields.done()
        data = {"id": str(channel.id), "guild_id": str(channel.guild_id), "status": channel.status}
        self._world.publish(Event("VOICE_CHANNEL_STATUS_UPDATE", channel.guild_id, data))
        return web.Response(status=204)

    async def direct(self, request: web.Request) -> web.Response:
        """POST /users/@me/channels: direct messages with somebody; 10013, or 50007 for a bot."""
        fields = Fields(await object_body(request))
        user_id = fields.id("recipient_id", required=True)
        fields.done()
        user = self._world.users.get(user_id or 0)
        if user is None:
            raise unknown(10013, "User")
        if user.bot:
            raise cannot_message()
        return answer(payloads.channel(self._world.direct_channel(user)))


def _settings(kind: ChannelType, body: Payload) -> Payload:
    """What a body sets, by attribute; 50035, or 50024 for what this kind of channel does not have."""
    fields = Fields(body)
    found: Payload = {
        "name": fields.text("name", 1, _MAX_NAME),
        "topic": fields.text("topic", 0, _MAX_TOPIC),
        "position": fields.number("position", 0, 10_000),
    }
    if kind in VOCAL:
        found["user_limit"] = fields.number("user_limit", 0, _MAX_USERS[kind])
        found["bitrate"] = fields.number("bitrate", 8_000, _MAX_BITRATE)
    elif "user_limit" in fields or "bitrate" in fields:
        raise wrong_channel_type()
    fields.done()
    return {name: value for name, value in found.items() if value is not None}
