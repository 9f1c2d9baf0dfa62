"""How late the simulator's own event loop is: its share of whatever is measured through it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

_TICK_S: Final = 0.02
_KEPT: Final = 3_000  # one minute


class LoopLag:
    """Samples how much later than asked a timer fires, fifty times a second."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=_KEPT)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin sampling on the running loop."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _TICK_S
        self._timer = loop.call_at(due, self._fired, due)

    def _fired(self, due: float) -> None:
        self._samples.append(max(0.0, asyncio.get_running_loop().time() - due))
        self.start()

    def close(self) -> None:
        """Stop sampling."""
        if self._timer is not None:
            self._timer.cancel()

    def quantile_ms(self, share: float) -> float:
        """The lag in ms that this share of the last minute's samples stayed below; 0 without samples."""
        ordered = sorted(self._samples)
        if not ordered:
            return 0.0
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000
