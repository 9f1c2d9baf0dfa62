"""What our messages are made of, whatever they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import hikari
from hikari.api.special_endpoints import MessageActionRowBuilder

from segue_worker.domain.views import FileView, Tone
from segue_worker.ui import texts
from segue_worker.ui.markdown import escape, length

if TYPE_CHECKING:
    from segue_core.models import QueueItem

LINE_TITLE_LIMIT = 80
_URL_LIMIT = 1024

TONES = {Tone.OK: 0x2FB67C, Tone.INFO: 0x5865F2, Tone.REFUSED: 0xE5A13B, Tone.FAILED: 0xD6505A}
Style = Literal[
    hikari.ButtonStyle.PRIMARY,
    hikari.ButtonStyle.SECONDARY,
    hikari.ButtonStyle.SUCCESS,
    hikari.ButtonStyle.DANGER,
]
GREY: Final = hikari.ButtonStyle.SECONDARY
BLUE: Final = hikari.ButtonStyle.PRIMARY
GREEN: Final = hikari.ButtonStyle.SUCCESS
RED: Final = hikari.ButtonStyle.DANGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message ready for hikari's ``create_message``, ``edit_message`` and interaction responses.

    ``file`` goes with answers to interactions only.
    """

    embeds: tuple[hikari.Embed, ...]
    components: tuple[MessageActionRowBuilder, ...] = ()
    file: FileView | None = None

    def kwargs(self) -> dict[str, Any]:
        """Return the arguments that all of those calls share; nobody is ever pinged."""
        return {
            "embeds": list(self.embeds),
            "components": list(self.components),
            "mentions_everyone": False,
            "user_mentions": False,
            "role_mentions": False,
        }


def line_of(number: int, item: QueueItem) -> str:
    """Return a song as a line of a list."""
    track = item.track
    title = escape(track.title, LINE_TITLE_LIMIT)
    long = texts.LIVE if track.is_stream else texts.duration(track.length_ms)
    requester = f" · {texts.mention_user(item.requester)}" if item.requester else ""
    return f"`{number}.` {title} `{long}`{requester}"


def web_url(url: str | None) -> str | None:
    """Return ``url`` when Discord would take it; one bad link must not cost the whole message."""
    if url is None or length(url) > _URL_LIMIT or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and host else None
