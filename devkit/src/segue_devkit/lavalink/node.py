"""The node: its parts put together, its WebSocket, and its orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import web

from segue_devkit.lavalink import rest
from segue_devkit.lavalink.audio.library import Library
from segue_devkit.lavalink.audio.opus import FRAME_MS
from segue_devkit.lavalink.audio.shelf import Shelf
from segue_devkit.lavalink.patching import Patcher
from segue_devkit.lavalink.playback import Limits
from segue_devkit.lavalink.player import PlayerParts
from segue_devkit.lavalink.sessions import Session, Sessions
from segue_devkit.lavalink.sources import Sources
from segue_devkit.lavalink.stats import Stats
from segue_devkit.lavalink.voice.connection import VoiceClient
from segue_devkit.lavalink.voice.port import UdpPort
from segue_devkit.lavalink.voice.sender import Sender

if TYPE_CHECKING:
    from segue_devkit.lavalink.config import NodeConfig

_LOG: Final = logging.getLogger("segue.lavalink")
_STATS_S: Final = 60.0
_CLEANUP_S: Final = 10.0
_CONNECT_S: Final = 30.0
_NO_UPGRADE: Final = 'Can "Upgrade" only to "WebSocket".'


class Node:
    """A running node; `start` opens the port, `close` ends it as SIGTERM does."""

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        sources = Sources(http=config.http, local=config.local, tunes_url=config.tunes_url)
        self._library = Library(sources, Shelf(config.tunes_cache))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
        self.sender = Sender()
        connector = aiohttp.TCPConnector(limit=0)
        self._voice = VoiceClient(
            aiohttp.ClientSession(connector=connector, timeout=timeout),
            UdpPort(),
            self.sender,
            max(1, config.buffer_ms // FRAME_MS),
        )
        limits = Limits(max(1, config.frame_buffer_ms // FRAME_MS), config.stuck_ms / 1000)
        parts = PlayerParts(self._library, self._voice, limits, config.player_update_ms, config.stuck_ms)
        self._sessions = Sessions(parts)
        self._stats = Stats()
        patcher = Patcher(sources, config.disabled_filters)
        api = rest.Rest(config, sources, self._sessions, patcher, self._stats)
        app = web.Application(middlewares=[api.guard])
        app.add_routes([*api.routes(), web.get(rest.WEBSOCKET, self._websocket)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._cleaner: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Open the port.

        Raises:
            OSError: it is taken, or the address is not ours.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._config.address, self._config.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._cleaner = asyncio.create_task(self._clean_up())

    async def close(self) -> None:
        """Tell every client 1001, end players and voice, close the port."""
        if self._cleaner is not None:
            self._cleaner.cancel()
        await self._sessions.close()
        await self._runner.cleanup()
        await self._voice.close()
        self._library.close()
        figures = self.sender.figures
        if figures.packets:
            _LOG.info(
                "sent %d packets in %d ticks; a tick began at most %.1f ms and ended at most %.1f ms late",
                figures.packets,
                figures.ticks,
                figures.worst_start_ns / 1e6,
                figures.worst_end_ns / 1e6,
            )

    async def _clean_up(self) -> None:
        while True:
            await asyncio.sleep(_CLEANUP_S)
            for session in self._sessions.everyone():
                for player in list(session.players.values()):
                    player.clean_up(time.monotonic())

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        wanted = request.headers.get("Session-Id")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            resumable = str(self._sessions.resumable(wanted)).lower()
            return web.Response(status=400, text=_NO_UPGRADE, headers={"Session-Resumed": resumable})
        user_id = request.headers.get("User-Id", "")
        if not user_id.isdecimal() or int(user_id) == 0:
            return web.Response(status=400)
        socket = web.WebSocketResponse(compress=False)
        # As recorded: the header says false even where the greeting says that the session was resumed.
        socket.headers["Session-Resumed"] = "false"
        socket.headers["Lavalink-Api-Version"] = "4"
        await socket.prepare(request)
        session, resumed = self._sessions.enter(wanted, user_id)
        _LOG.info("session %s of user %s %s", session.id, user_id, "resumed" if resumed else "opened")
        writer = asyncio.create_task(session.serve(socket, resumed=resumed))
        stats = asyncio.create_task(self._send_stats(session))
        try:
            async for _ in socket:
                # What a client says on this socket means nothing in v4.
                continue
        finally:
            for task in (writer, stats):
                task.cancel()
            self._sessions.leave(session)
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await writer
        return socket

    async def _send_stats(self, session: Session) -> None:
        while True:
            figures = self._stats.collect(self._sessions, session.players.values())
            session.send({"op": "stats", **figures})
            await asyncio.sleep(_STATS_S)
