"""Serves the page: static files, what happens in a guild, and its sound as PCM."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from yarl import URL

from segue_devkit.demo.feeds import AWAY, Feed, SoundFeed, Source
from segue_devkit.demo.sound import blocks_of
from segue_devkit.demo.typed import TypedError
from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_devkit.demo.world import DemoWorld

STATIC = Path(__file__).parent / "static"
MESSAGES_EVERY_S, VOICE_EVERY_S, SINK_EVERY_S = 3.0, 0.5, 0.5
PODS_EVERY_S, COMMANDS_EVERY_S = 0.5, 3.0
_HEARTBEAT_S = 10.0


class DemoServer:
    """The page of one :class:`DemoWorld`. ``pods`` returns the rows of the cluster table."""

    def __init__(self, world: DemoWorld, pods: Callable[[], list[dict[str, Any]]]) -> None:
        self._world = world
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._feeds = {guild: _guild_feed(world, guild) for guild in world.entrances}
        self._sounds = {
            guild: SoundFeed(partial(blocks_of, world.discord, entrance.guild))
            for guild, entrance in world.entrances.items()
        }
        self._cluster = _cluster_feed(world, pods)

    async def start(self, host: str, port: int) -> str:
        """Listen; return the page's address. Port 0 takes a free one."""
        app = web.Application(middlewares=[_errors, _own_pages])
        app.add_routes(
            [
                web.get("/", self._page),
                web.static("/static", STATIC),
                web.get("/api/world", self._describe),
                web.get("/api/guilds/{guild}/live", self._live),
                web.get("/api/guilds/{guild}/listen", self._listen),
                web.post("/api/guilds/{guild}/say", self._say),
                web.post("/api/guilds/{guild}/click", self._click),
                web.post("/api/guilds/{guild}/voice", self._voice),
            ]
        )
        app.on_response_prepare.append(_revalidated)
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
        return web.FileResponse(STATIC / "index.html")

    async def _describe(self, _request: web.Request) -> web.Response:
        return web.json_response({"guilds": self._world.describe(), "tunes": self._world.tunes()})

    async def _say(self, request: web.Request) -> web.Response:
        guild = self._guild(request)
        await self._world.say(guild, str((await _body(request)).get("text", "")))
        return web.json_response({})

    async def _click(self, request: web.Request) -> web.Response:
        guild, body = self._guild(request), await _body(request)
        message, values = str(body.get("message", "")), body.get("values", [])
        if not (message.isascii() and message.isdigit()) or not isinstance(values, list):
            raise TypedError("That message has no buttons.")
        chosen = tuple(str(value) for value in values)
        await self._world.click(guild, int(message), str(body.get("custom_id", "")), chosen)
        return web.json_response({})

    async def _voice(self, request: web.Request) -> web.Response:
        guild = self._guild(request)
        await self._world.voice(guild, join=bool((await _body(request)).get("join")))
        self._feeds[guild].hint()
        return web.json_response({})

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        """Everything the page shows, as ``{"name": …, "data": …}`` when it changes.

        A WebSocket and not server-sent events: of those a browser opens six to a host, in all its tabs.
        """
        feed = self._feeds[self._guild(request)]
        return await self._serve(request, lambda socket: (_tell(feed, socket), _tell(self._cluster, socket)))

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        """Sound as it arrives at the voice server: blocks of :mod:`segue_devkit.demo.sound`."""
        sound = self._sounds[self._guild(request)]
        return await self._serve(request, lambda socket: (_play(sound, socket),))

    async def _serve(
        self, request: web.Request, work: Callable[[web.WebSocketResponse], tuple[Awaitable[None], ...]]
    ) -> web.WebSocketResponse:
        """Do ``work`` until the page goes, one part of it ends, or we stop."""
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, compress=False)
        await socket.prepare(request)
        parts = (*work(socket), self._stopping.wait(), _drain(socket))
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await socket.close()
        return socket

    def _guild(self, request: web.Request) -> int:
        text = request.match_info["guild"]
        if not (text.isascii() and text.isdigit()) or int(text) not in self._feeds:
            raise web.HTTPNotFound(text="There is no such server.")
        return int(text)


def _guild_feed(world: DemoWorld, guild: int) -> Feed:
    sources = (
        Source("messages", partial(world.messages, guild), MESSAGES_EVERY_S, hinted=True),
        Source("voice", partial(world.members, guild), VOICE_EVERY_S, hinted=True),
        Source("sink", partial(world.heard, guild), SINK_EVERY_S),
    )
    return Feed(sources, partial(world.happenings, guild))


def _cluster_feed(world: DemoWorld, pods: Callable[[], list[dict[str, Any]]]) -> Feed:
    async def rows() -> list[dict[str, Any]]:
        return pods()

    sources = (Source("pods", rows, PODS_EVERY_S), Source("commands", world.commands, COMMANDS_EVERY_S))
    return Feed(sources)


async def _tell(feed: Feed, socket: web.WebSocketResponse) -> None:
    async with contextlib.aclosing(feed.watch()) as news:
        async for name, text in news:
            await socket.send_str(f'{{"name": "{name}", "data": {text}}}')


async def _play(sound: SoundFeed, socket: web.WebSocketResponse) -> None:
    async with contextlib.aclosing(sound.listen()) as blocks:
        async for block in blocks:
            await socket.send_bytes(block)


async def _drain(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass  # the page says nothing; reading notices when it goes


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        data = await request.json()
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise web.HTTPBadRequest(text="A JSON object is wanted.")
    return data


async def _revalidated(_request: web.Request, response: web.StreamResponse) -> None:
    """Files of another version must not be mixed with these."""
    response.headers.setdefault("Cache-Control", "no-cache")


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What a person may do wrong is said in words the page shows."""
    try:
        return await handler(request)
    except (TypedError, SimError) as error:
        return web.json_response({"error": str(error)}, status=409)
    except AWAY:
        return web.json_response({"error": "The simulated Discord does not answer right now."}, status=503)
    except web.HTTPError as error:
        return web.json_response({"error": error.text or error.reason}, status=error.status)


@web.middleware
async def _own_pages(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """No other site that is open in the browser may use the demo."""
    origin = request.headers.get("Origin")
    if origin is not None and URL(origin).authority != request.host:
        raise web.HTTPForbidden(text="This page belongs to another site.")
    return await handler(request)
