"""What was heard, under /sim: reports, the timecode, and frames as they arrive."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
from typing import TYPE_CHECKING, Final

from aiohttp import web

from segue_devkit.discord.admin.http import BadRequestError, answer, path_id
from segue_devkit.discord.voice import hearing
from segue_devkit.discord.wire import now_ns

if TYPE_CHECKING:
    from segue_devkit.discord.voice.servers import VoiceServers
    from segue_devkit.discord.voice.sink import Frame, GuildSink, Sinks
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World

FRAME_HEADER: Final = struct.Struct(">QII")
"""Arrival (ns, CLOCK_MONOTONIC), SSRC, RTP timestamp; the opus frame follows."""
_QUEUE_FRAMES: Final = 1_000


class AudioCalls:
    """Handlers that listen."""

    def __init__(self, world: World, sinks: Sinks, voice: VoiceServers) -> None:
        self._world = world
        self._sinks = sinks
        self._voice = voice
        self._open: set[web.WebSocketResponse] = set()

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        return [
            web.get("/sinks", self.all),
            web.delete("/sinks", self.reset_all),
            web.get("/guilds/{guild_id}/sink", self.one),
            web.delete("/guilds/{guild_id}/sink", self.reset),
            web.get("/guilds/{guild_id}/audio", self.audio),
        ]

    async def all(self, _request: web.Request) -> web.Response:
        """GET /sim/sinks: every guild's counts without timecode, and the packets of nobody."""
        guilds = {str(guild_id): report(sink) for guild_id, sink in self._sinks.all().items()}
        return answer({"guilds": guilds, "strays": self._voice.strays(), "now_ns": now_ns()})

    async def reset_all(self, _request: web.Request) -> web.Response:
        """DELETE /sim/sinks: count from zero everywhere."""
        for sink in self._sinks.all().values():
            sink.reset()
        return web.Response(status=204)

    async def one(self, request: web.Request) -> web.Response:
        """GET /sim/guilds/{guild_id}/sink?timecode=false: counts, gaps, and which song is where."""
        sink = self._sink(request)
        payload = report(sink)
        payload["timecode"] = None
        if request.query.get("timecode", "true") != "false":
            frames = tuple(sink.frames)
            heard = await asyncio.to_thread(hearing.heard, frames)
            payload["timecode"] = None if heard is None else dataclasses.asdict(heard)
        return answer({**payload, "now_ns": now_ns()})

    async def reset(self, request: web.Request) -> web.Response:
        """DELETE /sim/guilds/{guild_id}/sink: count from zero."""
        self._sink(request).reset()
        return web.Response(status=204)

    async def audio(self, request: web.Request) -> web.WebSocketResponse:
        """WebSocket /sim/guilds/{guild_id}/audio?history_ms=0: one binary message a frame.

        A follower that is slower than the music loses the oldest frames.
        """
        sink = self._sink(request)
        history = request.query.get("history_ms", "0")
        if not history.isdigit():
            raise BadRequestError("history_ms must be a whole number")
        socket = web.WebSocketResponse(compress=False, timeout=1.0)
        await socket.prepare(request)
        queue: asyncio.Queue[Frame] = asyncio.Queue(_QUEUE_FRAMES)

        def hear(frame: Frame) -> None:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(frame)

        since = now_ns() - int(history) * 1_000_000
        for frame in sink.frames:
            if frame.at_ns >= since:
                hear(frame)
        forget = sink.subscribe(hear)
        writer = asyncio.create_task(_write(socket, queue))
        self._open.add(socket)
        try:
            async for _ in socket:
                pass  # followers only listen; the loop ends when they go
        finally:
            forget()
            self._open.discard(socket)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def close(self) -> None:
        """End every follower (the simulator stops)."""
        await asyncio.gather(*(socket.close() for socket in tuple(self._open)))

    def _sink(self, request: web.Request) -> GuildSink:
        return self._sinks.of(self._world.guild(path_id(request, "guild_id")).id)


async def _write(socket: web.WebSocketResponse, queue: asyncio.Queue[Frame]) -> None:
    while True:
        frame = await queue.get()
        await socket.send_bytes(FRAME_HEADER.pack(frame.at_ns, frame.ssrc, frame.timestamp) + frame.opus)


def report(sink: GuildSink) -> Payload:
    """The counts of a sink as JSON."""
    counts = sink.counts
    payload: Payload = {each.name: getattr(counts, each.name) for each in dataclasses.fields(counts)}
    payload["media_gaps"] = [dataclasses.asdict(each) for each in counts.media_gaps]
    payload["wall_gaps"] = [dataclasses.asdict(each) for each in counts.wall_gaps]
    return payload
