"""Watches one run of a container: started, then ready or not, and alive or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from segue_devkit.processes.probes import Target, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.processes.models import Probe

_EAGER_S = 0.2
"""Until the first success a probe is asked this often, so that a laptop waits no longer than it must."""


class Prober:
    """Runs a container's probes as kubelet does. ``on_ready`` is told every change."""

    def __init__(self, target: Target, on_ready: Callable[[bool, str], None]) -> None:
        self._target = target
        self._on_ready = on_ready

    async def watch(self) -> str:
        """Return why the container is to be restarted; runs until then, or until cancelled."""
        container = self._target.container
        if container.startup_probe is not None:
            failed = await self._until_started(container.startup_probe)
            if failed is not None:
                return f"startup probe: {failed}"
        async with asyncio.TaskGroup() as group:
            readiness = group.create_task(self._readiness(container.readiness_probe))
            reason = await self._liveness(container.liveness_probe)
            readiness.cancel()
        return f"liveness probe: {reason}"

    async def _until_started(self, probe: Probe) -> str | None:
        """Return None once it answers well, else the last failure when its time is over."""
        await asyncio.sleep(probe.initial_delay_seconds)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + probe.period_seconds * probe.failure_threshold
        while True:
            failed = await ask(probe, self._target)
            if failed is None or loop.time() >= deadline:
                return failed
            await asyncio.sleep(min(_EAGER_S, probe.period_seconds))

    async def _readiness(self, probe: Probe | None) -> None:
        if probe is None:
            self._on_ready(True, "")
            return
        await asyncio.sleep(probe.initial_delay_seconds)
        ready, good, bad = False, 0, 0
        while True:
            failed = await ask(probe, self._target)
            good, bad = (good + 1, 0) if failed is None else (0, bad + 1)
            if not ready and good >= probe.success_threshold:
                ready = True
                self._on_ready(True, "")
            elif ready and bad >= probe.failure_threshold:
                ready = False
                self._on_ready(False, f"readiness probe: {failed}")
            await asyncio.sleep(probe.period_seconds if ready else min(_EAGER_S, probe.period_seconds))

    async def _liveness(self, probe: Probe | None) -> str:
        """Return the failure that used the threshold up."""
        if probe is None:
            await asyncio.Event().wait()
            return ""
        await asyncio.sleep(probe.initial_delay_seconds)
        bad = 0
        while True:
            failed = await ask(probe, self._target)
            bad = 0 if failed is None else bad + 1
            if failed is not None and bad >= probe.failure_threshold:
                return failed
            await asyncio.sleep(probe.period_seconds)
