"""Volume and the filters that are applied; pure functions of the sound and its place in the track."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

_RATE: Final = 48_000
_KNEE: Final = 150


def volume_gain(volume: int) -> float:
    """The factor of a player volume of 0 to 1000: lavaplayer's curve (100 is about 1, 150 about 2.4)."""
    if volume <= _KNEE:
        return math.tan(volume * 0.0079)
    return 2.4621 * volume / _KNEE


def apply(sound: Sound, start: int, effects: tuple[tuple[str, tuple[float, ...]], ...]) -> Sound:
    """Run effects over a stretch of sound.

    Args:
        sound: shape (2, n).
        start: the first sample's number, so that stretches join without a seam.
        effects: name and parameters, in order.
    """
    for name, values in effects:
        sound = _EFFECTS[name](sound, _seconds(sound, start), *values)
    return sound


def _seconds(sound: Sound, start: int) -> NDArray[np.float64]:
    return (start + np.arange(sound.shape[1])) / _RATE


def _tremolo(sound: Sound, time: NDArray[np.float64], frequency: float, depth: float) -> Sound:
    swing = 1 - depth * (0.5 - 0.5 * np.cos(2 * np.pi * frequency * time))
    return np.asarray(sound * swing, dtype=np.float32)


def _rotation(sound: Sound, time: NDArray[np.float64], hertz: float) -> Sound:
    angle = np.sin(2 * np.pi * hertz * time)
    return np.asarray(sound * np.stack([(angle + 1) / 2, (1 - angle) / 2]), dtype=np.float32)


def _channel_mix(
    sound: Sound, _time: NDArray[np.float64], ll: float, lr: float, rl: float, rr: float
) -> Sound:
    left, right = sound
    return np.stack([left * ll + right * rl, left * lr + right * rr]).astype(np.float32)


_EFFECTS: Final[dict[str, Callable[..., Sound]]] = {
    "tremolo": _tremolo,
    "rotation": _rotation,
    "channelMix": _channel_mix,
}
