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
_BIT_RATE: Final = 128_000
_BEST: Final = 5


class OpusEncoder:
    """One stream's encoder; keeps state from frame to frame.

    Above a quality of 5 libopus takes twice the time for a difference that these tunes don't show.
    """

    def __init__(self, quality: int) -> None:
        codec = av.AudioCodecContext.create("libopus", "w")
        codec.sample_rate, codec.layout, codec.format = RATE, "stereo", "s16"
        codec.bit_rate = _BIT_RATE
        codec.options = {
            "application": "audio",
            "compression_level": str(min(quality, _BEST)),
            "vbr": "constrained",
        }
        codec.open()
        self._codec = codec
        self._at = 0

    def frame(self, sound: Sound) -> bytes:
        """Encode one frame; shape (2, FRAME), values in -1 to 1 (beyond that clips)."""
        packed = np.ascontiguousarray((np.clip(sound, -1, 1) * 32767).astype(np.int16).T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE, self._at
        self._at += FRAME
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))
