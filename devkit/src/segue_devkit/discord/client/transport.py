"""HTTP to /sim, and the one WebSocket over which interactions run."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from typing import TYPE_CHECKING, Any

import aiohttp

from segue_devkit.discord.client.errors import SimError
from segue_devkit.discord.wire import Payload, dumps, loads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_devkit.discord.client.interaction import Interaction

_TIMEOUT_S = 30
_BAD_REQUEST = 400


class Transport:
    """Opened at first use, closed by :meth:`close`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._acting: asyncio.Task[ActSocket] | None = None

    def session(self) -> aiohttp.ClientSession:
        """The HTTP session."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_TIMEOUT_S)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        return self._session

    async def call(
        self, method: str, path: str, body: Payload | None = None, query: dict[str, str] | None = None
    ) -> Any:
        """One call of /sim; the JSON of the answer, None for 204."""
        async with asyncio.timeout(_TIMEOUT_S):
            async with self.session().request(
                method, f"{self.base_url}/sim{path}", json=body, params=query
            ) as response:
                text = await response.text()
        if response.status >= _BAD_REQUEST:
            raise SimError(_reason(text, response.status))
        return loads(text) if text else None

    async def upload(self, path: str, data: bytes, *, query: dict[str, str], content_type: str) -> Any:
        """POST bytes to /sim; the JSON of the answer."""
        headers = {"Content-Type": content_type}
        async with asyncio.timeout(_TIMEOUT_S):
            async with self.session().post(
                f"{self.base_url}/sim{path}", data=data, params=query, headers=headers
            ) as response:
                text = await response.text()
        if response.status >= _BAD_REQUEST:
            raise SimError(_reason(text, response.status))
        return loads(text)

    async def act(self, body: Payload, interaction: Interaction) -> None:
        """Start an interaction; its changes are fed to ``interaction``."""
        if self._acting is None or (self._acting.done() and self._acting.result().closed):
            self._acting = asyncio.create_task(ActSocket.connect(self.session(), f"{self.base_url}/sim/act"))
        socket = await asyncio.shield(self._acting)
        await socket.request(body, interaction)

    async def binary(self, path: str) -> AsyncIterator[bytes]:
        """The binary messages of a WebSocket of /sim; SimError if the simulator refuses it."""
        try:
            socket = await self.session().ws_connect(f"{self.base_url}/sim{path}", compress=0)
        except aiohttp.WSServerHandshakeError as error:
            raise SimError(f"the simulator answered {error.status}") from error
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    yield message.data
        finally:
            await socket.close()

    async def events(self, path: str) -> AsyncIterator[tuple[str, Payload]]:
        """The Server-Sent Events of a path of /sim as (name, data)."""
        async with self.session().get(f"{self.base_url}/sim{path}") as response:
            if response.status >= _BAD_REQUEST:
                raise SimError(_reason(await response.text(), response.status))
            name = ""
            async for raw in response.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, loads(line.removeprefix("data: "))

    async def close(self) -> None:
        """Close the socket and the session."""
        if self._acting is not None:
            socket = await self._acting
            await socket.close()
            self._acting = None
        if self._session is not None:
            await self._session.close()
            self._session = None


class ActSocket:
    """The WebSocket /sim/act: requests by reference, changes by interaction id."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._refs = itertools.count(1)
        self._asked: dict[int, tuple[asyncio.Future[None], Interaction]] = {}
        self._followed: weakref.WeakValueDictionary[int, Interaction] = weakref.WeakValueDictionary()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, session: aiohttp.ClientSession, url: str) -> ActSocket:
        """Open it."""
        return cls(await session.ws_connect(url, compress=0, max_msg_size=0))

    @property
    def closed(self) -> bool:
        """True once the simulator is gone."""
        return self._socket.closed

    async def request(self, body: Payload, interaction: Interaction) -> None:
        """Send a request and wait until the simulator has started the interaction."""
        ref = next(self._refs)
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked[ref] = (started, interaction)
        try:
            await self._socket.send_str(dumps({"ref": ref, **body}))
            async with asyncio.timeout(_TIMEOUT_S):
                await started
        finally:
            self._asked.pop(ref, None)

    async def close(self) -> None:
        """Close it and end the reader."""
        await self._socket.close()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            data = loads(message.data)
            if "ref" in data:
                self._answered(data)
                continue
            news = data["interaction"]
            known = self._followed.get(int(news["id"]))
            if known is not None:
                known.feed(news)
        for started, _ in self._asked.values():
            if not started.done():
                started.set_exception(SimError("the simulator closed the connection"))

    def _answered(self, data: Payload) -> None:
        started, interaction = self._asked[data["ref"]]
        if "error" in data:
            started.set_exception(SimError(data["error"]))
            return
        self._followed[int(data["interaction"]["id"])] = interaction
        interaction.feed(data["interaction"])
        if not started.done():
            started.set_result(None)


def _reason(text: str, status: int) -> str:
    try:
        return str(loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return f"the simulator answered {status}: {text[:200]}"
