"""Filters as the protocol has them: defaults filled in, unknown ones passed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from segue_devkit.lavalink.errors import bad_request, broken

if TYPE_CHECKING:
    from collections.abc import Callable

_BANDS: Final = 15
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
APPLIED: Final = frozenset({"volume", "timescale", "tremolo", "rotation", "channelMix"})
"""Filters that are heard here; the others are echoed and leave the sound as it is."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What was set: `echo` is what GET answers, `effects` what changes the sound, as a hashable value."""

    echo: dict[str, Any]
    effects: tuple[tuple[str, tuple[float, ...]], ...] = ()
    gain: float = 1.0
    speed: float = 1.0

    @property
    def silent_names(self) -> tuple[str, ...]:
        """Filters that were set and are not applied."""
        return tuple(name for name in self.echo if name not in APPLIED)


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
    scale = echo.get("timescale")
    speed = scale["speed"] * scale["rate"] if scale else 1.0
    effects = tuple(
        (name, tuple(echo[name].values())) for name in ("tremolo", "rotation", "channelMix") if name in echo
    )
    # A speed of zero or less can't be played: echoed as recorded, it changes nothing here.
    return Filters(echo, effects, echo.get("volume", 1.0), speed if speed > 0 else 1.0)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad_request()
    return float(value)


def _volume(_name: str, value: Any) -> float:
    return _number(value)


def _fields(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise bad_request()
    return {field: _number(value.get(field, default)) for field, default in _DEFAULTS[name].items()}


def _bands(_name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise bad_request()
    bands = []
    for band in value:
        if not isinstance(band, dict) or type(band.get("band")) is not int:
            raise bad_request()
        bands.append({"band": band["band"], "gain": _number(band.get("gain", 1.0))})
    return bands


_READERS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "volume": _volume,
    "equalizer": _bands,
    **dict.fromkeys(_DEFAULTS, _fields),
}
