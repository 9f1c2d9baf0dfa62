"""Rollouts, decided without a process: any number of steps keeps what Kubernetes promises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.processes.models import Deployment, StatefulSet
from segue_devkit.processes.rollout import Running, Start, next_steps, slots, template_hash

if TYPE_CHECKING:
    from collections.abc import Callable

POD = {"containers": [{"name": "main", "image": "x"}]}


def _spec(labels: dict[str, str], replicas: int) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": POD}
    return {"replicas": replicas, "selector": {"matchLabels": {"app": "x"}}, "template": template}


def _deployment(replicas: int, version: str, surge: int | str, unavailable: int | str) -> Deployment:
    strategy = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    body = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "x"}}
    spec = _spec({"v": version}, replicas) | {"strategy": strategy}
    return Deployment.model_validate(body | {"spec": spec})


def _stateful(replicas: int, version: str, policy: str) -> StatefulSet:
    body = {"kind": "StatefulSet", "apiVersion": "apps/v1", "metadata": {"name": "x"}}
    spec = _spec({"v": version}, replicas) | {"serviceName": "x", "podManagementPolicy": policy}
    return StatefulSet.model_validate(body | {"spec": spec})


class _World:
    """Pods that become ready and end in any order a test draws."""

    def __init__(self) -> None:
        self.pods: dict[str, Running] = {}
        self._count = 0

    def carry_out(self, workload: Deployment | StatefulSet) -> bool:
        steps = next_steps(workload, tuple(self.pods.values()))
        for step in steps:
            if isinstance(step, Start):
                self._count += 1
                name = f"pod-{self._count}"
                assert step.slot not in {pod.slot for pod in self.pods.values()}, "an address is given twice"
                self.pods[name] = Running(
                    name, step.slot, template_hash(workload), ready=False, terminating=False
                )
            else:
                self.pods[step.name] = replace(self.pods[step.name], ready=False, terminating=True)
        return bool(steps)

    def happen(self, pick: Callable[[int], int]) -> bool:
        """Let one pending thing happen: a pod ends, or becomes ready."""
        waiting = [pod for pod in self.pods.values() if pod.terminating or not pod.ready]
        if not waiting:
            return False
        pod = waiting[pick(len(waiting))]
        if pod.terminating:
            del self.pods[pod.name]
        else:
            self.pods[pod.name] = replace(pod, ready=True)
        return True

    def settle(
        self, workload: Deployment | StatefulSet, pick: Callable[[int], int], check: Callable[[], None]
    ) -> None:
        for _ in range(500):
            moved = self.carry_out(workload)
            check()
            if not (self.happen(pick) or moved):
                return
            check()
        raise AssertionError("the rollout never ends")

    def final(self) -> list[tuple[int, str]]:
        return sorted((pod.slot, pod.template) for pod in self.pods.values())


@given(
    st.data(),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([0, 1, 2, "25%"]),
    st.sampled_from([0, 1, "25%"]),
)
def test_a_deployment_rolls_within_its_bounds_and_ends(
    data: st.DataObject, before: int, after: int, surge: int | str, unavailable: int | str
) -> None:
    """Whatever order pods come and go in: never too many, never too few ready, and all new at the end."""
    world = _World()

    def pick(count: int) -> int:
        return data.draw(st.integers(0, count - 1))

    first = _deployment(before, "1", surge, unavailable)
    world.settle(first, pick, lambda: None)
    assert len(world.pods) == before
    assert all(pod.ready for pod in world.pods.values())

    second = _deployment(after, "2", surge, unavailable)
    lowest = min(before, after) - (
        1 if unavailable == 1 else int(after * 0.25) if unavailable == "25%" else 0
    )

    def within() -> None:
        assert len(world.pods) <= max(before, slots(second))
        assert sum(pod.ready for pod in world.pods.values()) >= lowest

    world.settle(second, pick, within)
    assert [template for _, template in world.final()] == [template_hash(second)] * after


@given(st.data(), st.integers(0, 4), st.integers(0, 4), st.sampled_from(["OrderedReady", "Parallel"]))
def test_a_stateful_set_rolls_one_by_one_from_the_highest(
    data: st.DataObject, before: int, after: int, policy: str
) -> None:
    """Ordinals stay 0 to n-1, at most one pod of a rollout is away at once, and all are new at the end."""
    world = _World()

    def pick(count: int) -> int:
        return data.draw(st.integers(0, count - 1))

    first = _stateful(before, "1", policy)
    world.settle(first, pick, lambda: None)
    assert [slot for slot, _ in world.final()] == list(range(before))

    second = _stateful(after, "2", policy)
    new = template_hash(second)

    def one_by_one() -> None:
        if after == before:
            assert sum(pod.ready for pod in world.pods.values()) >= before - 1
            templates = [template for _, template in world.final()]
            assert templates == sorted(templates, key=lambda template: template == new), "highest first"

    world.settle(second, pick, one_by_one)
    assert world.final() == [(slot, new) for slot in range(after)]


def test_an_ordered_stateful_set_starts_one_after_the_other() -> None:
    """Ordinal 1 waits until ordinal 0 is ready; Parallel does not wait."""
    ordered, parallel = _stateful(3, "1", "OrderedReady"), _stateful(3, "1", "Parallel")
    assert next_steps(ordered, ()) == (Start(0),)
    starting = Running("x-0", 0, template_hash(ordered), ready=False, terminating=False)
    assert next_steps(ordered, (starting,)) == ()
    assert next_steps(ordered, (replace(starting, ready=True),)) == (Start(1),)
    assert next_steps(parallel, ()) == (Start(0), Start(1), Start(2))


def test_recreate_starts_nothing_before_the_old_are_gone() -> None:
    """With strategy Recreate two templates never run at once."""
    body = _deployment(2, "2", 1, 0).model_dump(by_alias=True)
    body["spec"]["strategy"] = {"type": "Recreate"}
    recreate = Deployment.model_validate(body)
    old = tuple(Running(f"p{slot}", slot, "old", ready=True, terminating=False) for slot in range(2))
    assert all(not isinstance(step, Start) for step in next_steps(recreate, old))
    assert next_steps(recreate, tuple(replace(pod, terminating=True) for pod in old)) == ()
    assert next_steps(recreate, ()) == (Start(0), Start(1))
