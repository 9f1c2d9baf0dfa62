"""The tasks one guild has running, so that every one of them has an owner, and ends with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from segue_core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

_log = get_logger(__name__)


class Errands:
    """Runs coroutines side by side, or one after the other within a lane."""

    def __init__(self, on_quiet: Callable[[], None]) -> None:
        self._on_quiet = on_quiet
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: dict[Hashable, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        """Whether anything runs."""
        return bool(self._tasks)

    def under_way(self, lane: Hashable) -> bool:
        """Whether anything of this lane runs, or waits for its turn in it."""
        return lane in self._lanes

    def run(self, errand: Coroutine[None, None, None], *, lane: Hashable = None) -> None:
        """Run ``errand`` now, or when what was put into the same lane before it is done."""
        before = self._lanes.get(lane) if lane is not None else None
        task = asyncio.create_task(self._after(before, errand) if before is not None else errand)
        self._tasks.add(task)
        if lane is not None:
            self._lanes[lane] = task
        task.add_done_callback(lambda done: self._done(done, lane))

    async def finish(self, patience: float) -> None:
        """Let what runs finish for a while, then cancel it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)
        await self.cancel()

    async def cancel(self) -> None:
        """End everything now."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @staticmethod
    async def _after(before: asyncio.Task[None], errand: Coroutine[None, None, None]) -> None:
        try:
            await asyncio.wait({before})
        except asyncio.CancelledError:
            errand.close()
            raise
        await errand

    def _done(self, task: asyncio.Task[None], lane: Hashable) -> None:
        self._tasks.discard(task)
        if lane is not None and self._lanes.get(lane) is task:
            del self._lanes[lane]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("player.errand_failed", exc_info=error)
        if not self._tasks:
            self._on_quiet()
