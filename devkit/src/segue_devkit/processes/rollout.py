"""Decides which pods of a workload to start and stop next. Pure: what runs is a parameter."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass

from segue_devkit.processes.models import Deployment, StatefulSet, Workload


@dataclass(frozen=True, slots=True)
class Running:
    """A pod that is there. ``slot`` numbers its address, and is a StatefulSet pod's ordinal."""

    name: str
    slot: int
    template: str
    ready: bool
    terminating: bool


@dataclass(frozen=True, slots=True)
class Start:
    """Start a pod in a slot."""

    slot: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a pod, for a reason."""

    name: str
    reason: str


Step = Start | Stop


def template_hash(workload: Workload) -> str:
    """Return a digest that changes with what pods are made from."""
    claims = getattr(workload.spec, "volume_claim_templates", ())
    body = workload.spec.template.model_dump(mode="json", by_alias=True)
    text = json.dumps([body, [claim.metadata.name for claim in claims]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def slots(workload: Workload) -> int:
    """Return how many pods a workload ever has at once. None beyond: names lead to these slots."""
    if isinstance(workload, StatefulSet):
        return workload.spec.replicas
    return workload.spec.replicas + surge(workload)


def surge(deployment: Deployment) -> int:
    """Return how many pods a rollout may add. At least one where none may be missing."""
    if deployment.spec.strategy.type == "Recreate" or deployment.spec.replicas == 0:
        return 0
    rolling, replicas = deployment.spec.strategy.rolling_update, deployment.spec.replicas
    more = _share(rolling.max_surge, replicas, up=True)
    return more if more or _share(rolling.max_unavailable, replicas, up=False) else 1


def next_steps(workload: Workload, pods: tuple[Running, ...]) -> tuple[Step, ...]:
    """Return what to start and stop now; called again whenever a pod changes."""
    if isinstance(workload, StatefulSet):
        return _stateful(workload, pods)
    if workload.spec.strategy.type == "Recreate":
        return _recreate(workload, pods)
    return _rolling(workload, pods)


def _rolling(deployment: Deployment, pods: tuple[Running, ...]) -> tuple[Step, ...]:
    replicas, wanted = deployment.spec.replicas, template_hash(deployment)
    alive = [pod for pod in pods if not pod.terminating]
    new = [pod for pod in alive if pod.template == wanted]
    old = [pod for pod in alive if pod.template != wanted]
    surplus = _surplus(new, replicas)
    steps: list[Step] = [Stop(pod.name, "scaled down") for pod in surplus]
    # Terminating pods count: their slots and their memory are still in use.
    room = replicas + surge(deployment) - len(pods)
    free = [slot for slot in range(slots(deployment)) if slot not in {pod.slot for pod in pods}]
    steps += [Start(slot) for slot in free[: max(0, min(room, replicas - len(new)))]]
    rolling = deployment.spec.strategy.rolling_update
    fewest = replicas - _share(rolling.max_unavailable, replicas, up=False)
    spare = sum(pod.ready for pod in alive if pod not in surplus) - fewest
    for pod in sorted(old, key=lambda pod: (pod.ready, pod.slot)):
        # A pod that is not ready is missed by nobody.
        if not pod.ready:
            steps.append(Stop(pod.name, "replaced by a new template"))
        elif spare > 0:
            steps.append(Stop(pod.name, "replaced by a new template"))
            spare -= 1
    return tuple(steps)


def _recreate(deployment: Deployment, pods: tuple[Running, ...]) -> tuple[Step, ...]:
    replicas, wanted = deployment.spec.replicas, template_hash(deployment)
    old = [pod for pod in pods if pod.template != wanted]
    if old:
        return tuple(Stop(pod.name, "replaced by a new template") for pod in old if not pod.terminating)
    alive = [pod for pod in pods if not pod.terminating]
    taken = {pod.slot for pod in pods}
    starts = [Start(slot) for slot in range(replicas) if slot not in taken][: max(0, replicas - len(alive))]
    return (*(Stop(pod.name, "scaled down") for pod in _surplus(alive, replicas)), *starts)


def _stateful(stateful_set: StatefulSet, pods: tuple[Running, ...]) -> tuple[Step, ...]:
    replicas, wanted = stateful_set.spec.replicas, template_hash(stateful_set)
    ordered = stateful_set.spec.pod_management_policy == "OrderedReady"
    by_slot = {pod.slot: pod for pod in pods}
    surplus = sorted((pod for pod in pods if pod.slot >= replicas), key=lambda pod: -pod.slot)
    if surplus:
        going = surplus[:1] if ordered else surplus
        return tuple(Stop(pod.name, "scaled down") for pod in going if not pod.terminating)
    missing = [slot for slot in range(replicas) if slot not in by_slot]
    if ordered:
        missing = [slot for slot in missing[:1] if all(_serving(by_slot.get(lower)) for lower in range(slot))]
    if missing:
        return tuple(Start(slot) for slot in missing)
    old = [pod for pod in sorted(pods, key=lambda pod: -pod.slot) if pod.template != wanted]
    others = [pod for pod in pods if not old or pod.name != old[0].name]
    # One at a time from the highest ordinal. A broken old pod does not hold its own replacement up.
    if old and not old[0].terminating and all(_serving(pod) for pod in others if pod.template == wanted):
        return (Stop(old[0].name, "replaced by a new template"),)
    return ()


def _serving(pod: Running | None) -> bool:
    return pod is not None and pod.ready and not pod.terminating


def _surplus(pods: list[Running], replicas: int) -> list[Running]:
    """Return the pods beyond ``replicas``: those not ready first, then the youngest slots."""
    return sorted(pods, key=lambda pod: (pod.ready, -pod.slot))[: max(0, len(pods) - replicas)]


def _share(value: int | str, replicas: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    exact = replicas * float(value.removesuffix("%")) / 100
    return math.ceil(exact) if up else math.floor(exact)
