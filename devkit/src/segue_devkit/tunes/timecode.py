"""A timecode inside the sound: which song is heard, and where in it, read from decoded audio alone.

The code is a row of soft tones in a narrow band that the tunes' own instruments leave free (about 40 dB
below full scale, far below the music). A word of eleven symbols of 40 ms holds two marker tones and nine
tones of four bits each: song (11 bits), word number (11 bits), CRC (14 bits). Any 0.9 s of sound holds a
whole word, and where the word lies in the window gives the position to a few milliseconds. A band in the
middle of the spectrum is chosen on purpose: Opus keeps it at 64 kbit/s, which it does not do for 14 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]
    Energies = NDArray[np.float64]

RATE: Final = 48_000
SYMBOL: Final = 1_920
"""Samples in a symbol (40 ms)."""
WORD_SYMBOLS: Final = 11
WORD: Final = SYMBOL * WORD_SYMBOLS
"""Samples in a word (440 ms)."""
MAX_SONG: Final = (1 << 11) - 1
MAX_WORD: Final = (1 << 11) - 1
MAX_LENGTH_MS: Final = (MAX_WORD + 1) * WORD * 1000 // RATE

BAND_LOW_HZ: Final = 7_200.0
TONE_STEP_HZ: Final = 100.0
_TONES: Final = 18
"""Sixteen data tones and two markers."""
BAND_HIGH_HZ: Final = BAND_LOW_HZ + TONE_STEP_HZ * (_TONES - 1)
_MARKS: Final = (16, 17)
LEVEL: Final = 0.011
"""Amplitude of a tone; full scale is 1."""

_EDGE: Final = 384
"""Samples of the raised-cosine edge of a symbol (8 ms)."""
_HOP: Final = 120
"""Samples between two looks at the spectrum (2.5 ms)."""
_STEPS: Final = SYMBOL // _HOP
_POLYNOMIAL: Final = 0x202D
_CRC_BITS: Final = 14
_MIN_MARK_SHARE: Final = 0.2
_FINE_HOP: Final = 24


@dataclass(frozen=True, slots=True)
class TimeMark:
    """What was heard at the first sample of the window that was read.

    Attributes:
        song_id: the catalogue number of the tune.
        position_ms: milliseconds into the tune; negative if the window begins before it.
    """

    song_id: int
    position_ms: float


def _crc(payload: int) -> int:
    """CRC of the 22 payload bits; starts from all ones so that an all-zero word is no word."""
    value = (1 << _CRC_BITS) - 1
    for shift in range(21, -1, -1):
        top = (value >> (_CRC_BITS - 1)) ^ (payload >> shift)
        value = (value << 1) & ((1 << _CRC_BITS) - 1)
        if top & 1:
            value ^= _POLYNOMIAL & ((1 << _CRC_BITS) - 1)
    return value


def _symbols(song_id: int, word: int) -> tuple[int, ...]:
    payload = (song_id << 11) | word
    bits = (payload << _CRC_BITS) | _crc(payload)
    return (*_MARKS, *((bits >> shift) & 15 for shift in range(32, -1, -4)))


@lru_cache(maxsize=1)
def _shapes() -> Sound:
    """The eighteen symbols as sound, shape (18, SYMBOL)."""
    time = np.arange(SYMBOL) / RATE
    edge = 0.5 - 0.5 * np.cos(np.pi * (np.arange(_EDGE) + 0.5) / _EDGE)
    envelope = np.concatenate([edge, np.ones(SYMBOL - 2 * _EDGE), edge[::-1]])
    hertz = BAND_LOW_HZ + TONE_STEP_HZ * np.arange(_TONES)[:, None]
    return (LEVEL * envelope * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def write(song_id: int, start: int, count: int) -> Sound:
    """The timecode of a song as sound.

    Args:
        song_id: 1 to MAX_SONG.
        start: first sample, counted at 48 kHz from the beginning of the song.
        count: samples wanted.

    Returns:
        float32, shape (count,).

    Raises:
        ValueError: the song id does not fit into a word.
    """
    if not 0 < song_id <= MAX_SONG:
        raise ValueError(f"song id {song_id} is outside 1..{MAX_SONG}")
    shapes = _shapes()
    first, last = start // SYMBOL, (start + count - 1) // SYMBOL
    sound = np.zeros((last - first + 1) * SYMBOL, dtype=np.float32)
    for index in range(first, last + 1):
        word, place = divmod(index, WORD_SYMBOLS)
        if 0 <= word <= MAX_WORD:
            tone = _symbols(song_id, word)[place]
            sound[(index - first) * SYMBOL :][:SYMBOL] = shapes[tone]
    offset = start - first * SYMBOL
    return sound[offset : offset + count]


def read(pcm: Sound, pace: float = 1.0) -> TimeMark | None:
    """Tell which song a stretch of sound is from, and where in it its first sample lies.

    Args:
        pcm: mono, 48 kHz, at least about 0.9 s (1.3 s to be sure whatever the loss) of the tune.
        pace: seconds of the tune in a second of this sound, where its pitch is unchanged (0.7 to 1.5).

    Returns:
        The mark, or None where no word could be read (silence, other music, too short).
    """
    if len(pcm) < WORD / pace + SYMBOL:
        return None
    energies = _spectrum(pcm, _HOP)
    for start, song_id, word in _words(energies, pace):
        fine = _refine(pcm, start * _HOP, _symbols(song_id, word), pace)
        return TimeMark(song_id, (word * WORD - fine * pace) * 1000 / RATE)
    return None


def _spectrum(pcm: Sound, hop: int) -> Energies:
    """Energy of each tone in windows of a symbol's length, shape (windows, 18)."""
    windows = np.lib.stride_tricks.sliding_window_view(pcm, SYMBOL)[::hop]
    out = windows @ _probes()
    return np.asarray(np.abs(out) ** 2, dtype=np.float64)


