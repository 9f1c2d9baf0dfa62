"""How a track is played: the part of a player's settings that changes its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from segue_devkit.lavalink.audio.effects import volume_gain

if TYPE_CHECKING:
    from segue_devkit.lavalink.filters import Filters

_FULL: Final = 100


@dataclass(frozen=True, slots=True)
class Voicing:
    """Gain as a factor, speed as a factor, and effects with their parameters; equal voicings share frames."""

    gain: float = 1.0
    speed: float = 1.0
    effects: tuple[tuple[str, tuple[float, ...]], ...] = ()


def voicing_of(volume: int, filters: Filters) -> Voicing:
    """The voicing of a player; volume 100 without filters leaves the sound untouched."""
    gain = 1.0 if volume == _FULL else volume_gain(volume)
    return Voicing(gain * filters.gain, filters.speed, filters.effects)
