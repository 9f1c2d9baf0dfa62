"""Following what happens: Server-Sent Events for messages and voice states."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord.admin import views
from segue_devkit.discord.admin.http import path_id, query_id
from segue_devkit.discord.wire import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.world import Event, World

_KEEPALIVE_S = 10
_FOLLOWED = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "VOICE_STATE_UPDATE"})


class StreamCalls:
    """Handlers that never end by themselves."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: set[asyncio.Queue[str | None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        return [
            web.get("/channels/{channel_id}/events", self.channel),
            web.get("/guilds/{guild_id}/events", self.guild),
        ]

    async def channel(self, request: web.Request) -> web.StreamResponse:
        """Messages of a channel as they come and change; ``?person=`` narrows to what one person sees."""
        channel = self._world.channel(path_id(request, "channel_id"))
        viewer = query_id(request, "person")

        def wanted(event: Event) -> bool:
            message = event.message
            if message is None or message.channel_id != channel.id:
                return False
            return viewer is None or message.ephemeral_for in {None, viewer}

        return await self._follow(request, wanted)

    async def guild(self, request: web.Request) -> web.StreamResponse:
        """Messages and voice states of a guild."""
        guild = self._world.guild(path_id(request, "guild_id"))
        return await self._follow(request, lambda event: event.guild_id == guild.id)

    def close(self) -> None:
        """End every stream (the simulator stops)."""
        for queue in self._open:
            queue.put_nowait(None)

    async def _follow(self, request: web.Request, wanted: Callable[[Event], bool]) -> web.StreamResponse:
        queue: asyncio.Queue[str | None] = asyncio.Queue()

        def hear(event: Event) -> None:
            if event.name in _FOLLOWED and wanted(event):
                data = event.data if event.message is None else views.message(event.message)
                queue.put_nowait(f"event: {event.name}\ndata: {dumps(data)}\n\n")

        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        forget = self._world.subscribe(hear)
        self._open.add(queue)
        try:
            await response.write(b": following\n\n")
            while (text := await _next(queue)) is not None:
                await response.write(text.encode())
        except ConnectionResetError:
            return response  # the follower went away
        finally:
            forget()
            self._open.discard(queue)
        return response


async def _next(queue: asyncio.Queue[str | None]) -> str | None:
    try:
        async with asyncio.timeout(_KEEPALIVE_S):
            return await queue.get()
    except TimeoutError:
        return ": still here\n\n"
