"""One voice session of a player, as koe (Lavalink's voice client) behaves.

Codes that Discord's voice server may close with fall into two groups: some make this client resume silently
(op 7, a few tries, `connected` stays true), the others are told to the bot and end the connection. It answers
no WebSocket ping, and RTP goes on after a remote close until the player is moved or destroyed.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiohttp

from segue_devkit.lavalink.voice.port import UdpPort
from segue_devkit.lavalink.voice.rtp import MODE, RtpStream
from segue_devkit.lavalink.voice.sender import Outlet, Path, Sender
from segue_devkit.lavalink.voice.wire import Address

if TYPE_CHECKING:
    from segue_devkit.lavalink.voice.sender import FrameSource

RESUMED_SILENTLY: Final = frozenset({1001, 1006, *range(4000, 4004), 4005, 4009, 4012, 4015, 4016, 4020})
_RESUME_TRIES: Final = 3
_RESUME_PAUSE_S: Final = 1.0
_CLOSE_TIMEOUT_S: Final = 0.2
_ENDS: Final = (
    aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR,
)  # fmt: skip


class UnreachableError(Exception):
    """The endpoint refuses connections or has no address: a real node's call then never returns."""


class HandshakeError(Exception):
    """Something answers at the endpoint, but it is no voice server that can be trusted."""


@dataclass(frozen=True, slots=True)
class VoiceState:
    """What Discord gave the bot for a voice channel."""

    token: str
    endpoint: str
    session_id: str
    channel_id: str

    def __repr__(self) -> str:
        """Without the token."""
        return f"VoiceState({self.endpoint}, channel {self.channel_id})"

    def to_json(self) -> dict[str, Any]:
        """The voice object of the protocol."""
        return {
            "token": self.token,
            "endpoint": self.endpoint,
            "sessionId": self.session_id,
            "channelId": self.channel_id,
        }


class Listener(Protocol):
    """Who is told what happens to a connection."""

    def voice_ready(self) -> None:
        """Packets flow from now on."""

    def voice_closed(self, code: int, reason: str, *, by_remote: bool) -> None:
        """The connection ended for good."""


@dataclass(frozen=True, slots=True)
class VoiceClient:
    """What all connections of a node share: HTTP session, UDP port, sender, depth of the send buffer."""

    http: aiohttp.ClientSession
    udp: UdpPort
    sender: Sender
    depth: int
    closing: set[asyncio.Task[None]] = field(default_factory=set)

    def keep(self, task: asyncio.Task[None]) -> None:
        """Own a task until it is done."""
        self.closing.add(task)
        task.add_done_callback(self.closing.discard)

    async def close(self) -> None:
        """Wait for the closing frames on their way, shortly; then drop everything."""
        if self.closing:
            await asyncio.wait(self.closing, timeout=2 * _CLOSE_TIMEOUT_S)
        await self.http.close()
        self.sender.close()
        self.udp.close()


