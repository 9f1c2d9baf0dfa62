"""Memory watched against what the kernel allows: give up what can be missed before it ends the process.

``judge`` decides, :class:`MemoryWatch` looks and acts. Sizes are bytes. The process' resident memory is
compared, as a container of ours runs one process: what the kernel would end it for.
"""

from __future__ import annotations

import asyncio
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segue_core.health import CheckResult, HealthLevel, resident_bytes
from segue_core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.metrics import MemoryMetrics

log = get_logger(__name__)

REFUSE_AT: Final = 0.80
SHED_AT: Final = 0.90
MARGIN: Final = 0.05
"""A stage is left only so far below where it begins, else one player more or less would flip it."""
EVERY_S: Final = 1.0
SHED_AGAIN: Final = 30
"""While there is no room, caches are dropped again after so many looks."""
CGROUP: Final = Path("/sys/fs/cgroup")
_LIMITS: Final = ("memory.max", "memory/memory.limit_in_bytes")
_UNLIMITED: Final = 1 << 60
"""cgroup v1 writes a number near 2^63 for no limit."""


class MemoryStage(IntEnum):
    """How much is given up, the later stages on top of the earlier ones."""

    ROOM = 0
    REFUSE = 1
    """Nothing new begins; what is there goes on."""
    SHED = 2
    """What is only remembered is dropped."""


_BEGINS: Final = {MemoryStage.REFUSE: REFUSE_AT, MemoryStage.SHED: SHED_AT}
_SAID: Final = {
    MemoryStage.REFUSE: "no new player begins",
    MemoryStage.SHED: "no new player begins, caches are dropped",
}


def judge(before: MemoryStage, used: int, limit: int) -> MemoryStage:
    """Return the stage for ``used`` of ``limit`` bytes, having been in ``before``."""
    share = used / limit
    return max(
        (
            stage
            for stage, begins in _BEGINS.items()
            if share >= (begins if before < stage else begins - MARGIN)
        ),
        default=MemoryStage.ROOM,
    )


def allowed_bytes(setting: int, root: Path = CGROUP) -> int | None:
    """Return the limit: the lower of the setting (0: none) and the cgroup's; None when there is neither."""
    found = [setting] if setting else []
    for name in _LIMITS:
        try:
            said = (root / name).read_text(encoding="ascii").strip()
        except OSError:
            continue  # another version of cgroups, or another system
        if said.isdecimal() and 0 < int(said) < _UNLIMITED:
            found.append(int(said))
    return min(found, default=None)


class MemoryWatch:
    """Looks every second. ``drop`` is called on entering SHED, and now and then while it lasts."""

    def __init__(
        self,
        limit: int | None,
        drop: Callable[[], object],
        *,
        meter: MemoryMetrics | None = None,
        used: Callable[[], int] = resident_bytes,
    ) -> None:
        self.stage = MemoryStage.ROOM
        self._limit = limit
        self._drop = drop
        self._meter = meter
        self._used = used
        self._looks = 0
        if meter is not None:
            meter.limit.set(limit or 0)

    @property
    def has_room(self) -> bool:
        """Whether something new may begin."""
        return self.stage is MemoryStage.ROOM

    async def run(self) -> None:
        """Look until cancelled; returns at once when nothing limits us."""
        while self._limit is not None:
            self.look()
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """Compare once, and act."""
        if self._limit is None:
            return
        used, before = self._used(), self.stage
        self.stage = judge(before, used, self._limit)
        if self._meter is not None:
            self._meter.stage.set(self.stage)
        if self.stage is not before:
            say = log.warning if self.stage > before else log.info
            said = _SAID.get(self.stage, "there is room again")
            say("memory: " + said, used_bytes=used, limit_bytes=self._limit)
            self._looks = 0
        if self.stage is MemoryStage.SHED:
            if self._looks % SHED_AGAIN == 0:
                self._drop()
            self._looks += 1

    def check(self) -> CheckResult:
        """Say for /health what is given up."""
        if self._limit is None:
            return CheckResult(detail="nothing limits it")
        data = {"used_bytes": self._used(), "limit_bytes": self._limit}
        if self.stage is MemoryStage.ROOM:
            return CheckResult(data=data)
        detail = f"short of memory: {_SAID[self.stage]}"
        return CheckResult(level=HealthLevel.DEGRADED, detail=detail, data=data)
