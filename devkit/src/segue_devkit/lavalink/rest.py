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
from segue_devkit.lavalink.routeplanner import RoutePlanner, disabled

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
_NO_ROUTE: Final = {404: "No endpoint {method} {path}."}
_METHODS: Final = ("GET", "HEAD", "PATCH", "POST", "DELETE", "PUT", "OPTIONS", "CONNECT", "TRACE")
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "on", "yes", "1"), True),
    **dict.fromkeys(("false", "off", "no", "0"), False),
}
"""What a query parameter may say, in any case."""


def answer(body: Any, status: int = 200) -> web.Response:
    """A JSON answer as compact as the node's."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json")


def _refusal(request: web.Request, error: ApiError) -> web.Response:
    trace = request.query.get("trace", "false").lower() != "false"
    return answer(error.body(request.path, trace=trace), error.status)


def _other_method(request: web.Request, allowed: list[str]) -> web.Response:
    """405 with what is allowed; OPTIONS is answered with just that."""
    if request.method == "OPTIONS":
        return web.Response(headers={"Allow": ",".join([*allowed, "OPTIONS"])})
    response = _refusal(request, ApiError(405, f"Method '{request.method}' is not supported."))
    response.headers["Allow"] = ", ".join(method for method in allowed if method != "HEAD")
    return response


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
        self._planner = None if config.planner is None else RoutePlanner(config.planner)

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
            web.get("/", self.root),
            web.get("/v4/routeplanner/status", self.planner_status),
            web.post("/v4/routeplanner/free/address", self.free_address),
            web.post("/v4/routeplanner/free/all", self.free_all),
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
            response = _refusal(request, error)
        except web.HTTPMethodNotAllowed as error:
            response = _other_method(request, sorted(error.allowed_methods, key=_METHODS.index))
        except web.HTTPException as error:
            message = _NO_ROUTE.get(error.status, error.reason).format(
                method=request.method, path=request.path
            )
            response = _refusal(request, ApiError(error.status, message))
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
            "version": version | {"preRelease": ""},
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

    async def root(self, _request: web.Request) -> web.Response:
        """An empty page."""
        return web.Response()

    async def planner_status(self, _request: web.Request) -> web.Response:
        """The route planner's figures; 204 where none is configured."""
        return web.Response(status=204) if self._planner is None else answer(self._planner.status())

    async def free_address(self, request: web.Request) -> web.Response:
        """An address may be used again."""
        address = requests.address(await _body(request))
        if self._planner is None:
            raise disabled()
        await asyncio.to_thread(self._planner.free, address)
        return web.Response(status=204)

    async def free_all(self, _request: web.Request) -> web.Response:
        """All addresses may be used again."""
        if self._planner is None:
            raise disabled()
        self._planner.free_all()
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
        no_replace = _BOOLEANS.get(request.query.get("noReplace", "false").lower())
        if no_replace is None:
            raise bad_request()
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
    """The JSON of a call.

    Raises:
        ApiError: 400 if it is none, 415 if it does not even say that it is.
    """
    kind = request.content_type
    if kind != "application/json" and not kind.endswith("+json"):
        raise ApiError(415, f"Content-Type '{kind};charset=UTF-8' is not supported.")
    try:
        text = await request.text()
    except (UnicodeDecodeError, LookupError):
        raise bad_request() from None
    return requests.parsed(text)
