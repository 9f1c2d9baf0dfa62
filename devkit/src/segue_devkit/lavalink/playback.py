"""A track under way: the cursor that the sender's thread moves and the event loop looks at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from segue_devkit.lavalink.audio.book import CHAPTER
from segue_devkit.lavalink.audio.opus import FRAME_MS
from segue_devkit.lavalink.voice.sender import Later

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.lavalink.audio.book import Book
    from segue_devkit.lavalink.voice.sender import Provided

_CHAPTER_S: Final = CHAPTER * FRAME_MS / 1000


class Happening(Enum):
    """What the sender's thread has to tell about a track, once each."""

    FINISHED = "finished"
    FAILED = "failed"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Limits:
    """`buffer_frames`: how far ahead is encoded at most; `stuck_s`: how long without a frame is stuck."""

    buffer_frames: int
    stuck_s: float


class Playback:
    """Frames of one book from a place on. Replaced by another when volume, filters or place change."""

    def __init__(
        self,
        book: Book,
        start: int,
        speed: float,
        limits: Limits,
        tell: Callable[[Playback, Happening], None],
        *,
        origin_ms: int = 0,
    ) -> None:
        self.book = book
        self.stop_at: int | None = None
        self._speed = speed
        self._limits = limits
        self._tell = tell
        self._start = self._index = start
        self.origin_ms = origin_ms
        self.begun = False
        self._told: set[Happening] = set()
        self._fed: float | None = None

    @classmethod
    def frame_at(cls, position_ms: float, speed: float) -> int:
        """The frame that a position of the track falls into."""
        return max(0, int(position_ms / (FRAME_MS * speed)))

    @property
    def place_ms(self) -> int:
        """Where in the track the next frame comes from."""
        return int(self._index * FRAME_MS * self._speed)

    @property
    def position_ms(self) -> int:
        """The place as it is reported, which for some tracks is counted from another origin."""
        return self.place_ms - self.origin_ms

    @property
    def ready(self) -> bool:
        """Whether the next frame is written."""
        return self.book.frame(self._index) is not None

    def prepare(self, now: float) -> None:
        """Have the first frames encoded at once."""
        for ahead in range(0, max(1, self._ahead(self._index)), CHAPTER // 2):
            self.book.want(self._index + ahead, now + ahead * FRAME_MS / 1000)

    def _ahead(self, index: int) -> int:
        """How many frames are encoded ahead: all that is allowed of what may stall.

        Of the others as many again as were heard since the start, and a chapter: who skips through songs
        has not paid for five seconds of each.
        """
        most = self._limits.buffer_frames
        return most if self.book.may_stall else min(most, CHAPTER + index - self._start)

    def next(self, now: float) -> Provided:
        """The next frame; on the sender's thread."""
        index = self._index
        if self.stop_at is not None and self.position_ms >= self.stop_at:
            self._once(Happening.FINISHED)
            return None
        frame = self.book.frame(index)
        if frame is None:
            return self._missing(index, now)
        self._index = index + 1
        self.begun = True
        self._fed = now
        self._told.discard(Happening.STUCK)
        if not index % (CHAPTER // 5):
            ahead = self._ahead(index)
            self.book.want(index + ahead, now + ahead * FRAME_MS / 1000)
            self.book.want(index + CHAPTER, now + _CHAPTER_S)
        return frame

    def _missing(self, index: int, now: float) -> Provided:
        if self.book.end is not None and index >= self.book.end:
            self._once(Happening.FINISHED)
            return None
        if self.book.error is not None:
            self._once(Happening.FAILED)
            return None
        self.book.want(index, now)
        if self._fed is None:
            self._fed = now
        if now - self._fed > self._limits.stuck_s:
            self._once(Happening.STUCK)
        return Later.WAIT

    def _once(self, happening: Happening) -> None:
        if happening not in self._told:
            self._told.add(happening)
            self._tell(self, happening)
