"""Guilds, channels, permissions and messages under /sim."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord.admin import views
from segue_devkit.discord.admin.http import (
    BadRequestError,
    answer,
    body_of,
    field_id,
    field_int,
    field_text,
    path_id,
    query_id,
)
from segue_devkit.discord.admin.people import person_of
from segue_devkit.discord.model import ChannelType

if TYPE_CHECKING:
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World


_BREATHER = 100


class GuildCalls:
    """Handlers for what exists."""

    def __init__(self, world: World, regions: frozenset[str]) -> None:
        self._world = world
        self._regions = regions

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        return [
            web.get("/guilds", self.all),
            web.post("/guilds", self.create),
            web.post("/guilds/crowd", self.crowd),
            web.get("/guilds/{guild_id}", self.one),
            web.delete("/guilds/{guild_id}", self.remove),
            web.put("/guilds/{guild_id}/bot-permissions", self.bot_permissions),
            web.post("/guilds/{guild_id}/channels", self.create_channel),
            web.post("/guilds/{guild_id}/roles", self.create_role),
            web.put("/guilds/{guild_id}/members/{person_id}/roles", self.member_roles),
            web.delete("/channels/{channel_id}", self.delete_channel),
            web.put("/channels/{channel_id}/overwrites/{target_id}", self.overwrite),
            web.put("/channels/{channel_id}/user-limit", self.user_limit),
            web.get("/channels/{channel_id}/messages", self.messages),
        ]

    async def all(self, _request: web.Request) -> web.Response:
        """GET /sim/guilds."""
        return answer([views.guild(each) for each in self._world.guilds.values()])

    async def create(self, request: web.Request) -> web.Response:
        """POST /sim/guilds {name, region, voice_channels, text_channels}."""
        body = await body_of(request)
        region = self._region(body)
        guild = self._world.create_guild(
            field_text(body, "name"),
            region=region,
            voice_channels=field_int(body, "voice_channels", 1),
            text_channels=field_int(body, "text_channels", 1),
        )
        return answer(views.guild(guild), 201)

    async def crowd(self, request: web.Request) -> web.Response:
        """POST /sim/guilds/crowd {count, region}: many guilds in which nothing happens; their ids."""
        body = await body_of(request)
        region = self._region(body)
        count = field_int(body, "count", 1)
        ids = []
        for number in range(1, count + 1):
            guild = self._world.create_guild(
                f"Quiet {number}", region=region, voice_channels=1, text_channels=1
            )
            ids.append(str(guild.id))
            if number % _BREATHER == 0:
                await asyncio.sleep(0)  # others are served meanwhile
        return answer({"guilds": ids}, 201)

    def _region(self, body: Payload) -> str:
        region = field_text(body, "region", "us-east")
        if region not in self._regions:
            raise BadRequestError(f"region must be one of {', '.join(sorted(self._regions))}, not {region}")
        return region

    async def one(self, request: web.Request) -> web.Response:
        """GET /sim/guilds/{guild_id}."""
        return answer(views.guild(self._world.guild(path_id(request, "guild_id"))))

    async def remove(self, request: web.Request) -> web.Response:
        """DELETE /sim/guilds/{guild_id}: the bot is thrown out."""
        self._world.remove_guild(path_id(request, "guild_id"))
        return web.Response(status=204)

    async def bot_permissions(self, request: web.Request) -> web.Response:
        """PUT /sim/guilds/{guild_id}/bot-permissions {permissions}: of the bot's own role."""
        guild_id = path_id(request, "guild_id")
        body = await body_of(request)
        role = self._world.bot_role(guild_id)
        self._world.set_role_permissions(guild_id, role.id, field_int(body, "permissions", 0))
        return web.Response(status=204)

    async def create_channel(self, request: web.Request) -> web.Response:
        """POST /sim/guilds/{guild_id}/channels {name, kind}: text, voice or stage."""
        body = await body_of(request)
        kind = field_text(body, "kind", "text").upper()
        if kind not in {"TEXT", "VOICE", "STAGE"}:
            raise BadRequestError("kind must be text, voice or stage")
        guild_id = path_id(request, "guild_id")
        channel = self._world.create_channel(guild_id, ChannelType[kind], field_text(body, "name"))
        return answer({"id": str(channel.id), "name": channel.name}, 201)

    async def create_role(self, request: web.Request) -> web.Response:
        """POST /sim/guilds/{guild_id}/roles {name, permissions}."""
        body = await body_of(request)
        name, permissions = field_text(body, "name"), field_int(body, "permissions", 0)
        role = self._world.create_role(path_id(request, "guild_id"), name, permissions)
        return answer({"id": str(role.id)}, 201)

    async def member_roles(self, request: web.Request) -> web.Response:
        """PUT /sim/guilds/{guild_id}/members/{person_id}/roles {roles}: these and no others."""
        guild = self._world.guild(path_id(request, "guild_id"))
        person = person_of(self._world, path_id(request, "person_id"))
        wanted = (await body_of(request)).get("roles")
        if not isinstance(wanted, list):
            raise BadRequestError("roles must be a list of ids")
        roles = [field_id({"roles": each}, "roles") for each in wanted]
        if not set(roles) <= set(guild.roles):
            raise BadRequestError("roles must be roles of the guild")
        member = self._world.ensure_member(guild.id, person.id)
        self._world.change_member(guild.id, member, {"roles": roles})
        return web.Response(status=204)

    async def delete_channel(self, request: web.Request) -> web.Response:
        """DELETE /sim/channels/{channel_id}."""
        self._world.delete_channel(path_id(request, "channel_id"))
        return web.Response(status=204)

    async def overwrite(self, request: web.Request) -> web.Response:
        """PUT /sim/channels/{channel_id}/overwrites/{target_id} {allow, deny}."""
        body = await body_of(request)
        self._world.set_overwrite(
            path_id(request, "channel_id"),
            path_id(request, "target_id"),
            allow=field_int(body, "allow", 0),
            deny=field_int(body, "deny", 0),
        )
        return web.Response(status=204)

    async def user_limit(self, request: web.Request) -> web.Response:
        """PUT /sim/channels/{channel_id}/user-limit {limit}: 0 is none."""
        body = await body_of(request)
        self._world.channel(path_id(request, "channel_id")).user_limit = field_int(body, "limit", 0)
        return web.Response(status=204)

    async def messages(self, request: web.Request) -> web.Response:
        """GET /sim/channels/{channel_id}/messages?person=: as that person sees it; without, all."""
        channel = self._world.channel(path_id(request, "channel_id"))
        viewer = query_id(request, "person")
        shown = [
            each
            for each in self._world.messages[channel.id].values()
            if viewer is None or each.ephemeral_for in {None, viewer}
        ]
        return answer([views.message(each) for each in shown])
