"""Where PCM comes from: a tune of the catalogue, or a file or link decoded by PyAV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import av
import numpy as np
from av.error import FFmpegError

from segue_devkit.lavalink import links
from segue_devkit.lavalink.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from segue_devkit.tunes.catalogue import Tune

    Sound = NDArray[np.float32]

RATE: Final = 48_000
PLAY_ERROR: Final = "Something broke when playing the track."
_HTTP_ERRORS: Final = (av.error.HTTPClientError, av.error.HTTPServerError)
_TIMEOUT_S: Final = (10.0, 20.0)
_OPTIONS: Final = {
    # A playlist behind a link must not name files of this machine, nor a file a link.
    "http": {"protocol_whitelist": "http,https,tcp,tls,crypto", "reconnect": "1", "user_agent": "Lavalink"},
    "local": {"protocol_whitelist": "file,crypto"},
}


class PcmReader(Protocol):
    """A stream of 48 kHz stereo samples, used by one thread at a time. All methods may raise TrackError."""

    def seek(self, sample: int) -> None:
        """Go to a sample."""

    def read(self, count: int) -> Sound:
        """The next samples, shape (2, n); n below count only at the end."""

    def close(self) -> None:
        """Let go of files and sockets."""


class TuneReader:
    """Reads a tune of the catalogue."""

    def __init__(self, tune: Tune) -> None:
        self._sound = tune.sound()
        self._at = 0

    def seek(self, sample: int) -> None:
        """Go to a sample; costs nothing."""
        self._at = sample

    def read(self, count: int) -> Sound:
        """Render the next samples."""
        out = self._sound.render(self._at, count)
        self._at += out.shape[1]
        return out

    def close(self) -> None:
        """Nothing to let go of."""


def open_media(url: str, source: str) -> av.container.InputContainer:
    """Open a link ("http") or path ("local").

    Raises:
        TrackError: it is not there, does not answer, or holds no sound.
    """
    try:
        container = av.open(url, options=_OPTIONS[source], timeout=_TIMEOUT_S)
    except (FFmpegError, OSError, ValueError) as error:
        raise TrackError(PLAY_ERROR, "fault", _java(error, url)) from None
    if not container.streams.audio:
        container.close()
        raise TrackError(PLAY_ERROR, "common", "FriendlyException: Unknown file format.")
    return container


def _java(error: Exception, url: str) -> str:
    """The reason in the words of a JVM, which clients of a real node look at."""
    if isinstance(error, FileNotFoundError):
        return f"java.io.FileNotFoundException: {url} (No such file or directory)"
    if isinstance(error, _HTTP_ERRORS) and (status := links.status_now(url)):
        return f"java.lang.RuntimeException: Not success status code: {status}"
    if isinstance(error, ConnectionRefusedError):
        return "java.net.ConnectException: Connection refused"
    if isinstance(error, av.error.InvalidDataError):
        return "com.sedmelluq.discord.lavaplayer.tools.FriendlyException: Unknown file format."
    reason = getattr(error, "strerror", None) or str(error)
    return f"java.io.IOException: {reason}"


class AvReader:
    """Decodes a file or link from the start, or from where it is told to."""

    def __init__(self, url: str, source: str) -> None:
        self._url = url
        self._source = source
        self._container = open_media(url, source)
        self._drained = False
        self._start_over()

    def _start_over(self) -> None:
        self._resampler = av.AudioResampler("fltp", "stereo", RATE)
        self._frames = self._decode()
        self._rest = np.zeros((2, 0), dtype=np.float32)

    def _decode(self) -> Iterator[tuple[int, Sound]]:
        """Pieces of sound with the number of their first sample."""
        at: int | None = None
        for frame in self._container.decode(audio=0):
            if at is None:
                at = round(frame.time * RATE) if frame.time is not None else 0
            for out in self._resampler.resample(frame):
                sound = out.to_ndarray().astype(np.float32)
                yield at, sound
                at += sound.shape[1]
        self._drained = True

    def seek(self, sample: int) -> None:
        """Go to a sample exactly: to the key frame before it, then decode up to it."""
        if self._drained:
            # A decoder that has seen the end gives nothing after a seek back.
            self._container.close()
            self._container = open_media(self._url, self._source)
            self._drained = False
        try:
            self._container.seek(int(sample * av.time_base / RATE), backward=True)
        except FFmpegError as error:
            raise TrackError(PLAY_ERROR, "fault", _java(error, self._url)) from None
        self._start_over()
        for at, sound in self._pieces():
            if at + sound.shape[1] > sample:
                self._rest = sound[:, max(0, sample - at) :]
                return

    def read(self, count: int) -> Sound:
        """Decode the next samples."""
        parts, have = [self._rest], self._rest.shape[1]
        if have < count:
            for _, sound in self._pieces():
                parts.append(sound)
                have += sound.shape[1]
                if have >= count:
                    break
        joined = np.concatenate(parts, axis=1)
        self._rest = joined[:, count:]
        return joined[:, :count]

    def _pieces(self) -> Iterator[tuple[int, Sound]]:
        try:
            # Not `yield from`: closing that would end the decoder between two reads.
            for piece in self._frames:  # noqa: UP028
                yield piece
        except (FFmpegError, OSError) as error:
            raise TrackError(PLAY_ERROR, "suspicious", _java(error, self._url)) from None

    def close(self) -> None:
        """Close the file or connection."""
        self._container.close()
