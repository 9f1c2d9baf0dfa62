"""Shared by the tests of the tunes: sound sent through a real Opus encoder and decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import av
import numpy as np
import pytest

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME = 960
LOOKAHEAD = 312
"""Samples that libopus delays what it encodes."""


class ThroughOpus(Protocol):
    """Encode and decode; `lost` is the share of frames replaced by silence."""

    def __call__(
        self, pcm: NDArray[np.float32], bit_rate: int, gain: float = 1.0, lost: float = 0.0
    ) -> NDArray[np.float32]: ...


@pytest.fixture
def through_opus() -> ThroughOpus:
    """Stereo sound as it is heard after Opus: mono, lookahead removed."""

    def run(
        pcm: NDArray[np.float32], bit_rate: int, gain: float = 1.0, lost: float = 0.0
    ) -> NDArray[np.float32]:
        encoder = av.AudioCodecContext.create("libopus", "w")
        encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
        encoder.bit_rate = bit_rate
        decoder = av.AudioCodecContext.create("libopus", "r")
        decoder.sample_rate, decoder.layout = 48_000, "stereo"
        dice = np.random.default_rng(1)
        scaled = np.ascontiguousarray((np.clip(pcm * gain, -1, 1) * 32767).astype(np.int16).T)
        heard: list[NDArray[np.float32]] = []
        for start in range(0, len(scaled) - FRAME + 1, FRAME):
            frame = av.AudioFrame.from_ndarray(
                scaled[start : start + FRAME].reshape(1, -1), format="s16", layout="stereo"
            )
            frame.sample_rate, frame.pts = 48_000, start
            for packet in encoder.encode(frame):
                if dice.random() < lost:
                    heard.append(np.zeros(FRAME, dtype=np.float32))
                    continue
                heard += [_mono(out) for out in decoder.decode(packet)]
        return np.concatenate(heard)[LOOKAHEAD:]

    return run


def _mono(frame: av.AudioFrame) -> NDArray[np.float32]:
    wave = frame.to_ndarray()
    if wave.dtype == np.int16:
        wave = wave.astype(np.float32) / 32768
    wave = wave.reshape(-1, 2).T if wave.shape[0] == 1 else wave
    return np.asarray(wave.mean(axis=0), dtype=np.float32)
