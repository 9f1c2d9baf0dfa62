"""Moves events from the Redis streams to PostgreSQL: each exactly once, none before it is stored.

An event leaves its stream only after the transaction that stored it; one that is read twice (a drain
killed in between, a lease that lapsed) is recognised by its id. While PostgreSQL is away the streams
keep everything, up to their byte bound.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from segue_core.health import CheckResult, HealthLevel
from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE
from segue_core.redis.keys import EVENT_PARTITIONS, Keys
from segue_core.redis.script import Argument, Call, Script
from segue_core.store.connection import StoreUnavailableError
from segue_core.store.rows import RawEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.redis.connection import RedisClient
    from segue_core.store.store import Store

log = get_logger(__name__)

BATCH = 1000
INTERVAL_S = 1.0
"""A round asks every partition; more often costs a busy worker more than history gains by it."""
LEASE_MS = 30_000
"""Longer than a store's slowest answer; a killed drain's partitions wait this long for another."""
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class _Entry:
    partition: int
    id: str
    payload: bytes = field(repr=False)


@dataclass(slots=True)
class DrainStats:
    """What a drain has done, for metrics: ``stored`` new events, ``seen_before`` read again."""

    stored: int = 0
    seen_before: int = 0
    failures: int = 0
    backlog: int = 0


class EventDrain:
    """One process's drain. Several share the partitions; each partition has one at a time."""

    _lease = Script("partition", "drain_lease")
    _ack = Script("partition", "drain_ack")

    def __init__(
        self,
        redis: RedisClient,
        keys: Keys,
        store: Store,
        *,
        batch: int = BATCH,
        interval_s: float = INTERVAL_S,
        lease_ms: int = LEASE_MS,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._store = store
        self._batch = batch
        self._interval = interval_s
        self._lease_ms = lease_ms
        self._token = uuid.uuid4().hex
        self._failing: str | None = None
        self.stats = DrainStats()

    async def run(self) -> None:
        """Drain until cancelled. While Redis or PostgreSQL is away it tries again, ever slower."""
        pause = self._interval
        while True:
            try:
                moved = await self.drain_once()
                if self._failing is not None:
                    log.info("events are being stored again", backlog=self.stats.backlog)
                self._failing = None
                pause = self._interval
                if moved >= self._batch:
                    continue
            except (StoreUnavailableError, *UNREACHABLE) as error:
                self.stats.failures += 1
                if self._failing is None:
                    log.warning("events wait in their streams", error=str(error))
                self._failing = str(error)
                pause = min(LONGEST_PAUSE_S, pause * 2)
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter

    async def flush(self, timeout_s: float) -> int:
        """Store what waits, within ``timeout_s``, for an ordered shutdown; return how many went.

        Raises:
            TimeoutError: when some are left; another drain stores them.
            StoreUnavailableError: when PostgreSQL is away.
        """
        total = 0
        async with asyncio.timeout(timeout_s):
            while moved := await self.drain_once():
                total += moved
        return total

    async def drain_once(self) -> int:
        """Move one batch; return how many entries left their streams.

        Raises:
            StoreUnavailableError: when PostgreSQL is away; nothing has left its stream.
            RedisError: when Redis is away; what was stored is recognised next time.
        """
        waiting = await self._waiting()
        leased = await self._take(waiting)
        try:
            entries = await self._read(leased)
            if not entries:
                return 0
            raw = [RawEvent.parse(entry.payload, self._name(entry)) for entry in entries]
            new = await self._store.append_events(raw)
            self.stats.stored += new
            self.stats.seen_before += len(entries) - new
            gone = await self._acknowledge(entries)
            self.stats.backlog -= gone
            return gone
        finally:
            await self._give_back(leased)

    def check(self) -> CheckResult:
        """Say for /health whether events reach the store."""
        if self._failing is None:
            return CheckResult(data={"backlog": self.stats.backlog})
        return CheckResult(
            level=HealthLevel.DEGRADED,
            detail=f"events wait in their streams: {self._failing}",
            data={"backlog": self.stats.backlog},
        )

    async def _waiting(self) -> list[int]:
        """Return the partitions that have something, in an order of our own."""
        pipeline: Any = self._redis.pipeline(transaction=False)
        for number in EVENT_PARTITIONS:
            pipeline.xlen(self._keys.partition(number).events)
        lengths = await pipeline.execute()
        self.stats.backlog = sum(lengths)
        waiting = [number for number, length in zip(EVENT_PARTITIONS, lengths, strict=True) if length]
        random.shuffle(waiting)  # several drains begin at different ones
        return waiting

    async def _take(self, partitions: Sequence[int]) -> list[int]:
        calls = [self._lease_call(number, self._lease_ms) for number in partitions]
        granted = await self._lease.many(self._redis, calls)
        return [number for number, ours in zip(partitions, granted, strict=True) if ours]

    async def _give_back(self, partitions: Sequence[int]) -> None:
        try:
            await self._lease.many(self._redis, [self._lease_call(number, 0) for number in partitions])
        except UNREACHABLE as error:
            log.debug("drain leases run out by themselves", error=str(error))

    def _lease_call(self, number: int, lifetime_ms: int) -> Call:
        return Call((self._keys.partition(number).prefix,), (self._token, lifetime_ms))

    async def _read(self, partitions: Sequence[int]) -> list[_Entry]:
        """Read up to a batch, from as few partitions as fill it."""
        if not partitions:
            return []
        share = max(1, self._batch // len(partitions))
        pipeline: Any = self._redis.pipeline(transaction=False)
        for number in partitions:
            pipeline.execute_command("XRANGE", self._keys.partition(number).events, "-", "+", "COUNT", share)
        replies = await pipeline.execute()
        entries: list[_Entry] = []
        for number, reply in zip(partitions, replies, strict=True):
            for identifier, fields in reply:
                entries.append(_Entry(number, identifier.decode(), fields[b"e"]))
        return entries

    def _name(self, entry: _Entry) -> str:
        return f"{self._keys.cluster}/{entry.partition}/{entry.id}"

    async def _acknowledge(self, entries: Sequence[_Entry]) -> int:
        parts: dict[int, list[Argument]] = {}
        for entry in entries:
            parts.setdefault(entry.partition, []).extend((entry.id, len(entry.payload)))
        calls = [Call((self._keys.partition(number).prefix,), tuple(part)) for number, part in parts.items()]
        return sum(map(int, await self._ack.many(self._redis, calls)))
