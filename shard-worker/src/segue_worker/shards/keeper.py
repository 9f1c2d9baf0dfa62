"""Keeps the leases of all held shards: one renewal for all of them, every 500 ms."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from segue_worker import metrics
from segue_worker.shards.cancel import cancellation_point
from segue_worker.shards.lease import Grant, Lease, LeasePhase, MonotonicClock
from segue_worker.shards.plan import (
    RENEW_EVERY_S,
    RETRY_RENEWAL_S,
    TURNED_WITHIN_S,
    HeldLease,
    RenewalPlan,
    frozen_by,
    plan_renewal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segue_core.ids import ShardId
    from segue_core.models import Fence
    from segue_core.redis.clock import RedisClock
    from segue_core.redis.leases import LeasePlane, Renewal, WorkerBeat

_log = structlog.get_logger(__name__)


def margin_s(ttl_s: float) -> float:
    """Return how long before its expiry at Redis a lease ends for us: what a write may be on its way."""
    return ttl_s / 8


@dataclass(slots=True)
class _Entry:
    lease: Lease
    turned_at: float


class LeaseKeeper:
    """Owns the leases. ``on_lost`` is called, once for each, when one is no longer ours."""

    def __init__(
        self,
        plane: LeasePlane,
        beat: WorkerBeat,
        *,
        ttl_ms: int,
        clock: MonotonicClock,
        redis_clock: RedisClock,
        on_lost: Callable[[ShardId, str], None],
        on_restored: Callable[[], None],
    ) -> None:
        self._plane = plane
        self._beat = beat
        self._ttl_ms = ttl_ms
        self._clock = clock
        self._redis_clock = redis_clock
        self._on_lost = on_lost
        self._on_restored = on_restored
        self._entries: dict[ShardId, _Entry] = {}
        self._hold_until = 0
        self._answered = False
        self._ticked_at = clock()
        self._woke_at = float("-inf")
        self.answered_at: float | None = None

    @property
    def answering(self) -> bool:
        """Whether the last renewal was answered."""
        return self._answered

    def take(self, fence: Fence, sent_at: float) -> Lease:
        """Keep a lease that a claim, sent at ``sent_at``, has just given us."""
        lease = Lease(self._grant(fence, sent_at), self._clock)
        self._entries[lease.shard] = _Entry(lease, self._clock())
        self._measure()
        return lease

    def turned(self, lease: Lease) -> None:
        """Note that the task of the lease's shard turns; to be called several times a second."""
        entry = self._entries.get(lease.shard)
        if entry is not None and entry.lease is lease:
            entry.turned_at = self._clock()

    def drop(self, lease: Lease, why: str) -> None:
        """Renew no more, and let nobody write under this lease; a newer one of the shard stays."""
        lease.lose(why)
        entry = self._entries.get(lease.shard)
        if entry is not None and entry.lease is lease:
            del self._entries[lease.shard]
        self._measure()

    def expiry(self) -> float | None:
        """Return when the earliest running lease ends at Redis, monotonic seconds."""
        margin = margin_s(self._ttl_ms / 1000)
        running = [
            entry.lease.deadline for entry in self._entries.values() if entry.lease.phase is LeasePhase.HELD
        ]
        return min(running) + margin if running else None

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            started = self._clock()
            answered = await self.renew()
            cancellation_point()
            pause = RENEW_EVERY_S if answered else RETRY_RENEWAL_S
            await asyncio.sleep(max(0.0, started + pause - self._clock()))

    async def renew(self) -> bool:
        """Renew once; False when Redis did not answer."""
        sent = self._clock()
        if sent - self._ticked_at > TURNED_WITHIN_S:
            self._woke_at = sent
        self._ticked_at = sent
        plan = plan_renewal(self._held(), sent, self._woke_at)
        for shard in plan.cut:
            self._lost(shard, "its task stood still until the deadline", "stalled")
        try:
            async with asyncio.timeout(plan.timeout_s):
                renewal = await self._plane.renew(
                    replace(self._beat, held=len(self._entries)), plan.renewed, self._ttl_ms
                )
        except (RedisError, OSError, TimeoutError) as error:
            self._unanswered(sent, error)
            return False
        self._take_answer(plan, renewal, sent)
        return True

    def _take_answer(self, plan: RenewalPlan, renewal: Renewal, sent: float) -> None:
        received = self._clock()
        self._answered, self.answered_at = True, received
        self._redis_clock.observe(sent, received, renewal.now_ms)
        metrics.LEASE_RENEWAL.observe(received - sent)
        for shard, fence in renewal.fences.items():
            entry = self._entries.get(shard)
            if entry is not None and entry.lease.epoch == fence.epoch:
                entry.lease.renewed(self._grant(fence, sent))
        for shard in renewal.lost:
            entry = self._entries.get(shard)
            if entry is not None and entry.lease.epoch == plan.renewed[shard]:
                self._lost(shard, "somebody else claimed it", "claimed")
        if renewal.hold_until > self._hold_until and renewal.hold_until > renewal.now_ms:
            # Redis was away and may have lost its last second: what we remember has to be written anew.
            self._on_restored()
        self._hold_until = max(self._hold_until, renewal.hold_until)
        self._measure()

    def _unanswered(self, sent: float, error: Exception) -> None:
        metrics.LEASE_RENEWAL_FAILURES.inc()
        if self._answered:
            _log.warning("lease renewal failed", error=str(error) or type(error).__name__)
        self._answered = False
        for shard in frozen_by(self._held(), sent):
            _log.warning("shard frozen: redis is unreachable from here", shard=shard)
            self._entries[shard].lease.freeze()
        self._measure()

    def _lost(self, shard: ShardId, why: str, label: str) -> None:
        _log.warning("lease lost", shard=shard, why=why)
        metrics.LEASES_LOST.labels(label).inc()
        self.drop(self._entries[shard].lease, why)
        self._on_lost(shard, why)

    def _grant(self, fence: Fence, sent: float) -> Grant:
        ttl_s = self._ttl_ms / 1000
        return Grant(fence=fence, deadline=sent + ttl_s - margin_s(ttl_s))

    def _held(self) -> Iterator[HeldLease]:
        for shard, entry in self._entries.items():
            lease = entry.lease
            yield HeldLease(
                shard=shard,
                epoch=lease.epoch,
                phase=lease.phase,
                deadline=lease.deadline,
                turned_at=entry.turned_at,
            )

    def _measure(self) -> None:
        phases = [entry.lease.phase for entry in self._entries.values()]
        metrics.SHARDS_HELD.set(len(phases))
        metrics.SHARDS_FROZEN.set(phases.count(LeasePhase.FROZEN))
