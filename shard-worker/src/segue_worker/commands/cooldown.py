"""Nobody needs a command many times a second."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_core.ids import UserId
    from segue_worker.domain.messages import Verb

_REMEMBERED = 10_000


class Cooldowns:
    """Remembers who used what last, for one process; the oldest are forgotten first."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._free_at: OrderedDict[tuple[UserId, Verb], int] = OrderedDict()

    def use(self, user: UserId, verb: Verb, cooldown_ms: int, now: int) -> int:
        """Return 0 and note the use, or the milliseconds still to wait."""
        if cooldown_ms <= 0:
            return 0
        wait = self._free_at.get((user, verb), 0) - now
        if wait > 0:
            return min(wait, cooldown_ms)
        self._free_at[user, verb] = now + cooldown_ms
        self._free_at.move_to_end((user, verb))
        while len(self._free_at) > self._remembered:
            self._free_at.popitem(last=False)
        return 0
