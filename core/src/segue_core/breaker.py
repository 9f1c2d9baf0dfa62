"""A circuit breaker: stop asking what keeps failing, and try again with one request.

One class for nodes, sources of music and the store. Time is a parameter, seconds of any steady clock.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

Key = TypeVar("Key", bound="Hashable")


class BreakerState(StrEnum):
    """``CLOSED``: ask. ``OPEN``: don't. ``HALF_OPEN``: one may ask, to find out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after ``threshold`` failures in a row, for ``cooldown_s``; then lets one request through."""

    def __init__(self, clock: Callable[[], float], *, threshold: int = 3, cooldown_s: float = 5.0) -> None:
        self._clock = clock
        self._threshold = threshold
        self._cooldown_s = cooldown_s
        self._failures = 0
        self._opened_at: float | None = None
        self._trial = False

    @property
    def state(self) -> BreakerState:
        """Where it stands now."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        if self._clock() - self._opened_at >= self._cooldown_s:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    @property
    def wait_s(self) -> float:
        """After how many seconds a request may be tried; 0 unless it is open."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._cooldown_s - self._clock())

    def allows(self) -> bool:
        """Whether a request may be made now; taking the one trial of a half-open breaker."""
        match self.state:
            case BreakerState.CLOSED:
                return True
            case BreakerState.OPEN:
                return False
            case BreakerState.HALF_OPEN:
                if self._trial:
                    return False
                self._trial = True
                return True

    def succeeded(self) -> None:
        """The request was answered."""
        self._failures = 0
        self._opened_at = None
        self._trial = False

    def failed(self) -> None:
        """The request was not answered, or not by something that works."""
        self._failures += 1
        self._trial = False
        if self._failures >= self._threshold:
            self._opened_at = self._clock()

    def abandoned(self) -> None:
        """The request was given up before it said anything about the other side."""
        self._trial = False


class Breakers(Generic[Key]):
    """A breaker for each key, made when first asked for; the ``most`` last used are remembered.

    A bound is needed where keys come from outside, such as the hosts of links.
    """

    def __init__(
        self, clock: Callable[[], float], *, threshold: int = 3, cooldown_s: float = 5.0, most: int = 256
    ) -> None:
        self._clock = clock
        self._threshold = threshold
        self._cooldown_s = cooldown_s
        self._most = most
        self._known: OrderedDict[Key, Breaker] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, key: Key) -> Breaker:
        """Return the breaker of ``key``."""
        breaker = self._known.get(key)
        if breaker is None:
            breaker = Breaker(self._clock, threshold=self._threshold, cooldown_s=self._cooldown_s)
            self._known[key] = breaker
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return breaker

    def states(self) -> Mapping[Key, BreakerState]:
        """Return where each stands."""
        return {key: breaker.state for key, breaker in self._known.items()}
