"""Keeps the last messages of each guild, so that what it did can be replayed: for debugging."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

from segue_worker.domain.messages import Message

if TYPE_CHECKING:
    from segue_core.ids import GuildId
    from segue_worker.domain.state import GuildState
    from segue_worker.players.ports import Decide

_GUILDS: Final = 1000
_MESSAGES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A message and when it was handled, Redis time in ms."""

    at: int
    message: Message


class RecordingLog:
    """In memory only, bounded, the guilds heard of longest ago forgotten first.

    Messages hold voice credentials: they stay in this process.
    """

    def __init__(self, guilds: int = _GUILDS, messages: int = _MESSAGES) -> None:
        self._max_guilds = guilds
        self._max_messages = messages
        self._guilds: OrderedDict[GuildId, deque[Recorded]] = OrderedDict()

    def record(self, guild: GuildId, message: Message, now: int) -> None:
        """Remember it."""
        log = self._guilds.setdefault(guild, deque(maxlen=self._max_messages))
        log.append(Recorded(at=now, message=message))
        self._guilds.move_to_end(guild)
        if len(self._guilds) > self._max_guilds:
            self._guilds.popitem(last=False)

    def of(self, guild: GuildId) -> tuple[Recorded, ...]:
        """Return what is remembered of a guild, oldest first."""
        return tuple(self._guilds.get(guild, ()))


def replay(log: tuple[Recorded, ...], start: GuildState, decide: Decide) -> GuildState:
    """Return the state that ``start`` comes to by what was recorded."""
    return reduce(lambda state, entry: decide(state, entry.message, entry.at).state, log, start)
