"""A queue as a file: what export writes and import reads.

``{"format": "segue.queue", "version": 1, "items": […]}``, or a bare list of items. An item has three parts:
``song`` {title, url, length, author}, ``meta`` {guildID, userID, timeAdded} and ``interactions`` {likes,
dislikes, saves}. Ids are texts, ``length`` is written ``3:05`` or ``1:02:03`` (empty for a stream),
``timeAdded`` is milliseconds since the epoch. Readers need a title or a url, and pass over the rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_core.models import QueueItem

FORMAT: Final = "segue.queue"
VERSION: Final = 1
LARGEST_BYTES: Final = 256 * 1024
MOST_ITEMS: Final = 100
"""Songs taken of one file: each may have to be looked up."""
_LONGEST_TEXT: Final = 500


class BadQueueFileError(ValueError):
    """The file is no queue; the text says what is wrong with it, for the person who sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many people like, dislike and saved a song."""

    likes: int = 0
    dislikes: int = 0
    saves: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSong:
    """One song of a file, as far as it can be looked up: a link, words, or both."""

    title: str = ""
    author: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFile:
    """The songs of a file, in order. ``left_out``: those behind the bound, and those without title or url."""

    songs: tuple[WantedSong, ...]
    left_out: int = 0


def write(guild: int, items: Iterable[tuple[QueueItem, Counts | None]]) -> bytes:
    """Return the file; without ``interactions`` where they are not known."""
    document = {"format": FORMAT, "version": VERSION, "items": [_item(guild, *one) for one in items]}
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def read(data: bytes) -> QueueFile:
    """Return what a file asks for.

    Raises:
        BadQueueFileError: it is too large, no JSON, of another format, or has no songs.
    """
    if len(data) > LARGEST_BYTES:
        raise BadQueueFileError(f"it is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise BadQueueFileError("it is no JSON") from None
    items = _items(document)
    songs = [song for item in items if (song := _wanted(item)) is not None]
    if not songs:
        raise BadQueueFileError("there is no song with a title or a link in it")
    return QueueFile(songs=tuple(songs[:MOST_ITEMS]), left_out=len(items) - min(len(songs), MOST_ITEMS))


def _items(document: Any) -> list[Any]:
    if isinstance(document, dict):
        if document.get("format", FORMAT) != FORMAT or document.get("version", VERSION) != VERSION:
            raise BadQueueFileError("it is of a kind or version that I don't know")
        document = document.get("items")
    if not isinstance(document, list):
        raise BadQueueFileError("there is no list of items in it")
    return document


def _wanted(item: Any) -> WantedSong | None:
    song = item.get("song") if isinstance(item, dict) else None
    if not isinstance(song, dict):
        return None
    wanted = WantedSong(title=_text(song, "title"), author=_text(song, "author"), url=_text(song, "url"))
    return wanted if wanted.title or wanted.url else None


def _text(song: dict[Any, Any], name: str) -> str:
    value = song.get(name)
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if len(text) <= _LONGEST_TEXT else ""


def _item(guild: int, item: QueueItem, counts: Counts | None) -> dict[str, Any]:
    track = item.track
    written: dict[str, Any] = {
        "song": {
            "title": track.title,
            "url": track.uri or "",
            "length": "" if track.is_stream else _duration(track.length_ms),
            "author": track.author,
        },
        "meta": {
            "guildID": str(guild),
            "userID": str(item.requester),
            "timeAdded": item.requested_at,
        },
    }
    if counts is not None:
        written["interactions"] = {
            "likes": counts.likes,
            "dislikes": counts.dislikes,
            "saves": counts.saves,
        }
    return written


def _duration(milliseconds: int) -> str:
    hours, minutes = divmod(max(0, milliseconds) // 60_000, 60)
    seconds = max(0, milliseconds) // 1000 % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
