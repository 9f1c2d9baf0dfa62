"""A WebSocket that is served: read by one task, closed or cut by anybody, with the code that was meant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import WSMessage, web

ABNORMAL_CLOSURE = 1006


class ServedSocket:
    """Wraps an accepted WebSocket.

    aiohttp closes the transport at once when ``close`` interrupts a waiting reader, and the peer may
    then never see the close frame. Here a close first ends the reader, then shakes hands properly.
    """

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._socket = socket
        self._transport = transport
        self._reader: asyncio.Task[None] | None = None
        self._closing: tuple[int, str] | None = None
        self.close_code: int | None = None
        """Set once closing: ours if we closed, else the peer's, 1006 for a lost connection."""

    @property
    def closed_by_peer(self) -> bool:
        """True if it is closed, and not by us."""
        return self.close_code is not None and self._closing is None

    async def serve(self, handle: Callable[[WSMessage], Awaitable[None]]) -> None:
        """Hand every message to ``handle`` until the socket is closed by either side."""
        self._reader = asyncio.create_task(self._read(handle))
        if self._closing is not None:
            self._reader.cancel()
        try:
            await asyncio.wait({self._reader})
        finally:
            self._reader.cancel()
        if self._closing is not None:
            code, reason = self._closing
            await self._socket.close(code=code, message=reason.encode())
        elif self.close_code is None:
            self.close_code = self._socket.close_code or ABNORMAL_CLOSURE
        if not self._reader.cancelled():
            self._reader.result()

    async def _read(self, handle: Callable[[WSMessage], Awaitable[None]]) -> None:
        async for message in self._socket:
            await handle(message)

    async def send(self, data: str | bytes) -> None:
        """One text or binary message; ConnectionError if the peer is gone."""
        if isinstance(data, str):
            await self._socket.send_str(data)
        else:
            await self._socket.send_bytes(data)

    def close(self, code: int, reason: str) -> None:
        """Close from our side; only the first call counts."""
        if self._closing is None and self.close_code is None:
            self._closing = (code, reason)
            self.close_code = code
            if self._reader is not None:
                self._reader.cancel()

    def abort(self) -> None:
        """Cut the TCP connection without a closing handshake."""
        self.close_code = ABNORMAL_CLOSURE
        if self._transport is not None:
            self._transport.abort()
