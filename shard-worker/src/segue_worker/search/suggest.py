"""What is proposed while somebody types: songs heard here lately, and what a search finds in a moment.

Nothing of it is journaled or counted as a search of theirs, and nothing here may take long: Discord waits
three seconds, and the next key is pressed before that.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from segue_core.logging import get_logger
from segue_core.store import StoreUnavailableError
from segue_worker.commands.links import SearchWords, parse_link
from segue_worker.lavalink.errors import NodeTimeoutError
from segue_worker.lavalink.loader import NoNodeError, SourceRestsError
from segue_worker.players.links import SERVICE_HOSTS
from segue_worker.search.desk import SearchDesk, TooManySearchesError
from segue_worker.search.limits import Asker, Purpose
from segue_worker.ui import menus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from segue_core.ids import GuildId, UserId
    from segue_core.models import Track
    from segue_core.store import HeardSong
    from segue_worker.players.ports import Fleet

_log = get_logger(__name__)

MOST: Final = 25
PATIENCE_S: Final = 1.2
STORE_PATIENCE_S: Final = 0.5
LEAST_WORDS: Final = 3
"""Letters from which on a search is worth its while."""
_HEARD_FRESH_S: Final = 10.0
_HEARD_MATCHING: Final = 5
_REMEMBERED: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One choice, both of at most 100 characters: what is shown, and what is asked for by it."""

    name: str
    value: str


class History(Protocol):
    """Knows what a guild has heard."""

    async def heard(self, guild: GuildId, limit: int) -> Sequence[HeardSong]:
        """Return songs, each once, the newest first. Raises StoreUnavailableError."""


class Suggester:
    """One worker's."""

    def __init__(
        self,
        desk: SearchDesk,
        fleet: Fleet,
        history: History,
        prefix: str,
        *,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._fleet = fleet
        self._history = history
        self._prefix = prefix
        self._patience_s = patience_s
        self._clock = clock
        self._heard: OrderedDict[GuildId, tuple[float, tuple[Suggestion, ...]]] = OrderedDict()

    async def suggest(self, guild: GuildId, user: UserId, words: str) -> tuple[Suggestion, ...]:
        """Return at most 25 choices for what was typed so far, within the patience. Never raises."""
        words = words.strip()
        typed = parse_link(words)
        if words and not isinstance(typed, SearchWords):
            return ()  # a link completes itself
        heard = await self._of_history(guild)
        if not words:
            return heard[:MOST]
        asked = [word.casefold() for word in words.split()]
        fitting = [one for one in heard if all(word in one.name.casefold() for word in asked)]
        found = await self._of_search(guild, user, words)
        return tuple(_distinct([*fitting[:_HEARD_MATCHING], *found])[:MOST])

    async def _of_search(self, guild: GuildId, user: UserId, words: str) -> list[Suggestion]:
        if len(words) < LEAST_WORDS:
            return []
        typed = parse_link(words)
        prefix = typed.prefix if isinstance(typed, SearchWords) else ""
        text = typed.text if isinstance(typed, SearchWords) else words
        asker = Asker(guild=guild, user=user, purpose=Purpose.SUGGEST)
        try:
            # What takes longer is found all the same, and there for the next key or the command itself.
            async with asyncio.timeout(self._patience_s):
                result = await self._desk.search(
                    f"{prefix or self._prefix}:{text}", asker, self._fleet.candidates(guild)
                )
        except (TimeoutError, TooManySearchesError, SourceRestsError, NodeTimeoutError, NoNodeError) as error:
            _log.debug("suggest.nothing_found", error=type(error).__name__)
            return []
        return [_of_track(track) for track in result.tracks]

    async def _of_history(self, guild: GuildId) -> tuple[Suggestion, ...]:
        known = self._heard.get(guild)
        if known is not None and self._clock() - known[0] < _HEARD_FRESH_S:
            return known[1]
        try:
            async with asyncio.timeout(STORE_PATIENCE_S):
                songs = await self._history.heard(guild, MOST)
        except (TimeoutError, StoreUnavailableError) as error:
            _log.debug("suggest.history_unread", error=type(error).__name__)
            return () if known is None else known[1]
        heard = tuple(_distinct(_of_heard(song) for song in songs))
        self._heard[guild] = (self._clock(), heard)
        self._heard.move_to_end(guild)
        while len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        return heard


def _of_track(track: Track) -> Suggestion:
    name = menus.song(track.title, track.author, None if track.is_stream else track.length_ms)
    return Suggestion(name=name, value=_value(track.title, track.author, track.uri))


def _of_heard(song: HeardSong) -> Suggestion:
    name = menus.song(song.title, song.author, song.duration_ms)
    return Suggestion(name=name, value=_value(song.title, song.author, song.url))


def _value(title: str, author: str, link: str | None) -> str:
    """Return what finds the song again: its link where a source reads it as such, else its words."""
    if link is not None and len(link) <= menus.LIMIT and urlsplit(link).hostname in SERVICE_HOSTS:
        return link
    return menus.song(title, author)


def _distinct(suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    nameable = [one for one in suggestions if one.name and one.value]
    return list({one.value: one for one in reversed(nameable)}.values())[::-1]
