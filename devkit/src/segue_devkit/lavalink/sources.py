"""What an identifier means here, and how its sound is read.

Searches of every music service are answered from the catalogue, so that they always find something; links and
paths are decoded for what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segue_devkit.lavalink import links, tracks
from segue_devkit.lavalink.audio import readers
from segue_devkit.lavalink.errors import TrackError, broken
from segue_devkit.lavalink.tracks import MAX_LONG, Track
from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.lavalink.audio.readers import PcmReader
    from segue_devkit.tunes.catalogue import Tune

CATALOGUE: Final = "catalogue"
ALBUM: Final = "album:"
ALBUMS: Final = "/albums/"
_NO_SOURCE: Final = (
    "Request processing failed: java.lang.IllegalStateException: "
    "Failed to decode track due to a mismatching version or missing source manager"
)
_SEARCH: Final = re.compile(r"[a-z]{2,8}search:(.*)", re.DOTALL)
_UNTAGGED: Final = frozenset({"wav"})
"""Containers whose tags a real node does not read."""
_PROBES: Final = {"matroska": "matroska/webm", "mov": "mp4", "aac": "adts", "mpegts": "mpegts"}


@dataclass(frozen=True, slots=True)
class Playlist:
    """Tracks under one name; `selected` is the one that a link pointed at, or -1."""

    name: str
    tracks: tuple[Track, ...]
    selected: int = -1


@dataclass(frozen=True, slots=True)
class Loaded:
    """The answer to a lookup: one of them is set, or none if nothing was found."""

    track: Track | None = None
    found: tuple[Track, ...] = ()
    playlist: Playlist | None = None
    error: TrackError | None = None

    def to_json(self) -> dict[str, Any]:
        """The load result of the protocol."""
        if self.error is not None:
            # A real node keeps the reason out of message and cause; it is only in the stack trace.
            told = f"{links.FRIENDLY}: {links.LOAD_ERROR}"
            trace = f"{told}\nCaused by: {self.error.cause}\n"
            reason = {"message": links.LOAD_ERROR, "severity": "fault"}
            return {"loadType": "error", "data": reason | {"cause": told, "causeStackTrace": trace}}
        if self.track is not None:
            return {"loadType": "track", "data": self.track.to_json()}
        if self.playlist is not None:
            info = {"name": self.playlist.name, "selectedTrack": self.playlist.selected}
            tracks = [track.to_json() for track in self.playlist.tracks]
            return {"loadType": "playlist", "data": {"info": info, "pluginInfo": {}, "tracks": tracks}}
        if self.found:
            return {"loadType": "search", "data": [track.to_json() for track in self.found]}
        return {"loadType": "empty", "data": None}


class Sources:
    """The sources of a node."""

    def __init__(self, *, http: bool, local: bool, tunes_url: str | None) -> None:
        self._http = http
        self._local = local
        self._tunes_url = tunes_url

    @property
    def names(self) -> list[str]:
        """Names of the sources that are on."""
        return [CATALOGUE, *(["http"] if self._http else []), *(["local"] if self._local else [])]

    def load(self, identifier: str) -> Loaded:
        """Look an identifier up; may block on a file or a link.

        Args:
            identifier: `<service>search:words`, `album:name`, a link, a path, or the name of a tune.
        """
        if (album := self._album(identifier)) is not None:
            return album
        if search := _SEARCH.fullmatch(identifier):
            return Loaded(found=tuple(map(self._track, catalogue.search(search[1]))))
        if identifier.startswith(links.SCHEMES):
            return self._link(identifier) if self._http else Loaded()
        if self._local and Path(identifier).is_file():
            return self._media(identifier, "local")
        tune = catalogue.by_identifier(identifier)
        return Loaded(track=self._track(tune)) if tune else Loaded()

    def _album(self, identifier: str) -> Loaded | None:
        """An album by its name or its page on the tunes' site, perhaps with one tune of it pointed at."""
        page = f"{self._tunes_url}{ALBUMS}" if self._tunes_url is not None else None
        prefix = next((one for one in (ALBUM, page) if one and identifier.startswith(one)), None)
        if prefix is None:
            return None
        name, _, pointed = identifier.removeprefix(prefix).partition("?track=")
        album = catalogue.album(name)
        if album is None:
            return Loaded()
        slugs = [tune.identifier for tune in album.tunes]
        selected = slugs.index(pointed) if pointed in slugs else -1
        return Loaded(playlist=Playlist(album.name, tuple(map(self._track, album.tunes)), selected))

    def knows(self, track: Track) -> bool:
        """Whether a track's source is on, without which its encoded form can't be read."""
        return track.source in self.names

    def decode(self, encoded: str) -> Track:
        """The track of an encoded form.

        Raises:
            ApiError: 500: it is none, or of a source that is not on.
        """
        try:
            track = tracks.decode(encoded)
        except tracks.BadTrackError:
            raise broken() from None
        if not self.knows(track):
            raise broken(_NO_SOURCE)
        return track

    def opener(self, track: Track) -> Callable[[], PcmReader]:
        """How to start reading a track; the returned function may block and raise TrackError."""

        def start() -> PcmReader:
            if track.source == CATALOGUE and (tune := catalogue.by_identifier(track.identifier)):
                return readers.TuneReader(tune)
            if self.knows(track) and track.source != CATALOGUE:
                return readers.AvReader(track.identifier, track.source)
            raise TrackError(readers.PLAY_ERROR, "fault", f"java.lang.IllegalStateException: {track.source}")

        return start

    @staticmethod
    def tune_name(track: Track) -> str | None:
        """A name for the sound of a catalogue tune; None for all other sound, which may change."""
        tune = catalogue.by_identifier(track.identifier) if track.source == CATALOGUE else None
        return None if tune is None else str(tune.song_id)

    @staticmethod
    def can_block(track: Track) -> bool:
        """Whether reading may wait for a disk or a network."""
        return track.source != CATALOGUE

    def _track(self, tune: Tune) -> Track:
        base = self._tunes_url
        return Track(
            identifier=tune.identifier,
            title=tune.title,
            author=tune.author,
            length_ms=tune.length_ms,
            source=CATALOGUE,
            uri=f"{base}/tunes/{tune.identifier}.ogg" if base else None,
            artwork=f"{base}/art/{tune.identifier}.svg" if base else None,
        )

    def _link(self, url: str) -> Loaded:
        """A link is known by the one that it redirects to."""
        try:
            end = links.playable(url)
        except TrackError as error:
            return Loaded(error=error)
        return self._media(end, "http") if end is not None else Loaded()

    @staticmethod
    def _media(identifier: str, source: str) -> Loaded:
        try:
            with readers.open_media(identifier, source) as container:
                tags = {
                    key.lower(): value
                    for key, value in (container.streams.audio[0].metadata | container.metadata).items()
                }
                length = container.duration
                name = container.format.name.split(",")[0]
        except TrackError as error:
            return Loaded(error=error)
        if name in _UNTAGGED:
            tags = {}
        track = Track(
            identifier=identifier,
            title=tags.get("title") or "Unknown title",
            author=tags.get("artist") or "Unknown artist",
            length_ms=MAX_LONG if length is None else length // 1000,
            source=source,
            is_stream=length is None,
            uri=identifier,
            probe=_PROBES.get(name, name),
        )
        return Loaded(track=track)
