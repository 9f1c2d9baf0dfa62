"""Opus frames of 20 ms from PCM, by libopus through PyAV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import av
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

RATE: Final = 48_000
FRAME: Final = 960
"""Samples in a frame (20 ms)."""
FRAME_MS: Final = 20
SILENCE: Final = b"\xf8\xff\xfe"
_BIT_RATE: Final = 64_000
"""What a voice channel has unless somebody pays for more."""


class OpusEncoder:
    """One stream's encoder; keeps state from frame to frame.

    As cheap as libopus gets: no better search makes a difference that these tunes show, and a hundred
    players of different tunes are to fit into one core next to what is tested.
    """

    def __init__(self) -> None:
        codec = av.AudioCodecContext.create("libopus", "w")
        codec.sample_rate, codec.layout, codec.format = RATE, "stereo", "flt"
        codec.bit_rate = _BIT_RATE
        codec.options = {
            "application": "lowdelay",
            "compression_level": "0",
            "vbr": "constrained",
        }
        codec.open()
        self._codec = codec
        self._at = 0

    def frames(self, sound: Sound) -> list[bytes]:
        """Encode whole frames; shape (2, n * FRAME), float32 in -1 to 1."""
        if not sound.shape[1]:
            return []
        packed = np.ascontiguousarray(sound.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout="stereo")
        frame.sample_rate, frame.pts = RATE, self._at
        self._at += sound.shape[1]
        return [bytes(packet) for packet in self._codec.encode(frame)]
