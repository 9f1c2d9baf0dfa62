"""The UDP side of a voice server: one socket, read in bulk, every packet stamped by the kernel."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import socket
import struct
import time
from typing import TYPE_CHECKING, Final, Protocol

from segue_devkit.discord.voice import rtp

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from segue_devkit.discord.voice.sink import GuildSink
    from segue_devkit.discord.weather import Weather

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

    def __init__(self, host: str, port: int, weather: Weather) -> None:
        self._weather = weather
        self._late: list[tuple[int, int, bytes]] = []
        self._order = itertools.count()
        self._release_timer: asyncio.TimerHandle | None = None
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
        """Stop reading; what is still under way is lost."""
        self._late.clear()
        self._schedule()
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
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        at_ns = seconds * 1_000_000_000 + nanoseconds - offset
        if self._weather.udp_lost():
            ear = self._ears.get(header.ssrc)
            if ear is not None and ear.sink is not None:
                ear.sink.lose()
            return
        delay_ns = self._weather.udp_delay_ns()
        if delay_ns or self._late:
            self._hold(packet, at_ns + delay_ns)
        else:
            self._hear(packet, header, at_ns)

    def _hold(self, packet: bytes, due_ns: int) -> None:
        """Hear it later, in the order of arrival there."""
        heapq.heappush(self._late, (due_ns, next(self._order), packet))
        self._schedule()

    def _schedule(self) -> None:
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None
        if self._late:
            wait_s = max(0, self._late[0][0] - time.monotonic_ns()) / 1e9
            self._release_timer = asyncio.get_running_loop().call_later(wait_s, self._release)

    def _release(self) -> None:
        now = time.monotonic_ns()
        while self._late and self._late[0][0] <= now:
            due_ns, _, packet = heapq.heappop(self._late)
            header = rtp.parse(packet)
            if header is not None:
                self._hear(packet, header, due_ns)
        self._schedule()

    def _hear(self, packet: bytes, header: rtp.RtpHeader, at_ns: int) -> None:
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
        ear.sink.packet(header, opus, len(packet), at_ns, announced=ear.speaking)
