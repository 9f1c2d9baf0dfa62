"""Menus and completions: other people's titles as plain text, as Discord shows them there.

Limits: 25 options of a menu or choices of a completion, 100 characters each for label, description,
name and value. Nothing in them is markup, so nothing is escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hikari.impl import MessageActionRowBuilder as Row

from segue_worker.commands import custom_ids
from segue_worker.ui import texts
from segue_worker.ui.markdown import plain, truncate

if TYPE_CHECKING:
    from hikari.api.special_endpoints import MessageActionRowBuilder

    from segue_core.models import Track
    from segue_worker.domain.views import OfferView

LIMIT: Final = 100
_MOST: Final = 25


def offer_menu(offer: OfferView) -> MessageActionRowBuilder:
    """Return the menu in which one of the songs is chosen; a value is its place, from 1."""
    row = Row()
    menu = row.add_text_menu(custom_ids.offer(offer.id), placeholder=texts.CHOOSE, min_values=1, max_values=1)
    for place, track in enumerate(offer.tracks[:_MOST], start=1):
        menu.add_option(label(track.title), str(place), description=label(_about(track)))
    return row


def label(text: str) -> str:
    """Return ``text`` as one line that fits; never empty, which Discord would refuse."""
    return truncate(plain(text), LIMIT) or "?"


def song(title: str, author: str, length_ms: int | None = None) -> str:
    """Return one line for a song that fits, with how long it is."""
    long = "" if length_ms is None else f" ({texts.duration(length_ms)})"
    words = plain(f"{title} - {author}" if author else title)
    return truncate(words, LIMIT - len(long)) + long


def _about(track: Track) -> str:
    long = texts.LIVE if track.is_stream else texts.duration(track.length_ms)
    return f"{truncate(plain(track.author), LIMIT - len(long) - 3)} · {long}" if track.author else long
