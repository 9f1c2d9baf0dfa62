"""Memory: given up in stages before the kernel ends the process, and taken back without flapping."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from segue_core.health import HealthLevel
from segue_core.memory import SHED_AGAIN, MemoryStage, MemoryWatch, allowed_bytes, judge
from segue_core.metrics import MemoryMetrics, Metrics

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 1000


@pytest.mark.parametrize(
    ("before", "used", "after"),
    [
        (MemoryStage.ROOM, 0, MemoryStage.ROOM),
        (MemoryStage.ROOM, 799, MemoryStage.ROOM),
        (MemoryStage.ROOM, 800, MemoryStage.REFUSE),
        (MemoryStage.ROOM, 2000, MemoryStage.SHED),
        (MemoryStage.REFUSE, 899, MemoryStage.REFUSE),
        (MemoryStage.REFUSE, 900, MemoryStage.SHED),
        (MemoryStage.REFUSE, 751, MemoryStage.REFUSE),
        (MemoryStage.REFUSE, 749, MemoryStage.ROOM),
        (MemoryStage.SHED, 851, MemoryStage.SHED),
        (MemoryStage.SHED, 849, MemoryStage.REFUSE),
        (MemoryStage.SHED, 100, MemoryStage.ROOM),
    ],
)
def test_stages_begin_and_end_where_they_say(before: MemoryStage, used: int, after: MemoryStage) -> None:
    """Refuse at 80 %, shed at 90 %, each left five points below."""
    assert judge(before, used, LIMIT) is after


@given(st.sampled_from(MemoryStage), st.integers(0, 3000), st.integers(0, 3000))
def test_more_memory_never_means_more_room(before: MemoryStage, some: int, more: int) -> None:
    """Using more leads to the same stage or a later one, and a look repeated changes nothing."""
    low, high = sorted((some, more))
    assert judge(before, low, LIMIT) <= judge(before, high, LIMIT)
    once = judge(before, low, LIMIT)
    assert judge(once, low, LIMIT) is once


def test_the_lower_of_setting_and_kernel_counts(tmp_path: Path) -> None:
    """Cgroup v2 and v1 are read, "max" and v1's huge number mean none; neither known: nothing to watch."""
    assert allowed_bytes(0, tmp_path) is None
    assert allowed_bytes(500, tmp_path) == 500
    (tmp_path / "memory.max").write_text("max\n")
    assert allowed_bytes(0, tmp_path) is None
    (tmp_path / "memory.max").write_text("400\n")
    assert allowed_bytes(500, tmp_path) == 400
    assert allowed_bytes(300, tmp_path) == 300
    (tmp_path / "memory.max").unlink()
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert allowed_bytes(0, tmp_path) is None


def test_caches_are_dropped_once_on_entering_and_rarely_after() -> None:
    """Dropping costs time; it happens at once when it is needed, and not with every look."""
    used, dropped = 100, 0
    registry = CollectorRegistry()

    def drop() -> None:
        nonlocal dropped
        dropped += 1

    watch = MemoryWatch(LIMIT, drop, meter=MemoryMetrics(Metrics(registry)), used=lambda: used)
    watch.look()
    assert (watch.has_room, dropped) == (True, 0)
    used = 850
    watch.look()
    assert (watch.has_room, dropped) == (False, 0)
    assert watch.check().level is HealthLevel.DEGRADED
    assert "no new player" in watch.check().detail
    used = 950
    for _ in range(SHED_AGAIN):
        watch.look()
    assert dropped == 1
    watch.look()
    assert dropped == 2
    assert registry.get_sample_value("segue_memory_stage") == 2
    assert registry.get_sample_value("segue_memory_limit_bytes") == LIMIT
    used = 100
    watch.look()
    assert watch.has_room
    assert watch.check().level is HealthLevel.HEALTHY


async def test_without_a_limit_nothing_is_watched() -> None:
    """On a laptop without one the watch ends at once and refuses nobody."""
    watch = MemoryWatch(None, lambda: None)
    await asyncio.wait_for(watch.run(), 5)
    assert watch.has_room
    assert watch.check().level is HealthLevel.HEALTHY
