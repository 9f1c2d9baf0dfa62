"""Transport compression: one context for all messages of a socket, flushed at each message."""

from __future__ import annotations

import zlib
from typing import Protocol

import zstandard


class Encoder(Protocol):
    """Turns a JSON text into what goes into one WebSocket message."""

    name: str

    def encode(self, text: str) -> str | bytes:
        """A str is sent as a text frame, bytes as a binary one."""


class Plain:
    """``compress`` absent."""

    name = "none"

    def encode(self, text: str) -> str:
        """As it is."""
        return text


class ZlibStream:
    """``compress=zlib-stream``: one zlib context, each message ends with the sync flush 00 00 FF FF."""

    name = "zlib-stream"

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(level=1)

    def encode(self, text: str) -> bytes:
        """The next piece of the stream."""
        return self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """``compress=zstd-stream``: one zstd frame over all messages, a block flush at each."""

    name = "zstd-stream"

    def __init__(self) -> None:
        self._deflate = zstandard.ZstdCompressor(level=1).compressobj()

    def encode(self, text: str) -> bytes:
        """The next piece of the stream."""
        return self._deflate.compress(text.encode()) + self._deflate.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


class ZlibPayload:
    """IDENTIFY with ``compress: true``: each large message is a zlib stream of its own."""

    name = "identify"
    threshold = 512

    def encode(self, text: str) -> str | bytes:
        """Small messages stay text."""
        if len(text) < self.threshold:
            return text
        return zlib.compress(text.encode(), level=1)


def for_query(name: str | None) -> Encoder | None:
    """The encoder of the ``compress`` query parameter; None if Discord knows no such compression."""
    if not name:
        return Plain()
    if name == "zlib-stream":
        return ZlibStream()
    if name == "zstd-stream":
        return ZstdStream()
    return None
