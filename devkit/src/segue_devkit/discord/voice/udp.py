"""The UDP side of a voice server: one socket, read in bulk, every packet stamped by the kernel."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import TYPE_CHECKING, Final, Protocol

from segue_devkit.discord.voice import rtp

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from segue_devkit.discord.voice.sink import GuildSink

_SO_TIMESTAMPNS: Final = 35  # linux/socket.h; Python has no name for it
_TIMESPEC: Final = struct.Struct("@qq")
_ANCILLARY: Final = socket.CMSG_SPACE(_TIMESPEC.size)
_RECEIVE_BUFFER: Final = 8 << 20
_BATCH: Final = 256
_PAUSE_S: Final = 0.002
"""After a batch the socket rests: arrival times are the kernel's, so reading later costs no accuracy."""


class Ear(Protocol):
    """What a voice session offers to the reader."""

    cipher: AESGCM | None
    sink: GuildSink | None
    speaking: bool

    @property
    def muted(self) -> bool:
        """Suppressed, or muted by a moderator."""


class UdpServer:
    """Answers IP discovery and hands RTP to the session of its SSRC."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.bind((host, port))
        self._timer: asyncio.TimerHandle | None = None
        self._ears: dict[int, Ear] = {}
        self.strays = 0
        """Packets of no known session, or that are no audio."""
        self.host: str = host
        self.port: int = self._socket.getsockname()[1]

    def open(self) -> None:
        """Start reading."""
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        """Stop reading."""
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def attach(self, ssrc: int, ear: Ear) -> None:
        """Packets with this SSRC belong to this session."""
        self._ears[ssrc] = ear

    def detach(self, ssrc: int) -> None:
        """Packets with this SSRC are strays from now on."""
        self._ears.pop(ssrc, None)

    def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        offset = time.time_ns() - time.monotonic_ns()
        for _ in range(_BATCH):
            try:
                packet, ancillary, _, peer = self._socket.recvmsg(2048, _ANCILLARY)
            except BlockingIOError:
                break
            self._take(packet, ancillary, peer, offset)
        loop.remove_reader(self._socket.fileno())
        self._timer = loop.call_later(_PAUSE_S, self.open)

    def _take(
        self, packet: bytes, ancillary: list[tuple[int, int, bytes]], peer: tuple[str, int], offset: int
    ) -> None:
        header = rtp.parse(packet)
        if header is None:
            answer = rtp.discovery_answer(packet, *peer)
            if answer is not None:
                self._socket.sendto(answer, peer)
            else:
                self.strays += 1
            return
        ear = self._ears.get(header.ssrc)
        if ear is None or ear.sink is None or ear.cipher is None:
            self.strays += 1
            return
        opus = rtp.decrypted(packet, header, ear.cipher)
        if opus is None:
            ear.sink.failed()
            return
        if ear.muted:
            ear.sink.silenced()
            return
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        at_ns = seconds * 1_000_000_000 + nanoseconds - offset
        ear.sink.packet(header, opus, len(packet), at_ns, announced=ear.speaking)
