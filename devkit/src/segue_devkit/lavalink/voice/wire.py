"""Packets of many connections leave through one UDP socket, a whole tick in one system call.

``sendmmsg(2)`` takes a list of datagrams, each with an address of its own. Where libc has none (or refuses
it), they are sent one by one; nobody but the CPU notices.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import socket
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG: Final = logging.getLogger("segue.lavalink.voice")
_SLOT: Final = 2048
"""Room for a packet: Opus gives at most 1275 bytes."""
_BATCH: Final = 256
_SEND_BUFFER: Final = 1 << 20


class _IoVec(ctypes.Structure):
    _fields_ = (("iov_base", ctypes.c_void_p), ("iov_len", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("msg_name", ctypes.c_void_p),
        ("msg_namelen", ctypes.c_uint32),
        ("msg_iov", ctypes.c_void_p),
        ("msg_iovlen", ctypes.c_size_t),
        ("msg_control", ctypes.c_void_p),
        ("msg_controllen", ctypes.c_size_t),
        ("msg_flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("msg_hdr", _MsgHdr), ("msg_len", ctypes.c_uint))


class Address:
    """A numeric address and port, as Python and as the kernel want it."""

    def __init__(self, ip: str, port: int) -> None:
        self.family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        self.pair = (ip, port)
        packed = socket.inet_pton(self.family, ip)
        # The family is in the machine's order, the rest in the network's.
        if self.family == socket.AF_INET:
            raw = struct.pack("=H", self.family) + struct.pack(">H4s8x", port, packed)
        else:
            raw = struct.pack("=H", self.family) + struct.pack(">HI16sI", port, 0, packed, 0)
        self.size = len(raw)
        self._raw = ctypes.create_string_buffer(raw, len(raw))
        self.pointer = ctypes.addressof(self._raw)


def libc_sendmmsg() -> Any | None:
    """The function of libc, or None where there is none."""
    try:
        found = ctypes.CDLL(None, use_errno=True).sendmmsg
    except (OSError, AttributeError):
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
    found.restype = ctypes.c_int
    return found


class Wire:
    """One UDP socket's way out. `put` and `flush` belong to the sender's thread."""

    def __init__(self, sock: socket.socket, send_many: Callable[..., int] | None) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._sock = sock
        self._send_many = send_many
        self._waiting = 0
        self._to: list[Address | None] = [None] * _BATCH
        self._room = memoryview(bytearray(_BATCH * _SLOT))
        self._messages = (_MMsgHdr * _BATCH)()
        self._vectors = (_IoVec * _BATCH)()
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._room))
        self._heads = [message.msg_hdr for message in self._messages]
        self._sizes = [vector for vector in self._vectors]  # noqa: C416 - each proxy is made once
        for number, (head, vector) in enumerate(zip(self._heads, self._sizes, strict=True)):
            vector.iov_base = base + number * _SLOT
            head.msg_iov, head.msg_iovlen = ctypes.addressof(vector), 1

    def put(self, to: Address, packet: bytes) -> None:
        """Have a packet sent with the next flush (or at once, where the batch is full)."""
        if self._waiting == _BATCH:
            self.flush()
        number, size = self._waiting, len(packet)
        start = number * _SLOT
        self._room[start : start + size] = packet
        self._sizes[number].iov_len = size
        if self._to[number] is not to:
            self._to[number] = to
            head = self._heads[number]
            head.msg_name, head.msg_namelen = to.pointer, to.size
        self._waiting = number + 1

    def flush(self) -> int:
        """Send what waits; how many packets the kernel took. What it refuses is lost, as UDP may lose."""
        count, self._waiting = self._waiting, 0
        if not count:
            return 0
        return self._one_by_one(0, count) if self._send_many is None else self._in_bulk(count)

    def _in_bulk(self, count: int) -> int:
        assert self._send_many is not None  # noqa: S101 - asked by the caller
        done = sent = 0
        step = ctypes.sizeof(_MMsgHdr)
        first = ctypes.addressof(self._messages)
        while done < count:
            gone = self._send_many(self._sock.fileno(), first + done * step, count - done, 0)
            if gone > 0:
                done += gone
                sent += gone
                continue
            reason = ctypes.get_errno()
            if reason == errno.EINTR:
                continue
            if reason in {errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}:
                _LOG.warning("sendmmsg: %s; packets are sent one by one", os.strerror(reason))
                self._send_many = None
                return sent + self._one_by_one(done, count)
            # The first of what was left is at fault: no route, no permission, no room.
            done += 1
        return sent

    def _one_by_one(self, first: int, count: int) -> int:
        sent = 0
        for number in range(first, count):
            to, start = self._to[number], number * _SLOT
            assert to is not None  # noqa: S101 - set by put
            try:
                self._sock.sendto(self._room[start : start + self._sizes[number].iov_len], to.pair)
            except OSError:
                # As in bulk: UDP loses it.
                continue
            sent += 1
        return sent
