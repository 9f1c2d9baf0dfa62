"""What is done to the sound on its way: part of a player's snapshot, so it goes wherever the player goes.

Bounds are those of Lavalink v4's ``Filters``; a value outside of them would cost the whole PATCH.
"""

from __future__ import annotations

from dataclasses import dataclass

BANDS = 15
"""Bands of Lavalink's equalizer: 25 Hz to 16 kHz."""

GAIN_LEAST, GAIN_MOST = -0.25, 1.0
"""Gain of a band: -0.25 mutes it, 0.25 doubles it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timescale:
    """``speed`` leaves the pitch alone, ``pitch`` the speed; ``rate`` changes both. 1.0 changes nothing."""

    speed: float = 1.0
    pitch: float = 1.0
    rate: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Oscillation:
    """Of the volume (tremolo) or the pitch (vibrato). ``frequency`` in Hz, ``depth`` above 0 up to 1."""

    frequency: float
    depth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Karaoke:
    """Takes the middle of the stereo picture away, around ``band`` (Hz), ``width`` wide."""

    level: float = 1.0
    mono_level: float = 1.0
    band: float = 220.0
    width: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """All of a player's filters; the default is the sound as it is.

    ``equalizer`` has the gains of the bands from the lowest on, those left out are 0. ``rotation_hz`` is how
    often a second the sound goes around the listener.
    """

    equalizer: tuple[float, ...] = ()
    timescale: Timescale | None = None
    karaoke: Karaoke | None = None
    tremolo: Oscillation | None = None
    vibrato: Oscillation | None = None
    rotation_hz: float = 0.0

    @property
    def speed(self) -> float:
        """How many seconds of song are heard in one."""
        return 1.0 if self.timescale is None else self.timescale.speed * self.timescale.rate


PLAIN = Filters()
"""The sound as it is."""
