"""The application itself: gateway address, who am I, its commands, guilds and voice states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.discord import commands, payloads
from segue_devkit.discord.errors import (
    ApiError,
    missing_access,
    unknown,
    unknown_guild,
    unknown_voice_state,
)
from segue_devkit.discord.rest.http import answer, json_body, path_id
from segue_devkit.discord.wire import now_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from segue_devkit.discord.gateway.hub import Hub
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.model import Guild
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World


class ApplicationCalls:
    """Handlers that need nothing but the bot token."""

    def __init__(self, world: World, hub: Hub, knobs: Knobs, public_url: Callable[[], str]) -> None:
        self._world = world
        self._hub = hub
        self._knobs = knobs
        self._public_url = public_url

    async def gateway(self, _request: web.Request) -> web.Response:
        """GET /gateway."""
        return answer({"url": self._public_url()})

    async def gateway_bot(self, _request: web.Request) -> web.Response:
        """GET /gateway/bot."""
        now = now_ns()
        return answer(
            {
                "url": self._public_url(),
                "shards": self._knobs.recommended_shards,
                "session_start_limit": {
                    "total": self._knobs.session_start_total,
                    "remaining": self._hub.limits.remaining(now),
                    "reset_after": self._hub.limits.reset_after_ms(now),
                    "max_concurrency": self._knobs.max_concurrency,
                },
            }
        )

    async def application(self, _request: web.Request) -> web.Response:
        """GET /oauth2/applications/@me and GET /applications/@me."""
        bot = self._world.bot
        return answer(
            {
                "id": str(bot.id),
                "name": bot.username,
                "icon": None,
                "description": "",
                "summary": "",
                "type": None,
                "bot": payloads.user(bot),
                "bot_public": True,
                "bot_require_code_grant": False,
                "verify_key": "00" * 32,
                "flags": 0,
                "hook": True,
                "team": None,
                "redirect_uris": [],
                "integration_types_config": {"0": {}},
                "approximate_guild_count": len(self._world.guilds),
                "approximate_user_install_count": 0,
                "approximate_user_authorization_count": 0,
                "owner": payloads.user(bot),
            }
        )

    async def me(self, _request: web.Request) -> web.Response:
        """GET /users/@me."""
        return answer(payloads.own_user(self._world.bot))

    async def user(self, request: web.Request) -> web.Response:
        """GET /users/{user_id}."""
        found = self._world.users.get(path_id(request, "user_id"))
        if found is None:
            raise unknown(10013, "User")
        return answer(payloads.user(found))

    # ---- commands --------------------------------------------------------------------------------

    async def global_commands(self, request: web.Request) -> web.Response:
        """GET and PUT /applications/{application_id}/commands."""
        self._own_application(request)
        if request.method == "PUT":
            self._world.global_commands = commands.registered(
                await json_body(request),
                application_id=self._world.bot.id,
                guild_id=None,
                old=self._world.global_commands,
                new_id=self._world.ids.new,
            )
        return answer(self._world.global_commands)

    async def guild_commands(self, request: web.Request) -> web.Response:
        """GET and PUT /applications/{application_id}/guilds/{guild_id}/commands."""
        self._own_application(request)
        guild_id = path_id(request, "guild_id")
        if guild_id not in self._world.guilds:
            raise missing_access()
        old = self._world.guild_commands.get(guild_id, [])
        if request.method == "PUT":
            self._world.guild_commands[guild_id] = commands.registered(
                await json_body(request),
                application_id=self._world.bot.id,
                guild_id=guild_id,
                old=old,
                new_id=self._world.ids.new,
            )
        return answer(self._world.guild_commands.get(guild_id, []))

    def _own_application(self, request: web.Request) -> None:
        if path_id(request, "application_id") != self._world.bot.id:
            raise ApiError(403, 20012, "You are not authorized to perform this action on this application")

    # ---- guilds ----------------------------------------------------------------------------------

    async def guild(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}."""
        return answer(payloads.guild(self._guild(request)))

    async def guild_channels(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/channels."""
        return answer([payloads.channel(each) for each in self._guild(request).channels.values()])

    async def channel(self, request: web.Request) -> web.Response:
        """GET /channels/{channel_id}."""
        return answer(payloads.channel(self._world.channel(path_id(request, "channel_id"))))

    async def member(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/members/{user_id}."""
        member = self._guild(request).members.get(path_id(request, "user_id"))
        if member is None:
            raise unknown(10007, "Member")
        return answer(payloads.member(member))

    async def voice_state(self, request: web.Request) -> web.Response:
        """GET /guilds/{guild_id}/voice-states/{user_id or @me}; 10065 when in no voice channel."""
        guild = self._guild(request)
        mine = request.match_info["user_id"] == "@me"
        user_id = self._world.bot.id if mine else path_id(request, "user_id")
        state = guild.voice_states.get(user_id)
        if state is None:
            raise unknown_voice_state()
        payload: Payload = payloads.voice_state(
            state, channel_id=state.channel_id, with_member=guild.members.get(user_id)
        )
        return answer(payload)

    def _guild(self, request: web.Request) -> Guild:
        guild_id = path_id(request, "guild_id")
        if guild_id not in self._world.guilds:
            raise unknown_guild()
        return self._world.guilds[guild_id]
