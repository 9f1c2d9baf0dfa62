"""What one may do to pods on the page: end, stop and wake them, as a machine or a person would."""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import TYPE_CHECKING

import psutil

from segue_devkit.demo.cluster.views import Role, role_of
from segue_devkit.demo.typed import TypedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_devkit.dev.cluster import DevCluster
    from segue_devkit.processes import PodStatus


class PodAction(StrEnum):
    """An action on a pod, by the signal its processes get."""

    KILL = "kill"
    STOP = "stop"
    WAKE = "wake"


_SIGNALS = {
    PodAction.KILL: signal.SIGKILL,
    PodAction.STOP: signal.SIGSTOP,
    PodAction.WAKE: signal.SIGCONT,
}
_TOLD = {
    PodAction.KILL: "{pod} killed by hand",
    PodAction.STOP: "{pod} stopped by hand: it neither works nor ends",
    PodAction.WAKE: "{pod} woken by hand",
}


def act(dev: DevCluster, pod: str, action: str) -> None:
    """Do it.

    Raises:
        TypedError: there is no such pod or action, or the pod stands in for the outside world.
    """
    found = next((one for one in dev.pods() if one.name == pod), None)
    if found is None:
        raise TypedError(f"There is no pod {pod} any more.")
    if action not in set(PodAction):
        raise TypedError(f"A pod can be told to {', '.join(PodAction)}.")
    if role_of(found.workload, dev.cluster.name) is Role.OUTSIDE:
        raise TypedError(f"{pod} stands in for the world outside: it stays.")
    dev.kill(pod, _SIGNALS[PodAction(action)])


def told(pod: str, action: str) -> str:
    """Return what was done, in words."""
    return _TOLD[PodAction(action)].format(pod=pod)


def stopped_pods(pods: Iterable[PodStatus]) -> frozenset[str]:
    """Return the pods whose first process is stopped (SIGSTOP)."""
    return frozenset(one.name for one in pods if one.pid is not None and _stopped(one.pid))


def _stopped(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False  # it ended meanwhile
