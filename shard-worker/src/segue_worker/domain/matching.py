"""Whether a song that was found is the one that could not be played: title, artist and length: pure."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_core.models import Track

LEAST_SHARE = 0.75
"""Of the words of the title that the other one must have."""
LENGTH_TOLERANCE_MS = 5_000
LENGTH_TOLERANCE = 0.05
"""Videos begin and end with silence or a few words."""

_WORD = re.compile(r"\w+")
_FILLERS = frozenset(
    {
        "the",
        "a",
        "an",
        "of",
        "and",
        "official",
        "video",
        "audio",
        "music",
        "lyrics",
        "lyric",
        "hd",
        "hq",
    }
)
_VERSIONS = frozenset(
    {
        "live",
        "cover",
        "remix",
        "karaoke",
        "instrumental",
        "acoustic",
        "slowed",
        "sped",
        "nightcore",
        "8d",
        "reverb",
        "demo",
        "parody",
        "reaction",
        "loop",
        "hours",
        "hour",
    }
)
"""Words that make it another song, unless both have them."""


def query_for(track: Track) -> str | None:
    """Return the words to search for another one like it; None when nothing is known of it."""
    if not words_of(track.title) or track.title.casefold() == "unknown title":
        return None
    author = "" if track.author.casefold() in {"unknown artist", ""} else f" {track.author}"
    return f"{track.title}{author}"


def best_match(track: Track, candidates: Iterable[Track]) -> Track | None:
    """Return the candidate that is the same song from elsewhere, None when none surely is."""
    rated = [(rating, other) for other in candidates if (rating := _rate(track, other)) is not None]
    return max(rated, key=lambda pair: pair[0])[1] if rated else None


def words_of(text: str) -> frozenset[str]:
    """Return what of a title tells it from others: words without case, accents and ornaments."""
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(character)
    )
    return frozenset(_WORD.findall(plain)) - _FILLERS


def _rate(track: Track, other: Track) -> tuple[float, float, int] | None:
    """Return how well ``other`` fits: words of the title, of the artist, and how near the length is."""
    if (other.source, other.identifier) == (track.source, track.identifier):
        return None
    title, there = words_of(track.title), words_of(other.title)
    off = _length_off(track, other)
    if off is None or not title or (title ^ there) & _VERSIONS:
        return None
    whole = there | words_of(other.author)
    share = len(title & whole) / len(title)
    if share < LEAST_SHARE:
        return None
    author = words_of(track.author)
    by = len(author & whole) / len(author) if author else 0.0
    return (share, by, -off)


def _length_off(track: Track, other: Track) -> int | None:
    """How far the lengths are apart, ms; None when that is too far. A stream is never the same thing."""
    if track.is_stream or other.is_stream:
        return None
    off = abs(track.length_ms - other.length_ms)
    return off if off <= max(LENGTH_TOLERANCE_MS, int(track.length_ms * LENGTH_TOLERANCE)) else None
