"""One voice gateway socket, version 8: opcodes and close codes of Discord's reference "Voice"."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import WSMsgType

from segue_devkit.discord.voice import rtp
from segue_devkit.discord.voice.protocol import VoiceClose, VoiceError, VoiceOp
from segue_devkit.discord.wire import Payload, dumps, loads

if TYPE_CHECKING:
    from aiohttp import WSMessage

    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.served import ServedSocket
    from segue_devkit.discord.voice.session import VoiceSession
    from segue_devkit.discord.voice.udp import UdpServer

_HEARTBEAT_GRACE: Final = 3


class Host(Protocol):
    """The voice server a socket belongs to."""

    udp: UdpServer

    @property
    def knobs(self) -> Knobs:
        """Limits and times."""

    def identify(self, connection: VoiceConnection, body: Payload) -> VoiceSession:
        """Op 0; raises VoiceError."""

    def resume(self, connection: VoiceConnection, body: Payload) -> None:
        """Op 7; raises VoiceError."""


class VoiceConnection:
    """Serves one socket until it closes."""

    def __init__(self, server: Host, socket: ServedSocket, peer: str) -> None:
        self._server = server
        self._socket = socket
        self._zombie: asyncio.TimerHandle | None = None
        self._seq = -1
        self.peer = peer
        self.session: VoiceSession | None = None

    @property
    def close_code(self) -> int | None:
        """What closed the socket; None while it is open."""
        return self._socket.close_code

    @property
    def ended_by_peer(self) -> bool:
        """The client itself said goodbye (1000, 1001)."""
        return self._socket.closed_by_peer and self.close_code in {VoiceClose.NORMAL, VoiceClose.GOING_AWAY}

    async def run(self) -> None:
        """Read until closed."""
        self._heard_heartbeat()
        try:
            await self._send(
                VoiceOp.HELLO, {"v": 8, "heartbeat_interval": self._server.knobs.voice_heartbeat_interval_ms}
            )
            await self._socket.serve(self._took)
        except ConnectionError:
            self._socket.abort()  # gone before it said anything
        finally:
            if self._zombie is not None:
                self._zombie.cancel()

    def close(self, code: int, reason: str) -> None:
        """Close from our side."""
        self._socket.close(code, reason)

    def abort(self) -> None:
        """Cut the TCP connection."""
        self._socket.abort()

    def leave(self) -> None:
        """The session is somebody else's, or nobody's, from now on."""
        self.session = None

    async def _took(self, message: WSMessage) -> None:
        if message.type is not WSMsgType.TEXT:
            return  # binary frames belong to DAVE, which this server does not speak
        try:
            await self._handle(message.data)
        except VoiceError as error:
            self.close(error.code, error.reason)

    async def _handle(self, text: str) -> None:
        op, body = _decoded(text)
        if op == VoiceOp.HEARTBEAT:
            self._heard_heartbeat()
            await self._send(VoiceOp.HEARTBEAT_ACK, {"t": body.get("t")})
        elif op == VoiceOp.IDENTIFY:
            await self._identify(body)
        elif op == VoiceOp.RESUME:
            self._refuse_twice()
            self._server.resume(self, body)
            await self._send(VoiceOp.RESUMED, None)
        elif op == VoiceOp.SELECT_PROTOCOL:
            await self._select(body)
        elif op == VoiceOp.SPEAKING:
            self._authenticated().speaking = True
        elif op == VoiceOp.BACKEND_VERSION:
            await self._send(VoiceOp.BACKEND_VERSION, {"voice": "0.0.0", "rtc_worker": "0.0.0"})
        elif op not in {VoiceOp.VIDEO, VoiceOp.MEDIA_SINK_WANTS}:
            raise VoiceError(VoiceClose.UNKNOWN_OPCODE, "Unknown opcode.")

    async def _identify(self, body: Payload) -> None:
        self._refuse_twice()
        session = self._server.identify(self, body)
        ready = {
            "ssrc": session.ssrc,
            "ip": self._server.udp.host,
            "port": self._server.udp.port,
            "modes": list(rtp.MODES),
            "experiments": [],
            "streams": [],
        }
        await self._send(VoiceOp.READY, ready)

    async def _select(self, body: Payload) -> None:
        session = self._authenticated()
        data = body.get("data")
        if body.get("protocol") != "udp":
            raise VoiceError(VoiceClose.UNKNOWN_PROTOCOL, "Unknown protocol.")
        if not isinstance(data, dict) or data.get("mode") not in rtp.MODES:
            raise VoiceError(VoiceClose.UNKNOWN_ENCRYPTION_MODE, "Unknown encryption mode.")
        description = {
            "mode": data["mode"],
            "secret_key": list(session.new_key()),
            "audio_codec": "opus",
            "video_codec": None,
            "media_session_id": f"{session.ssrc:032x}",
            "dave_protocol_version": 0,
        }
        await self._send(VoiceOp.SESSION_DESCRIPTION, description)

    def _refuse_twice(self) -> None:
        if self.session is not None:
            raise VoiceError(VoiceClose.ALREADY_AUTHENTICATED, "Already authenticated.")

    def _authenticated(self) -> VoiceSession:
        if self.session is None:
            raise VoiceError(VoiceClose.NOT_AUTHENTICATED, "Not authenticated.")
        return self.session

    async def _send(self, op: VoiceOp, data: object) -> None:
        latency = self._server.knobs.voice_latency_ms
        if latency > 0:
            await asyncio.sleep(latency / 1000)
        payload: Payload = {"op": int(op), "d": data}
        if op in {VoiceOp.READY, VoiceOp.SESSION_DESCRIPTION}:
            self._seq += 1  # version 8 numbers what a RESUME could replay
            payload["seq"] = self._seq
        await self._socket.send(dumps(payload))

    def _heard_heartbeat(self) -> None:
        if self._zombie is not None:
            self._zombie.cancel()
        wait = self._server.knobs.voice_heartbeat_interval_ms / 1000 * _HEARTBEAT_GRACE
        self._zombie = asyncio.get_running_loop().call_later(
            wait, self.close, VoiceClose.SESSION_TIMEOUT, "Session timed out."
        )


def _decoded(text: str) -> tuple[int, Payload]:
    try:
        payload = loads(text)
        op = payload["op"]
        body = payload.get("d") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VoiceError(VoiceClose.DECODE_ERROR, "Failed to decode payload.") from None
    if not isinstance(op, int) or not (isinstance(body, dict) or op == VoiceOp.HEARTBEAT):
        raise VoiceError(VoiceClose.DECODE_ERROR, "Failed to decode payload.")
    return op, body if isinstance(body, dict) else {"t": body}
