"""Transport compression: one stream of compressed payloads a connection.

Source: Discord documentation, *Gateway, Transport Compression* (zlib-stream and zstd-stream).
"""

from __future__ import annotations

import zlib
from enum import StrEnum
from typing import Protocol

import zstandard

from segue_worker.gateway.errors import TransportError

_SYNC_FLUSH = b"\x00\x00\xff\xff"
LARGEST_PAYLOAD = 64 << 20
"""Bytes. The largest GUILD_CREATE has no documented bound; this is many times what was ever seen."""
_PIECE = 4096
"""zstd tells no length in advance: so much of it, some MiB at most, is inflated before we look."""


class Compression(StrEnum):
    """What we ask for in the ``compress`` query parameter; NONE asks for nothing."""

    ZSTD = "zstd-stream"
    ZLIB = "zlib-stream"
    NONE = ""


class Inflater(Protocol):
    """Turns WebSocket messages into payloads."""

    def feed(self, data: bytes) -> bytes | None:
        """Return the payload that ``data`` completes, None while it is still incomplete."""


class PlainInflater:
    """Without compression a message is a payload."""

    def feed(self, data: bytes) -> bytes | None:
        """Return ``data``."""
        return data


class ZlibInflater:
    """A payload ends with a zlib sync flush, and may span several messages."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()
        self._partial = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """Return the payload that ``data`` completes."""
        if not self._partial and data.endswith(_SYNC_FLUSH):
            return self._inflate(data)
        self._partial += data
        if len(self._partial) > LARGEST_PAYLOAD:
            raise _too_large()
        if not self._partial.endswith(_SYNC_FLUSH):
            return None
        whole = bytes(self._partial)
        self._partial.clear()
        return self._inflate(whole)

    def _inflate(self, data: bytes) -> bytes:
        try:
            payload = self._stream.decompress(data, LARGEST_PAYLOAD)
        except zlib.error as error:
            raise TransportError(f"unreadable zlib-stream: {error}") from error
        if self._stream.unconsumed_tail:
            raise _too_large()
        return payload


class ZstdInflater:
    """Each message is flushed to a whole payload of one zstd frame that never ends."""

    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor().decompressobj()

    def feed(self, data: bytes) -> bytes | None:
        """Return the payload that ``data`` completes."""
        payload = bytearray()
        try:
            for start in range(0, len(data), _PIECE):
                payload += self._stream.decompress(data[start : start + _PIECE])
                if len(payload) > LARGEST_PAYLOAD:
                    raise _too_large()
        except zstandard.ZstdError as error:
            raise TransportError(f"unreadable zstd-stream: {error}") from error
        return bytes(payload) or None


def _too_large() -> TransportError:
    return TransportError(f"a payload is larger than {LARGEST_PAYLOAD >> 20} MiB")


def inflater(compression: Compression) -> Inflater:
    """Return a fresh inflater; the stream's state belongs to one connection."""
    if compression is Compression.ZSTD:
        return ZstdInflater()
    if compression is Compression.ZLIB:
        return ZlibInflater()
    return PlainInflater()
