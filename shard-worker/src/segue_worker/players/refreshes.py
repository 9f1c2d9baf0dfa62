"""How often messages are edited only to move their progress bar: as often as there is room, and no more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PER_S: Final = 2.0
"""Of the 50 requests a second that Discord takes from a bot, all its processes together."""
_BURST: Final = 4.0


class Refreshes:
    """One process's allowance, shared by all its guilds: a token bucket."""

    def __init__(
        self, per_s: float = PER_S, burst: float = _BURST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._counted_at = clock()

    def take(self) -> bool:
        """Whether one may be made now; it counts as made then."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._per_s)
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
