"""What can be seen of a pod, and what happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PodPhase(StrEnum):
    """Where a pod is in its life. Pods of workloads never succeed or fail for good: they are restarted."""

    PENDING = "Pending"
    RUNNING = "Running"
    BACK_OFF = "CrashLoopBackOff"
    TERMINATING = "Terminating"


class EventKind(StrEnum):
    """What happened to a pod."""

    CREATED = "Created"
    STARTED = "Started"
    READY = "Ready"
    UNREADY = "Unready"
    EXITED = "Exited"
    BACK_OFF = "BackOff"
    UNHEALTHY = "Unhealthy"
    KILLING = "Killing"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEvent:
    """One thing that happened. ``at`` is monotonic time in seconds."""

    at: float
    pod: str
    kind: EventKind
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStatus:
    """A pod as it is now. ``age_s`` counts from its creation, in seconds; ``pid`` of its first container."""

    name: str
    workload: str
    address: str
    phase: PodPhase
    ready: bool
    restarts: int
    age_s: float
    image: str
    pid: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long a container that ended waits before it is started again, in seconds.

    As kubelet does it: the first restart is immediate, then ``initial_s`` and doubling up to
    ``longest_s``; a container that ran for ``reset_s`` begins anew. Kubelet has 10, 300 and 600.
    """

    initial_s: float = 1.0
    longest_s: float = 60.0
    reset_s: float = 600.0

    def delay(self, crashes: int) -> float:
        """Return the wait before the restart after that many crashes in a row (1 is the first)."""
        return 0.0 if crashes <= 1 else min(self.longest_s, self.initial_s * 2.0 ** (crashes - 2))
