"""A cluster of local processes: applies manifests, and keeps their pods as they say."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from segue_devkit.processes.addresses import Network
from segue_devkit.processes.dns import build_dns
from segue_devkit.processes.logs import LogFollower, tail
from segue_devkit.processes.models import StatefulSet, Workload
from segue_devkit.processes.objects import Key, Objects, key_of_workload
from segue_devkit.processes.planning import Place, Planner
from segue_devkit.processes.pod import Pod
from segue_devkit.processes.rollout import Running, Start, next_steps, template_hash
from segue_devkit.processes.status import Backoff, EventKind, PodEvent, PodStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from types import TracebackType

    from segue_devkit.processes.programs import Programs

_REMEMBERED = 1000
_LAST_GRACE_S = 10.0


class NotReadyError(TimeoutError):
    """Pods that did not become ready in time. The message shows each with its last lines."""


class ProcessCluster:
    """Applies ordinary manifests as processes. Use it as ``async with``: at the end nothing is left.

    ``root`` keeps logs, volumes and rendered files; left out, a temporary folder is used and removed.
    """

    def __init__(
        self, name: str, programs: Programs, *, root: Path | None = None, backoff: Backoff | None = None
    ) -> None:
        self.name = name
        self.history: deque[PodEvent] = deque(maxlen=_REMEMBERED)
        self.programs = programs
        self._backoff = backoff or Backoff()
        self._kept_root = root
        self._root = root or Path()
        self._network = Network()
        self._objects = Objects()
        self._pods: dict[str, tuple[Key, Pod]] = {}
        self._numbers = itertools.count()
        self._dirty = asyncio.Event()
        self._changed = asyncio.Condition()
        self._listeners: set[asyncio.Queue[PodEvent]] = set()
        self._stops: set[asyncio.Task[None]] = set()
        self._reconciler: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._kept_root is None:
            self._root = Path(tempfile.mkdtemp(prefix=f"segue-{self.name}-"))
        # Passable, so that a server which gives up root can reach its own folder; secrets are 0600.
        self._root.mkdir(parents=True, exist_ok=True)
        self._root.chmod(0o711)
        self.logs.mkdir(exist_ok=True)
        self._network.__enter__()
        self._reconciler = asyncio.create_task(self._reconcile(), name=f"cluster {self.name}")
        self._reconciler.add_done_callback(lambda _: self._tell_waiting())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._end_everything()
        finally:
            self._network.__exit__()
            if self._kept_root is None:
                shutil.rmtree(self._root, ignore_errors=True)

    @property
    def logs(self) -> Path:
        """Folder of the pods' output, a file each."""
        return self._root / "logs"

    def apply(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        """Make the cluster as these manifests say, beside what was applied before.

        Raises:
            ManifestError: something in them can't be honoured; nothing was changed.
        """
        self._objects = self._checked(manifests)
        self._dirty.set()

    def check(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        """Find out whether :meth:`apply` would take these manifests, changing nothing.

        Raises:
            ManifestError: something in them can't be honoured.
        """
        self._checked(manifests)

    def delete(self, *keys: Key) -> None:
        """Delete objects by (kind, namespace, name); all of them when none is named."""
        self._objects = self._objects.without(keys or tuple(self._objects.found))
        self._dirty.set()

    def pods(self) -> tuple[PodStatus, ...]:
        """Return every pod as it is now, in the order of their names."""
        now = time.monotonic()
        return tuple(_status(pod, now) for _, (_, pod) in sorted(self._pods.items()))

    def kill(self, pod: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the processes of a pod.

        Raises:
            LookupError: there is no such pod.
        """
        self._pod(pod).signal(number)

    def address_of(self, name: str) -> str:
        """Return the address of a pod, or of the only pod behind a Service's name.

        Raises:
            LookupError: nothing, or several pods, go by this name.
        """
        if name in self._pods:
            return self._pod(name).plan.address
        found = build_dns(self._objects, self._network).names.get(name, ())
        if len(found) != 1:
            message = f"{name} stands for {len(found)} pods"
            raise LookupError(message)
        return found[0]

    def resolve(self, text: str) -> str:
        """Return ``text`` with names of Services and pods replaced by addresses.

        Raises:
            UnresolvedNameError: a name in it leads nowhere.
        """
        return build_dns(self._objects, self._network).resolve(text)

    def follow_logs(self) -> LogFollower:
        """Return a reader of all pods' output."""
        return LogFollower(self.logs)

    def tail(self, pod: str, lines: int = 10) -> list[str]:
        """Return the last lines a pod printed; also after it is gone."""
        return tail(self.logs / f"{pod}.log", lines)

    async def events(self) -> AsyncIterator[PodEvent]:
        """Yield what happens to pods from now on."""
        queue: asyncio.Queue[PodEvent] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until every workload has all its pods, of its present template, ready, and no others.

        Raises:
            NotReadyError: it took longer.
        """
        await self.wait_for(self.settled, timeout_s)

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait until a condition on the pods holds; asked whenever something happens to one.

        Raises:
            NotReadyError: it took longer.
        """
        reconciler = self._reconciler

        def met() -> bool:
            if reconciler is not None and reconciler.done() and not reconciler.cancelled():
                reconciler.result()
            return condition()

        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(met)
        except TimeoutError as error:
            message = f"not as wanted after {timeout_s:g} s:\n{self._report()}"
            raise NotReadyError(message) from error

    def settled(self) -> bool:
        """Whether everything runs as it was applied."""
        if self._dirty.is_set():
            return False
        wanted = {key_of_workload(workload): workload for workload in self._objects.workloads}
        for key, workload in wanted.items():
            pods = [pod for owner, pod in self._pods.values() if owner == key]
            fit = [pod for pod in pods if pod.ready and pod.plan.template == template_hash(workload)]
            if len(fit) != workload.spec.replicas or len(pods) != len(fit):
                return False
        return all(owner in wanted for owner, _ in self._pods.values())

    def _checked(self, manifests: Iterable[Mapping[str, Any]]) -> Objects:
        objects = self._objects.with_applied(manifests)
        self._planner(objects).check()
        return objects

    def _planner(self, objects: Objects) -> Planner:
        place = Place(self._root, self._root / "data")
        return Planner(objects, self._network, self.programs, place)

    def _pod(self, name: str) -> Pod:
        if name not in self._pods:
            message = f"there is no pod {name}; there are: {', '.join(sorted(self._pods)) or 'none'}"
            raise LookupError(message)
        return self._pods[name][1]

    async def _reconcile(self) -> None:
        """Bring pods to what was applied, step by step, whenever something changes."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            workloads = {key_of_workload(workload): workload for workload in self._objects.workloads}
            for name, (owner, _) in list(self._pods.items()):
                if owner not in workloads:
                    self._stop(name, "deleted")
            for key, workload in workloads.items():
                self._advance(key, workload)
            async with self._changed:
                self._changed.notify_all()

    def _tell_waiting(self) -> None:
        """Let those who wait see that the reconciler ended: they raise what it ended with."""

        async def notify() -> None:
            async with self._changed:
                self._changed.notify_all()

        task = asyncio.create_task(notify())
        self._stops.add(task)
        task.add_done_callback(self._stops.discard)

    def _advance(self, key: Key, workload: Workload) -> None:
        mine = tuple(
            Running(name, pod.plan.slot, pod.plan.template, pod.ready, pod.terminating)
            for name, (owner, pod) in self._pods.items()
            if owner == key
        )
        for step in next_steps(workload, mine):
            if isinstance(step, Start):
                self._start(key, workload, step.slot)
            else:
                self._stop(step.name, step.reason)

    def _start(self, key: Key, workload: Workload, slot: int) -> None:
        name = self._pod_name(workload, slot)
        plan = self._planner(self._objects).plan(workload, slot, name)

        def tell(kind: EventKind, message: str) -> None:
            self._tell(PodEvent(at=time.monotonic(), pod=name, kind=kind, message=message))

        self._pods[name] = (key, Pod(plan, self._backoff, tell))

    def _pod_name(self, workload: Workload, slot: int) -> str:
        if isinstance(workload, StatefulSet):
            return f"{workload.metadata.name}-{slot}"
        return f"{workload.metadata.name}-{template_hash(workload)[:5]}-{next(self._numbers)}"

    def _stop(self, name: str, reason: str) -> None:
        _, pod = self._pods[name]
        if not pod.terminating:
            task = asyncio.create_task(self._ended(name, pod, reason), name=f"stop {name}")
            self._stops.add(task)
            task.add_done_callback(self._stops.discard)

    async def _ended(self, name: str, pod: Pod, reason: str) -> None:
        try:
            await pod.stop(reason)
        finally:
            self._pods.pop(name, None)
            shutil.rmtree(self._root / "pods" / name, ignore_errors=True)
            self._dirty.set()

    def _tell(self, event: PodEvent) -> None:
        self.history.append(event)
        for queue in self._listeners:
            queue.put_nowait(event)
        self._dirty.set()

    async def _end_everything(self) -> None:
        if self._reconciler is not None:
            self._reconciler.cancel()
            await asyncio.gather(self._reconciler, return_exceptions=True)
        pods = [pod for _, pod in self._pods.values()]
        stops = [
            asyncio.create_task(pod.stop("the cluster ends", longest_grace_s=_LAST_GRACE_S)) for pod in pods
        ]
        for pod in pods:
            # A process that was stopped could not hear that it is to end.
            pod.signal(signal.SIGCONT)
        await asyncio.gather(*stops, *self._stops, return_exceptions=True)
        self._pods.clear()

    def _report(self) -> str:
        lines = []
        for pod in self.pods():
            if not pod.ready:
                lines.append(f"{pod.name} {pod.phase}, {pod.restarts} restarts {pod.message}")
                lines += (f"    {line}" for line in self.tail(pod.name, 5))
        return "\n".join(lines) or "every pod is ready, but they are not the ones wanted"


def _status(pod: Pod, now: float) -> PodStatus:
    return PodStatus(
        name=pod.plan.name,
        workload=pod.plan.workload,
        address=pod.plan.address,
        phase=pod.phase,
        ready=pod.ready,
        restarts=pod.restarts,
        age_s=now - pod.created,
        image=pod.plan.image,
        pid=pod.pid,
        message=pod.message,
    )
