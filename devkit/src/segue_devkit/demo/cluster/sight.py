"""Reads the cluster for the page: Redis, the workers' metrics, and the pods."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, Self

from segue_core.redis import topology as topologies
from segue_core.redis.connection import connect
from segue_core.redis.guilds import GuildStore
from segue_core.redis.keys import Keys
from segue_core.redis.leases import LeaseInfo, LeasePlane
from segue_core.redis.nodes import NodeRegistry
from segue_devkit.demo.cluster import control
from segue_devkit.demo.cluster.lately import Lately
from segue_devkit.demo.cluster.scrape import Figures, Scraper
from segue_devkit.demo.cluster.views import Role, cluster_view, held_by, pod_views, role_of
from segue_operator.specs.names import HTTP_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from segue_devkit.dev.cluster import DevCluster

_MEASURED = {Role.WORKER, Role.ROUTER}
_MEASURE_EVERY_S = 2.0
_LOOKED_AT_S = 5.0
"""Nobody looks at the page any more: metrics are not read."""


class Sight(Protocol):
    """What the page needs of a cluster. Each reading is ready for JSON.

    Raises:
        RedisError, OSError: when it can't be read now.
    """

    async def cluster(self) -> dict[str, Any] | None:
        """Return shards, regions with nodes, and players; None before there is a topology."""

    async def pods(self) -> list[dict[str, Any]]:
        """Return every pod."""

    async def lately(self) -> list[dict[str, Any]]:
        """Return the last happenings, newest first."""

    def act(self, pod: str, action: str) -> None:
        """Kill, stop or wake a pod.

        Raises:
            TypedError: it can't be done.
        """


class ClusterSight:
    """A :class:`Sight` of a cluster on this machine. Use it as ``async with``."""

    def __init__(self, dev: DevCluster, guilds: Mapping[int, str]) -> None:
        self._dev = dev
        self._keys = Keys(dev.cluster.name)
        self._redis = connect(dev.redis_url, "segue-demo")
        self._plane = LeasePlane(self._redis, self._keys)
        self._registry = NodeRegistry(self._redis, self._keys)
        self._lately = Lately(self._redis, self._keys, guilds)
        self._scraper = Scraper()
        self._figures: dict[str, Figures] = {}
        self._leases: tuple[LeaseInfo, ...] = ()
        self._started: dict[str, int] = {}
        self._looked_at = 0.0
        self._readers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._readers = [
            asyncio.create_task(self._lately.read_facts()),
            asyncio.create_task(self._lately.read_pods(self._dev.processes.events)),
            asyncio.create_task(self._measure()),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await self._scraper.close()
        with contextlib.suppress(OSError):
            await self._redis.aclose()

    async def cluster(self) -> dict[str, Any] | None:
        """Return shards, regions with nodes, and players; None before there is a topology."""
        topology = await topologies.read(self._redis, self._keys)
        if topology is None:
            return None
        store = GuildStore(self._redis, self._keys, topology.num_shards)
        leases = self._leases = await self._plane.overview()
        view = cluster_view(
            self._dev.cluster.name,
            topology,
            leases=leases,
            workers=await self._plane.workers(),
            registry=await self._registry.view([one.id for one in topology.nodes]),
            snapshots=await store.players(),
            pods=self._dev.pods(),
        )
        return asdict(view)

    async def pods(self) -> list[dict[str, Any]]:
        """Return every pod; what a worker holds is as of the last look at Redis."""
        self._looked_at = time.monotonic()
        pods = self._dev.pods()
        for pod in pods:
            self._started.setdefault(pod.name, round((time.time() - pod.age_s) * 1000))
        views = pod_views(
            pods,
            self._dev.cluster.name,
            held=held_by(self._leases),
            started_at=self._started,
            stopped=control.stopped_pods(pods),
            figures=self._figures,
        )
        return [asdict(one) for one in views]

    async def lately(self) -> list[dict[str, Any]]:
        """Return the last happenings, newest first."""
        return [asdict(one) for one in self._lately.newest()]

    def act(self, pod: str, action: str) -> None:
        """Kill, stop or wake a pod.

        Raises:
            TypedError: it can't be done.
        """
        control.act(self._dev, pod, action)
        self._lately.note(control.told(pod.removeprefix(f"{self._dev.cluster.name}-"), action))

    async def _measure(self) -> None:
        """Read the metrics of workers and routers, while somebody looks."""
        name = self._dev.cluster.name
        while True:
            await asyncio.sleep(_MEASURE_EVERY_S)
            if time.monotonic() - self._looked_at > _LOOKED_AT_S:
                continue
            urls = {
                pod.name: f"http://{pod.address}:{HTTP_PORT}/metrics"
                for pod in self._dev.pods()
                if role_of(pod.workload, name) in _MEASURED
            }
            self._figures = await self._scraper.scrape(urls)
