"""Stages: who may speak, and what is on. Source: Discord's references "Voice" and "Stage Instance"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from segue_devkit.discord import payloads
from segue_devkit.discord.errors import (
    ApiError,
    missing_permissions,
    unknown,
    unknown_voice_state,
    wrong_channel_type,
)
from segue_devkit.discord.model import ChannelType, Stage
from segue_devkit.discord.permissions import Permission, of_member
from segue_devkit.discord.rest.fields import Fields
from segue_devkit.discord.rest.http import answer, object_body, path_id
from segue_devkit.discord.wire import timestamp
from segue_devkit.discord.world import Event

if TYPE_CHECKING:
    from segue_devkit.discord.model import Channel, Guild, VoiceState
    from segue_devkit.discord.rest.access import Access
    from segue_devkit.discord.world import World

_MAX_TOPIC: Final = 120
_MODERATOR: Final = Permission.MANAGE_CHANNELS | Permission.MUTE_MEMBERS | Permission.MOVE_MEMBERS


class StageCalls:
    """Handlers of PATCH voice-states and /stage-instances."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        return [
            web.patch("/guilds/{guild_id}/voice-states/{user_id}", self.change_state),
            web.post("/stage-instances", self.create),
            web.get("/stage-instances/{channel_id}", self.get),
            web.patch("/stage-instances/{channel_id}", self.change),
            web.delete("/stage-instances/{channel_id}", self.delete),
        ]

    async def change_state(self, request: web.Request) -> web.Response:
        """PATCH /guilds/{guild_id}/voice-states/{user_id or @me}: suppress, request to speak."""
        guild = self._access.guild(request)
        own = request.match_info["user_id"] == "@me"
        state = guild.voice_states.get(self._world.bot.id if own else path_id(request, "user_id"))
        if state is None:
            raise unknown_voice_state()
        fields = Fields(await object_body(request))
        channel_id, suppress = fields.id("channel_id"), fields.flag("suppress")
        wish = fields.time("request_to_speak_timestamp")
        fields.done()
        channel = guild.channels[state.channel_id]
        if channel.type is not ChannelType.STAGE or channel_id not in {None, channel.id}:
            raise wrong_channel_type()
        allowed = of_member(guild, self._world.bot.id, channel)
        if suppress is not None:
            self._suppress(guild, state, allowed, suppress=suppress, own=own)
        if own and "request_to_speak_timestamp" in fields:
            if wish is not None and not allowed & Permission.REQUEST_TO_SPEAK:
                raise missing_permissions()
            self._world.set_voice(guild.id, state.user_id, request_to_speak=wish or "")
        return web.Response(status=204)

    def _suppress(self, guild: Guild, state: VoiceState, allowed: int, *, suppress: bool, own: bool) -> None:
        """Silence anybody with MUTE_MEMBERS, oneself always; a person let speak is first invited."""
        if not allowed & Permission.MUTE_MEMBERS and not (own and suppress):
            raise missing_permissions()
        person = not guild.members[state.user_id].user.bot
        if suppress:
            self._world.set_voice(guild.id, state.user_id, suppress=True, request_to_speak="")
        elif person:
            self._world.set_voice(guild.id, state.user_id, request_to_speak=timestamp())
        else:
            self._world.set_voice(guild.id, state.user_id, suppress=False)

    # ---- what is on ------------------------------------------------------------------------------

    async def create(self, request: web.Request) -> web.Response:
        """POST /stage-instances; 150006 if one is on."""
        fields = Fields(await object_body(request))
        channel_id = fields.id("channel_id", required=True)
        topic = fields.text("topic", 1, _MAX_TOPIC, required=True)
        fields.done()
        channel = self._moderated(self._world.channel(channel_id or 0))
        guild = self._world.guild(channel.guild_id)
        if channel.id in guild.stages:
            raise ApiError(400, 150006, "The Stage is already open")
        stage = Stage(self._world.ids.new(), guild.id, channel.id, topic or "")
        guild.stages[channel.id] = stage
        return self._told("STAGE_INSTANCE_CREATE", stage)

    async def get(self, request: web.Request) -> web.Response:
        """GET /stage-instances/{channel_id}; 10067."""
        return answer(payloads.stage(self._stage(self._access.channel(request))))

    async def change(self, request: web.Request) -> web.Response:
        """PATCH /stage-instances/{channel_id}."""
        stage = self._stage(self._moderated(self._access.channel(request)))
        fields = Fields(await object_body(request))
        topic = fields.text("topic", 1, _MAX_TOPIC)
        fields.done()
        stage.topic = topic or stage.topic
        return self._told("STAGE_INSTANCE_UPDATE", stage)

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /stage-instances/{channel_id}."""
        stage = self._stage(self._moderated(self._access.channel(request)))
        del self._world.guild(stage.guild_id).stages[stage.channel_id]
        self._told("STAGE_INSTANCE_DELETE", stage)
        return web.Response(status=204)

    def _moderated(self, channel: Channel) -> Channel:
        if channel.type is not ChannelType.STAGE:
            raise wrong_channel_type()
        self._access.need(channel, _MODERATOR)
        return channel

    def _stage(self, channel: Channel) -> Stage:
        guild = self._world.guild(channel.guild_id)
        if channel.id not in guild.stages:
            raise unknown(10067, "Stage Instance")
        return guild.stages[channel.id]

    def _told(self, name: str, stage: Stage) -> web.Response:
        payload = payloads.stage(stage)
        self._world.publish(Event(name, stage.guild_id, payload))
        return answer(payload)
