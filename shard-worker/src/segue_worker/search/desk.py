"""Where every search passes.

What is known is given at once, what somebody else asks at this moment is waited for, and only what costs
a node something is counted against the limits of who asks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE
from segue_core.redis.limits import RateLimits, Verdict
from segue_worker import metrics
from segue_worker.lavalink.tracks import LoadKind, LoadResult
from segue_worker.search.finds import Finds, key_of
from segue_worker.search.limits import Asker, SearchLimits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_core.ids import NodeId
    from segue_worker.lavalink.loader import TrackLoader

_log = get_logger(__name__)


class TooManySearchesError(Exception):
    """The person, or everybody in their guild together, searched too often. Try again in ``wait_ms``."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"too many searches, wait {wait_ms} ms")
        self.wait_ms = wait_ms


class SearchDesk:
    """One worker's. ``close`` it: it owns the searches that are under way."""

    def __init__(
        self, loader: TrackLoader, finds: Finds, limits: RateLimits, allowed: SearchLimits | None = None
    ) -> None:
        self._loader = loader
        self._finds = finds
        self._limits = limits
        self._allowed = allowed or SearchLimits()
        self._flights: dict[str, asyncio.Task[LoadResult]] = {}

    def __repr__(self) -> str:
        return f"<SearchDesk {len(self._flights)} under way>"

    @property
    def finds(self) -> Finds:
        """What is known already."""
        return self._finds

    async def search(self, identifier: str, asker: Asker, candidates: Iterable[NodeId]) -> LoadResult:
        """Return what ``identifier`` (``<prefix>:<words>``) finds. Giving up waiting ends no search.

        Raises:
            TooManySearchesError: nobody was asked.
            SourceRestsError: nobody was asked, as the source failed again and again.
            NodeTimeoutError: a node was asked and took too long.
            NoNodeError: nobody answered.
        """
        key = key_of(identifier)
        while True:
            known = await self._finds.get(key)
            if known is not None:
                return LoadResult(kind=LoadKind.SEARCH, tracks=known)
            flight = self._flights.get(key)
            if flight is None:
                return await asyncio.shield(self._set_out(key, identifier, asker, tuple(candidates)))
            try:
                result = await asyncio.shield(flight)
            except TooManySearchesError:
                continue  # that was somebody else's limit
            metrics.SEARCHES.labels("shared").inc()
            return result

    async def close(self) -> None:
        """End the searches that are under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _set_out(
        self, key: str, identifier: str, asker: Asker, candidates: tuple[NodeId, ...]
    ) -> asyncio.Task[LoadResult]:
        flight = asyncio.create_task(self._fly(key, identifier, asker, candidates), name="search")
        self._flights[key] = flight
        flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    async def _fly(
        self, key: str, identifier: str, asker: Asker, candidates: tuple[NodeId, ...]
    ) -> LoadResult:
        verdict = await self._verdict(asker)
        if not verdict.allowed:
            metrics.SEARCHES.labels("throttled").inc()
            raise TooManySearchesError(verdict.wait_ms)
        metrics.SEARCHES.labels("node").inc()
        result = await self._loader.load(identifier, candidates)
        if result.kind is LoadKind.SEARCH and result.tracks:
            await self._finds.put(key, result.tracks)
        return result

    async def _verdict(self, asker: Asker) -> Verdict:
        try:
            return await self._limits.use(self._allowed.buckets(asker))
        except (RedisError, *UNREACHABLE) as error:
            # Nothing can be queued while Redis is away, so there is nothing to protect; nobody is to blame.
            _log.info("search.limits_unread", error=type(error).__name__)
            return Verdict()

    def _landed(self, key: str, flight: asyncio.Task[LoadResult]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            # Whoever waits is told; when nobody does any more, this is where it ends.
            flight.exception()
