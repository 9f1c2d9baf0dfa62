"""How long a shard waits before it connects again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_S = 0.25
LONGEST_S = 30.0
"""After connections that never became ready: Discord is not there, or not for us."""
LONGEST_READY_S = 5.0
"""After ones that did. Discord is there, and the identify gate keeps count of new sessions by itself."""
HEALTHY_S = 10.0


class Backoff:
    """Exponential with full jitter, so that shards cut off together do not come back together.

    Written out here and not taken from a retry library: what counts as a success is not the end of a
    call but a connection that *stayed* ready, and the first reconnect after one must not wait at all,
    as every millisecond of it is a gap in events.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._failures = 0

    @property
    def failures(self) -> int:
        """Connections in a row that did not stay ready."""
        return self._failures

    def after(self, ready_for_s: float | None) -> float:
        """Return how long to wait, seconds, after a connection that was ready for so long (or never)."""
        if ready_for_s is not None and ready_for_s >= HEALTHY_S:
            self._failures = 0
            return 0.0
        self._failures += 1
        if self._failures == 1 and ready_for_s is not None:
            # Discord restarts a gateway node with RECONNECT; the next one takes us at once.
            return 0.0
        longest = LONGEST_S if ready_for_s is None else LONGEST_READY_S
        ceiling = min(longest, FIRST_S * 2.0 ** min(self._failures, 16))
        return self._uniform(FIRST_S, ceiling)
