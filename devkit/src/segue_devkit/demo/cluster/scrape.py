"""CPU and memory of the pods that export metrics, as Prometheus would read them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S = 1.0
_CPU, _RSS = "process_cpu_seconds_total", "process_resident_memory_bytes"


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one process. ``cpu`` is the share of a core since the last reading, None at the first."""

    rss_bytes: float
    cpu: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading; ``at`` is monotonic seconds."""

    at: float
    cpu_s: float
    rss_bytes: float


def parse(text: str, at: float) -> Reading | None:
    """Return the reading of a page of metrics, None if it has not both figures."""
    values = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name in {_CPU, _RSS}:
            values[name] = float(value)
    return None if len(values) < len({_CPU, _RSS}) else Reading(at, values[_CPU], values[_RSS])


def figures(before: Reading | None, now: Reading) -> Figures:
    """Return the figures between two readings; a process that was restarted begins anew."""
    if before is None or now.cpu_s < before.cpu_s or now.at <= before.at:
        return Figures(now.rss_bytes, None)
    return Figures(now.rss_bytes, (now.cpu_s - before.cpu_s) / (now.at - before.at))


class Scraper:
    """Reads the metrics of pods by URL; one that does not answer within a second has none."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._last: dict[str, Reading] = {}

    async def scrape(self, urls: Mapping[str, str]) -> dict[str, Figures]:
        """Return the figures of each pod that answered; ``urls`` by the pod's name."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        readings = await asyncio.gather(*(self._read(self._session, url) for url in urls.values()))
        now = {pod: one for pod, one in zip(urls, readings, strict=True) if one is not None}
        found = {pod: figures(self._last.get(pod), one) for pod, one in now.items()}
        self._last = now
        return found

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    @staticmethod
    async def _read(session: aiohttp.ClientSession, url: str) -> Reading | None:
        try:
            async with session.get(url) as answer:
                return parse(await answer.text(), time.monotonic())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None  # a pod that is stopped or gone has no figures; its phase says why
