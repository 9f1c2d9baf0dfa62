"""How a track is played: the part of a player's settings that changes its samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from segue_devkit.lavalink.audio.graph import Step

if TYPE_CHECKING:
    from segue_devkit.lavalink.filters import Filters

_FULL: Final = 100
_KNEE: Final = 150


@dataclass(frozen=True, slots=True)
class Voicing:
    """Gain and speed as factors, and the graph of the filters; equal voicings share frames."""

    gain: float = 1.0
    speed: float = 1.0
    chain: tuple[Step, ...] = ()


def voicing_of(volume: int, filters: Filters) -> Voicing:
    """The voicing of a player; volume 100 without filters leaves the sound untouched."""
    gain = 1.0 if volume == _FULL else volume_gain(volume)
    return Voicing(gain * filters.gain, filters.speed, filters.chain)


def volume_gain(volume: int) -> float:
    """The factor of a player volume of 0 to 1000: lavaplayer's curve (100 is about 1, 150 about 2.4)."""
    if volume <= _KNEE:
        return math.tan(volume * 0.0079)
    return 2.4621 * volume / _KNEE
