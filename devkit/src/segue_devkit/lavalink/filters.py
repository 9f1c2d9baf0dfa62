"""Filters as the protocol has them: defaults filled in, unknown ones passed over, most numbers 32 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from segue_devkit.lavalink.audio import graph
from segue_devkit.lavalink.audio.graph import Step
from segue_devkit.lavalink.errors import bad_request, broken
from segue_devkit.lavalink.requests import real, whole

if TYPE_CHECKING:
    from collections.abc import Callable


_BANDS: Final = 15
_MAX_INT: Final = (1 << 31) - 1
_WAVE: Final = {"frequency": 2.0, "depth": 0.5}
_DEFAULTS: Final[dict[str, dict[str, float]]] = {
    "karaoke": {"level": 1.0, "monoLevel": 1.0, "filterBand": 220.0, "filterWidth": 100.0},
    "timescale": {"speed": 1.0, "pitch": 1.0, "rate": 1.0},
    "tremolo": _WAVE,
    "vibrato": _WAVE,
    "distortion": {
        "sinOffset": 0.0, "sinScale": 1.0, "cosOffset": 0.0, "cosScale": 1.0, "tanOffset": 0.0,
        "tanScale": 1.0, "offset": 0.0, "scale": 1.0,
    },
    "rotation": {"rotationHz": 0.0},
    "channelMix": {"leftToLeft": 1.0, "leftToRight": 0.0, "rightToLeft": 0.0, "rightToRight": 1.0},
    "lowPass": {"smoothing": 20.0},
}  # fmt: skip
_DOUBLES: Final = frozenset({"timescale", "rotation"})
"""Filters whose numbers have 64 bits on a real node."""
_NO_NULL: Final = frozenset({"volume", "equalizer"})


@dataclass(frozen=True, slots=True)
class Filters:
    """What was set: `echo` is what GET answers, the rest what changes the sound, as hashable values."""

    echo: dict[str, Any]
    chain: tuple[Step, ...] = ()
    gain: float = 1.0
    speed: float = 1.0

    @property
    def silent_names(self) -> tuple[str, ...]:
        """Filters that were set and are not heard."""
        return graph.unheard(self.echo)


NONE: Final = Filters({})


def parse(body: Any, disabled: frozenset[str]) -> Filters:
    """Filters from a request.

    Raises:
        ApiError: 400 for a wrong shape or a disabled filter, 500 for an equalizer band that does not exist.
    """
    if not isinstance(body, dict):
        raise bad_request()
    echo: dict[str, Any] = {}
    for name, read in _READERS.items():
        if (value := body.get(name)) is not None:
            echo[name] = read(name, value)
        elif name in body and name in _NO_NULL:
            raise bad_request()
    if not isinstance(body.get("pluginFilters", {}), dict):
        raise bad_request()
    if off := sorted(disabled & echo.keys()):
        raise bad_request(f"Following filters are disabled in the config: {', '.join(off)}")
    for band in echo.get("equalizer", ()):
        if not 0 <= (number := band["band"]) < _BANDS:
            raise broken(
                "Request processing failed: java.lang.ArrayIndexOutOfBoundsException: "
                f"Index {number} out of bounds for length {_BANDS}"
            )
    return _filters(echo)


def _filters(echo: dict[str, Any]) -> Filters:
    return Filters(echo, graph.chain(echo), echo.get("volume", 1.0), graph.pace(echo))


def _float(value: Any) -> float:
    """A number as a JVM's float has it; the shortest text that means it."""
    with np.errstate(over="ignore"):
        narrow = np.float32(real(value))
    if not np.isfinite(narrow):
        raise bad_request()
    return float(str(narrow))


def _volume(_name: str, value: Any) -> float:
    return _float(value)


def _fields(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise bad_request()
    read = real if name in _DOUBLES else _float
    return {field: read(value.get(field, default)) for field, default in _DEFAULTS[name].items()}


def _bands(_name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise bad_request()
    bands = []
    for band in value:
        if not isinstance(band, dict):
            raise bad_request()
        bands.append({"band": whole(band.get("band"), _MAX_INT), "gain": _float(band.get("gain", 1.0))})
    return bands


_READERS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "volume": _volume,
    "equalizer": _bands,
    **dict.fromkeys(_DEFAULTS, _fields),
}
