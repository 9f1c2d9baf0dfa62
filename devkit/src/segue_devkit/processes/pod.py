"""Runs one pod: its init containers one after the other, then its containers, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from segue_devkit.processes.child import Child
from segue_devkit.processes.environment import Invocation
from segue_devkit.processes.models import Container
from segue_devkit.processes.prober import Prober
from segue_devkit.processes.probes import Target
from segue_devkit.processes.status import Backoff, EventKind, PodPhase

T = TypeVar("T")

_CANNOT_EXECUTE = 126
Tell = Callable[[EventKind, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlan:
    """All that is needed to run a pod, worked out before anything starts."""

    name: str
    workload: str
    address: str
    slot: int
    template: str
    image: str
    init: tuple[Container, ...]
    containers: tuple[Container, ...]
    grace_s: int
    invocations: Mapping[str, Invocation] = field(repr=False)
    executables: Mapping[str, Mapping[str, tuple[str, ...]]]
    folder: Path
    log: Path


@dataclass(slots=True)
class _Run:
    """One container's state, changed by its own task alone."""

    container: Container
    child: Child | None = None
    ready: bool = False
    restarts: int = 0
    crashes: int = 0
    backing_off: bool = False


class Pod:
    """One pod and the tasks that keep it running. ``tell`` hears everything that happens to it."""

    def __init__(self, plan: PodPlan, backoff: Backoff, tell: Tell) -> None:
        self.plan = plan
        self.created = time.monotonic()
        self.message = ""
        self._backoff = backoff
        self._tell = tell
        self._runs = [_Run(container) for container in plan.containers]
        self._init = [_Run(container) for container in plan.init]
        self._stopping = asyncio.Event()
        self._grace = float(plan.grace_s)
        self._task = asyncio.create_task(self._run(), name=f"pod {plan.name}")

    @property
    def terminating(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    @property
    def ready(self) -> bool:
        """Whether every container is ready."""
        return not self.terminating and all(run.ready for run in self._runs)

    @property
    def restarts(self) -> int:
        """How often a container of it was started again."""
        return sum(run.restarts for run in (*self._init, *self._runs))

    @property
    def pid(self) -> int | None:
        """Process id of its first container, while that runs."""
        child = self._runs[0].child
        return child.pid if child is not None and child.running else None

    @property
    def phase(self) -> PodPhase:
        """Where it is in its life."""
        if self.terminating:
            return PodPhase.TERMINATING
        if any(run.backing_off for run in (*self._init, *self._runs)):
            return PodPhase.BACK_OFF
        running = all(run.child is not None and run.child.running for run in self._runs)
        return PodPhase.RUNNING if running else PodPhase.PENDING

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the processes of every container."""
        for run in self._runs:
            if run.child is not None:
                run.child.signal_group(number)

    async def stop(self, reason: str, *, longest_grace_s: float | None = None) -> None:
        """Stop within the grace period, or ``longest_grace_s`` if shorter; returns when all of it ended."""
        if longest_grace_s is not None:
            self._grace = min(self._grace, longest_grace_s)
        if not self.terminating:
            self.message = reason
            self._stopping.set()
            self._tell(EventKind.KILLING, reason)
        await asyncio.wait([self._task])
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error

    async def _run(self) -> None:
        self._tell(EventKind.CREATED, f"at {self.plan.address}")
        try:
            for run in self._init:
                await self._complete(run)
            async with asyncio.TaskGroup() as group:
                for run in self._runs:
                    group.create_task(self._keep(run))
        finally:
            for run in (*self._init, *self._runs):
                if run.child is not None:
                    await run.child.stop(0)
            self._tell(EventKind.DELETED, self.message)

    async def _complete(self, run: _Run) -> None:
        """Run an init container until it succeeds once."""
        while not self.terminating:
            code = await self._once(run, self._until_stopped())
            if code == 0 or self.terminating:
                return
            await self._back_off(run, code)

    async def _keep(self, run: _Run) -> None:
        """Run a container, and start it again whenever it ends."""
        while not self.terminating:
            started = time.monotonic()
            code = await self._once(run, self._watch(run))
            if self._stopping.is_set():
                return
            if time.monotonic() - started >= self._backoff.reset_s:
                run.crashes = 0
            await self._back_off(run, code)

    async def _once(self, run: _Run, watch: Awaitable[str]) -> int:
        """Start a container once and return its exit code. Ends it when ``watch`` returns a reason."""
        watching = asyncio.ensure_future(watch)
        try:
            child = await self._start(run)
            if child is None:
                return _CANNOT_EXECUTE
            ended = asyncio.ensure_future(child.wait())
            await asyncio.wait({ended, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                if not self.terminating:
                    self._tell(EventKind.UNHEALTHY, f"{run.container.name}: {watching.result()}")
                await child.stop(self._grace)
            code = await ended
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            self._set_ready(run, False, "")
        self._tell(EventKind.EXITED, f"{run.container.name} {_ending(code)}")
        return code

    async def _start(self, run: _Run) -> Child | None:
        invocation = self.plan.invocations[run.container.name]
        try:
            run.child = await Child.start(invocation.argv, invocation.env, self.plan.folder, self.plan.log)
        except OSError as error:
            self.message = f"{run.container.name} can't be executed: {error}"
            self._tell(EventKind.EXITED, self.message)
            return None
        self._tell(EventKind.STARTED, f"{run.container.name} is process {run.child.pid}")
        return run.child

    async def _watch(self, run: _Run) -> str:
        """Return when the pod is to stop, or the container's probes say that it must be restarted."""
        container = run.container
        target = Target(
            container=container,
            address=self.plan.address,
            folder=self.plan.folder,
            log=self.plan.log,
            programs=self.plan.executables[container.name],
            env=self.plan.invocations[container.name].env,
        )
        prober = Prober(target, lambda ready, why: self._set_ready(run, ready, why))
        return await _first(self._until_stopped(), prober.watch())

    async def _until_stopped(self) -> str:
        await self._stopping.wait()
        return self.message

    async def _back_off(self, run: _Run, code: int) -> None:
        run.crashes += 1
        delay = self._backoff.delay(run.crashes)
        self.message = f"{run.container.name} {_ending(code)}"
        if delay:
            run.backing_off = True
            said = f"{run.container.name} is started again in {delay:g} s (it ended {run.crashes} times)"
            self._tell(EventKind.BACK_OFF, said)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            run.backing_off = False
        run.restarts += 1

    def _set_ready(self, run: _Run, ready: bool, why: str) -> None:
        if ready == run.ready:
            return
        run.ready = ready
        if ready:
            self.message = ""
        self._tell(EventKind.READY if ready else EventKind.UNREADY, why)


async def _first(*ways: Awaitable[T]) -> T:
    """Return what the first to end returns; the others are cancelled."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
