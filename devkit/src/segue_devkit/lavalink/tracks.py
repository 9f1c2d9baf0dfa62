"""Tracks, and Lavalink's binary form of them (`encoded`: base64 of a versioned Java data stream).

Layout, as seen in recordings: u32 (flags in the top two bits, 1 = versioned; size below), u8 version 3,
title, author, i64 length, identifier, bool stream, then each as bool + text: uri, artwork, isrc; source name;
for file sources the name of the container; i64 position. Text is Java's modified UTF-8 behind a u16 length.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass, replace
from typing import Any, Final

_VERSION: Final = 3
_VERSIONED: Final = 1 << 30
_SIZE: Final = _VERSIONED - 1
_FILE_SOURCES: Final = frozenset({"local", "http"})
MAX_LONG: Final = (1 << 63) - 1
"""The length of a live stream, as lavaplayer writes it."""


class BadTrackError(ValueError):
    """The text is no encoded track."""


@dataclass(frozen=True, slots=True)
class Track:
    """A playable thing; times in milliseconds. `probe` is the container of a file ("mp3"), else None."""

    identifier: str
    title: str
    author: str
    length_ms: int
    source: str
    is_stream: bool = False
    uri: str | None = None
    artwork: str | None = None
    isrc: str | None = None
    probe: str | None = None
    position_ms: int = 0

    @property
    def seekable(self) -> bool:
        """Whether a seek can work."""
        return not self.is_stream

    @property
    def loses_count(self) -> bool:
        """Whether a real node's decoder counts positions anew from a seek on, as it does in Ogg files."""
        return self.source in _FILE_SOURCES and self.probe == "ogg"

    def at(self, position_ms: int) -> Track:
        """The same track at another position."""
        return replace(self, position_ms=position_ms)

    def to_json(self, user_data: dict[str, Any] | None = None) -> dict[str, Any]:
        """The track object of the protocol."""
        return {
            "encoded": encode(self),
            "info": {
                "identifier": self.identifier,
                "isSeekable": self.seekable,
                "author": self.author,
                "length": self.length_ms,
                "isStream": self.is_stream,
                "position": self.position_ms,
                "title": self.title,
                "uri": self.uri,
                "sourceName": self.source,
                "artworkUrl": self.artwork,
                "isrc": self.isrc,
            },
            "pluginInfo": {} if self.probe is None else {"probeInfo": self.probe},
            "userData": user_data or {},
        }


def encode(track: Track) -> str:
    """The track as base64."""
    parts = [
        bytes([_VERSION]),
        _text(track.title),
        _text(track.author),
        struct.pack(">q", track.length_ms),
        _text(track.identifier),
        struct.pack(">?", track.is_stream),
        *(_optional(value) for value in (track.uri, track.artwork, track.isrc)),
        _text(track.source),
    ]
    if track.source in _FILE_SOURCES:
        parts.append(_text(track.probe or ""))
    parts.append(struct.pack(">q", track.position_ms))
    body = b"".join(parts)
    return base64.b64encode(struct.pack(">I", _VERSIONED | len(body)) + body).decode()


def decode(encoded: str) -> Track:
    """The track of a base64 text.

    Raises:
        BadTrackError: not base64, cut short, or of an unknown version.
    """
    try:
        data = _Input(base64.b64decode(encoded, validate=True))
        header = data.number(">I")
        version = data.number(">B") if header & _VERSIONED else 1
        if not 1 <= version <= _VERSION or header & _SIZE > data.size - 4:
            raise BadTrackError("not a track of a known version")
        return _fields(data, version)
    except (binascii.Error, struct.error, UnicodeError, ValueError) as error:
        raise BadTrackError(f"no encoded track: {error}") from None


def _fields(data: _Input, version: int) -> Track:
    title, author, length = data.text(), data.text(), data.number(">q")
    identifier, is_stream = data.text(), bool(data.number(">B"))
    uri = data.optional() if version > 1 else None
    artwork, isrc = (data.optional(), data.optional()) if version == _VERSION else (None, None)
    source = data.text()
    probe = data.text() if source in _FILE_SOURCES else None
    return Track(
        identifier, title, author, length, source, is_stream, uri, artwork, isrc, probe, data.number(">q")
    )


class _Input:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.size = len(data)

    def number(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return int(value)

    def text(self) -> str:
        count = self.number(">H")
        raw = self._data[self._at : self._at + count]
        if len(raw) < count:
            raise BadTrackError("cut short")
        self._at += count
        utf16 = raw.replace(b"\xc0\x80", b"\x00").decode("utf-8", "surrogatepass")
        return utf16.encode("utf-16", "surrogatepass").decode("utf-16")

    def optional(self) -> str | None:
        return self.text() if self.number(">B") else None


def _text(value: str) -> bytes:
    """Java's modified UTF-8: characters beyond the first plane as two surrogates, NUL as two bytes."""
    raw = value.encode() if value.isascii() and "\0" not in value else _modified(value)
    return struct.pack(">H", len(raw)) + raw


def _modified(value: str) -> bytes:
    units = value.encode("utf-16-be", "surrogatepass")
    points = (chr(unit) for (unit,) in struct.iter_unpack(">H", units))
    return b"".join(b"\xc0\x80" if p == "\0" else p.encode("utf-8", "surrogatepass") for p in points)


def _optional(value: str | None) -> bytes:
    return b"\x00" if value is None else b"\x01" + _text(value)
