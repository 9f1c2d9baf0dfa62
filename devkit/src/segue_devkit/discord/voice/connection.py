"""One voice gateway socket, version 8: opcodes and close codes of Discord's reference "Voice"."""

from __future__ import annotations

import asyncio
import json
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from aiohttp import WSMsgType

from segue_devkit.discord.voice import rtp
from segue_devkit.discord.wire import Payload, dumps

if TYPE_CHECKING:
    from aiohttp import WSMessage

    from segue_devkit.discord.served import ServedSocket
    from segue_devkit.discord.voice.servers import VoiceServer
    from segue_devkit.discord.voice.session import VoiceSession

_HEARTBEAT_GRACE: Final = 3


class VoiceOp(IntEnum):
    """Voice opcodes a music bot's node uses."""

    IDENTIFY = 0
    SELECT_PROTOCOL = 1
    READY = 2
    HEARTBEAT = 3
    SESSION_DESCRIPTION = 4
    SPEAKING = 5
    HEARTBEAT_ACK = 6
    RESUME = 7
    HELLO = 8
    RESUMED = 9
    VIDEO = 12
    MEDIA_SINK_WANTS = 15
    BACKEND_VERSION = 16


class VoiceClose(IntEnum):
    """Voice close codes."""

    NORMAL = 1000
    GOING_AWAY = 1001
    ABNORMAL = 1006
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    SESSION_INVALID = 4006
    SESSION_TIMEOUT = 4009
    UNKNOWN_PROTOCOL = 4012
    DISCONNECTED = 4014
    UNKNOWN_ENCRYPTION_MODE = 4016
    DAVE_REQUIRED = 4017
    BAD_REQUEST = 4020


class VoiceError(Exception):
    """The client broke a rule: the socket closes with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class VoiceConnection:
    """Serves one socket until it closes."""

    def __init__(self, server: VoiceServer, socket: ServedSocket, peer: str) -> None:
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
        payload = json.loads(text)
        op = payload["op"]
        body = payload.get("d") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VoiceError(VoiceClose.DECODE_ERROR, "Failed to decode payload.") from None
    if not isinstance(op, int) or not (isinstance(body, dict) or op == VoiceOp.HEARTBEAT):
        raise VoiceError(VoiceClose.DECODE_ERROR, "Failed to decode payload.")
    return op, body if isinstance(body, dict) else {"t": body}
