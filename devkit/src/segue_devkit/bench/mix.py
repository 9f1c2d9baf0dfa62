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
    Use("loop", options={"mode": "queue"}),
    Use("volume", options={"percent": 60}),
    Use("loop", options={"mode": "off"}),
    Use("skip"),
    Use("pause"),
)
"""A skip plays on, so that a tenth of the players is heard at any time."""

_NAMES = [use.name for use in CYCLE]
_ENTRIES = (*range(_NAMES.index("loop") + 1), _NAMES.index("skip"))
"""Where a paused player with one more song queued may begin, so that all of it takes effect."""


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
