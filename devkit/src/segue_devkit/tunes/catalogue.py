"""The catalogue: what can be searched for, found and played without any music of somebody else's.

The same on every machine. A tune's `song_id` is what its timecode says (see timecode.py), its `identifier` is
a word for links and searches. A search always finds something, as the big music services do: where no word
fits, the query itself picks the tunes, the same ones each time.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from segue_devkit.tunes import render

if TYPE_CHECKING:
    from segue_devkit.tunes.render import TuneSound

_SEED: Final = 20_000
_FILLERS: Final = frozenset(
    {"the", "a", "an", "of", "and", "in", "to", "by", "official", "video", "audio", "hd"}
)
# Full seconds; a few short ones so that the end of a track can be waited for.
_LENGTHS: Final = (
    184,
    62,
    141,
    27,
    208,
    95,
    168,
    243,
    33,
    126,
    300,
    79,
    152,
    20,
    197,
    111,
    226,
    48,
    135,
    264,
)

_TITLES: Final = (
    ("Lantern Waltz", "The Paper Boats"),
    ("Half Past Midnight", "Velvet Terminal"),
    ("Cinnamon Street", "Corner Table Trio"),
    ("Brass Buttons", "The Marching Ants"),
    ("Harbour Fog", "Ida Quay"),
    ("Glass Marbles", "The Paper Boats"),
    ("Last Train North", "Velvet Terminal"),
    ("Second Cup", "Corner Table Trio"),
    ("Kite Weather", "The Marching Ants"),
    ("Lighthouse Keeper", "Ida Quay"),
    ("Snow on the Roof", "Nils Appleyard"),
    ("Neon Puddles", "Velvet Terminal"),
    ("Window Seat", "Corner Table Trio"),
    ("Tin Parade", "The Marching Ants"),
    ("Tide Tables", "Ida Quay"),
    ("Paper Moon Ferry", "The Paper Boats"),
    ("Motorway Stars", "Orbit Laundry"),
    ("Rain on Tuesday", "Corner Table Trio"),
    ("Bicycle Bells", "The Marching Ants"),
    ("Driftwood", "Ida Quay"),
    ("Fireflies Counting", "Nils Appleyard"),
    ("Parallel Lines Meet", "Orbit Laundry"),
    ("Bakery at Dawn", "Corner Table Trio"),
    ("Umbrella March", "The Marching Ants"),
    ("Salt and Rope", "Ida Quay"),
    ("Clockwork Garden", "The Paper Boats"),
    ("Signal Lost, Signal Found", "Orbit Laundry"),
    ("Old Piano Upstairs", "Nils Appleyard"),
    ("Sunday Market", "The Marching Ants"),
    ("Low Water", "Ida Quay"),
    ("Carousel in Winter", "The Paper Boats"),
    ("Tunnel of Lamps", "Velvet Terminal"),
    ("Three Sugars", "Corner Table Trio"),
    ("Confetti Forecast", "The Marching Ants"),
    ("Northern Jetty", "Ida Quay"),
    ("Sleeping Cat Rag", "Nils Appleyard"),
    ("Satellite Lullaby", "Orbit Laundry"),
    ("Slow Elevator", "Corner Table Trio"),
    ("Picnic Drums", "The Marching Ants"),
    ("Anchor Song", "Ida Quay"),
    ("Music Box Thief", "The Paper Boats"),
    ("Static Bloom", "Velvet Terminal"),
    ("Borrowed Sweater", "Nils Appleyard"),
    ("Hopscotch", "The Marching Ants"),
    ("Grey Gulls", "Ida Quay"),
    ("Afterglow Express", "Orbit Laundry"),
    ("Never Ending Hallway", "Velvet Terminal"),
    ("Goodnight, Streetlamp", "The Paper Boats"),
)


@dataclass(frozen=True, slots=True)
class Tune:
    """One entry.

    Attributes:
        song_id: from 1; what the timecode carries.
        identifier: the title as a slug, unique.
        length_ms: exact length of the sound.
        seed: what the composer starts from.
    """

    song_id: int
    identifier: str
    title: str
    author: str
    length_ms: int
    seed: int

    def sound(self) -> TuneSound:
        """The tune as samples, composed on first use."""
        return render.sound_of(self.song_id, self.seed, self.length_ms)


@lru_cache(maxsize=1)
def tunes() -> tuple[Tune, ...]:
    """Every tune, by song id."""
    return tuple(
        Tune(number, "-".join(_words(title)), title, author, _LENGTHS[(number * 7) % len(_LENGTHS)] * 1000,
             _SEED + number)
        for number, (title, author) in enumerate(_TITLES, start=1)
    )  # fmt: skip


def by_id(song_id: int) -> Tune | None:
    """The tune with this number, or None."""
    every = tunes()
    return every[song_id - 1] if 0 < song_id <= len(every) else None


def by_identifier(identifier: str) -> Tune | None:
    """The tune with this slug (or this number, as text), or None."""
    if identifier.isdecimal() and identifier.isascii():
        return by_id(int(identifier))
    return next((tune for tune in tunes() if tune.identifier == identifier), None)


@dataclass(frozen=True, slots=True)
class Album:
    """All tunes of one author, by song id; `identifier` is the name as a slug."""

    identifier: str
    name: str
    tunes: tuple[Tune, ...]


@lru_cache(maxsize=1)
def albums() -> tuple[Album, ...]:
    """Every album, in the order of the first tunes."""
    authors = dict.fromkeys(tune.author for tune in tunes())
    return tuple(
        Album("-".join(_words(author)), author, tuple(tune for tune in tunes() if tune.author == author))
        for author in authors
    )


def album(identifier: str) -> Album | None:
    """The album with this slug, or None."""
    return next((one for one in albums() if one.identifier == identifier), None)


def search(query: str, limit: int = 10) -> tuple[Tune, ...]:
    """The tunes that fit a query best; never empty for a limit of one or more.

    Words count more in a title than in a name, whole words more than beginnings. If nothing fits, tunes are
    picked by the query itself.
    """
    asked = [word for word in _words(query) if word not in _FILLERS]
    ranked = sorted(
        ((_fit(tune, asked), tune) for tune in tunes()), key=lambda pair: (-pair[0], pair[1].song_id)
    )
    found = tuple(tune for fit, tune in ranked if fit > 0)
    return (found or _by_chance(query))[:limit]


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z0-9]+", plain)


def _fit(tune: Tune, asked: list[str]) -> int:
    title, author = _words(tune.title), _words(tune.author)
    return sum(_word_fit(word, title, 4) + _word_fit(word, author, 2) for word in asked)


def _word_fit(word: str, among: list[str], weight: int) -> int:
    if word in among:
        return weight
    short = 3
    return weight // 2 if len(word) >= short and any(other.startswith(word) for other in among) else 0


def _by_chance(query: str) -> tuple[Tune, ...]:
    every = tunes()
    first = zlib.crc32(query.casefold().encode()) % len(every)
    return tuple(every[(first + step * 5) % len(every)] for step in range(10))
