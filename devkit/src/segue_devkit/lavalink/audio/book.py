"""Frames of one sound, encoded once and read by every player that plays it the same way.

A book is (track, gain, filters, speed). It is written in chapters of 50 frames (1 s) on pool threads, in any
order that its readers need; chapters that follow one another share the encoder, and after a jump a fresh
encoder warms up on the frames before, so that the seam can't be heard.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import numpy as np

from segue_devkit.lavalink.audio.graph import GraphReader
from segue_devkit.lavalink.audio.opus import FRAME, OpusEncoder
from segue_devkit.lavalink.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from segue_devkit.lavalink.audio.pool import EncoderPool
    from segue_devkit.lavalink.audio.readers import PcmReader
    from segue_devkit.lavalink.audio.shelf import ShelfPlace
    from segue_devkit.lavalink.audio.voicing import Voicing

CHAPTER: Final = 50
_BLOCKS: Final = (10, 40)
"""A chapter is encoded in these pieces: the first one soon, the rest cheaply."""
_WARM_UP: Final = 5
_KEEP: Final = 600
"""Chapters held of one book (10 minutes, about 10 MB)."""


class Book:
    """See the module. `frame` and `want` may be called from any thread; `step` belongs to the pool."""

    def __init__(
        self,
        opener: Callable[[], PcmReader],
        voicing: Voicing,
        pool: EncoderPool,
        *,
        seekable: bool,
        may_stall: bool = False,
        shelf: ShelfPlace | None = None,
    ) -> None:
        self.end: int | None = None
        self.error: TrackError | None = None
        self.users = 0
        self.may_stall = may_stall
        """Whether its source may keep the reader waiting, so that it is read ahead as far as allowed."""
        self.size = 0
        """About how many bytes of memory the frames take."""
        self._opener = opener
        self._voicing = voicing
        self._pool = pool
        self._shelf = shelf
        self._seekable = seekable
        self._chapters: dict[int, list[bytes]] = {}
        self._wanted: dict[int, float] = {}
        self._lock = threading.Lock()
        self._queued = False
        self._closed = False
        self._reader: PcmReader | None = None
        self._encoder: OpusEncoder | None = None
        self._next = -1

    @property
    def pool(self) -> EncoderPool:
        """Where it is written."""
        return self._pool

    def frame(self, number: int) -> bytes | None:
        """An Opus frame, or None if it is not written yet (or lies past `end`)."""
        chapter = self._chapters.get(number // CHAPTER)
        place = number % CHAPTER
        return chapter[place] if chapter is not None and place < len(chapter) else None

    def want(self, number: int, deadline: float) -> None:
        """Have the chapter of a frame written by a time (monotonic seconds)."""
        chapter = number // CHAPTER
        if chapter in self._chapters or self.error or (self.end is not None and number >= self.end):
            return
        with self._lock:
            if chapter in self._chapters or chapter in self._wanted or self._closed:
                return
            self._wanted[chapter] = deadline
            if self._queued:
                return
            self._queued = True
        self._pool.submit(self, deadline)

    def step(self) -> float | None:
        """Write the most urgent chapter."""
        with self._lock:
            chapter = min(self._wanted, key=self._wanted.__getitem__, default=None)
        if chapter is not None and not self._closed:
            try:
                self._write(chapter if self._seekable else max(0, self._next) // CHAPTER)
            except TrackError as error:
                self.error = error
        with self._lock:
            if chapter is not None:
                self._wanted.pop(chapter, None)
            if self.error or self._closed or not self._wanted:
                self._wanted.clear()
                self._queued = False
                self._let_go(finished=self._closed or self.error is not None)
                return None
            return min(self._wanted.values())

    def close(self) -> None:
        """Nobody reads it any more; whoever writes it now lets go of the source."""
        with self._lock:
            self._closed = True
            if not self._queued:
                self._let_go(finished=True)

    def _let_go(self, *, finished: bool) -> None:
        if finished and self._reader is not None:
            self._reader.close()
            self._reader = None

    def _write(self, chapter: int) -> None:
        first = chapter * CHAPTER
        if self._shelf is not None and (kept := self._shelf.load(chapter)) is not None:
            self._chapters[chapter] = kept
            if len(kept) < CHAPTER:
                self._ends_at(first + len(kept))
            self._account(chapter)
            return
        reader, encoder = self._prepared(first)
        frames: list[bytes] = []
        self._chapters[chapter] = frames
        start = first
        for block in _BLOCKS:
            sound = self._voiced(reader, block)
            count = -(-sound.shape[1] // FRAME)
            if missing := count * FRAME - sound.shape[1]:
                sound = np.pad(sound, ((0, 0), (0, missing)))
            frames += encoder.frames(sound)
            start += count
            self._next = start
            if count < block:
                self._ends_at(start)
                break
        self._account(chapter)
        if self._shelf is not None:
            self._shelf.store(chapter, frames)

    def _ends_at(self, frame: int) -> None:
        self.end = frame if self.end is None else min(self.end, frame)

    def _account(self, chapter: int) -> None:
        """Count a chapter that was written, and let go of those farthest from it where there are too many."""
        self.size += sum(map(len, self._chapters[chapter]))
        while len(self._chapters) > _KEEP:
            farthest = max(self._chapters, key=lambda other: abs(other - chapter))
            self.size -= sum(map(len, self._chapters.pop(farthest)))

    def _prepared(self, first: int) -> tuple[PcmReader, OpusEncoder]:
        if self._reader is None:
            inner = self._opener()
            self._reader = self._filtered(inner)
            self._next = 0
            self._encoder = OpusEncoder()
        if self._next != first or self._encoder is None:
            warm = min(first, _WARM_UP)
            self._reader.seek((first - warm) * FRAME)
            self._encoder = OpusEncoder()
            sound = self._voiced(self._reader, warm)
            self._encoder.frames(sound[:, : sound.shape[1] // FRAME * FRAME])
            self._next = first
        return self._reader, self._encoder

    def _filtered(self, inner: PcmReader) -> PcmReader:
        voicing = self._voicing
        return GraphReader(inner, voicing.chain, voicing.speed) if voicing.chain else inner

    def _voiced(self, reader: PcmReader, count: int) -> NDArray[np.float32]:
        sound = reader.read(count * FRAME) if count else np.zeros((2, 0), dtype=np.float32)
        if self._voicing.gain != 1.0:
            sound = sound * np.float32(self._voicing.gain)
        # A real node has 16 bits for a sample from the first filter to the encoder.
        return np.clip(sound, -1, 1)
