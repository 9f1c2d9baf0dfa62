"""Knobs, gateway sessions and voice servers under /sim: what an operator of Discord could do."""

from __future__ import annotations

import time
from http import HTTPStatus
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
)
from segue_devkit.discord.errors import ApiError
from segue_devkit.discord.rest.faults import Fault
from segue_devkit.discord.rest.limits import Scope

if TYPE_CHECKING:
    from segue_devkit.discord.gateway.hub import Hub
    from segue_devkit.discord.gateway.session import Session
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.lag import LoopLag
    from segue_devkit.discord.rest.gate import RestGate
    from segue_devkit.discord.voice.desk import Desk
    from segue_devkit.discord.voice.servers import VoiceServers
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World


class ControlCalls:
    """Handlers that turn knobs and break things."""

    def __init__(
        self,
        world: World,
        knobs: Knobs,
        hub: Hub,
        desk: Desk,
        voice: VoiceServers,
        *,
        gate: RestGate,
        lag: LoopLag,
    ) -> None:
        self._world = world
        self._knobs = knobs
        self._hub = hub
        self._desk = desk
        self._voice = voice
        self._gate = gate
        self._lag = lag

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        return [
            web.get("", self.overview),
            web.get("/knobs", self.knobs),
            web.patch("/knobs", self.knobs),
            web.post("/rest/faults", self.fail_rest),
            web.delete("/rest/faults", self.mend_rest),
            web.get("/gateway", self.gateway),
            web.post("/gateway/sessions/{session_id}/{action}", self.session),
            web.post("/gateway/reset-token", self.reset_token),
            web.post("/guilds/{guild_id}/voice-server", self.voice_server),
            web.post("/guilds/{guild_id}/voice/{action}", self.voice),
        ]

    async def overview(self, _request: web.Request) -> web.Response:
        """GET /sim: counts, CPU seconds used, and how late the event loop was in the last minute."""
        return answer(
            {
                "bot": {"id": str(self._world.bot.id), "name": self._world.bot.username},
                "guilds": len(self._world.guilds),
                "sessions": len(self._hub.sessions),
                "rest_calls": self._gate.calls,
                "rest_invalid": self._gate.invalid.total,
                "rest_limited": self._gate.limited,
                "commands": [each["name"] for each in self._world.global_commands],
                "voice_endpoints": self._voice.endpoints(),
                "voice_connections": self._voice.connected(),
                "cpu_s": time.process_time(),
                "loop_lag_p50_ms": self._lag.quantile_ms(0.5),
                "loop_lag_p99_ms": self._lag.quantile_ms(0.99),
            }
        )

    async def knobs(self, request: web.Request) -> web.Response:
        """GET and PATCH /sim/knobs."""
        if request.method == "PATCH":
            try:
                self._knobs.update(await body_of(request))
            except ValueError as error:
                raise BadRequestError(str(error)) from None
        return answer(self._knobs.as_dict())

    # ---- REST ------------------------------------------------------------------------------------

    async def fail_rest(self, request: web.Request) -> web.Response:
        """POST /sim/rest/faults {path, method, status, times, retry_after_ms, scope}."""
        body = await body_of(request)
        status, scope = field_int(body, "status", 500), field_text(body, "scope", Scope.USER)
        if status != HTTPStatus.TOO_MANY_REQUESTS and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise BadRequestError("status must be 429 or 5xx")
        if scope not in tuple(Scope):
            raise BadRequestError(f"scope must be one of {', '.join(Scope)}")
        self._gate.faults.order(
            Fault(
                path=field_text(body, "path"),
                status=status,
                times=max(1, field_int(body, "times", 1)),
                method=field_text(body, "method").upper() if "method" in body else None,
                retry_after_ms=field_int(body, "retry_after_ms", 1000),
                scope=Scope(scope),
            )
        )
        return web.Response(status=204)

    async def mend_rest(self, _request: web.Request) -> web.Response:
        """DELETE /sim/rest/faults: forget what was ordered."""
        self._gate.faults.clear()
        return web.Response(status=204)

    # ---- gateway ---------------------------------------------------------------------------------

    async def gateway(self, _request: web.Request) -> web.Response:
        """GET /sim/gateway."""
        return answer(views.gateway(self._hub))

    async def reset_token(self, _request: web.Request) -> web.Response:
        """POST /sim/gateway/reset-token: all sessions end, the old token is worth nothing."""
        self._hub.reset_token()
        return web.Response(status=204)

    async def session(self, request: web.Request) -> web.Response:
        """POST /sim/gateway/sessions/{session_id}/{close | abort | reconnect | invalidate | end}."""
        session = self._hub.sessions.get(request.match_info["session_id"])
        if session is None:
            raise ApiError(404, 0, "no such gateway session")
        self._break(session, request.match_info["action"], await body_of(request))
        return web.Response(status=204)

    def _break(self, session: Session, action: str, body: Payload) -> None:
        if action == "reconnect":
            self._hub.ask_reconnect(session)
        elif action == "invalidate":
            self._hub.invalidate(session, resumable=bool(body.get("resumable", False)))
        elif action == "end":
            self._hub.end_session(session)
        elif session.connection is None:
            raise BadRequestError("the session is not connected")
        elif action == "close":
            session.connection.close(field_int(body, "code", 4000))
        elif action == "abort":
            session.connection.abort()
        else:
            raise BadRequestError("action must be close, abort, reconnect, invalidate or end")

    # ---- voice -----------------------------------------------------------------------------------

    async def voice_server(self, request: web.Request) -> web.Response:
        """POST /sim/guilds/{guild_id}/voice-server {region, outage_ms}."""
        body = await body_of(request)
        region = field_text(body, "region")
        if region not in self._voice.regions:
            raise BadRequestError(
                f"region must be one of {', '.join(sorted(self._voice.regions))}, not {region}"
            )
        self._desk.move_server(path_id(request, "guild_id"), region, field_int(body, "outage_ms", 0))
        return web.Response(status=204)

    async def voice(self, request: web.Request) -> web.Response:
        """POST /sim/guilds/{guild_id}/voice/{kick | move {channel_id} | close {code} | abort}."""
        guild = self._world.guild(path_id(request, "guild_id"))
        body = await body_of(request)
        action = request.match_info["action"]
        if action == "kick":
            self._world.leave_voice(guild.id, self._world.bot.id)
        elif action == "move":
            if self._world.bot.id not in guild.voice_states:
                raise BadRequestError("the bot is in no voice channel of this guild")
            self._desk.drag(guild.id, self._world.bot.id, field_id(body, "channel_id"))
        elif action == "close":
            self._voice.close_guild(guild.id, field_int(body, "code", 4015), "Closed on purpose.")
        elif action == "abort":
            self._voice.abort_guild(guild.id)
        else:
            raise BadRequestError("action must be kick, move, close or abort")
        return web.Response(status=204)
