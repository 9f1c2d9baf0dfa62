"""Other people's words in our messages: shown as they are, never as markup, mentions or links.

Lengths are counted in UTF-16 code units, the strictest way in which Discord's clients count.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ELLIPSIS = "…"
_ZERO_WIDTH_SPACE = "\u200b"
_MARKUP = frozenset("\\`*_~|<>[]()#:")
_LINE_MARKUP = re.compile(r"\A(?:[-+]|\d+(?=\.))")
_JOINER = "\u200d"


@lru_cache(maxsize=4096)
def escape(text: str, limit: int | None = None) -> str:
    """Return ``text`` as one harmless line, of at most ``limit`` UTF-16 units once escaped.

    Markdown is escaped, ``@`` can't begin a mention, ``:`` neither a link nor an emoji; control and
    bidirectional characters, which could turn our own words around, are left out.

    Remembered, since the same titles are shown again and again.
    """
    clusters = [(cluster, _escaped(cluster)) for cluster in graphemes(plain(text))]
    if clusters and _LINE_MARKUP.match(clusters[0][0] + "".join(raw for raw, _ in clusters[1:12])):
        clusters[0] = (clusters[0][0], _ZERO_WIDTH_SPACE + clusters[0][1])
    pieces = [escaped for _, escaped in clusters]
    return "".join(pieces) if limit is None else _fit(pieces, limit)


def truncate(text: str, limit: int) -> str:
    """Return ``text`` cut to ``limit`` UTF-16 units, with an ellipsis, never within a character."""
    return _fit(list(graphemes(text)), limit)


def length(text: str) -> int:
    """Return how long ``text`` is, UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def graphemes(text: str) -> Iterator[str]:
    """Yield what a reader takes for one character each.

    Covers combining marks, variation selectors, skin tones, joined emoji and flags, which is what
    must not be torn apart in titles; it is no full UAX #29.
    """
    cluster = ""
    for character in text:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    if len(cluster) >= _LONGEST_CLUSTER:
        return False  # a tower of combining marks is taken down
    if character == _JOINER or cluster.endswith(_JOINER):
        return True
    if _is_flag_letter(character) and _is_flag_letter(cluster[-1]):
        return len(cluster) % 2 == 1
    return unicodedata.category(character) in {"Mn", "Me", "Mc"} or "\U0001f3fb" <= character <= "\U0001f3ff"


_LONGEST_CLUSTER = 16


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def plain(text: str) -> str:
    """Return ``text`` without what is not for reading; every kind of blank becomes one space."""
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if character.isspace() or category in {"Zs", "Zl", "Zp"}:
            kept.append(" ")
        elif category not in {"Cc", "Cs", "Co", "Cn"} and (category != "Cf" or character == _JOINER):
            kept.append(character)
    return " ".join("".join(kept).split())


def _escaped(cluster: str) -> str:
    return "".join(_escaped_character(character) for character in cluster)


def _escaped_character(character: str) -> str:
    if character == "@":
        return "@" + _ZERO_WIDTH_SPACE
    return "\\" + character if character in _MARKUP else character


def _fit(pieces: list[str], limit: int) -> str:
    if sum(map(length, pieces)) <= limit:
        return "".join(pieces)
    kept: list[str] = []
    room = limit - length(ELLIPSIS)
    for piece in pieces:
        room -= length(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + ELLIPSIS if limit >= length(ELLIPSIS) else ""
