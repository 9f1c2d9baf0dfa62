"""The node's UDP sockets, one for each family, shared by all voice connections; and UDP discovery.

A connection is known by its SSRC and the server's address, so that the answers to discovery find their way
back. Whatever else arrives (other people's voice) is read and dropped.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Final

from segue_devkit.lavalink.voice.wire import Address, Wire, libc_sendmmsg

if TYPE_CHECKING:
    from collections.abc import Callable

_LENGTH: Final = 74
_REQUEST: Final = struct.Struct(">HHI")
_ASK: Final = 1
_ANSWER: Final = 2
_TRIES: Final = 3
_WAIT_S: Final = 1.0
_READ: Final = 2048
_READS: Final = 64
"""Datagrams read in one turn of the loop."""

_Question = tuple[str, int, int]


class UdpPort:
    """Sockets are made on first use, on the event loop; a wire is used by the sender's thread."""

    def __init__(self, send_many: Callable[..., int] | None = None, *, bulk: bool = True) -> None:
        self._send_many = (send_many or libc_sendmmsg()) if bulk else None
        self._sockets: dict[int, tuple[socket.socket, Wire]] = {}
        self._asked: dict[_Question, asyncio.Future[tuple[str, int]]] = {}

    def wire(self, family: int) -> Wire:
        """The way out to addresses of a family.

        Raises:
            OSError: this machine has no such sockets.
        """
        return self._open(family)[1]

    def _open(self, family: int) -> tuple[socket.socket, Wire]:
        if family not in self._sockets:
            sock = socket.socket(family, socket.SOCK_DGRAM)
            try:
                sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
                wire = Wire(sock, self._send_many)
                # The socket itself blocks: a sender that meets a full buffer waits the moment it takes.
                asyncio.get_running_loop().add_reader(sock, self._read, sock)
            except BaseException:
                sock.close()
                raise
            self._sockets[family] = sock, wire
        return self._sockets[family]

    def close(self) -> None:
        """Close the sockets; the sender must have stopped."""
        for sock, _ in self._sockets.values():
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._sockets.clear()

    async def discover(self, ip: str, port: int, ssrc: int) -> tuple[str, int]:
        """Ask a voice server which address our packets come from.

        Raises:
            OSError: it can't be reached, or does not answer three times within a second each.
            ValueError: the address is none.
        """
        to = _address(ip, port)
        sock, _ = self._open(to.family)
        question: _Question = (ip, port, ssrc)
        answer = self._asked[question] = asyncio.get_running_loop().create_future()
        try:
            for _ in range(_TRIES):
                sock.sendto(_REQUEST.pack(_ASK, _LENGTH - 4, ssrc).ljust(_LENGTH, b"\0"), to.pair)
                done, _ = await asyncio.wait([answer], timeout=_WAIT_S)
                if done:
                    break
            else:
                raise OSError("no answer to UDP discovery")
            ours: tuple[str, int] = await answer
            return ours
        finally:
            answer.cancel()
            if self._asked.get(question) is answer:
                del self._asked[question]

    def _read(self, sock: socket.socket) -> None:
        for _ in range(_READS):
            try:
                data, sender = sock.recvfrom(_READ, socket.MSG_DONTWAIT)
            except OSError:
                # Nothing more for now, or word that an earlier packet found nobody.
                return
            self._got(data, (sender[0], sender[1]))

    def _got(self, data: bytes, sender: tuple[str, int]) -> None:
        if len(data) != _LENGTH:
            return
        kind, _, ssrc = _REQUEST.unpack_from(data)
        answer = self._asked.get((*sender, ssrc))
        if kind == _ANSWER and answer is not None and not answer.done():
            (port,) = struct.unpack_from(">H", data, _LENGTH - 2)
            ours = data[8 : _LENGTH - 2].split(b"\0", 1)[0].decode("ascii", "replace")
            answer.set_result((ours, port))


def _address(ip: str, port: int) -> Address:
    try:
        return Address(ip, port)
    except OSError:
        raise ValueError(f"no numeric address: {ip!r}") from None
