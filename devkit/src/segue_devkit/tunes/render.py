"""Turns a score into samples, any stretch of it at any time, with the timecode mixed in."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from segue_devkit.tunes import composer, instruments, timecode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

_FADE: Final = instruments.RATE
_LOUDNESS: Final = 0.62
"""Keeps the loudest moments below half of full scale, so that a volume of 200 does not clip."""
_CEILING: Final = 0.47


class TuneSound:
    """The sound of one tune, rendered on demand; safe to share between threads."""

    def __init__(self, song_id: int, seed: int, length_ms: int) -> None:
        self._song_id = song_id
        self._score = composer.compose(seed, length_ms)
        self._starts = [note.at for note in self._score.notes]
        longest = max((note.samples for note in self._score.notes), default=0)
        self._tail = longest + instruments.RATE

    @property
    def samples(self) -> int:
        """Length at 48 kHz."""
        return self._score.samples

    @property
    def score(self) -> composer.Score:
        """What is played."""
        return self._score

    def render(self, start: int, count: int) -> Sound:
        """A stretch of the tune.

        Args:
            start: first sample at 48 kHz.
            count: samples wanted; fewer come back at the end of the tune.

        Returns:
            float32, shape (2, n), within -0.5 to 0.5; n is 0 past the end.
        """
        count = max(0, min(count, self.samples - start))
        out = np.zeros((2, count), dtype=np.float32)
        if not count:
            return out
        first = bisect_left(self._starts, start - self._tail)
        last = bisect_left(self._starts, start + count)
        for note in self._score.notes[first:last]:
            _mix(out, note, start)
        out *= np.float32(_LOUDNESS)
        if start + count > self.samples - _FADE:
            out *= self._fade(start, count)
        np.clip(out, -_CEILING, _CEILING, out=out)
        out += timecode.write(self._song_id, start, count)
        return out

    def _fade(self, start: int, count: int) -> Sound:
        left = self.samples - np.arange(start, start + count)
        return np.clip(left / _FADE, 0, 1).astype(np.float32)


def _mix(out: Sound, note: composer.Note, start: int) -> None:
    wave = instruments.sound(note.instrument, note.pitch, note.samples)
    begin = note.at - start
    into, out_of = max(0, begin), max(0, -begin)
    count = min(out.shape[1] - into, len(wave) - out_of)
    if count <= 0:
        return
    part = wave[out_of : out_of + count]
    out[0, into : into + count] += part * np.float32(note.gain * (1 - max(0.0, note.pan)))
    out[1, into : into + count] += part * np.float32(note.gain * (1 + min(0.0, note.pan)))


@lru_cache(maxsize=64)
def sound_of(song_id: int, seed: int, length_ms: int) -> TuneSound:
    """The shared sound of a tune; composing takes milliseconds, so a small cache is enough."""
    return TuneSound(song_id, seed, length_ms)