class VoiceConnection:
    """See the module. Made by `open`; ended by `close`."""

    def __init__(self, client: VoiceClient, user_id: str, guild_id: str, state: VoiceState) -> None:
        self.state = state
        self.open = False
        self.ping = -1
        self._client = client
        self._user_id = user_id
        self._guild_id = guild_id
        self._hung_up = False
        self._sequence = -1
        self._ssrc = 0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._outlet: Outlet | None = None
        self._task: asyncio.Task[None] | None = None
        self._beat: asyncio.Task[None] | None = None
        self._server: Address | None = None

    async def connect(self, source: FrameSource, listener: Listener) -> None:
        """Shake hands; identify and the rest go on in the background, so success promises nothing yet.

        Raises:
            UnreachableError: nothing listens there.
            HandshakeError: no TLS, a certificate that is not trusted, or no WebSocket.
        """
        self._socket = await self._dial()
        self.open, self.ping = True, 0
        self._task = asyncio.create_task(self._run(source, listener), name=f"voice-{self._guild_id}")

    def close(self, listener: Listener | None = None) -> None:
        """End it with code 1000; buffered frames still go out. Tells the listener if it was open."""
        was_open, self.open, self.ping = self.open, False, -1
        self._hung_up = True
        self._stop_beat()
        self._end_outlet()
        self._client.keep(asyncio.create_task(self._hang_up()))
        if was_open and listener is not None:
            listener.voice_closed(1000, "", by_remote=False)

    def wake(self) -> None:
        """The player may have something to send again."""
        if self._outlet is not None:
            self._client.sender.wake(self._outlet)

    @property
    def takes_frames(self) -> bool:
        """Whether there is a way out for the player's frames, open or not."""
        return self._outlet is not None

    def _end_outlet(self) -> None:
        if self._outlet is not None:
            self._outlet.end()
            self._client.sender.wake(self._outlet)

    async def _hang_up(self) -> None:
        """Close the socket before the task that reads it: cancelled reading would cut the line instead."""
        if self._socket is not None:
            await self._socket.close(code=1000)
        if self._task is not None:
            self._task.cancel()

    def _stop_beat(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    async def _dial(self) -> aiohttp.ClientWebSocketResponse:
        endpoint = self.state.endpoint
        try:
            return await self._client.http.ws_connect(
                f"wss://{endpoint}/?v=8",
                origin=f"https://{endpoint}",
                autoping=False,
                autoclose=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT_S),
                max_msg_size=1 << 20,
            )
        except (aiohttp.ClientSSLError, aiohttp.WSServerHandshakeError, aiohttp.InvalidURL) as error:
            raise HandshakeError(str(error)) from None
        except (aiohttp.ClientConnectorError, TimeoutError) as error:
            raise UnreachableError(str(error)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise HandshakeError(str(error)) from None

    async def _run(self, source: FrameSource, listener: Listener) -> None:
        opening = {"op": 0, "d": self._identify()}
        tries = _RESUME_TRIES
        while True:
            code, reason, served = await self._serve(opening, source, listener)
            if self._hung_up:
                return
            if served:
                tries = _RESUME_TRIES
            if code not in RESUMED_SILENTLY:
                break
            opening = {"op": 7, "d": self._resume()}
            tries = await self._redial(tries)
            if tries < 0:
                # Given up without a word: to the bot the connection still looks open.
                return
        self.open = False
        listener.voice_closed(code, reason, by_remote=True)

    async def _redial(self, tries: int) -> int:
        """Open another socket; the tries that are left, negative if none worked."""
        while tries > 0:
            tries -= 1
            try:
                self._socket = await self._dial()
            except (UnreachableError, HandshakeError):
                await asyncio.sleep(_RESUME_PAUSE_S)
            else:
                return tries
        return -1

    async def _serve(
        self, opening: dict[str, Any], source: FrameSource, listener: Listener
    ) -> tuple[int, str, bool]:
        """Talk on one socket until it closes: the code, the reason, and whether it ever worked."""
        assert self._socket is not None  # noqa: S101 - dialled before
        socket, served = self._socket, False
        try:
            await self._send(opening)
            while (message := await socket.receive()).type not in _ENDS:
                if message.type is aiohttp.WSMsgType.TEXT:
                    payload = json.loads(message.data)
                    self._sequence = payload.get("seq", self._sequence)
                    served = await self._handle(payload, source, listener) or served
        except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError):
            # Cut off, or not the protocol: the same to a voice client as a lost connection.
            return 1006, "", served
        finally:
            self._stop_beat()
            if not self._hung_up:
                await socket.close()
        if message.type is aiohttp.WSMsgType.CLOSE:
            return int(message.data or 1005), str(message.extra or ""), served
        return 1006, "", served

    async def _handle(self, payload: dict[str, Any], source: FrameSource, listener: Listener) -> bool:
        data: Any = payload.get("d")
        match payload.get("op"):
            case 8:
                self._beat = asyncio.create_task(self._heartbeat(data["heartbeat_interval"] / 1000))
            case 2:
                await self._select(data)
            case 4:
                self._start(bytes(data["secret_key"]), source)
                await self._send({"op": 5, "d": {"speaking": 0, "delay": 0, "ssrc": self._ssrc}})
                await self._send({"op": 12, "d": {"audio_ssrc": self._ssrc, "video_ssrc": 0, "rtx_ssrc": 0}})
                listener.voice_ready()
                return True
            case 6:
                sent = data["t"] if isinstance(data, dict) else data
                self.ping = max(0, int(time.time() * 1000) - int(sent))
            case 9:
                return True
            case _:
                pass
        return False

    def _identify(self) -> dict[str, Any]:
        return {
            "user_id": self._user_id,
            "max_dave_protocol_version": 0,
            "session_id": self.state.session_id,
            "video": True,
            "server_id": self._guild_id,
            "token": self.state.token,
        }

    def _resume(self) -> dict[str, Any]:
        return {
            "seq_ack": self._sequence,
            "session_id": self.state.session_id,
            "video": True,
            "server_id": self._guild_id,
            "token": self.state.token,
        }

    async def _select(self, ready: dict[str, Any]) -> None:
        """Ready: learn our address, choose the cipher."""
        await self._send({"op": 15, "d": {"any": 0}})
        self._ssrc = int(ready["ssrc"])
        ip, port = str(ready["ip"]), int(ready["port"])
        address, port = await self._client.udp.discover(ip, port, self._ssrc)
        self._server = Address(ip, int(ready["port"]))
        where = {"mode": MODE, "address": address, "port": port}
        opus = {"payload_type": 120, "name": "opus", "priority": 1000, "type": "audio"}
        data = {
            "rtc_connection_id": str(uuid.uuid4()),
            "protocol": "udp",
            **where,
            "data": where,
            "codecs": [opus],
        }
        await self._send({"op": 1, "d": data})

    def _start(self, key: bytes, source: FrameSource) -> None:
        """Session description: packets flow from now on, in place of an outlet of before."""
        if self._hung_up:
            return
        if self._server is None:
            raise ValueError("a session description before the address was learnt")
        self._end_outlet()
        loop = asyncio.get_running_loop()

        def speaking(loud: bool) -> None:
            loop.call_soon_threadsafe(self._speak, loud)

        wire = self._client.udp.wire(self._server.family)
        path = Path(wire, self._server, RtpStream(self._ssrc, key))
        self._outlet = Outlet(path, source, self._client.depth, speaking)
        self._client.sender.add(self._outlet)

    def _speak(self, loud: bool) -> None:
        if self.open:
            message = {"op": 5, "d": {"speaking": int(loud), "delay": 0, "ssrc": self._ssrc}}
            self._client.keep(asyncio.create_task(self._send(message)))

    async def _heartbeat(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            await self._send({"op": 3, "d": {"t": int(time.time() * 1000), "seq_ack": self._sequence}})

    async def _send(self, payload: dict[str, Any]) -> None:
        socket = self._socket
        if socket is not None and not socket.closed:
            try:
                await socket.send_str(json.dumps(payload, separators=(",", ":")))
            except (aiohttp.ClientError, ConnectionError):
                # The reading side sees the end and decides what it means.
                return
