"""Keeps the books: equal sounds share one, unused ones stay while there is room."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from segue_devkit.lavalink.audio.book import Book
from segue_devkit.lavalink.audio.pool import EncoderPool
from segue_devkit.lavalink.audio.shelf import Shelf, ShelfPlace
from segue_devkit.lavalink.audio.voicing import Voicing

if TYPE_CHECKING:
    from segue_devkit.lavalink.audio.readers import PcmReader
    from segue_devkit.lavalink.errors import TrackError
    from segue_devkit.lavalink.sources import Sources
    from segue_devkit.lavalink.tracks import Track

_ROOM: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class _Key:
    source: str
    identifier: str
    voicing: Voicing
    own: int


class Library:
    """Books by sound. Belongs to the event loop; the books work on threads."""

    def __init__(self, sources: Sources, shelf: Shelf | None = None) -> None:
        self._sources = sources
        self._shelf = shelf or Shelf(None)
        self._books: dict[_Key, Book] = {}
        self._own = itertools.count(1)
        self._shared = EncoderPool(min(4, os.cpu_count() or 1), "encode")

    def take_broken(self, track: Track, error: TrackError) -> Book:
        """A book that holds nothing but an error, for one player; give it back with `give_back`."""

        def fail() -> PcmReader:
            raise error

        book = Book(fail, Voicing(), self._shared, seekable=True)
        self._books[_Key(track.source, track.identifier, Voicing(), next(self._own))] = book
        book.users += 1
        return book

    def take(self, track: Track, voicing: Voicing) -> Book:
        """The book of a track as it is to be played; give it back with `give_back`."""
        key = _Key(track.source, track.identifier, voicing, next(self._own) if track.is_stream else 0)
        book = self._books.pop(key, None)
        if book is None or book.error is not None:
            book = self._new(track, voicing)
        self._books[key] = book
        book.users += 1
        return book

    def give_back(self, book: Book) -> None:
        """A player is done with a book."""
        book.users -= 1
        self._make_room()

    def close(self) -> None:
        """Stop all encoding."""
        for book in self._books.values():
            self._drop(book)
        self._books.clear()
        self._shared.close()

    def _new(self, track: Track, voicing: Voicing) -> Book:
        # A source that can block gets a thread of its own, so that a stalled link holds nobody else up.
        may_stall = self._sources.can_block(track)
        pool = EncoderPool(1, "source") if may_stall else self._shared
        opener = self._sources.opener(track)
        name = self._sources.tune_name(track) if voicing == Voicing() else None
        shelf = None if name is None else ShelfPlace(self._shelf, name)
        return Book(opener, voicing, pool, seekable=track.seekable, may_stall=may_stall, shelf=shelf)

    def _drop(self, book: Book) -> None:
        book.close()
        if book.pool is not self._shared:
            book.pool.close()

    def _make_room(self) -> None:
        idle = [(key, book) for key, book in self._books.items() if not book.users]
        taken = sum(book.size for _, book in idle)
        for key, book in idle:
            keep_source = book.pool is self._shared and book.error is None
            if keep_source and taken <= _ROOM:
                continue
            taken -= book.size
            del self._books[key]
            self._drop(book)
