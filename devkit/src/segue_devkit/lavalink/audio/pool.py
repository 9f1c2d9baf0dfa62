"""Threads that encode, the most urgent first."""

from __future__ import annotations

import heapq
import itertools
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Work(Protocol):
    """Something with steps to do; a step runs on one thread at a time."""

    def step(self) -> float | None:
        """Do the most urgent step; return the deadline of the next one (monotonic s), or None."""


class EncoderPool:
    """Runs the steps of many works in the order of their deadlines."""

    def __init__(self, threads: int, name: str) -> None:
        self._queue: list[tuple[float, int, Work]] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._threads: Sequence[threading.Thread] = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work, deadline: float) -> None:
        """Queue a work that is not queued yet."""
        with self._wake:
            heapq.heappush(self._queue, (deadline, next(self._numbers), work))
            self._wake.notify()

    def close(self) -> None:
        """Stop after the steps under way; daemon threads, so a read that hangs can't hold the process."""
        with self._wake:
            self._closed = True
            self._queue.clear()
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                _, _, work = heapq.heappop(self._queue)
            deadline = work.step()
            if deadline is not None:
                self.submit(work, deadline)
