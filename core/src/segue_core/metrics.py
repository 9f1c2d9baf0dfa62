"""How a service lists its metrics: one module a service, every metric with a help text.

Names begin with ``segue_``, but for those that dashboards of music bots know already
(:data:`KNOWN_NAMES`). Durations are seconds, sizes bytes, as Prometheus asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN_NAMES = frozenset(
    {
        "discord_api_errors_total",
        "discord_operation_retries_total",
        "discord_operation_duration_seconds",
        "track_plays_total",
        "queue_size",
        "autoplay_triggers_total",
    }
)

FAST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds: calls inside the cluster."""

SLOW_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Seconds: what people wait for."""

LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds: how late a loop is."""


class Metrics:
    """Makes metrics in one registry; the process's own unless a test brings another."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """Return a counter; its name ends in ``_total``.

        Raises:
            ValueError: on a name outside the convention.
        """
        if not name.endswith("_total"):
            raise ValueError(f"{name}: a counter's name ends in _total")
        return Counter(_checked(name), text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        """Return a gauge. ValueError on a name outside the convention."""
        return Gauge(_checked(name), text, labels, registry=self.registry)

    def histogram(
        self, name: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = FAST_BUCKETS
    ) -> Histogram:
        """Return a histogram of seconds or bytes. ValueError on a name outside the convention."""
        return Histogram(_checked(name), text, labels, registry=self.registry, buckets=buckets)


class ProcessMetrics:
    """What every service says of its own process, besides what Prometheus' client does (memory, files)."""

    def __init__(self, make: Metrics) -> None:
        self.loop_lag = make.histogram(
            "segue_loop_lag_seconds",
            "How late the event loop got to what was due, sampled ten times a second.",
            buckets=LAG_BUCKETS,
        )
        self.tasks = make.gauge("segue_tasks", "Asyncio tasks that are not done.")


class MemoryMetrics:
    """What a service that watches its memory says of it."""

    def __init__(self, make: Metrics) -> None:
        self.limit = make.gauge("segue_memory_limit_bytes", "What the process may use; 0: nothing limits it.")
        self.stage = make.gauge(
            "segue_memory_stage", "What is given up for memory: 0 nothing, 1 new players, 2 caches too."
        )


def _checked(name: str) -> str:
    if not name.startswith("segue_") and name not in KNOWN_NAMES:
        raise ValueError(f"{name}: a metric's name begins with segue_")
    return name
