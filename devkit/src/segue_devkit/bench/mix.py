"""What people of a guild do, over and over: mostly changes, each of which takes effect, and some reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a command. ``changes``: it is to be committed, not merely answered."""

    name: str
    changes: bool = True
    options: Mapping[str, object] = field(default_factory=dict)


CYCLE: tuple[Use, ...] = (
    Use("volume", options={"percent": 45}),
    Use("queue", changes=False),
    Use("play"),
    Use("volume", options={"percent": 55}),
    Use("nowplaying", changes=False),
    Use("resume"),
    Use("pause"),
    Use("volume", options={"percent": 60}),
    Use("skip"),
    Use("volume", options={"percent": 70}),
)
"""Begun anywhere but at ``pause`` by a paused player with one more song queued, all of it takes effect."""

_ENTRIES = tuple(place for place, use in enumerate(CYCLE) if use.name != "pause")


@dataclass(frozen=True, slots=True)
class Step:
    """What is done next. ``stand`` is the guild's number, ``cycle`` counts its rounds of the mix."""

    stand: int
    cycle: int
    use: Use


def steps(stands: int) -> Iterator[Step]:
    """Yield steps without end, guild after guild, each guild at another place of the mix."""
    titles = [tune.title for tune in catalogue.tunes()]
    for number in count():
        stand, turn = number % stands, number // stands
        place = _ENTRIES[stand % len(_ENTRIES)] + turn
        use = CYCLE[place % len(CYCLE)]
        if use.name == "play":
            use = Use("play", options={"query": titles[number % len(titles)]})
        yield Step(stand, place // len(CYCLE), use)
