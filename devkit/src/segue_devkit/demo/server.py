"""Serves the page: static files, what happens in a guild and in the cluster, and a guild's sound as PCM."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.demo.feeds import Feed, SoundFeed, Source
from segue_devkit.demo.guards import Headers, errors, own_pages
from segue_devkit.demo.people import MAX_FILE_BYTES, Acting
from segue_devkit.demo.routes import SEAT, Routes, seat_of
from segue_devkit.demo.sound import blocks_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from segue_devkit.demo.cluster import Sight
    from segue_devkit.demo.world import DemoWorld, Seat
    from segue_devkit.discord.client import SimGuild

STATIC = Path(__file__).parent / "static"
MESSAGES_EVERY_S, VOICE_EVERY_S, SINK_EVERY_S = 3.0, 0.5, 0.5
PODS_EVERY_S, CLUSTER_EVERY_S, LATELY_EVERY_S, COMMANDS_EVERY_S = 0.5, 0.5, 0.5, 3.0
_HEARTBEAT_S = 10.0


class DemoServer:
    """The page of one :class:`DemoWorld`.

    ``sight`` is the cluster behind it, if there is one; ``pictures`` are the origins that artwork and
    attachments come from, beyond which the page loads nothing.
    """

    def __init__(self, world: DemoWorld, sight: Sight | None = None, pictures: Iterable[str] = ()) -> None:
        self._world = world
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._seats = {seat: _seat_feed(world, seat) for seat in world.seats}
        self._guilds = {guild.id: _guild_feed(world, guild) for guild in world.guilds.values()}
        self._cluster = _cluster_feed(world, sight)
        self._sounds = {
            guild.id: SoundFeed(partial(blocks_of, world.discord, guild)) for guild in world.guilds.values()
        }
        self._routes = Routes(world, Acting(world), sight, self._hint)
        self._headers = Headers(pictures)

    async def start(self, host: str, port: int) -> str:
        """Listen; return the page's address. Port 0 takes a free one."""
        app = web.Application(middlewares=[errors, own_pages], client_max_size=MAX_FILE_BYTES)
        app.add_routes(
            [
                web.get("/", self._page),
                web.static("/static", STATIC),
                web.get(f"{SEAT}/live", self._live),
                web.get(f"{SEAT}/listen", self._listen),
                *self._routes.table(),
            ]
        )
        app.on_response_prepare.append(self._headers.put)
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

    def _hint(self, guild: int) -> None:
        self._guilds[guild].hint()

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        """Everything the page shows, as ``{"name": …, "data": …}`` when it changes.

        A WebSocket and not server-sent events: of those a browser opens six to a host, in all its tabs.
        """
        seat = seat_of(self._world, request)
        feeds = (self._seats[seat], self._guilds[seat.guild.id], self._cluster)
        return await self._serve(request, lambda socket: tuple(_tell(feed, socket) for feed in feeds))

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        """Sound as it arrives at the voice server: blocks of :mod:`segue_devkit.demo.sound`."""
        sound = self._sounds[seat_of(self._world, request).guild.id]
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


def _seat_feed(world: DemoWorld, seat: Seat) -> Feed:
    messages = Source("messages", partial(world.messages, seat), MESSAGES_EVERY_S, hinted=True)
    return Feed((messages,), partial(world.happenings, seat), name="messages")


def _guild_feed(world: DemoWorld, guild: SimGuild) -> Feed:
    sources = (
        Source("voice", partial(world.members, guild), VOICE_EVERY_S, hinted=True),
        Source("sink", partial(world.heard, guild), SINK_EVERY_S),
    )
    return Feed(sources, name="voice")


def _cluster_feed(world: DemoWorld, sight: Sight | None) -> Feed:
    sources = [Source("commands", world.commands, COMMANDS_EVERY_S)]
    if sight is not None:
        sources += [
            Source("pods", sight.pods, PODS_EVERY_S),
            Source("cluster", sight.cluster, CLUSTER_EVERY_S),
            Source("lately", sight.lately, LATELY_EVERY_S),
        ]
    return Feed(sources, name="cluster")


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