@lru_cache(maxsize=1)
def _probes() -> NDArray[np.complex64]:
    time = np.arange(SYMBOL) / RATE
    window = np.hanning(SYMBOL)
    hertz = BAND_LOW_HZ + TONE_STEP_HZ * np.arange(_TONES)
    probes = window[:, None] * np.exp(-2j * np.pi * time[:, None] * hertz)
    return np.asarray(probes, dtype=np.complex64)


def _places(step: int, pace: float) -> NDArray[np.int64]:
    """Where the symbols of a word begin, in looks at the spectrum."""
    return np.rint(np.arange(WORD_SYMBOLS) * step / pace).astype(np.int64)


def _words(energies: Energies, pace: float) -> Iterator[tuple[int, int, int]]:
    """Candidate words as (window index, song, word number), the clearest markers first."""
    share = energies / (energies.sum(axis=1, keepdims=True) + 1e-15)
    places = _places(_STEPS, pace)
    starts = len(share) - int(places[-1])
    if starts <= 0:
        return
    clear = share[:starts, _MARKS[0]] * share[places[1] : places[1] + starts, _MARKS[1]]
    for start in np.argsort(-clear):
        if clear[start] < _MIN_MARK_SHARE**2:
            return
        tones = share[start + places[2:], :16].argmax(axis=1)
        bits = 0
        for tone in tones:
            bits = (bits << 4) | int(tone)
        payload = bits >> _CRC_BITS
        if payload >> 11 and bits & ((1 << _CRC_BITS) - 1) == _crc(payload):
            yield int(start), payload >> 11, payload & MAX_WORD


def _refine(pcm: Sound, start: int, symbols: tuple[int, ...], pace: float) -> float:
    """The sample at which a known word begins, found where its tones are strongest in their places."""
    low = max(0, start - SYMBOL // 2)
    # At another pace the last window reaches beyond the word's end.
    long = int((WORD - SYMBOL) / pace) + SYMBOL
    high = min(len(pcm) - long, start + SYMBOL // 2)
    if high - low < 4 * _FINE_HOP:
        return float(start)
    energies = _spectrum(pcm[low : high + long], _FINE_HOP)
    beginnings = _places(SYMBOL // _FINE_HOP, pace)
    places = np.arange((high - low) // _FINE_HOP + 1)
    total = np.zeros(len(places))
    for place, tone in enumerate(symbols):
        total += np.sqrt(energies[places + beginnings[place], tone])
    return low + _peak(total) * _FINE_HOP


def _peak(values: Energies) -> float:
    """The centre of the best match: the middle of the upper part of its symmetric hump."""
    best = int(values.argmax())
    reach = min(best, len(values) - 1 - best, SYMBOL // _FINE_HOP // 4)
    if reach < 2:  # noqa: PLR2004 - a parabola needs two neighbours
        return float(best)
    near = np.arange(-reach, reach + 1)
    bend, slope, _ = np.polyfit(near, values[best - reach : best + reach + 1], 2)
    if bend >= 0:
        return float(best)
    return best + float(np.clip(-slope / (2 * bend), -reach, reach))
