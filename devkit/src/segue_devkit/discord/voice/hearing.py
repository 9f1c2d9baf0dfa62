"""Listening to what was kept: opus decoded on demand, and the timecode in it read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import av
import numpy as np

from segue_devkit.discord.voice.rtp import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, SILENCE
from segue_devkit.tunes import timecode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from segue_devkit.discord.voice.sink import Frame

WINDOW_FRAMES: Final = 65
"""1.3 s: the reader is sure of a whole word in it."""
LEAST_FRAMES: Final = 46
_WARMUP_FRAMES: Final = 4
"""Decoded and thrown away: a decoder started in mid-stream needs some frames to settle."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Song and position at the end of the newest frame, which arrived at ``at_ns``."""

    song_id: int
    position_ms: float
    at_ns: int


def heard(frames: Sequence[Frame]) -> Heard | None:
    """Which song, and where in it, the newest sound among the frames is; None if it cannot be told."""
    run = newest_run(frames)
    if len(run) < LEAST_FRAMES + _WARMUP_FRAMES:
        return None
    pcm = decoded([each.opus for each in run])[_WARMUP_FRAMES * FRAME_SAMPLES :]
    mark = timecode.read(pcm)
    if mark is None:
        return None
    length_ms = (len(run) - _WARMUP_FRAMES) * FRAME_MS
    return Heard(mark.song_id, mark.position_ms + length_ms, run[-1].at_ns)


def newest_run(frames: Sequence[Frame]) -> list[Frame]:
    """The last stretch of sound without silence frames, missing RTP time or a change of stream in it."""
    run: list[Frame] = []
    for frame in reversed(frames):
        if frame.opus == SILENCE:
            if run:
                break
            continue
        if run:
            older_by = (run[-1].timestamp - frame.timestamp) & 0xFFFFFFFF
            if frame.ssrc != run[-1].ssrc or older_by != FRAME_SAMPLES:
                break
        run.append(frame)
        if len(run) == WINDOW_FRAMES + _WARMUP_FRAMES:
            break
    run.reverse()
    return run


def decoded(opus: Sequence[bytes]) -> NDArray[np.float32]:
    """Opus frames of one stream as mono float32 at 48 kHz."""
    codec = av.AudioCodecContext.create("libopus", "r")
    codec.sample_rate = SAMPLE_RATE
    codec.layout = "stereo"
    pieces = []
    for data in opus:
        for frame in codec.decode(av.Packet(data)):
            sound = frame.to_ndarray()
            if not frame.format.is_planar:
                sound = sound.reshape(-1, frame.layout.nb_channels).T
            scale = 1.0 if sound.dtype.kind == "f" else 1 / 32768
            pieces.append(sound.astype(np.float32).mean(axis=0) * np.float32(scale))
    if not pieces:
        return np.zeros(0, dtype=np.float32)
    return np.concatenate(pieces)
