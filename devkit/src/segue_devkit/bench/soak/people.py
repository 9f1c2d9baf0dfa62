"""What people of an ordinary server do, seeded: mostly listen, now and then a command, sometimes go home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    import random

MEAN_PAUSE_S = 12.0
SHORTEST_PAUSE_S = 2.5
"""People read the answer before they go on; ``/play`` has a cool-down of a second, ``/join`` of two."""
QUEUE_FULL_ENOUGH = 8
"""From so many songs on nobody adds another."""


class Doing(StrEnum):
    """What somebody does next."""

    COMMAND = "command"
    PRESS = "press"
    GO = "go"
    """Everybody leaves the voice channel."""
    COME = "come"


@dataclass(frozen=True, slots=True)
class Room:
    """What the people of a guild know: whether they are in voice, and about how many songs are there."""

    present: bool = False
    songs: int = 0
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing done after ``pause_s``. ``name`` is a command, or what a button's id must contain."""

    pause_s: float
    doing: Doing
    name: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


_WEIGHTS: tuple[tuple[str, float], ...] = (
    ("play", 26),
    ("queue", 12),
    ("nowplaying", 10),
    ("skip", 12),
    ("volume", 10),
    ("pause", 8),
    ("press", 12),
    ("ping", 2),
    ("stop", 2),
    ("leave", 2),
    ("go", 4),
)
BUTTONS = ("pause", "resume", "skip", "queue")
"""Parts of the ids of buttons that people press, if the message shows them."""
_TITLES = tuple(tune.title for tune in catalogue.tunes())


def next_act(room: Room, chance: random.Random) -> tuple[Act, Room]:
    """Return what is done next in a guild, and what its people know then."""
    pause_s = max(SHORTEST_PAUSE_S, chance.expovariate(1.0 / MEAN_PAUSE_S))
    if not room.present:
        return Act(pause_s=pause_s, doing=Doing.COME), replace(room, present=True)
    if room.songs == 0 or (room.paused and chance.random() < 0.5):  # noqa: PLR2004 - every other time
        name = "resume" if room.songs else "play"
    else:
        names, weights = zip(*_WEIGHTS, strict=True)
        name = chance.choices(names, weights)[0]
    if name == "play" and room.songs >= QUEUE_FULL_ENOUGH:
        name = "queue"
    return _act(name, pause_s, room, chance)


def _act(name: str, pause_s: float, room: Room, chance: random.Random) -> tuple[Act, Room]:
    options: dict[str, object] = {}
    match name:
        case "go":
            return Act(pause_s=pause_s, doing=Doing.GO), Room()
        case "press":
            wanted = chance.choice(BUTTONS)
            return Act(pause_s=pause_s, doing=Doing.PRESS, name=wanted), room
        case "play":
            options = {"query": chance.choice(_TITLES)}
            room = replace(room, songs=room.songs + 1)
        case "volume":
            options = {"percent": chance.randrange(20, 101, 5)}
        case "skip":
            room = replace(room, songs=room.songs - 1, paused=False)
        case "pause" | "resume":
            room = replace(room, paused=name == "pause")
        case "stop" | "leave":
            room = replace(room, songs=0, paused=False)
    return Act(pause_s=pause_s, doing=Doing.COMMAND, name=name, options=options), room
