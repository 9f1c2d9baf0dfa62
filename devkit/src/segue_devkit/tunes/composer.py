"""Writes a tune from a seed: key, chords, melody, bass and drums, in sections that come back.

Pure: the same seed and length give the same score on every machine (Python's own generator, whose sequence
is fixed across versions, decides everything).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from segue_devkit.tunes.instruments import RATE, Instrument

if TYPE_CHECKING:
    from collections.abc import Iterator

BEATS: Final = 4
_MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
_MINOR: Final = (0, 2, 3, 5, 7, 8, 10)
_ENDING_BARS: Final = 1


@dataclass(frozen=True, slots=True)
class Note:
    """One stroke of one instrument; `at` and `samples` are counted at 48 kHz, `pan` is -1 (left) to 1."""

    at: int
    samples: int
    pitch: int
    instrument: Instrument
    gain: float
    pan: float


@dataclass(frozen=True, slots=True)
class Style:
    """What a kind of music has in common."""

    name: str
    bpm: tuple[int, int]
    scale: tuple[int, ...]
    chords: tuple[tuple[int, ...], ...]
    lead: Instrument
    comp: Instrument
    swing: float
    kick: tuple[float, ...]
    snare: tuple[float, ...]
    hat: Instrument
    hat_step: float
    bass: tuple[float, ...]


STYLES: Final = (
    Style("waltzing lantern", (84, 98), _MAJOR, ((0, 5, 3, 4), (0, 2, 3, 4)), Instrument.BELL,
          Instrument.PLUCK, 0.0, (0, 2), (), Instrument.SHAKER, 0.5, (0, 2)),
    Style("night drive", (98, 116), _MINOR, ((0, 5, 2, 6), (0, 3, 5, 6)), Instrument.LEAD, Instrument.PAD,
          0.0, (0, 1, 2, 3), (1, 3), Instrument.HAT, 0.5, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    Style("corner cafe", (76, 92), _MAJOR, ((1, 4, 0, 5), (0, 5, 1, 4)), Instrument.KEYS, Instrument.KEYS,
          0.16, (0, 2.5), (1, 3), Instrument.SHAKER, 0.5, (0, 1.5, 2, 3)),
    Style("small parade", (110, 128), _MAJOR, ((0, 4, 5, 3), (0, 3, 0, 4)), Instrument.PLUCK, Instrument.KEYS,
          0.0, (0, 1.5, 2), (1, 3), Instrument.HAT, 0.25, (0, 1, 2, 3)),
    Style("slow harbour", (66, 80), _MINOR, ((0, 6, 5, 6), (0, 2, 6, 3)), Instrument.KEYS, Instrument.PAD,
          0.08, (0, 2.5), (2,), Instrument.SHAKER, 0.5, (0, 2.5)),
)  # fmt: skip

_RHYTHMS: Final = (
    ((0, 1), (1, 0.5), (1.5, 0.5), (2, 1.5)),
    ((0, 0.5), (0.5, 0.5), (1, 1), (2, 0.5), (2.5, 0.5), (3, 1)),
    ((0, 1.5), (1.5, 0.5), (2, 1), (3, 1)),
    ((0.5, 0.5), (1, 1), (2, 0.5), (2.5, 1.5)),
    ((0, 2), (2, 1), (3, 0.5), (3.5, 0.5)),
    ((0, 0.75), (0.75, 0.75), (1.5, 0.5), (2, 2)),
)
_ENDS: Final = (((0, 1), (1, 3)), ((0, 0.5), (0.5, 0.5), (1, 3)), ((0, 4),))


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Four bars of melody in scale steps: (beat, beats, step) for each bar."""

    bars: tuple[tuple[tuple[float, float, int], ...], ...]
    chords: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A whole tune: its notes in order of time, tempo, style, and the length in samples."""

    notes: tuple[Note, ...]
    bpm: int
    style: str
    samples: int


def compose(seed: int, length_ms: int) -> Score:
    """Write the tune of a seed.

    Args:
        seed: decides everything but the length.
        length_ms: milliseconds; the last chord rings out within them.
    """
    dice = random.Random(seed)
    style = dice.choice(STYLES)
    bpm = dice.randint(*style.bpm)
    key = dice.randint(-5, 6)
    samples = length_ms * RATE // 1000
    bar = RATE * 60 * BEATS // bpm
    bars = max(2, samples // bar)
    phrases = {name: _phrase(dice, style) for name in "AB"}
    writer = _Writer(style, key, RATE * 60 / bpm)
    notes: list[Note] = []
    for number, (name, dense) in enumerate(_form(bars - _ENDING_BARS)):
        notes += writer.bar(number, phrases[name], number % 4, dense=dense, chorus=name == "B")
    notes += writer.ending(bars - _ENDING_BARS)
    notes.sort(key=lambda note: note.at)
    return Score(tuple(notes), bpm, style.name, samples)


def _form(bars: int) -> Iterator[tuple[str, bool]]:
    """Which phrase each bar belongs to, and whether the whole band plays: intro, then A A B A B B ..."""
    order = "AABABB"
    for number in range(bars):
        section = number // 4
        intro = section == 0 and bars > 8  # noqa: PLR2004 - a short tune begins at once
        rest = section % 7 == 6  # noqa: PLR2004 - every seventh section takes a breath
        yield order[section % len(order)], not (intro or rest)


def _phrase(dice: random.Random, style: Style) -> _Phrase:
    chords = dice.choice(style.chords)
    motif = dice.choice(_RHYTHMS)
    answer = dice.choice(_RHYTHMS)
    step = dice.choice((7, 9, 11))
    bars = []
    for place, rhythm in enumerate((motif, answer, motif, dice.choice(_ENDS))):
        line = []
        for beat, beats in rhythm:
            strong = beat in {0, 2}
            step = _near_chord(step, chords[place]) if strong else step + dice.choice((-2, -1, -1, 1, 1, 2))
            step = min(14, max(4, step))
            line.append((beat, beats, step))
        bars.append(tuple(line))
    return _Phrase(tuple(bars), chords)


def _near_chord(step: int, chord: int) -> int:
    """The scale step nearest to `step` that belongs to the triad on `chord`."""
    tones = [chord + third + 7 * octave for octave in (-1, 0, 1, 2) for third in (0, 2, 4)]
    return min(tones, key=lambda tone: (abs(tone - step), tone))


class _Writer:
    """Puts phrases down as notes in a key and tempo."""

    def __init__(self, style: Style, key: int, beat: float) -> None:
        self._style = style
        self._key = key
        self._beat = beat

    def bar(self, number: int, phrase: _Phrase, place: int, *, dense: bool, chorus: bool) -> list[Note]:
        chord = phrase.chords[place]
        notes = [*self._harmony(number, chord), *self._bass(number, chord)]
        if dense:
            notes += self._melody(number, phrase.bars[place], chorus=chorus)
            notes += self._drums(number, fill=place == len(phrase.chords) - 1)
        else:
            notes += self._ticks(number)
        return notes

    def ending(self, number: int) -> list[Note]:
        held = 3.5
        notes = [self._note(number, 0, held, self._pitch(t, 60), self._style.comp, 0.16) for t in (0, 2, 4)]
        notes.append(self._note(number, 0, held, self._pitch(0, 36), Instrument.BASS, 0.3))
        notes.append(self._note(number, 0, held, self._pitch(7, 60), self._style.lead, 0.2))
        return notes

    def _pitch(self, step: int, base: int) -> int:
        octave, degree = divmod(step, 7)
        return base + self._key + 12 * octave + self._style.scale[degree]

    def _note(  # noqa: PLR0917 - a line of a score
        self,
        bar: int,
        beat: float,
        beats: float,
        pitch: int,
        instrument: Instrument,
        gain: float,
        pan: float = 0,
    ) -> Note:
        late = self._style.swing if beat % 1 == 0.5 else 0.0  # noqa: PLR2004 - the offbeat eighth
        at = int((bar * BEATS + beat + late) * self._beat)
        return Note(at, int(beats * self._beat), pitch, instrument, gain, pan)

    def _melody(
        self, bar: int, line: tuple[tuple[float, float, int], ...], *, chorus: bool
    ) -> Iterator[Note]:
        for beat, beats, step in line:
            pitch = self._pitch(step, 60)
            held = max(0.25, beats * 0.92)
            yield self._note(bar, beat, held, pitch, self._style.lead, 0.2, 0.1)
            # Two soft echoes a dotted eighth apart, one to each side, make the room.
            yield self._note(bar, beat + 0.75, held, pitch, self._style.lead, 0.055, -0.6)
            yield self._note(bar, beat + 1.5, held, pitch, self._style.lead, 0.025, 0.6)
            if chorus:
                yield self._note(bar, beat, held, self._pitch(step - 2, 60), self._style.lead, 0.09, -0.25)

    def _harmony(self, bar: int, chord: int) -> Iterator[Note]:
        tones = sorted((self._pitch(chord + third, 48) - 48) % 12 + 55 for third in (0, 2, 4))
        if self._style.comp is Instrument.PAD:
            for place, tone in enumerate(tones):
                yield self._note(bar, 0, BEATS, tone, Instrument.PAD, 0.075, 0.5 * (place - 1))
            return
        for place in range(8):
            tone = tones[(0, 1, 2, 1)[place % 4]] + (12 if place in {2, 6} else 0)
            yield self._note(bar, place / 2, 0.6, tone, self._style.comp, 0.085, 0.4 if place % 2 else -0.4)

    def _bass(self, bar: int, chord: int) -> Iterator[Note]:
        root = (self._pitch(chord, 36) - 33) % 12 + 33
        steps = self._style.bass
        for place, beat in enumerate(steps):
            until = steps[place + 1] if place + 1 < len(steps) else BEATS
            tone = root + 7 if place and place == len(steps) - 1 else root
            yield self._note(bar, beat, 0.85 * (until - beat), tone, Instrument.BASS, 0.2)

    def _drums(self, bar: int, *, fill: bool) -> Iterator[Note]:
        for beat in self._style.kick:
            yield self._note(bar, beat, 1, 0, Instrument.KICK, 0.26)
        for beat in self._style.snare:
            yield self._note(bar, beat, 1, 0, Instrument.SNARE, 0.1)
        yield from self._ticks(bar)
        if fill and self._style.snare:
            for beat, gain in ((3.25, 0.04), (3.5, 0.06), (3.75, 0.08)):
                yield self._note(bar, beat, 1, 0, Instrument.SNARE, gain)

    def _ticks(self, bar: int) -> Iterator[Note]:
        step = self._style.hat_step
        for place in range(int(BEATS / step)):
            gain = 0.04 if place % 2 else 0.022
            yield self._note(bar, place * step, 1, 0, self._style.hat, gain, 0.25)
