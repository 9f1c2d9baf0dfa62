"""Redis time in this process, without asking: an offset learnt from renewals."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SAMPLE_AGE_S = 30.0
"""A good old measurement is preferred to a bad new one for this long; clocks drift some ms a minute."""


class RedisClock:
    """Redis time, ms, as this process believes it; right within half a round trip.

    Until the first :meth:`observe` it is the machine's own clock.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic = monotonic
        self._offset_ms = wall() * 1000 - monotonic() * 1000
        self._round_trip = float("inf")
        self._observed_at = float("-inf")
        self._last = 0

    def observe(self, sent: float, received: float, redis_ms: int) -> None:
        """Learn from a call: monotonic seconds when sent and answered, and the TIME it ran at.

        Of several measurements the one with the shortest round trip counts.
        """
        round_trip = received - sent
        aged = received - self._observed_at > MAX_SAMPLE_AGE_S
        if round_trip <= self._round_trip or aged:
            self._offset_ms = redis_ms - (sent + received) * 500
            self._round_trip = round_trip
            self._observed_at = received

    def now(self) -> int:
        """Return Redis time, ms. Never goes back."""
        self._last = max(self._last, int(self._monotonic() * 1000 + self._offset_ms))
        return self._last
