"""The little orchestra: every sound is made here, cached, and stays below the timecode's band."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from segue_devkit.tunes import timecode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]
    Partial = tuple[float, float, float]

RATE: Final = timecode.RATE
_CEILING_HZ: Final = timecode.BAND_LOW_HZ - 700
"""No partial above this: what the reader of the timecode listens to is left free."""
_RELEASE: Final = 2_400
_ROW: Final = 256


class Instrument(Enum):
    """What a note is played on."""

    PLUCK = "pluck"
    KEYS = "keys"
    BELL = "bell"
    LEAD = "lead"
    PAD = "pad"
    BASS = "bass"
    KICK = "kick"
    SNARE = "snare"
    HAT = "hat"
    SHAKER = "shaker"


DRUMS: Final = frozenset({Instrument.KICK, Instrument.SNARE, Instrument.HAT, Instrument.SHAKER})

# Partials as (multiple of the pitch, strength, seconds until it has faded to a third).
_PARTIALS: Final = {
    Instrument.PLUCK: tuple((n, 1 / n**1.1, 0.9 / n**0.7) for n in range(1, 13)),
    Instrument.KEYS: ((1, 1.0, 1.6), (2, 0.35, 0.9), (3, 0.12, 0.5), (4, 0.18, 0.25), (7, 0.05, 0.12)),
    Instrument.BELL: ((1, 1.0, 1.8), (2.76, 0.5, 0.9), (5.4, 0.2, 0.4), (8.9, 0.08, 0.2)),
    Instrument.LEAD: tuple((n, 1 / n**1.4, 9.0) for n in (1, 2, 3, 4, 5, 6)),
    Instrument.PAD: tuple((n, 1 / n**1.6, 30.0) for n in (0.997, 1.003, 2, 2.996, 4.003)),
    Instrument.BASS: ((1, 1.0, 1.4), (2, 0.5, 0.6), (3, 0.22, 0.35), (4, 0.1, 0.2), (5, 0.06, 0.15)),
}
_ATTACK_S: Final = {Instrument.PAD: 0.25, Instrument.LEAD: 0.03, Instrument.BASS: 0.008}


# About 80 MiB. A tune has some 50 notes; all of the catalogue's would take more than 400 MiB.
@lru_cache(maxsize=400)
def sound(instrument: Instrument, pitch: int, samples: int) -> Sound:
    """One note, mono, full strength about 1.

    Args:
        instrument: what plays it.
        pitch: MIDI number; ignored by drums.
        samples: how long it is held, at 48 kHz; the sound is a release longer.

    Returns:
        float32; shared by all callers, so never to be changed.
    """
    made = _drum(instrument) if instrument in DRUMS else _pitched(instrument, pitch, samples)
    made.flags.writeable = False
    return made


def _pitched(instrument: Instrument, pitch: int, samples: int) -> Sound:
    hertz = 440.0 * 2 ** ((pitch - 69) / 12)
    partials = [partial for partial in _PARTIALS[instrument] if hertz * partial[0] < _CEILING_HZ]
    count = samples + _RELEASE
    sing = _with_vibrato if instrument is Instrument.LEAD else _steady
    out = sing(hertz, partials, count)
    attack = max(1, int(RATE * _ATTACK_S.get(instrument, 0.004)))
    out[:attack] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(attack) / attack)[: len(out)]
    out[-_RELEASE:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(_RELEASE) / _RELEASE)
    return (out / max(1e-9, float(np.abs(out).max()))).astype(np.float32)


def _steady(hertz: float, partials: Sequence[Partial], count: int) -> Sound:
    """Fading sines, each made of the powers of one complex number: rows of 256, times the row's beginning."""
    out = np.zeros((-(-count // _ROW), _ROW), dtype=np.float32)
    fine, coarse = np.arange(_ROW), _ROW * np.arange(len(out))
    for multiple, strength, fade in partials:
        turn = (2j * np.pi * hertz * multiple - 1 / fade) / RATE
        near = (strength * np.exp(turn * fine)).astype(np.complex64)
        far = np.exp(turn * coarse).astype(np.complex64)
        out += np.multiply.outer(far.real, near.imag)
        out += np.multiply.outer(far.imag, near.real)
    return out.reshape(-1)[:count]


def _with_vibrato(hertz: float, partials: Sequence[Partial], count: int) -> Sound:
    """Whole multiples of one swaying tone: its powers, one from the other."""
    time = np.arange(count) / RATE
    angle = np.mod(2 * np.pi * hertz * time + 0.15 * np.sin(2 * np.pi * 5.2 * time), 2 * np.pi)
    small = angle.astype(np.float32)
    tone = np.cos(small) + 1j * np.sin(small)
    power, out = np.ones_like(tone), np.zeros(count, dtype=np.float32)
    for number, (multiple, strength, _) in enumerate(partials, start=1):
        assert multiple == number  # noqa: S101 - a table of ours
        power *= tone
        out += np.float32(strength) * power.imag
    fade = partials[0][2] if partials else 1.0
    return out * np.exp(-time / fade).astype(np.float32)


def _drum(instrument: Instrument) -> Sound:
    noise = np.random.default_rng(len(instrument.value)).standard_normal(RATE // 2)
    time = np.arange(len(noise)) / RATE
    match instrument:
        case Instrument.KICK:
            out = np.sin(2 * np.pi * (48 * time + 6 * (1 - np.exp(-time / 0.03)))) * np.exp(-time / 0.12)
        case Instrument.SNARE:
            body = np.sin(2 * np.pi * 186 * time) * np.exp(-time / 0.06)
            out = 0.5 * body + _between(noise, 900, _CEILING_HZ) * np.exp(-time / 0.09)
        case Instrument.HAT:
            out = _between(noise, 3_800, _CEILING_HZ) * np.exp(-time / 0.03)
        case _:
            out = _between(noise, 3_000, 5_800) * np.sin(np.pi * np.clip(time / 0.09, 0, 1)) ** 2
    out = _between(out, 0, _CEILING_HZ)
    out[-_RELEASE:] *= np.linspace(1, 0, _RELEASE)
    return (out / float(np.abs(out).max())).astype(np.float32)


def _between(wave: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """The part of a short sound between two frequencies."""
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / RATE)
    spectrum[(hertz < low) | (hertz > high)] = 0
    return np.fft.irfft(spectrum, len(wave))
