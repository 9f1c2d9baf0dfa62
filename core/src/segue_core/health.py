"""What a service says of itself over HTTP.

``/live``: my loop turns. ``/ready``: I can do my job. Neither asks a dependency that others share,
else one outage restarts everything. ``/health`` tells all, in three levels; ``/metrics`` is
Prometheus', ``/performance`` shows loop, memory and tasks.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder

from segue_core.logging import get_logger, redact_text

if TYPE_CHECKING:
    from types import TracebackType

    from segue_core.metrics import ProcessMetrics

log = get_logger(__name__)

LAG_PERIOD_S = 0.1
LAG_WINDOW = 600
"""Samples kept: one minute."""
LAG_DEGRADED_MS = 250.0
"""A loop whose 99th percentile of a minute is later than this makes people wait, and leases shaky."""


class HealthLevel(StrEnum):
    """How well a part is. ``DEGRADED``: it works, with something missing (a breaker open, stale data)."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


_ORDER = list(HealthLevel)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found. ``data`` is shown as JSON."""

    level: HealthLevel = HealthLevel.HEALTHY
    detail: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Check = Callable[[], CheckResult]
"""Looks at what the process knows already. Quick, asks nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks at one moment; ``level`` is the worst of them."""

    level: HealthLevel
    checks: Mapping[str, CheckResult]


class Health:
    """The checks of one process."""

    def __init__(self, service: str, version: str) -> None:
        self.service = service
        self.version = version
        self._checks: dict[str, Check] = {}
        self._readiness: set[str] = set()

    def register(self, name: str, check: Check, *, readiness: bool = False) -> None:
        """Add a check. With ``readiness`` the service is not ready while it is unhealthy.

        Raises:
            ValueError: when the name is taken.
        """
        if name in self._checks:
            raise ValueError(f"there is a check named {name!r} already")
        self._checks[name] = check
        if readiness:
            self._readiness.add(name)

    def report(self) -> Report:
        """Run every check."""
        return self._run(self._checks)

    def readiness(self) -> Report:
        """Run the checks that readiness depends on."""
        return self._run({name: self._checks[name] for name in self._checks if name in self._readiness})

    def _run(self, checks: Mapping[str, Check]) -> Report:
        results = {name: _checked(name, check) for name, check in checks.items()}
        level = max((result.level for result in results.values()), key=_ORDER.index, default=_ORDER[0])
        return Report(level=level, checks=results)


def _checked(name: str, check: Check) -> CheckResult:
    try:
        return check()
    except Exception as error:
        # A check that fails says nothing good about what it looks at, and must not hide the others.
        log.exception("a health check failed", check=name)
        return CheckResult(
            level=HealthLevel.UNHEALTHY, detail=redact_text(f"{type(error).__name__}: {error}")
        )


class LoopLag:
    """How late the loop gets to what it is asked to do, milliseconds.

    ``observe`` is told of each sample, in seconds.
    """

    def __init__(
        self, observe: Callable[[float], object] | None = None, period_s: float = LAG_PERIOD_S
    ) -> None:
        self._observe = observe
        self._period = period_s
        self._samples: deque[float] = deque(maxlen=LAG_WINDOW)

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._period
            await asyncio.sleep(self._period)
            self.note(max(0.0, loop.time() - due))

    def note(self, seconds: float) -> None:
        """Take one sample."""
        self._samples.append(seconds * 1000)
        if self._observe is not None:
            self._observe(seconds)

    def check(self) -> CheckResult:
        """Degraded while the last minute's 99th percentile is over :data:`LAG_DEGRADED_MS`."""
        late = self.summary()["p99"]
        if late <= LAG_DEGRADED_MS:
            return CheckResult()
        return CheckResult(
            level=HealthLevel.DEGRADED,
            detail=f"the event loop is up to {late:.0f} ms late: give it more CPU or fewer shards",
            data=self.summary(),
        )

    def summary(self) -> dict[str, float]:
        """Return last, median, 99th percentile and worst of the last minute, ms."""
        ordered = sorted(self._samples)
        if not ordered:
            return {"last": 0.0, "p50": 0.0, "p99": 0.0, "max": 0.0}
        return {
            "last": round(self._samples[-1], 3),
            "p50": round(ordered[len(ordered) // 2], 3),
            "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3),
            "max": round(ordered[-1], 3),
        }


def resident_bytes() -> int:
    """Return the resident memory of this process, bytes."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class HealthServer:
    """Serves a process's health at ``host:port`` (0: a free one; see :attr:`port` after start).

    Adds the check ``loop`` to ``health``, and keeps ``process`` up to date.
    """

    def __init__(
        self,
        host: str,
        port: int,
        health: Health,
        registry: CollectorRegistry = REGISTRY,
        process: ProcessMetrics | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._health = health
        self._registry = registry
        self._process = process
        self._lag = LoopLag(process.loop_lag.observe if process is not None else None)
        self._lag_task: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None
        self._started = time.monotonic()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: when the address is taken or not ours.
        """
        app = web.Application()
        app.add_routes(
            [
                web.get("/live", self._live),
                web.get("/ready", self._ready),
                web.get("/health", self._full),
                web.get("/metrics", self._metrics),
                web.get("/performance", self._performance),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        self._health.register("loop", self._lag.check)
        self._lag_task = asyncio.create_task(self._lag.run(), name="loop lag")

    async def close(self) -> None:
        """Stop listening. May be called twice."""
        if self._lag_task is not None:
            self._lag_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._lag_task
            self._lag_task = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True, "uptime_s": self._uptime()})

    async def _ready(self, _request: web.Request) -> web.Response:
        report = self._health.readiness()
        ready = report.level is not HealthLevel.UNHEALTHY
        body = {"ready": ready, "checks": _shown(report)}
        return web.json_response(body, status=200 if ready else 503)

    async def _full(self, _request: web.Request) -> web.Response:
        report = self._health.report()
        body = {
            "status": report.level.value,
            "service": self._health.service,
            "version": self._health.version,
            "uptime_s": self._uptime(),
            "checks": _shown(report),
        }
        return web.json_response(body, status=503 if report.level is HealthLevel.UNHEALTHY else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        if self._process is not None:
            self._process.tasks.set(len(asyncio.all_tasks()))
        encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encoder(self._registry), headers={"Content-Type": content_type})

    async def _performance(self, _request: web.Request) -> web.Response:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return web.json_response(
            {
                "uptime_s": self._uptime(),
                "loop_lag_ms": self._lag.summary(),
                "tasks": len(asyncio.all_tasks()),
                "threads": threading.active_count(),
                "rss_bytes": resident_bytes(),
                "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
                "gc_collections": [generation["collections"] for generation in gc.get_stats()],
            }
        )

    def _uptime(self) -> float:
        return round(time.monotonic() - self._started, 3)


def _shown(report: Report) -> dict[str, Any]:
    return {
        name: {
            "status": result.level.value,
            "detail": result.detail,
            **({"data": dict(result.data)} if result.data else {}),
        }
        for name, result in report.checks.items()
    }
