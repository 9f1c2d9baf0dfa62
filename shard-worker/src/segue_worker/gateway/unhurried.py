"""Waiting for a REST call for so long and no longer, without ever cancelling it.

hikari's rate-limit buckets do not survive a cancelled caller: the place in transit that it took is never
given back, and its turn in the queue ends the task that serves the queue, so that every later call of
that route waits for ever. So a call goes on by itself when nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from segue_core.logging import get_logger
from segue_worker.gateway.errors import LateError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

_log = get_logger(__name__)

T = TypeVar("T")


class Unhurried:
    """The calls under way. ``close`` before the client that makes them is closed."""

    def __init__(self) -> None:
        self._calls: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._calls)

    async def call(self, what: str, work: Coroutine[Any, Any, T], patience_s: float) -> T:
        """Return what ``work`` returns, or raise what it raises.

        Raises:
            LateError: not within ``patience_s`` seconds; what it does, it may still do.
        """
        task = asyncio.create_task(work, name=what)
        self._calls.add(task)
        task.add_done_callback(self._finished)
        done, _ = await asyncio.wait({task}, timeout=patience_s)
        if not done:
            raise LateError(what, patience_s)
        return task.result()

    async def close(self) -> None:
        """End what is still under way: nobody will make a call after it."""
        calls = tuple(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._calls.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Whoever waited for it has been told; this is for those that nobody waited for.
            _log.debug("call.failed", what=task.get_name(), error=type(error).__name__)
