"""CPU seconds of each part of a running cluster, its children included."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segue_devkit.processes import PodStatus

ITSELF = "bench"
"""The part that is this very process: the people, and the measuring."""


def cpu_by_workload(pods: Iterable[PodStatus]) -> dict[str, float]:
    """Return CPU seconds, user and system, of each workload since it began; and of this process."""
    used = {ITSELF: _alone(psutil.Process(os.getpid()))}
    for pod in pods:
        if pod.pid is not None:
            used[pod.workload] = used.get(pod.workload, 0.0) + _with_children(pod.pid)
    return used


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return what each part used in between; of one that was restarted, what it used since."""
    return {
        name: value - before.get(name, 0.0) if value >= before.get(name, 0.0) else value
        for name, value in after.items()
    }


def _with_children(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_alone(one) for one in family)


def _alone(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
