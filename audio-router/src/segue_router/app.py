"""Puts the router together, and takes it down in order: say so, drain, stop, close."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry

from segue_core.health import CheckResult, Health, HealthLevel, HealthServer
from segue_core.logging import get_logger
from segue_core.redis.connection import connect
from segue_core.redis.nodes import NodeRegistry
from segue_router.domain.moves import Pace
from segue_router.metrics import RouterMetrics
from segue_router.nodes.fleet import FleetView
from segue_router.nodes.probe import Prober
from segue_router.nodes.prober import FleetProber
from segue_router.server import RouterServer
from segue_router.service import RouterService

if TYPE_CHECKING:
    from segue_router.domain.placement import Fleet
    from segue_router.settings import RouterSettings

log = get_logger(__name__)

READINESS_S = 0.1


class RouterApp:
    """One router process."""

    def __init__(self, settings: RouterSettings) -> None:
        self._settings = settings
        registry = CollectorRegistry()
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            registry.register(collector)
        self._metrics = RouterMetrics(registry)
        self._redis = connect(settings.redis_url.get_secret_value(), settings.pod_name)
        nodes = NodeRegistry(self._redis, settings.keys)
        self._fleet = FleetView(self._redis, settings.keys, nodes, self._observe)
        self._prober = Prober(
            settings.lavalink_password,
            connect_ms=settings.probe_connect_ms,
            answer_ms=settings.probe_answer_ms,
        )
        self._probes = FleetProber(nodes, self._prober, self._fleet, self._metrics, settings)
        pace = Pace(starts=settings.move_starts, window_ms=settings.move_window_ms)
        self._service = RouterService(nodes, self._fleet, self._metrics, pace)
        host = f"[{settings.pod_ip}]" if ":" in settings.pod_ip else settings.pod_ip
        self._server = RouterServer(self._service, self._metrics, f"{host}:{settings.grpc_port}")
        self._http = HealthServer(
            settings.pod_ip, settings.http_port, self._health(), registry, self._metrics.process
        )
        self._draining = False
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Ask the router to end."""
        self._stop.set()

    async def run(self) -> None:
        """Serve until :meth:`stop` or a signal, then end in order.

        Raises:
            OSError, RuntimeError: when an address cannot be listened on.
        """
        async with AsyncExitStack() as resources:
            resources.push_async_callback(self._redis.aclose)
            resources.push_async_callback(self._prober.close)
            resources.push_async_callback(self._service.close)
            await self._http.start()
            resources.push_async_callback(self._http.close)
            await self._server.start()
            log.info("router listens", grpc_port=self._server.port, http_port=self._http.port)
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._fleet.run(), name="fleet"),
                    tasks.create_task(self._probes.run(), name="probes"),
                    tasks.create_task(self._follow_readiness(), name="readiness"),
                ]
                try:
                    await self._stop.wait()
                finally:
                    self._draining = True
                    log.info("router drains")
                    await self._server.stop(self._settings.drain_s)
                    for task in running:
                        task.cancel()
        log.info("router ended")

    async def _follow_readiness(self) -> None:
        while True:
            await self._server.serving(serving=self._readiness().level is not HealthLevel.UNHEALTHY)
            self._metrics.redis_up.set(self._fleet.redis_error is None)
            await asyncio.sleep(READINESS_S)

    def _observe(self, fleet: Fleet) -> None:
        self._metrics.observe(fleet)

    def _health(self) -> Health:
        health = Health("audio-router", self._settings.version)
        health.register("fleet", self._readiness, readiness=True)
        health.register("redis", self._redis_check)
        health.register("nodes", self._nodes_check)
        return health

    def _readiness(self) -> CheckResult:
        """Ready from the first view on. An outage of Redis does not end it: all replicas share that one."""
        if self._draining:
            return CheckResult(level=HealthLevel.UNHEALTHY, detail="draining")
        if self._fleet.fleet is None:
            why = self._fleet.redis_error or "no topology was published yet"
            return CheckResult(level=HealthLevel.UNHEALTHY, detail=f"no view of the fleet yet: {why}")
        return CheckResult(detail=f"topology generation {self._fleet.fleet.topology.generation}")

    def _redis_check(self) -> CheckResult:
        error = self._fleet.redis_error
        if error is None:
            return CheckResult()
        return CheckResult(level=HealthLevel.DEGRADED, detail=f"nothing can be placed: {error}")

    def _nodes_check(self) -> CheckResult:
        fleet = self._fleet.fleet
        if fleet is None:
            return CheckResult(detail="no topology yet")
        trouble = {str(node.id): node.detail or node.state.value for node in fleet.nodes if not node.usable}
        level = HealthLevel.DEGRADED if trouble else HealthLevel.HEALTHY
        return CheckResult(
            level=level, detail=f"{len(trouble)} of {len(fleet.nodes)} not usable", data=trouble
        )


async def serve(settings: RouterSettings) -> None:
    """Run a router until SIGTERM or SIGINT."""
    app = RouterApp(settings)
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, app.stop)
    await app.run()
