"""Looks at a running cluster: memory, files and tasks of each process, Redis, and what went wrong.

Memory is that of the processes together with their children, bytes; shared pages count in each, which is
why the databases' are shown and not summed up.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import RedisError

from segue_core.redis.connection import connect
from segue_operator.specs import Names
from segue_operator.specs.names import HTTP_PORT

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient
    from segue_devkit.dev.cluster import DevCluster
    from segue_devkit.processes import PodStatus

SCRAPE_TIMEOUT_S = 5.0
BAD_COUNTERS: Mapping[str, frozenset[str] | None] = {
    "segue_gateway_events_passed_over_total": frozenset({"malformed", "failed"}),
    "segue_commands_refused_total": frozenset(
        {"frozen", "overloaded", "not_journaled", "not_taken", "failed"}
    ),
    "segue_leases_lost_total": None,
    "segue_mailbox_refused_total": None,
}
"""Counters that stand still in ordinary use, and which values of their label count; None: all."""
_BAD_LEVELS = frozenset({"error", "critical"})


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """One pod's processes: resident bytes, open files (sockets among them), sockets, tasks if it tells."""

    rss_bytes: int
    fds: int
    sockets: int
    tasks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The cluster at one moment. ``at_s`` counts from the beginning of use."""

    at_s: float
    processes: Mapping[str, ProcessFigures]
    redis_keys: int
    redis_bytes: int
    restarts: int


@dataclass(slots=True)
class Wrongs:
    """What went wrong so far: lines of level error by pod and event, and counters that moved."""

    lines: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many."""
        return self.lines.total() + self.counted.total()


class Sampler:
    """Samples one cluster; use as ``async with``."""

    def __init__(self, dev: DevCluster) -> None:
        self._dev = dev
        names = Names.of(dev.cluster)
        self._telling = {names.worker, names.router}
        self._logs = dev.processes.follow_logs()
        self._before: dict[str, float] = {}
        self.samples: list[Sample] = []
        self.wrongs = Wrongs()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SCRAPE_TIMEOUT_S))
        self._redis: RedisClient = connect(self._dev.redis_url, "segue-bench")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        await self._redis.aclose()

    async def run(self, every_s: float) -> None:
        """Take a sample every ``every_s``, until cancelled.

        Raises:
            OSError, RedisError, aiohttp.ClientError: a part of the cluster does not answer any more.
        """
        begun = time.monotonic()
        number = 0
        while True:
            self.samples.append(await self._sample(time.monotonic() - begun))
            number += 1
            await asyncio.sleep(max(0.0, begun + number * every_s - time.monotonic()))

    async def _sample(self, at_s: float) -> Sample:
        pods = self._dev.pods()
        processes: dict[str, ProcessFigures] = {}
        for pod in pods:
            if pod.pid is None:
                continue
            tasks = await self._tasks(pod) if pod.workload in self._telling else None
            processes[pod.name] = await asyncio.to_thread(_figures, pod.pid, tasks)
        self._read_logs()
        memory: Any = await self._redis.execute_command("INFO", "memory")
        return Sample(
            at_s=at_s,
            processes=processes,
            redis_keys=int(await self._redis.execute_command("DBSIZE")),
            redis_bytes=int(memory["used_memory"]),
            restarts=sum(pod.restarts for pod in pods),
        )

    async def _tasks(self, pod: PodStatus) -> int | None:
        """Scrape a service: count its bad counters, return how many tasks it has."""
        async with self._http.get(f"http://{pod.address}:{HTTP_PORT}/metrics") as response:
            text = await response.text()
        tasks: int | None = None
        for name, labels, value in _values(text):
            if name == "segue_tasks":
                tasks = int(value)
            elif name in BAD_COUNTERS:
                self._count(pod.name, name, labels, value)
        return tasks

    def _count(self, pod: str, name: str, labels: Mapping[str, str], value: float) -> None:
        bad = BAD_COUNTERS[name]
        said = ",".join(labels.values())
        if bad is not None and said not in bad:
            return
        key = f"{pod}: {name}{{{said}}}"
        moved = value - self._before.get(key, 0.0)
        self._before[key] = value
        if moved > 0:
            self.wrongs.counted[key] += int(moved)

    def _read_logs(self) -> None:
        for pod, line in self._logs.new_lines():
            if (said := error_said(line)) is not None:
                self.wrongs.lines[f"{pod}: {said}"] += 1


def error_said(line: str) -> str | None:
    """Return the event of a line of level error, None of any other line."""
    if not line.startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or str(entry.get("level", "")).lower() not in _BAD_LEVELS:
        return None
    return str(entry.get("event", line))


def kinds(names: Iterable[bytes]) -> Counter[str]:
    """Return how many keys there are of each kind: their names with numbers and words taken out."""
    return Counter(
        ":".join(
            "#" if any(char.isdigit() or char == " " for char in part) else part
            for part in name.decode().split(":")
        )
        for name in names
    )


async def redis_kinds(redis_url: str) -> Counter[str]:
    """Return :func:`kinds` of all keys of a Redis that is not in cluster mode."""
    redis = connect(redis_url, "segue-bench")
    try:
        names: list[bytes] = []
        cursor = b"0"
        while True:
            cursor, found = await redis.execute_command("SCAN", cursor, "COUNT", 1000)
            names += found
            if int(cursor) == 0:
                return kinds(names)
    finally:
        await redis.aclose()


def _values(text: str) -> Iterable[tuple[str, Mapping[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, float(sample.value)


def _figures(pid: int, tasks: int | None) -> ProcessFigures:
    rss = fds = sockets = 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return ProcessFigures(0, 0, 0, tasks)
    for one in family:
        try:
            with one.oneshot():
                rss += int(one.memory_info().rss)
                fds += int(one.num_fds())
                sockets += len(one.net_connections(kind="all"))
        except psutil.NoSuchProcess:
            continue  # it ended between the two questions
    return ProcessFigures(rss, fds, sockets, tasks)


UNREACHABLE = (OSError, RedisError, aiohttp.ClientError, TimeoutError)
"""What :meth:`Sampler.run` raises when a part of the cluster is gone."""
