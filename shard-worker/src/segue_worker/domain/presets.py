"""Filters that have a name, and what of a player's filters a name stands for."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import StrEnum

from segue_core.filters import PLAIN, Filters, Karaoke, Oscillation, Timescale


class Preset(StrEnum):
    """Filters with a name. Those that change the same thing (the equalizer, the speed) replace each other."""

    BASS_BOOST = "bass-boost"
    NIGHTCORE = "nightcore"
    VAPORWAVE = "vaporwave"
    EIGHT_D = "8d"
    KARAOKE = "karaoke"
    TREMOLO = "tremolo"
    VIBRATO = "vibrato"
    TREBLE_BOOST = "treble-boost"
    POP = "pop"
    ROCK = "rock"
    ELECTRONIC = "electronic"
    CLASSICAL = "classical"
    JAZZ = "jazz"
    VOCAL = "vocal"
    NIGHT = "night"


# Bands from 25 Hz to 16 kHz; a gain of 0.25 is about 6 dB.
_EQUALIZERS: dict[Preset, tuple[float, ...]] = {
    Preset.BASS_BOOST: (0.3, 0.3, 0.25, 0.2, 0.1, 0.05, 0.0, -0.05),
    Preset.TREBLE_BOOST: (0.0,) * 8 + (0.05, 0.1, 0.15, 0.2, 0.25, 0.25, 0.25),
    Preset.POP: (-0.05, -0.03, 0.0, 0.04, 0.08, 0.12, 0.15, 0.15, 0.12, 0.08, 0.04, 0.0, 0.0, -0.03, -0.05),
    Preset.ROCK: (0.2, 0.17, 0.12, 0.06, 0.0, -0.04, -0.06, -0.03, 0.03, 0.08, 0.12, 0.15, 0.17, 0.18, 0.18),
    Preset.ELECTRONIC: (
        0.22, 0.2, 0.14, 0.04, 0.0, -0.05, 0.0, 0.04, 0.06, 0.06, 0.08, 0.12, 0.16, 0.18, 0.18,
    ),
    Preset.CLASSICAL: (0.1, 0.1, 0.08, 0.06, 0.02, 0.0, 0.0, 0.0, 0.0, 0.02, 0.05, 0.08, 0.1, 0.12, 0.12),
    Preset.JAZZ: (0.1, 0.09, 0.06, 0.06, 0.02, -0.03, -0.03, 0.0, 0.03, 0.05, 0.07, 0.09, 0.1, 0.1, 0.1),
    Preset.VOCAL: (-0.1, -0.1, -0.08, -0.04, 0.02, 0.1, 0.15, 0.18, 0.18, 0.14, 0.08, 0.02, -0.02, -0.05),
    Preset.NIGHT: (-0.2, -0.18, -0.14, -0.08, -0.03, 0.0, 0.0, 0.0, 0.0, 0.0, -0.04, -0.08, -0.1, -0.12),
}  # fmt: skip

FILTERS: dict[Preset, Filters] = {
    **{preset: Filters(equalizer=gains) for preset, gains in _EQUALIZERS.items()},
    Preset.NIGHTCORE: Filters(timescale=Timescale(rate=1.25)),
    Preset.VAPORWAVE: Filters(timescale=Timescale(rate=0.8)),
    Preset.EIGHT_D: Filters(rotation_hz=0.2),
    Preset.KARAOKE: Filters(karaoke=Karaoke()),
    Preset.TREMOLO: Filters(tremolo=Oscillation(frequency=4.0, depth=0.6)),
    Preset.VIBRATO: Filters(vibrato=Oscillation(frequency=4.0, depth=0.6)),
}
"""What each stands for; the default of a field means that it does not touch it."""

EFFECTS = (
    Preset.BASS_BOOST,
    Preset.NIGHTCORE,
    Preset.VAPORWAVE,
    Preset.EIGHT_D,
    Preset.KARAOKE,
    Preset.TREMOLO,
    Preset.VIBRATO,
)
"""Those offered as effects; the others are offered as equalizers, bass boost as both."""

EQUALIZERS = tuple(_EQUALIZERS)


def active(filters: Filters) -> tuple[Preset, ...]:
    """Return the presets that ``filters`` consist of."""
    return tuple(preset for preset in Preset if is_on(filters, preset))


def is_on(filters: Filters, preset: Preset) -> bool:
    """Whether everything ``preset`` touches is as it says."""
    wanted = FILTERS[preset]
    return all(getattr(filters, name) == getattr(wanted, name) for name in _touched(preset))


def switched(filters: Filters, preset: Preset, *, on: bool) -> Filters:
    """Return ``filters`` with ``preset`` in place of what changed the same before, or without it."""
    source = FILTERS[preset] if on else PLAIN
    return replace(filters, **{name: getattr(source, name) for name in _touched(preset)})


def own_timescale(filters: Filters) -> Timescale | None:
    """Return the speed and pitch that somebody chose by number, None when they are a preset's."""
    named = {FILTERS[preset].timescale for preset in active(filters)}
    return None if filters.timescale in named else filters.timescale


def _touched(preset: Preset) -> tuple[str, ...]:
    values = FILTERS[preset]
    return tuple(
        field.name for field in fields(Filters) if getattr(values, field.name) != getattr(PLAIN, field.name)
    )
