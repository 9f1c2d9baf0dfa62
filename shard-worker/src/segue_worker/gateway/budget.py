"""How much a shard may send: 120 payloads in 60 s a connection, shared out by importance.

Discord closes a connection that sends more with 4008 (*Gateway, Rate Limiting*).
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S = 60.0
LIMIT = 120


class Lane(IntEnum):
    """What goes first. A lower number goes before a higher one."""

    VITAL = 0
    """Heartbeats, IDENTIFY, RESUME."""

    VOICE = 1
    """Op 4: somebody waits to hear something."""

    REST = 2
    """Presence, member and channel requests."""


_SHARE: dict[Lane, int] = {
    Lane.VITAL: LIMIT,
    # A minute holds two heartbeats, what Discord asks for besides, and one handshake.
    Lane.VOICE: LIMIT - 6,
    # Nothing that can wait may ever keep a voice channel waiting for a whole minute.
    Lane.REST: LIMIT - 40,
}


class SendBudget:
    """A sliding window of what was sent. Pure: the clock is a parameter, seconds."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=LIMIT)

    def wait(self, now: float, lane: Lane) -> float:
        """Return how long ``lane`` has to wait before it may send, 0 when not at all."""
        while self._sent and self._sent[0] <= now - WINDOW_S:
            self._sent.popleft()
        over = len(self._sent) - _SHARE[lane]
        if over < 0:
            return 0.0
        return self._sent[over] + WINDOW_S - now

    def spend(self, now: float) -> None:
        """Count one payload sent at ``now``."""
        self._sent.append(now)

    def spent(self, now: float) -> int:
        """Return how many payloads the window holds."""
        return sum(1 for at in self._sent if at > now - WINDOW_S)


@dataclass(order=True, slots=True)
class _Waiter:
    lane: Lane
    number: int
    turn: asyncio.Future[None] = field(compare=False)


class SendQueue:
    """Lets senders through one by one, the most important first. One for each connection."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._budget = SendBudget()
        self._waiting: list[_Waiter] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed: Exception | None = None

    async def turn(self, lane: Lane) -> None:
        """Wait for our turn and count it as sent.

        Raises:
            Exception: the one given to :meth:`close`.
        """
        if self._closed is not None:
            raise self._closed
        waiter = _Waiter(lane, self._count, asyncio.get_running_loop().create_future())
        self._count += 1
        heapq.heappush(self._waiting, waiter)
        self._let_through()
        await waiter.turn

    def close(self, why: Exception) -> None:
        """Refuse everybody who waits and who comes later."""
        self._closed = why
        if self._timer is not None:
            self._timer.cancel()
        for waiter in self._waiting:
            if not waiter.turn.done():
                waiter.turn.set_exception(why)
        self._waiting.clear()

    def _let_through(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            first = self._waiting[0]
            if first.turn.done():  # cancelled while it waited
                heapq.heappop(self._waiting)
                continue
            now = self._clock()
            wait = self._budget.wait(now, first.lane)
            if wait > 0:
                # Lower lanes have smaller shares: when the first has to wait, all have to.
                self._timer = asyncio.get_running_loop().call_later(wait, self._let_through)
                return
            heapq.heappop(self._waiting)
            self._budget.spend(now)
            first.turn.set_result(None)
