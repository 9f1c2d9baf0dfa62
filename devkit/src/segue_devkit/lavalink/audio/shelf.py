"""Chapters of plain catalogue tunes on disk, so that a tune is encoded once on a machine.

Nodes come and go in tests, and every one of them plays the same few tunes. What is kept depends on nothing
but the code that made it, whose fingerprint is in the folder's name; folders of other code that nobody has
opened for a week are removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import struct
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av

from segue_devkit import tunes
from segue_devkit.lavalink import audio

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOG: Final = logging.getLogger("segue.lavalink.shelf")
VARIABLE: Final = "SEGUE_TUNES_CACHE"
_OFF: Final = "off"
_MAGIC: Final = b"SGF1"
_HEADER: Final = struct.Struct(">4sIH")
"""Magic, CRC-32 of the rest, count of frames; then a u16 length and the bytes of each frame."""
_LENGTH: Final = struct.Struct(">H")
_STALE_S: Final = 7 * 86_400.0


def folder_of(environ: Mapping[str, str]) -> Path | None:
    """Where chapters are kept: SEGUE_TUNES_CACHE ("off" for nowhere), else the user's cache."""
    named = environ.get(VARIABLE, "")
    if named == _OFF:
        return None
    if named:
        return Path(named)
    base = environ.get("XDG_CACHE_HOME") or environ.get("HOME", "")
    if not base:
        return None
    cache = Path(base) if environ.get("XDG_CACHE_HOME") else Path(base) / ".cache"
    return cache / "segue" / "tunes"


def fingerprint() -> str:
    """Of all code that has a say in what a tune's frames are."""
    digest = hashlib.blake2b(digest_size=10)
    for package in (tunes, audio):
        for path in sorted(Path(package.__path__[0]).glob("*.py")):
            digest.update(path.read_bytes())
    digest.update(repr((av.__version__, sorted(av.library_versions.items()))).encode())
    return digest.hexdigest()


class Shelf:
    """See the module. May be used from several threads and processes at once; never fails, only forgets."""

    def __init__(self, folder: Path | None) -> None:
        self._folder: Path | None = None
        if folder is not None:
            try:
                self._folder = _opened(folder / fingerprint())
            except OSError as error:
                _LOG.warning("tunes are not kept on disk: %s", error)

    def load(self, name: str, chapter: int) -> list[bytes] | None:
        """The frames of a chapter; None if it is not there, or not whole."""
        if self._folder is None:
            return None
        try:
            return unpacked((self._folder / name / str(chapter)).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _LOG.warning("chapter %s of %s is encoded anew: %s", chapter, name, error)
            return None

    def store(self, name: str, chapter: int, frames: list[bytes]) -> None:
        """Keep a whole chapter. A full or read-only disk ends the keeping, not the music."""
        if self._folder is None:
            return
        try:
            place = self._folder / name
            place.mkdir(exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=place)
            with os.fdopen(handle, "wb") as file:
                file.write(packed(frames))
            Path(draft).replace(place / str(chapter))
        except OSError as error:
            _LOG.warning("tunes are no longer kept on disk: %s", error)
            self._folder = None


@dataclass(frozen=True, slots=True)
class ShelfPlace:
    """Where one tune's chapters are."""

    shelf: Shelf
    name: str

    def load(self, chapter: int) -> list[bytes] | None:
        """As Shelf.load."""
        return self.shelf.load(self.name, chapter)

    def store(self, chapter: int, frames: list[bytes]) -> None:
        """As Shelf.store."""
        self.shelf.store(self.name, chapter, frames)


def packed(frames: list[bytes]) -> bytes:
    """The file of a chapter."""
    body = b"".join(_LENGTH.pack(len(frame)) + frame for frame in frames)
    return _HEADER.pack(_MAGIC, zlib.crc32(body), len(frames)) + body


def unpacked(data: bytes) -> list[bytes]:
    """The frames of a chapter's file.

    Raises:
        ValueError: it was cut short, or is no such file.
    """
    if len(data) < _HEADER.size:
        raise ValueError("too short")
    magic, check, count = _HEADER.unpack_from(data)
    if magic != _MAGIC or zlib.crc32(data[_HEADER.size :]) != check:
        raise ValueError("not what was written")
    at, frames = _HEADER.size, []
    for _ in range(count):
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        frames.append(data[at : at + size])
        at += size
    return frames


def _opened(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for other in folder.parent.iterdir():
        # Another process may be at the same: what is gone already is as good.
        with contextlib.suppress(FileNotFoundError):
            if other != folder and time.time() - other.stat().st_mtime > _STALE_S:
                shutil.rmtree(other, ignore_errors=True)
    return folder
