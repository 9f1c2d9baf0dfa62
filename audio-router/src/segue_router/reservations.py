"""Reservations of many calls in few round trips.

While one round trip is under way, whoever comes waits for the next one together. A burst then costs one
connection and little more than one call, where a connection for each would turn a short stall into a
long one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from segue_core.redis.nodes import NodeRegistry, Reservation, ReserveRequest

MAX_TOGETHER = 64
"""Scripts of one round trip: a few milliseconds of Redis at most, so that others get their turn."""


class Reservations:
    """Collects reservations, and sends what has gathered when the last round trip is over."""

    def __init__(self, registry: NodeRegistry) -> None:
        self._registry = registry
        self._waiting: list[tuple[ReserveRequest, asyncio.Future[Reservation | None]]] = []
        self._sender: asyncio.Task[None] | None = None

    async def reserve(self, request: ReserveRequest) -> Reservation | None:
        """Reserve a place, as :meth:`NodeRegistry.reserve` does.

        Raises:
            RedisError, OSError: when Redis could not be asked, for each of those that were sent together.
        """
        future: asyncio.Future[Reservation | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send(), name="reservations")
        return await future

    async def close(self) -> None:
        """Stop sending; whoever still waits is cancelled."""
        sender = self._sender
        if sender is not None:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()

    async def _send(self) -> None:
        try:
            while self._waiting:
                # A caller that has gone away wants no place.
                waiting = [one for one in self._waiting if not one[1].done()]
                batch, self._waiting = waiting[:MAX_TOGETHER], waiting[MAX_TOGETHER:]
                if not batch:
                    continue
                try:
                    await self._answer(batch)
                finally:
                    for _, future in batch:
                        future.cancel()  # changes nothing for those that were answered
        finally:
            self._sender = None

    async def _answer(self, batch: list[tuple[ReserveRequest, asyncio.Future[Reservation | None]]]) -> None:
        try:
            answers = await self._registry.reserve_many([request for request, _ in batch])
        except (RedisError, OSError) as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
