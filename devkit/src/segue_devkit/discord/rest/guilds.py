"""Guilds as a bot sees and changes them: roles, members, voice states, stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord import payloads
from segue_devkit.discord.errors import (
    FormErrors,
    missing_access,
    missing_permissions,
    not_in_voice,
    unknown,
    unknown_voice_state,
)
from segue_devkit.discord.gateway.intents import Intent
from segue_devkit.discord.model import VOCAL
from segue_devkit.discord.permissions import Permission, of_member
from segue_devkit.discord.rest.fields import Fields
from segue_devkit.discord.rest.http import answer, object_body, path_id, query_int

if TYPE_CHECKING:
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.model import Guild, Member
    from segue_devkit.discord.rest.access import Access
    from segue_devkit.discord.voice.desk import Desk
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World

_MAX_NICK = 32
_MAX_MEMBERS = 1_000
_MAX_GUILDS = 200


class GuildRestCalls:
    """Handlers under /guilds and /users/@me/guilds."""

    def __init__(self, world: World, access: Access, desk: Desk, knobs: Knobs) -> None:
        self._world = world
        self._access = access
        self._desk = desk
        self._knobs = knobs

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        guild = "/guilds/{guild_id}"
        return [
            web.get("/users/@me/guilds", self.mine),
            web.delete("/users/@me/guilds/{guild_id}", self.leave),
            web.get(guild, self.get),
            web.get(guild + "/roles", self.roles),
            web.get(guild + "/roles/{role_id}", self.role),
            web.get(guild + "/members", self.members),
            web.get(guild + "/members/search", self.search),
            web.get(guild + "/members/{user_id}", self.member),
            web.patch(guild + "/members/{user_id}", self.change_member),
            web.get(guild + "/voice-states/{user_id}", self.voice_state),
        ]

    # ---- guilds ----------------------------------------------------------------------------------

    async def mine(self, request: web.Request) -> web.Response:
        """GET /users/@me/guilds?limit=&before=&after=."""
        limit = query_int(request, "limit", 1, _MAX_GUILDS, _MAX_GUILDS)
        after = query_int(request, "after", 0, 1 << 64, 0)
        before = query_int(request, "before", 0, 1 << 64, 1 << 64)
        found = [each for key, each in sorted(self._world.guilds.items()) if after < key < before]
        return answer([self._partial(each) for each in found[:limit]])

    def _partial(self, guild: Guild) -> Payload:
        return {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": False,
            "permissions": str(of_member(guild, self._world.bot.id)),
            "features": [],
        }

    async def leave(self, request: web.Request) -> web.Response:
        """DELETE /users/@me/guilds/{guild_id}."""
        self._world.remove_guild(self._access.guild(request).id)
        return web.Response(status=204)

    async def get(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}?with_counts=."""
        guild = self._access.guild(request)
        payload = payloads.guild(guild)
        if request.query.get("with_counts", "").lower() in {"true", "1"}:
            payload["approximate_member_count"] = len(guild.members)
            payload["approximate_presence_count"] = len(guild.voice_states)
        return answer(payload)

    async def roles(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/roles."""
        return answer([payloads.role(each) for each in self._access.guild(request).roles.values()])

    async def role(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/roles/{role_id}; 10011."""
        role = self._access.guild(request).roles.get(path_id(request, "role_id"))
        if role is None:
            raise unknown(10011, "Role")
        return answer(payloads.role(role))

    # ---- members ---------------------------------------------------------------------------------

    async def members(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/members?limit=&after=; needs the GUILD_MEMBERS intent (50001)."""
        guild = self._access.guild(request)
        if not self._knobs.allowed_privileged_intents & Intent.GUILD_MEMBERS:
            raise missing_access()
        limit = query_int(request, "limit", 1, _MAX_MEMBERS, 1)
        after = query_int(request, "after", 0, 1 << 64, 0)
        found = [each for key, each in sorted(guild.members.items()) if key > after]
        return answer([payloads.member(each) for each in found[:limit]])

    async def search(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/members/search?query=&limit=: whose name or nickname begins so."""
        guild = self._access.guild(request)
        start = request.query.get("query", "").lower()
        if not start:
            errors = FormErrors()
            errors.required(("query",))
            errors.raise_if_any()
        limit = query_int(request, "limit", 1, _MAX_MEMBERS, 1)
        found = [
            each
            for each in guild.members.values()
            if each.user.username.lower().startswith(start) or (each.nick or "").lower().startswith(start)
        ]
        return answer([payloads.member(each) for each in found[:limit]])

    async def member(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/members/{user_id}; 10007."""
        guild = self._access.guild(request)
        return answer(payloads.member(self._access.member(request, guild)))

    async def change_member(self, request: web.Request) -> web.Response:
        """PATCH /guilds/{guild_id}/members/{user_id or @me}: nick, roles, mute, deaf, channel_id."""
        guild = self._access.guild(request)
        member = self._access.member(request, guild)
        mine = member.user.id == self._world.bot.id
        fields = Fields(await object_body(request))
        nick, roles = fields.text("nick", 0, _MAX_NICK), fields.ids("roles", 0, 250)
        mute, deaf, channel_id = fields.flag("mute"), fields.flag("deaf"), fields.id("channel_id")
        fields.done()
        changes: Payload = {}
        if "nick" in fields:
            self._need(guild, Permission.CHANGE_NICKNAME if mine else Permission.MANAGE_NICKNAMES)
            changes["nick"] = nick or None
        if roles is not None:
            self._need(guild, Permission.MANAGE_ROLES)
            if not set(roles) <= set(guild.roles):
                raise unknown(10011, "Role")
            changes["roles"] = roles
        if changes:
            self._world.change_member(guild.id, member, changes)
        if mute is not None or deaf is not None:
            self._silence(guild, member, mute=mute, deaf=deaf)
        if "channel_id" in fields:
            self._move(guild, member, channel_id)
        return answer(payloads.member(member))

    def _silence(self, guild: Guild, member: Member, *, mute: bool | None, deaf: bool | None) -> None:
        if mute is not None:
            self._need(guild, Permission.MUTE_MEMBERS)
        if deaf is not None:
            self._need(guild, Permission.DEAFEN_MEMBERS)
        if member.user.id not in guild.voice_states:
            raise not_in_voice()
        self._world.set_voice(guild.id, member.user.id, mute=mute, deaf=deaf)

    def _move(self, guild: Guild, member: Member, channel_id: int | None) -> None:
        """Into another channel, or out of voice; 40032 for who is not in voice."""
        self._need(guild, Permission.MOVE_MEMBERS)
        if member.user.id not in guild.voice_states:
            raise not_in_voice()
        if channel_id is None:
            self._world.leave_voice(guild.id, member.user.id)
            return
        channel = guild.channels.get(channel_id)
        if channel is None or channel.type not in VOCAL:
            raise unknown(10003, "Channel")
        self._access.need(channel, Permission.CONNECT)
        self._desk.drag(guild.id, member.user.id, channel_id)

    def _need(self, guild: Guild, needed: Permission) -> None:
        if not of_member(guild, self._world.bot.id) & needed:
            raise missing_permissions()

    # ---- voice -----------------------------------------------------------------------------------

    async def voice_state(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/voice-states/{user_id or @me}; 10065 when in no voice channel."""
        guild = self._access.guild(request)
        mine = request.match_info["user_id"] == "@me"
        user_id = self._world.bot.id if mine else path_id(request, "user_id")
        state = guild.voice_states.get(user_id)
        if state is None:
            raise unknown_voice_state()
        return answer(
            payloads.voice_state(state, channel_id=state.channel_id, with_member=guild.members.get(user_id))
        )
