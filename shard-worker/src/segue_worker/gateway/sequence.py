"""Up to where a shard's events are safely handled."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SequenceTracker:
    """Sequence numbers of one gateway session.

    Events arrive in order and are handled in any. A successor that RESUMEs behind ``checkpoint`` is
    given again everything that was not handled, and nothing that was *unless* something before it
    was still open: duplicates are deduplicated by interaction id, losses could not be repaired.
    """

    def __init__(self, start: int = 0) -> None:
        self._open: deque[int] = deque()
        self._done: set[int] = set()
        self._checkpoint = start
        self._newest = start

    @property
    def newest(self) -> int:
        """The newest number received: what heartbeats and a RESUME in this process carry."""
        return self._newest

    @property
    def checkpoint(self) -> int:
        """The highest number with it and all before it handled."""
        return self._checkpoint

    @property
    def pending(self) -> int:
        """How many received events are not handled yet."""
        return len(self._open) - len(self._done)

    def received(self, seq: int) -> Callable[[], None]:
        """Note the arrival of ``seq``; return what to call when it is handled.

        A number at or below the newest one is a repetition and holds nothing up.
        """
        if seq <= self._newest:
            return _nothing
        self._newest = seq
        self._open.append(seq)
        return lambda: self._handled(seq)

    def _handled(self, seq: int) -> None:
        if seq <= self._checkpoint:
            return
        self._done.add(seq)
        while self._open and self._open[0] in self._done:
            self._checkpoint = self._open.popleft()
            self._done.discard(self._checkpoint)


def _nothing() -> None:
    """Nobody waits for this event."""
