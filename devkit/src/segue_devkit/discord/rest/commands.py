"""Application commands: all at once or one by one, global or of a guild."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from aiohttp import web

from segue_devkit.discord import commands
from segue_devkit.discord.errors import ApiError, missing_access, unknown
from segue_devkit.discord.rest.http import answer, json_body, object_body, path_id
from segue_devkit.discord.wire import now_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World

_DAY_NS: Final = 86_400_000_000_000


class CommandCalls:
    """Handlers under /applications/{application_id}: the same for all guilds and for one."""

    def __init__(self, world: World, knobs: Knobs) -> None:
        self._world = world
        self._knobs = knobs
        self._creates: dict[int | None, deque[int]] = {}

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        own = "/applications/{application_id}"
        found: list[web.RouteDef] = []
        for base in (f"{own}/commands", own + "/guilds/{guild_id}/commands"):
            one = base + "/{command_id}"
            found += [
                web.get(base, self.all),
                web.put(base, self.overwrite),
                web.post(base, self.create),
                web.get(one, self.get),
                web.patch(one, self.change),
                web.delete(one, self.delete),
            ]
        return found

    async def all(self, request: web.Request) -> web.Response:
        """GET …/commands."""
        return answer(self._known(self._scope(request)))

    async def overwrite(self, request: web.Request) -> web.Response:
        """PUT …/commands: these and no others."""
        scope = self._scope(request)
        return answer(self._register(scope, await json_body(request)))

    async def create(self, request: web.Request) -> web.Response:
        """POST …/commands: 201, or 200 where one of this type and name is overwritten."""
        scope = self._scope(request)
        body = await object_body(request)
        same = (body.get("type", 1), body.get("name"))
        others = [each for each in self._known(scope) if (each["type"], each["name"]) != same]
        new = len(others) == len(self._known(scope))
        stored = self._one(scope, body, others)
        return answer(stored, 201 if new else 200)

    async def get(self, request: web.Request) -> web.Response:
        """GET …/commands/{command_id}; 10063."""
        return answer(self._found(request, self._scope(request)))

    async def change(self, request: web.Request) -> web.Response:
        """PATCH …/commands/{command_id}: what the body does not name stays."""
        scope = self._scope(request)
        old = self._found(request, scope)
        body = {**old, **await object_body(request), "type": old["type"]}
        others = [each for each in self._known(scope) if each is not old]
        return answer(self._one(scope, body, others, identity=old["id"]))

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE …/commands/{command_id}."""
        scope = self._scope(request)
        old = self._found(request, scope)
        self._keep(scope, [each for each in self._known(scope) if each is not old])
        return web.Response(status=204)

    # ---- state -----------------------------------------------------------------------------------

    def _scope(self, request: web.Request) -> int | None:
        """The guild of the path, None for global; 20012 for another application, 50001 for a guild not in."""
        if path_id(request, "application_id") != self._world.bot.id:
            raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
        if "guild_id" not in request.match_info:
            return None
        guild_id = path_id(request, "guild_id")
        if guild_id not in self._world.guilds:
            raise missing_access()
        return guild_id

    def _known(self, scope: int | None) -> list[Payload]:
        if scope is None:
            return self._world.global_commands
        return self._world.guild_commands.get(scope, [])

    def _keep(self, scope: int | None, stored: list[Payload]) -> None:
        if scope is None:
            self._world.global_commands = stored
        else:
            self._world.guild_commands[scope] = stored

    def _found(self, request: web.Request, scope: int | None) -> Payload:
        wanted = str(path_id(request, "command_id"))
        for each in self._known(scope):
            if each["id"] == wanted:
                return each
        raise unknown(10063, "application command")

    def _one(
        self, scope: int | None, body: Payload, others: Sequence[Payload], identity: str | None = None
    ) -> Payload:
        """Register one beside others; its faults are told as of a body of its own."""
        old = [*self._known(scope)]
        if identity is not None:
            old.append({"type": body["type"], "name": body.get("name"), "id": identity})
        try:
            (stored,) = self._checked(scope, [body], old)
        except ApiError as error:
            if error.errors is not None and "0" in error.errors:
                raise ApiError(error.status, error.code, error.message, error.errors["0"]) from None
            raise
        if len(others) >= commands.MAX_COMMANDS:
            raise ApiError(400, 30032, f"Maximum number of commands reached ({commands.MAX_COMMANDS})")
        if any((each["type"], each["name"]) == (stored["type"], stored["name"]) for each in others):
            raise ApiError(400, 50035, "Application command names must be unique")
        self._keep(scope, [*others, stored])
        return stored

    def _register(self, scope: int | None, bodies: object) -> list[Payload]:
        stored = self._checked(scope, bodies, self._known(scope))
        self._keep(scope, stored)
        return stored

    def _checked(self, scope: int | None, bodies: object, old: Sequence[Payload]) -> list[Payload]:
        stored = commands.registered(
            bodies, application_id=self._world.bot.id, guild_id=scope, old=old, new_id=self._world.ids.new
        )
        known = {each["id"] for each in old}
        self._count_creates(scope, sum(each["id"] not in known for each in stored))
        return stored

    def _count_creates(self, scope: int | None, new: int) -> None:
        """200 new ones a day, in each guild and globally; 30034 above."""
        now = now_ns()
        stamps = self._creates.setdefault(scope, deque())
        while stamps and now - stamps[0] >= _DAY_NS:
            stamps.popleft()
        limit = self._knobs.command_creates_per_day
        if len(stamps) + new > limit:
            raise ApiError(
                400, 30034, f"Max number of daily application command creates has been reached ({limit})"
            )
        stamps.extend([now] * new)
