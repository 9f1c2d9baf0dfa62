"""Serves the page: static files, what happens in a guild as events, sound as PCM."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from segue_devkit.demo.sound import pcm_of
from segue_devkit.demo.typed import TypedError
from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from segue_devkit.demo.world import DemoWorld

STATIC = Path(__file__).parent / "static"
EVENTS_EVERY_S = 0.2
CLUSTER_EVERY_S = 0.5

Snapshot = Callable[[], Awaitable[Any]]
_log = structlog.get_logger(__name__)


class DemoServer:
    """The page of one :class:`DemoWorld`. ``pods`` returns the rows of the cluster table."""

    def __init__(self, world: DemoWorld, pods: Callable[[], list[dict[str, Any]]]) -> None:
        self._world = world
        self._pods = pods
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    async def start(self, host: str, port: int) -> str:
        """Listen; return the page's address. Port 0 takes a free one."""
        app = web.Application(middlewares=[_errors])
        app.add_routes(
            [
                web.get("/", self._page),
                web.static("/static", STATIC),
                web.get("/api/world", self._describe),
                web.get("/api/cluster", self._cluster),
                web.get("/api/guilds/{guild}/events", self._events),
                web.get("/api/guilds/{guild}/listen", self._listen),
                web.post("/api/guilds/{guild}/say", self._say),
                web.post("/api/guilds/{guild}/click", self._click),
                web.post("/api/guilds/{guild}/voice", self._voice),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        address = self._runner.addresses[0]
        return f"http://{address[0]}:{address[1]}/"

    async def close(self) -> None:
        """End every stream and stop listening."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    async def _describe(self, _request: web.Request) -> web.Response:
        return web.json_response({"guilds": self._world.describe(), "commands": await self._world.commands()})

    async def _say(self, request: web.Request) -> web.Response:
        await self._world.say(self._guild(request), str((await _body(request)).get("text", "")))
        return web.json_response({})

    async def _click(self, request: web.Request) -> web.Response:
        body = await _body(request)
        message, custom_id = str(body.get("message", "")), str(body.get("custom_id", ""))
        if not message.isdigit():
            raise TypedError("That message has no buttons.")
        if await self._world.click(self._guild(request), int(message), custom_id) is None:
            raise TypedError("That message is gone.")
        return web.json_response({})

    async def _voice(self, request: web.Request) -> web.Response:
        await self._world.voice(self._guild(request), join=bool((await _body(request)).get("join")))
        return web.json_response({})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        guild = self._guild(request)

        sources: dict[str, Snapshot] = {
            "messages": lambda: self._world.messages(guild),
            "voice": lambda: self._world.members(guild),
            "sink": lambda: self._world.heard(guild),
        }
        return await self._stream(request, sources, EVENTS_EVERY_S)

    async def _cluster(self, request: web.Request) -> web.StreamResponse:
        async def pods() -> list[dict[str, Any]]:
            return self._pods()

        return await self._stream(request, {"pods": pods}, CLUSTER_EVERY_S)

    async def _stream(
        self, request: web.Request, sources: dict[str, Snapshot], every_s: float
    ) -> web.StreamResponse:
        """Send each source when what it returns has changed, until the page goes or we stop."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        sent: dict[str, str] = {}
        try:
            while not self._stopping.is_set():
                for name, source in sources.items():
                    text = json.dumps(await source())
                    if sent.get(name) != text:
                        sent[name] = text
                        await response.write(f"event: {name}\ndata: {text}\n\n".encode())
                await asyncio.sleep(every_s)
        except (ConnectionResetError, SimError) as error:
            _log.debug("a page's stream ended", reason=str(error))
        return response

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        guild = self._guild(request)
        socket = web.WebSocketResponse(heartbeat=10)
        await socket.prepare(request)
        sender = asyncio.create_task(self._send_sound(guild, socket))
        stopped = asyncio.create_task(self._stopping.wait())
        gone = asyncio.create_task(_drain(socket))
        try:
            await asyncio.wait({sender, stopped, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sender, stopped, gone):
                task.cancel()
            await asyncio.gather(sender, stopped, gone, return_exceptions=True)
            await socket.close()
        return socket

    async def _send_sound(self, guild: int, socket: web.WebSocketResponse) -> None:
        async for pcm in pcm_of(self._world.discord, self._world.entrances[guild].guild):
            await socket.send_bytes(pcm)

    def _guild(self, request: web.Request) -> int:
        text = request.match_info["guild"]
        if not text.isdigit() or int(text) not in self._world.entrances:
            raise web.HTTPNotFound(text="no such guild")
        return int(text)


async def _drain(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass  # the page says nothing; reading notices when it goes


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        data = await request.json()
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise web.HTTPBadRequest(text="a JSON object is wanted")
    return data


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What a person may do wrong is said in words the page shows."""
    try:
        return await handler(request)
    except (TypedError, SimError) as error:
        return web.json_response({"error": str(error)}, status=409)
