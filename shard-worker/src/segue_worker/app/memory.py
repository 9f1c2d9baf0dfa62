"""What a worker gives up when memory is short."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from segue_core.memory import MemoryWatch, allowed_bytes
from segue_worker import metrics

if TYPE_CHECKING:
    from collections.abc import Callable


def watch(limit_bytes: int, *forget: Callable[[], None]) -> MemoryWatch:
    """Return a watch over this process that lets each of ``forget`` drop what it remembers.

    ``limit_bytes`` is the pod's limit, 0: only the cgroup's counts.
    """

    def drop() -> None:
        for one in forget:
            one()
        gc.collect()

    return MemoryWatch(allowed_bytes(limit_bytes), drop, meter=metrics.MEMORY)
