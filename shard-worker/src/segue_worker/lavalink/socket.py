"""One WebSocket to one node: dialling it, hearing it, and noticing that it has gone quiet."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from segue_core.ids import NodeId, NodeSessionId, UserId
from segue_core.logging import get_logger
from segue_worker.lavalink.errors import MalformedFrameError, NodeProtocolError, NodeUnreachableError
from segue_worker.lavalink.rest import transport_error
from segue_worker.lavalink.wire import Frame, Ready, UnknownFrame, parse_frame

_log = get_logger(__name__)

_CLOSED: Final = frozenset(
    {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
)
_KNOWN_ODDITIES: Final = 200
_EARLY_FRAMES: Final = 64
_LARGEST_FRAME: Final = 16 << 20
"""Bytes; aiohttp ends a socket that sends more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who we say we are when we dial. Lavalink refuses a ``user`` of 0."""

    user: UserId
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTiming:
    """Seconds. A node that sends neither frame nor pong for ``silence`` is taken for hung.

    ``dial`` covers TCP, the handshake and the node's ``ready``; ``closing`` its answer to our close.
    """

    dial: float = 0.5
    ping: float = 0.3
    silence: float = 1.5
    closing: float = 0.2


class SocketClosedError(Exception):
    """The socket is closed; the session may be parked and play on."""


class SocketSilentError(Exception):
    """The socket is open and the node says nothing: it hangs, or its machine is lost."""


class OddityLog:
    """Logs each thing we don't understand once, and stays small whatever a node sends."""

    def __init__(self, node: NodeId) -> None:
        self._node = node
        self._seen: set[str] = set()

    def note(self, what: str) -> None:
        """Log ``what`` unless it was."""
        if what not in self._seen and len(self._seen) < _KNOWN_ODDITIES:
            self._seen.add(what)
            _log.info("lavalink.passed_over", node=self._node, what=what)


class NodeSocket:
    """An open WebSocket whose ``ready`` was read. One reader at a time.

    ``heard_at``: when the node last said anything, a pong included, ``time.monotonic`` seconds.
    """

    def __init__(
        self,
        node: NodeId,
        websocket: aiohttp.ClientWebSocketResponse,
        timing: SocketTiming,
        oddities: OddityLog,
    ) -> None:
        self.node = node
        self.heard_at = time.monotonic()
        self._websocket = websocket
        self._timing = timing
        self._oddities = oddities
        self._early: deque[Frame] = deque()
        self._quiet_pings = 0
        self._receiving: asyncio.Task[aiohttp.WSMessage] | None = None
        self.ready: Ready

    @classmethod
    async def dial(
        cls,
        node: NodeId,
        address: str,
        caller: Caller,
        previous: NodeSessionId | None,
        http: aiohttp.ClientSession,
        *,
        timing: SocketTiming,
        oddities: OddityLog,
    ) -> NodeSocket:
        """Connect, asking for ``previous`` back where there is one, and wait for ``ready``.

        Whether it came back stands in ``ready.resumed``; the header of that name is not to be trusted.

        Raises:
            NodeError: of the kind that fits.
        """
        headers = {"Authorization": caller.password, "User-Id": str(caller.user), "Client-Name": caller.name}
        if previous is not None:
            headers["Session-Id"] = previous
        try:
            async with asyncio.timeout(timing.dial):
                websocket = await http.ws_connect(
                    f"ws://{address}/v4/websocket",
                    headers=headers,
                    autoping=False,
                    max_msg_size=_LARGEST_FRAME,
                    timeout=aiohttp.ClientWSTimeout(ws_close=timing.closing),
                )
                socket = cls(node, websocket, timing, oddities)
                try:
                    await socket._read_ready()
                except BaseException:
                    await socket.close()
                    raise
        except SocketClosedError as error:
            raise NodeUnreachableError(node, "it closed the WebSocket before it was ready") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise transport_error(node, error) from error
        return socket

    async def _read_ready(self) -> None:
        # stats may come first
        while True:
            frame = await self._understood(await self._receive())
            if isinstance(frame, Ready):
                self.ready = frame
                return
            if frame is not None:
                self._early.append(frame)
            if len(self._early) > _EARLY_FRAMES:
                raise NodeProtocolError(self.node, "it talks and never says that it is ready")

    async def next_frame(self) -> Frame:
        """Return the next frame we understand; pings the node whenever it is quiet.

        Raises:
            SocketClosedError: it closed, or broke.
            SocketSilentError: neither frame nor pong for ``silence``. The socket is still open.
        """
        if self._early:
            return self._early.popleft()
        while True:
            message = await self._receive(self._timing.ping)
            if message is None:
                await self._ping()
                continue
            self._quiet_pings = 0
            self.heard_at = time.monotonic()
            frame = await self._understood(message)
            if frame is not None:
                return frame

    async def wait_for_word(self) -> None:
        """Wait until a node that was silent says anything at all.

        Raises:
            SocketClosedError: it closed instead.
        """
        message = await self._receive()
        if message is None or message.type in _CLOSED:
            raise SocketClosedError

    async def close(self) -> None:
        """Close and wait a moment for the answer. With resuming on, the session parks."""
        await self._websocket.close()
        if self._receiving is not None:
            await asyncio.wait({self._receiving})

    async def _receive(self, patience: float | None = None) -> aiohttp.WSMessage | None:
        # A receive that is cancelled or times out makes aiohttp skip the closing handshake later, and a
        # hand-off has to see that handshake through. So the receive goes on, and only our waiting ends.
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._websocket.receive())
        done, _ = await asyncio.wait({self._receiving}, timeout=patience)
        if not done:
            return None
        received, self._receiving = self._receiving, None
        return received.result()

    async def _ping(self) -> None:
        # Counted in pings, not by the clock: when our own loop stood still, the node's words wait in the
        # socket and one ping went unanswered, whatever the clock says.
        self._quiet_pings += 1
        if self._quiet_pings * self._timing.ping >= self._timing.silence:
            raise SocketSilentError
        try:
            await self._websocket.ping()
        except (aiohttp.ClientError, OSError) as error:
            raise SocketClosedError from error

    async def _understood(self, message: aiohttp.WSMessage | None) -> Frame | None:
        if message is None or message.type in _CLOSED:
            raise SocketClosedError
        if message.type is aiohttp.WSMsgType.PING:
            await self._websocket.pong(message.data)
            return None
        if message.type is not aiohttp.WSMsgType.TEXT:
            return None
        try:
            frame = parse_frame(message.data)
        except MalformedFrameError as error:
            self._oddities.note(str(error)[:200])
            return None
        if isinstance(frame, UnknownFrame):
            self._oddities.note(frame.what)
            return None
        return frame
