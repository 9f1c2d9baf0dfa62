"""Filters as a graph of FFmpeg's filters, and a reader that runs sound through one.

What a filter is to do is Lavalink's; the numbers of the bands and curves are those its documentation gives.
A parameter that FFmpeg has no use for (a tremolo of 0 Hz) leaves its filter out.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np
from av.error import BlockingIOError as NotYetError
from av.error import EOFError as OverError
from av.filter import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from segue_devkit.lavalink.audio.readers import PcmReader

    Sound = NDArray[np.float32]

Step = tuple[str, str]
"""A filter's name and arguments, as FFmpeg writes them."""
RATE: Final = 48_000
BAND_HZ: Final = (25, 40, 63, 100, 160, 250, 400, 630, 1000, 1600, 2500, 4000, 6300, 10_000, 16_000)
_BAND_OCTAVES: Final = 0.67
_MUTED_DB: Final = -36.0
_PACES: Final = (0.1, 10.0)
"""Speeds, rates and pitches that can be played."""
_TEMPOS: Final = (0.5, 2.0)
"""Of one stage: beyond that FFmpeg gives up the process on a short end of a sound."""
_WAVE_HZ: Final = (0.1, 20_000.0)
_ROTATION_HZ: Final = (0.01, 100.0)
_BLOCK: Final = 4800
_FORMAT: Final = ("aformat", "sample_fmts=fltp:sample_rates=48000:channel_layouts=stereo")


def chain(echo: Mapping[str, Any]) -> tuple[Step, ...]:
    """The graph of the filters that a player has set, in a real node's order; empty if none is heard."""
    steps = [
        *_equalizer(echo.get("equalizer", [])),
        *_timescale(echo.get("timescale")),
        *_wave("tremolo", echo.get("tremolo")),
        *_wave("vibrato", echo.get("vibrato")),
        *_rotation(echo.get("rotation")),
        *_channel_mix(echo.get("channelMix")),
        *_low_pass(echo.get("lowPass")),
    ]
    return (*steps, _FORMAT) if steps else ()


def pace(echo: Mapping[str, Any]) -> float:
    """How many seconds of the track a second of sound is."""
    scale = echo.get("timescale")
    return scale["speed"] * scale["rate"] if scale and _playable(scale) else 1.0


def unheard(echo: Mapping[str, Any]) -> tuple[str, ...]:
    """Filters that are set, would be heard on a real node, and are not here."""
    out = [name for name in ("karaoke", "distortion") if name in echo]
    scale = echo.get("timescale")
    return (*out, "timescale") if scale and not _playable(scale) else tuple(out)


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _equalizer(bands: list[dict[str, Any]]) -> Iterator[Step]:
    gains = {band["band"]: band["gain"] for band in bands}
    for number, gain in sorted(gains.items()):
        # -0.25 mutes a band, 0.25 doubles it.
        factor = 1 + 4 * gain
        level = max(_MUTED_DB, 20 * math.log10(factor)) if factor > 0 else _MUTED_DB
        if level:
            yield "equalizer", f"f={BAND_HZ[number]}:t=o:w={_BAND_OCTAVES}:g={level:.3f}"


def _playable(scale: Mapping[str, float]) -> bool:
    return all(_within(scale[name], _PACES) for name in ("speed", "pitch", "rate"))


def _timescale(scale: Mapping[str, float] | None) -> Iterator[Step]:
    if scale is None or not _playable(scale):
        return
    # Another rate moves pitch and tempo together; what of the tempo was not asked for is taken back.
    turn, tempo = scale["rate"] * scale["pitch"], scale["speed"] / scale["pitch"]
    if turn != 1.0:
        yield "asetrate", str(max(1, round(RATE * turn)))
        yield "aresample", str(RATE)
    while tempo < _TEMPOS[0]:
        yield "atempo", str(_TEMPOS[0])
        tempo /= _TEMPOS[0]
    while tempo > _TEMPOS[1]:
        yield "atempo", str(_TEMPOS[1])
        tempo /= _TEMPOS[1]
    if tempo != 1.0:
        yield "atempo", f"{tempo:.6f}"


def _wave(name: str, wave: Mapping[str, float] | None) -> Iterator[Step]:
    if wave and _within(wave["frequency"], _WAVE_HZ) and 0 < wave["depth"] <= 1:
        yield name, f"f={wave['frequency']:.6f}:d={wave['depth']:.6f}"


def _rotation(rotation: Mapping[str, float] | None) -> Iterator[Step]:
    if rotation and _within(abs(rotation["rotationHz"]), _ROTATION_HZ):
        yield "apulsator", f"mode=sine:timing=hz:hz={abs(rotation['rotationHz']):.6f}:amount=1"


def _channel_mix(mix: Mapping[str, float] | None) -> Iterator[Step]:
    if mix:
        left = f"c0={mix['leftToLeft']:.6f}*c0+{mix['rightToLeft']:.6f}*c1"
        right = f"c1={mix['leftToRight']:.6f}*c0+{mix['rightToRight']:.6f}*c1"
        yield "pan", f"stereo|{left.replace('+-', '-')}|{right.replace('+-', '-')}"


def _low_pass(low_pass: Mapping[str, float] | None) -> Iterator[Step]:
    # A running mean of `smoothing` samples, whose corner lies at the rate over 2 pi times that.
    if low_pass and low_pass["smoothing"] > 1:
        corner = RATE / (2 * math.pi * low_pass["smoothing"])
        yield "lowpass", f"f={max(1.0, corner):.3f}:p=1"


class GraphReader:
    """Another reader's sound after a graph; places are counted in samples that are heard."""

    def __init__(self, inner: PcmReader, steps: tuple[Step, ...], speed: float) -> None:
        self._inner = inner
        self._steps = steps
        self._speed = speed
        self._start()

    def _start(self) -> None:
        graph = Graph()
        last = graph.add_abuffer(
            format="fltp", sample_rate=RATE, layout="stereo", time_base=Fraction(1, RATE)
        )
        for name, arguments in self._steps:
            step = graph.add(name, arguments)
            last.link_to(step)
            last = step
        last.link_to(graph.add("abuffersink"))
        graph.configure()
        self._graph = graph
        self._given = 0
        self._over = False
        self._rest = np.zeros((2, 0), dtype=np.float32)

    def seek(self, sample: int) -> None:
        """Go to a sample; filters that remember begin afresh there."""
        self._inner.seek(int(sample * self._speed))
        self._start()

    def read(self, count: int) -> Sound:
        """The next samples that are heard."""
        parts, have = [self._rest], self._rest.shape[1]
        while have < count and not self._over:
            self._push()
            for sound in self._pulled():
                parts.append(sound)
                have += sound.shape[1]
        joined = np.concatenate(parts, axis=1)
        self._rest = joined[:, count:]
        return joined[:, :count]

    def _push(self) -> None:
        sound = self._inner.read(_BLOCK)
        if sound.shape[1]:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, self._given, Fraction(1, RATE)
            self._given += sound.shape[1]
            self._graph.push(frame)
        if sound.shape[1] < _BLOCK:
            self._over = True
            self._graph.push(None)

    def _pulled(self) -> Iterator[Sound]:
        while True:
            try:
                frame = self._graph.pull()
            except (NotYetError, OverError):
                return
            assert isinstance(frame, av.AudioFrame)  # noqa: S101 - what an audio graph gives
            yield frame.to_ndarray().astype(np.float32, copy=False)

    def close(self) -> None:
        """Close the reader inside."""
        self._inner.close()
