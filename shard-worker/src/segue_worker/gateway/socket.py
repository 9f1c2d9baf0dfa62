"""One WebSocket to Discord's gateway: payloads in and out, closing, and cutting it off."""

from __future__ import annotations

import asyncio
import socket as sockets
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import aiohttp

from segue_worker import jsontext
from segue_worker.gateway.codes import API_VERSION, ENCODING
from segue_worker.gateway.errors import TransportError
from segue_worker.gateway.inflate import LARGEST_PAYLOAD, Compression, Inflater, inflater
from segue_worker.gateway.proxy import has_proxy

CONNECT_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 0.2
"""How long a close reply is waited for: a hand-off must not hang on a dead peer."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Discord closed the connection; ``code`` None when it broke without a close frame."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is no gateway payload."""

    detail: str


Frame = dict[str, Any] | Closed | Unreadable


def connect_url(base: str, compression: Compression) -> str:
    """Return ``base`` (from GET /gateway/bot or READY) with the version, encoding and compression."""
    parts = urlsplit(base)
    query = {"v": str(API_VERSION), "encoding": ENCODING}
    if compression is not Compression.NONE:
        query["compress"] = compression.value
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", urlencode(query), ""))


class GatewaySocket:
    """An open WebSocket with its own TCP connection and inflater."""

    def __init__(
        self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, inflater: Inflater
    ) -> None:
        self._session = session
        self._socket = socket
        self._inflater = inflater
        self._cut = False

    @classmethod
    async def open(cls, base: str, compression: Compression) -> GatewaySocket:
        """Connect.

        Raises:
            TransportError: when that fails or takes over 10 s.
        """
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), trust_env=has_proxy(base))
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await session.ws_connect(
                    connect_url(base, compression),
                    max_msg_size=LARGEST_PAYLOAD,
                    autoclose=False,
                    compress=0,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            await session.close()
            raise TransportError(f"can't connect to {urlsplit(base).netloc}: {_words(error)}") from error
        except BaseException:
            await session.close()
            raise
        return cls(session, socket, inflater(compression))

    async def receive(self) -> Frame:
        """Return the next payload.

        Raises:
            TransportError: when the compressed stream can't be read on.
        """
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                return _payload(message.data.encode())
            if message.type is aiohttp.WSMsgType.BINARY:
                whole = self._inflater.feed(message.data)
                if whole is not None:
                    return _payload(whole)
            elif message.type is aiohttp.WSMsgType.CLOSE:
                return Closed(int(message.data), str(message.extra or ""))
            elif message.type is aiohttp.WSMsgType.ERROR:
                return Closed(None, _words(message.data))
            else:
                return Closed(None, "the peer is gone")

    async def send(self, payload: dict[str, Any]) -> None:
        """Send one payload.

        Raises:
            TransportError: when the socket is broken, or takes nothing for 5 s.
        """
        if self._cut:
            raise TransportError("the connection was cut off")
        text = jsontext.dumps(payload)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._socket.send_str(text)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise TransportError(f"can't send: {_words(error)}") from error

    async def close(self, code: int, reason: str) -> None:
        """Close with a close frame; waits for the reply, 200 ms at most."""
        try:
            if not self._cut:
                await self._socket.close(code=code, message=reason.encode())
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(f"can't close: {_words(error)}") from error
        finally:
            await self._session.close()

    def abort(self) -> None:
        """Cut the connection at once: no close frame, and what still lies in buffers is not sent.

        This is for a shard that somebody else holds by now: not one more byte may leave us.
        """
        self._cut = True
        socket = self._socket.get_extra_info("socket")
        if socket is None:
            return
        try:
            # Lingering for zero seconds makes the kernel drop its send buffer and answer with RST.
            socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
            socket.shutdown(sockets.SHUT_RDWR)
        except OSError:
            # The peer was faster: there is nothing left to cut.
            return


def _payload(data: bytes) -> Frame:
    try:
        payload = jsontext.loads(data)
    except ValueError as error:
        return Unreadable(f"no JSON: {error}")
    return payload if isinstance(payload, dict) else Unreadable(f"a JSON {type(payload).__name__}")


def _words(error: BaseException | None) -> str:
    return str(error) or type(error).__name__
