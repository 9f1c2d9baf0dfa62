"""The application itself: gateway address, who am I, who is somebody, where voice servers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord import payloads
from segue_devkit.discord.errors import unknown
from segue_devkit.discord.rest.http import answer, path_id
from segue_devkit.discord.wire import now_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.gateway.hub import Hub
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.world import World


class ApplicationCalls:
    """Handlers that need nothing but the bot token."""

    def __init__(
        self,
        world: World,
        hub: Hub,
        knobs: Knobs,
        public_url: Callable[[], str],
        regions: tuple[str, ...],
    ) -> None:
        self._regions = regions
        self._world = world
        self._hub = hub
        self._knobs = knobs
        self._public_url = public_url

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        return [
            web.get("/gateway", self.gateway),
            web.get("/gateway/bot", self.gateway_bot),
            web.get("/oauth2/applications/@me", self.application),
            web.get("/applications/@me", self.application),
            web.get("/users/@me", self.me),
            web.get("/users/{user_id}", self.user),
            web.get("/voice/regions", self.regions),
        ]

    async def regions(self, _request: web.Request) -> web.Response:
        """GET /voice/regions."""
        return answer(
            [
                {"id": each, "name": each, "optimal": False, "deprecated": False, "custom": False}
                for each in self._regions
            ]
        )

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
