"""One gateway socket: opcodes in, messages out, and the close codes for what goes wrong."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from aiohttp import WSMsgType

from segue_devkit.discord.gateway.compression import Plain, ZlibPayload
from segue_devkit.discord.gateway.limits import Window
from segue_devkit.discord.gateway.protocol import MAX_PAYLOAD, Close, GatewayError, Op
from segue_devkit.discord.wire import Payload, dumps, loads, now_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import WSMessage

    from segue_devkit.discord.gateway.compression import Encoder
    from segue_devkit.discord.gateway.session import Session
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.served import ServedSocket
    from segue_devkit.discord.weather import Weather


class Desk(Protocol):
    """Who carries out what a client asks for."""

    @property
    def knobs(self) -> Knobs:
        """Limits and times."""

    @property
    def weather(self) -> Weather:
        """What the network in between does."""

    async def identify(self, connection: Connection, body: Payload) -> None:
        """Op 2."""

    async def resume(self, connection: Connection, body: Payload) -> None:
        """Op 6."""

    def voice_state(self, session: Session, body: Payload) -> None:
        """Op 4."""

    def request_members(self, session: Session, body: Payload) -> None:
        """Op 8."""


class Connection:
    """Reads one socket until it closes; writes from a queue, so that nobody waits for a slow client."""

    def __init__(self, hub: Desk, socket: ServedSocket, encoder: Encoder) -> None:
        self._hub = hub
        self._socket = socket
        self._encoder = encoder
        self._queue: deque[tuple[int, str, Callable[[int], None] | None]] = deque()
        self._due = 0
        self._ready = asyncio.Event()
        self._sends = Window(hub.knobs.gateway_sends, hub.knobs.gateway_sends_window_ms)
        self._zombie: asyncio.TimerHandle | None = None
        self.session: Session | None = None

    @property
    def close_code(self) -> int | None:
        """What closed the socket; None while it is open."""
        return self._socket.close_code

    @property
    def compression(self) -> str:
        """What the client asked for: zlib-stream, zstd-stream, identify (of large payloads) or none."""
        return self._encoder.name

    async def run(self) -> None:
        """Serve the socket; returns when it is closed, with ``close_code`` set."""
        writer = asyncio.create_task(self._write())
        self._heard_heartbeat()
        self.send(dumps({"op": Op.HELLO, "d": {"heartbeat_interval": self._hub.knobs.heartbeat_interval_ms}}))
        try:
            await self._socket.serve(self._took)
        finally:
            if self._zombie is not None:
                self._zombie.cancel()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    # ---- out -------------------------------------------------------------------------------------

    def send(self, text: str, on_sent: Callable[[int], None] | None = None) -> None:
        """Queue a message; ``on_sent`` gets the time it was written (ns, monotonic)."""
        self._due = max(self._due, now_ns() + self._hub.weather.gateway_delay_ns())  # TCP keeps the order
        self._queue.append((self._due, text, on_sent))
        self._ready.set()

    def close(self, code: int, reason: str = "") -> None:
        """Close from our side with a code."""
        self._socket.close(code, reason)

    def abort(self) -> None:
        """Cut the TCP connection without a closing handshake."""
        self._socket.abort()

    def leave(self) -> None:
        """The session is somebody else's, or nobody's, from now on."""
        self.session = None

    def compress_payloads(self) -> None:
        """IDENTIFY asked for payload compression; transport compression takes precedence."""
        if isinstance(self._encoder, Plain):
            self._encoder = ZlibPayload()

    async def _write(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._queue:
                due, text, on_sent = self._queue.popleft()
                wait = due - now_ns()
                if wait > 0:
                    await asyncio.sleep(wait / 1e9)
                await self._write_one(text)
                if on_sent is not None:
                    on_sent(now_ns())

    async def _write_one(self, text: str) -> None:
        try:
            await self._socket.send(self._encoder.encode(text))
        except ConnectionError:
            self._queue.clear()  # the reader notices the loss; a RESUME replays what was queued

    # ---- in --------------------------------------------------------------------------------------

    async def _took(self, message: WSMessage) -> None:
        if message.type is not WSMsgType.TEXT and message.type is not WSMsgType.BINARY:
            return
        try:
            await self._handle(message.data)
        except GatewayError as error:
            self.close(error.code, error.reason)

    async def _handle(self, data: str | bytes) -> None:
        if not self._sends.take(now_ns()):
            raise GatewayError(Close.RATE_LIMITED, "You are sending payloads too quickly.")
        payload = _decoded(data)
        op, body = payload.get("op"), payload.get("d")
        if op == Op.HEARTBEAT:
            self._heard_heartbeat()
            self.send(dumps({"op": Op.HEARTBEAT_ACK, "d": None}))
        elif op == Op.IDENTIFY:
            self._refuse_twice()
            await self._hub.identify(self, _object(body))
        elif op == Op.RESUME:
            self._refuse_twice()
            await self._hub.resume(self, _object(body))
        elif op == Op.VOICE_STATE_UPDATE:
            self._hub.voice_state(self._authenticated(), _object(body))
        elif op == Op.REQUEST_GUILD_MEMBERS:
            self._hub.request_members(self._authenticated(), _object(body))
        elif op in {Op.PRESENCE_UPDATE, Op.REQUEST_SOUNDBOARD_SOUNDS}:
            self._authenticated()
        else:
            raise GatewayError(Close.UNKNOWN_OPCODE, "Unknown opcode.")

    def _refuse_twice(self) -> None:
        if self.session is not None:
            raise GatewayError(Close.ALREADY_AUTHENTICATED, "Already authenticated.")

    def _authenticated(self) -> Session:
        if self.session is None:
            raise GatewayError(Close.NOT_AUTHENTICATED, "Not authenticated.")
        return self.session

    def _heard_heartbeat(self) -> None:
        if self._zombie is not None:
            self._zombie.cancel()
        knobs = self._hub.knobs
        wait = knobs.heartbeat_interval_ms / 1000 * knobs.heartbeat_grace
        self._zombie = asyncio.get_running_loop().call_later(
            wait, self.close, knobs.heartbeat_close_code, "Session timed out."
        )


def _decoded(data: str | bytes) -> Payload:
    if len(data) > MAX_PAYLOAD:
        raise GatewayError(Close.DECODE_ERROR, "Payload too large.")
    try:
        payload = loads(data)
    except ValueError:
        raise GatewayError(Close.DECODE_ERROR, "Error while decoding payload.") from None
    return _object(payload)


def _object(value: object) -> Payload:
    if not isinstance(value, dict):
        raise GatewayError(Close.DECODE_ERROR, "Error while decoding payload.")
    return value
