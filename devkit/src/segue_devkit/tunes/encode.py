"""Writes a tune into an audio file: Ogg Opus, MP3 or WAV."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from segue_devkit.tunes.catalogue import Tune

RATE: Final = 48_000
_BLOCK: Final = RATE
_BIT_RATE: Final = 128_000


class Container(Enum):
    """A file format: its ending, codec, sample format of the encoder, and media type."""

    OGG = ("ogg", "libopus", "s16", "audio/ogg")
    MP3 = ("mp3", "libmp3lame", "s16p", "audio/mpeg")
    WAV = ("wav", "pcm_s16le", "s16", "audio/wav")

    def __init__(self, ending: str, codec: str, sample_format: str, media_type: str) -> None:
        self.ending = ending
        self.codec = codec
        self.sample_format = sample_format
        self.media_type = media_type

    @classmethod
    def of(cls, ending: str) -> Container | None:
        """The container with this file ending, or None."""
        return next((container for container in cls if container.ending == ending), None)


def write_file(tune: Tune, path: Path, container: Container) -> None:
    """Encode a whole tune, with title and artist as tags.

    Args:
        tune: what to write; 5 minutes take a few seconds, so call it off the event loop.
        path: where to; replaced if it exists.
        container: the format.
    """
    sound = tune.sound()
    with av.open(str(path), "w", format=container.ending) as out:
        out.metadata["title"], out.metadata["artist"] = tune.title, tune.author
        stream = out.add_stream(container.codec, rate=RATE)
        assert isinstance(stream, av.AudioStream)  # noqa: S101 - what an audio codec gives
        stream.layout, stream.format = "stereo", container.sample_format
        if container is not Container.WAV:
            stream.bit_rate = _BIT_RATE
        for start in range(0, sound.samples, _BLOCK):
            frame = pcm_frame(sound.render(start, _BLOCK))
            frame.pts = start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def pcm_frame(sound: NDArray[np.float32]) -> av.AudioFrame:
    """Samples of shape (2, n) in -1 to 1 as a packed 16 bit frame at 48 kHz."""
    packed = np.ascontiguousarray((np.clip(sound, -1, 1) * 32767).astype(np.int16).T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
    frame.sample_rate = RATE
    return frame
