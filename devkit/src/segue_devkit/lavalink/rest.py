"""REST v4: routes, authorisation, and the form of answers and refusals."""

from __future__ import annotations

import asyncio
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from segue_devkit.lavalink import requests
from segue_devkit.lavalink.config import FILTERS
from segue_devkit.lavalink.errors import ApiError, bad_request
from segue_devkit.lavalink.requests import Omitted

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from segue_devkit.lavalink.config import NodeConfig
    from segue_devkit.lavalink.patching import Patcher
    from segue_devkit.lavalink.sessions import Sessions
    from segue_devkit.lavalink.sources import Sources
    from segue_devkit.lavalink.stats import Stats

VERSION: Final = "4.2.2"
WEBSOCKET: Final = "/v4/websocket"
_MAX_LONG: Final = (1 << 63) - 1
_NO_ROUTE: Final = {404: "No endpoint {method} {path}.", 405: "Method '{method}' is not supported."}


def answer(body: Any, status: int = 200) -> web.Response:
    """A JSON answer as compact as the node's."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json")


class Rest:
    """The handlers."""

    def __init__(
        self, config: NodeConfig, sources: Sources, sessions: Sessions, patcher: Patcher, stats: Stats
    ) -> None:
        self._config = config
        self._sources = sources
        self._sessions = sessions
        self._patcher = patcher
        self._stats = stats

    def routes(self) -> list[web.RouteDef]:
        """All routes but the WebSocket's."""
        session = "/v4/sessions/{session}"
        player = session + "/players/{guild}"
        return [
            web.get("/version", self.version),
            web.get("/v4/info", self.info),
            web.get("/v4/stats", self.stats),
            web.get("/v4/loadtracks", self.load),
            web.get("/v4/decodetrack", self.decode),
            web.post("/v4/decodetracks", self.decode_many),
            web.get("/v4/routeplanner/status", self.no_route_planner),
            web.patch(session, self.patch_session),
            web.get(session + "/players", self.players),
            web.get(player, self.player),
            web.patch(player, self.patch_player),
            web.delete(player, self.delete_player),
        ]

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Password first; refusals in Spring's form."""
        password = request.headers.get("Authorization")
        if password is None or not hmac.compare_digest(password.encode(), self._config.password.encode()):
            bare = password is None or request.path == WEBSOCKET
            return web.Response(status=401 if bare else 403, headers={"Lavalink-Api-Version": "4"})
        foreseen = True
        try:
            response = await handler(request)
        except ApiError as error:
            foreseen = error.foreseen
            response = answer(error.body(request.path), error.status)
        except web.HTTPException as error:
            message = _NO_ROUTE.get(error.status, error.reason).format(
                method=request.method, path=request.path
            )
            response = answer(ApiError(error.status, message).body(request.path), error.status)
        if foreseen and not response.prepared:
            response.headers["Lavalink-Api-Version"] = "4"
        return response

    async def version(self, _request: web.Request) -> web.Response:
        """The version as plain text."""
        return web.Response(text=VERSION)

    async def info(self, _request: web.Request) -> web.Response:
        """What this is; says in `git.branch` that it is a stand-in."""
        major, minor, patch = map(int, VERSION.split("."))
        version = {"semver": VERSION, "major": major, "minor": minor, "patch": patch}
        filters = [name for name in FILTERS if name not in self._config.disabled_filters]
        return answer({
            "version": version | {"preRelease": None, "build": None},
            "buildTime": 0,
            "git": {"branch": "stand-in", "commit": "unknown", "commitTime": 0},
            "jvm": "none",
            "lavaplayer": "none",
            "sourceManagers": self._sources.names,
            "filters": filters,
            "plugins": [],
        })  # fmt: skip

    async def stats(self, _request: web.Request) -> web.Response:
        """The node's figures, without frames."""
        return answer(self._stats.collect(self._sessions, None))

    async def load(self, request: web.Request) -> web.Response:
        """Look an identifier up."""
        identifier = request.query.get("identifier")
        if identifier is None:
            raise bad_request("Required parameter 'identifier' is not present.")
        return answer((await asyncio.to_thread(self._sources.load, identifier)).to_json())

    async def decode(self, request: web.Request) -> web.Response:
        """One encoded track as JSON."""
        encoded = request.query.get("encodedTrack", request.query.get("track"))
        if encoded is None:
            raise bad_request("No track to decode provided")
        return answer(self._sources.decode(encoded).to_json())

    async def decode_many(self, request: web.Request) -> web.Response:
        """Several encoded tracks as JSON."""
        wanted = requests.encoded_tracks(await _body(request))
        return answer([self._sources.decode(encoded).to_json() for encoded in wanted])

    async def no_route_planner(self, _request: web.Request) -> web.Response:
        """There is none, as on a node that has none configured."""
        return web.Response(status=204)

    async def patch_session(self, request: web.Request) -> web.Response:
        """Resuming on or off, and for how long."""
        resuming, timeout = requests.session_patch(await _body(request))
        session = self._sessions.get(request.match_info["session"])
        if not isinstance(resuming, Omitted):
            session.resuming = resuming
        if not isinstance(timeout, Omitted):
            session.timeout_s = timeout
        return answer({"resuming": session.resuming, "timeout": session.timeout_s})

    async def players(self, request: web.Request) -> web.Response:
        """All players of a session."""
        session = self._sessions.get(request.match_info["session"])
        return answer([player.to_json() for player in session.players.values()])

    async def player(self, request: web.Request) -> web.Response:
        """One player."""
        guild = _guild(request)
        return answer(self._sessions.get(request.match_info["session"]).known_player(guild).to_json())

    async def patch_player(self, request: web.Request) -> web.Response:
        """Change a player; makes it if needed."""
        guild, patch = _guild(request), requests.player_patch(await _body(request))
        session = self._sessions.get(request.match_info["session"])
        no_replace = request.query.get("noReplace", "false").lower() == "true"
        return answer(await self._patcher.apply(session, guild, patch, no_replace=no_replace))

    async def delete_player(self, request: web.Request) -> web.Response:
        """End a player; fine if there is none."""
        guild = _guild(request)
        self._sessions.get(request.match_info["session"]).destroy_player(guild)
        return web.Response(status=204)


def _guild(request: web.Request) -> int:
    text = request.match_info["guild"]
    try:
        guild = int(text)
    except ValueError:
        raise bad_request() from None
    if abs(guild) > _MAX_LONG:
        raise bad_request()
    return guild


async def _body(request: web.Request) -> Any:
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise bad_request() from None
