"""Lavalink's tracks and load results, turned into ours at the border.

ongaku's EntityBuilder reads the documents; nothing of ongaku leaves this module.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from ongaku.builders import EntityBuilder

from segue_core.models import Track
from segue_worker.lavalink.errors import MalformedFrameError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ongaku.abc import track as ongaku_track

_BUILDER: Final = EntityBuilder()
_TEXTS: Final = ("encoded", "identifier", "title", "author", "source")
_MAYBE_TEXTS: Final = ("uri", "artwork_url", "isrc")

_UNTITLED: Final = "unknown title"
"""What a node calls a file without tags."""
_CAUSED_BY: Final = "Caused by:"
_CAUSE_LIMIT: Final = 1000
_LONGEST_MS: Final = 2**63 - 1
_THROTTLE_SIGNS: Final = ("429", "too many requests", "rate limit")
UNSHAPED: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What looking into JSON of another shape raises; OverflowError is what infinity as an integer is."""


class LoadKind(StrEnum):
    """Lavalink v4 ``loadType``."""

    TRACK = "track"
    PLAYLIST = "playlist"
    SEARCH = "search"
    EMPTY = "empty"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a node made of an identifier. ``message`` and ``cause`` are set for ``ERROR`` only.

    The node's ``message`` is generic; the real reason stands in ``cause`` and is for logs.
    """

    kind: LoadKind
    tracks: tuple[Track, ...] = ()
    playlist: str | None = None
    message: str = ""
    cause: str = ""

    @property
    def throttled(self) -> bool:
        """Whether the source asks for less."""
        said = f"{self.message} {self.cause}".lower()
        return self.kind is LoadKind.ERROR and any(sign in said for sign in _THROTTLE_SIGNS)


def parse_track(document: Mapping[str, Any]) -> Track:
    """Return the track a v4 ``Track`` object describes.

    Raises:
        MalformedFrameError: naming what is missing.
    """
    try:
        # pluginInfo is absent where no plugin speaks; ongaku insists on it.
        return _checked(_ours(_BUILDER.build_track({"pluginInfo": {}, **document})))
    except UNSHAPED as error:
        raise MalformedFrameError(f"not a track: {error!r}") from error


def named_after(track: Track, link: str) -> Track:
    """Return ``track``, with the file's name for a title where the file itself says none."""
    if track.title and track.title.lower() != _UNTITLED:
        return track
    name = PurePosixPath(unquote(link.partition("?")[0])).stem
    return replace(track, title=name) if name else track


def parse_load(document: Mapping[str, Any]) -> LoadResult:
    """Return what a ``/v4/loadtracks`` answer says.

    Raises:
        MalformedFrameError: for an unknown ``loadType`` or a body that does not fit it.
    """
    try:
        kind = LoadKind(document["loadType"])
        return _parse_load(kind, document.get("data"))
    except UNSHAPED as error:
        raise MalformedFrameError(f"not a load result: {error!r}") from error


def _parse_load(kind: LoadKind, data: Any) -> LoadResult:
    match kind:
        case LoadKind.TRACK:
            return LoadResult(kind=kind, tracks=(parse_track(data),))
        case LoadKind.SEARCH:
            return LoadResult(kind=kind, tracks=_parse_all(data))
        case LoadKind.PLAYLIST:
            return LoadResult(
                kind=kind, tracks=_parse_all(data["tracks"]), playlist=str(data["info"]["name"])
            )
        case LoadKind.ERROR:
            return LoadResult(kind=kind, message=str(data.get("message") or ""), cause=_cause(data))
        case LoadKind.EMPTY:
            return LoadResult(kind=kind)


def _cause(data: Mapping[str, Any]) -> str:
    """Return why a load failed. A real node gives one message for everything; the reason is in the trace."""
    trace = str(data.get("causeStackTrace") or "")
    reasons = [line.partition(":")[2].strip() for line in trace.splitlines() if line.startswith(_CAUSED_BY)]
    return "; ".join([str(data.get("cause") or ""), *reasons])[:_CAUSE_LIMIT]


def milliseconds(value: float) -> int:
    """Return a time as a node gives it, brought into what can be stored. A live stream has the longest."""
    return min(max(0, int(value)), _LONGEST_MS)


def _parse_all(documents: Sequence[Mapping[str, Any]]) -> tuple[Track, ...]:
    return tuple(parse_track(document) for document in documents)


def _checked(track: Track) -> Track:
    """Return the track; TypeError when a field is no text: stored like that, no successor could read it."""
    for name in _TEXTS:
        if not isinstance(getattr(track, name), str):
            raise TypeError(f"{name} is no text")
    for name in _MAYBE_TEXTS:
        if not isinstance(getattr(track, name), str | None):
            raise TypeError(f"{name} is neither text nor null")
    return track


def _ours(track: ongaku_track.Track) -> Track:
    info = track.info
    return Track(
        encoded=track.encoded,
        identifier=info.identifier,
        title=info.title,
        author=info.author,
        length_ms=milliseconds(info.length),
        source=info.source_name,
        is_stream=bool(info.is_stream),
        is_seekable=bool(info.is_seekable),
        uri=info.uri,
        artwork_url=info.artwork_url,
        isrc=info.isrc,
    )
