"""From the Opus frames that arrive at a voice server to PCM a browser plays."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_devkit.discord.client import SimClient, SimGuild

SAMPLE_RATE = 48_000
BLOCK_HEADER = struct.Struct("<II")
"""RTP timestamp (samples) and SSRC; the PCM follows. By them a page knows what it did not get."""


class OpusDecoder:
    """Decodes one stream, frame by frame, to 16-bit stereo at 48 kHz, interleaved."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "r")
        if not isinstance(codec, av.AudioCodecContext):
            raise TypeError("libopus decodes no audio in this build of PyAV")
        codec.sample_rate = SAMPLE_RATE
        codec.layout = "stereo"
        self._codec = codec
        self._resampler = av.AudioResampler(format="s16", layout="stereo", rate=SAMPLE_RATE)

    def decode(self, frame: bytes) -> bytes:
        """Return the PCM of one Opus packet."""
        pieces = [
            np.ascontiguousarray(out.to_ndarray()).tobytes()
            for decoded in self._codec.decode(av.Packet(frame))
            for out in self._resampler.resample(decoded)
        ]
        return b"".join(pieces)


async def blocks_of(discord: SimClient, guild: SimGuild) -> AsyncIterator[bytes]:
    """Yield what the guild's voice server receives, as blocks, until the simulator goes."""
    decoder, ssrc = OpusDecoder(), None
    async for frame in discord.listen(guild):
        if frame.ssrc != ssrc:  # another voice connection: its first frame depends on none before it
            decoder, ssrc = OpusDecoder(), frame.ssrc
        yield BLOCK_HEADER.pack(frame.timestamp, frame.ssrc) + decoder.decode(frame.opus)
