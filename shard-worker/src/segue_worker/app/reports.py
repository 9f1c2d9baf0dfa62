"""What the worker tells those who run it: promotions, counters, health."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from segue_core.breaker import BreakerState
from segue_core.events import DomainEvent, ShardPromoted
from segue_core.health import CheckResult, HealthLevel
from segue_core.ids import EventId
from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE
from segue_worker import metrics
from segue_worker.gateway.facade import ShardState
from segue_worker.shards.lease import LeasePhase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from segue_core.redis.event_log import EventLog
    from segue_core.store import Store
    from segue_worker.lavalink.loader import TrackLoader
    from segue_worker.players.ports import Clock
    from segue_worker.players.registry import PlayerRegistry
    from segue_worker.routing.client import Router
    from segue_worker.shards.manager import ShardManager

_log = get_logger(__name__)


class Promotions:
    """A ``PromotionLog``: every change of a shard's owner becomes an event."""

    def __init__(self, events: EventLog, clock: Clock) -> None:
        self._events = events
        self._clock = clock

    async def promoted(self, event: ShardPromoted) -> None:
        """Append it; Redis being away now is logged, with what would have been written."""
        fact = DomainEvent(id=EventId(uuid.uuid4().hex), guild=None, at=self._clock.now(), data=event)
        try:
            await self._events.append((fact,))
        except (RedisError, *UNREACHABLE) as error:
            _log.warning(
                "promotion.not_recorded",
                shard=event.shard,
                epoch=event.epoch,
                owner=event.owner,
                reason=event.reason,
                error=type(error).__name__,
            )


class PlayerMeter:
    """A ``Meter`` over the worker's metrics."""

    def mailbox_depth(self, depth: int) -> None:
        """Observe how many wait."""
        metrics.MAILBOX_DEPTH.observe(depth)

    def message_refused(self, kind: str) -> None:
        """Count it."""
        metrics.MESSAGES_REFUSED.labels(kind).inc()

    def committed(self, outcome: str, seconds: float) -> None:
        """Observe a commit."""
        metrics.COMMIT_SECONDS.labels(outcome).observe(seconds)

    def effect(self, kind: str, outcome: str, seconds: float) -> None:
        """Observe an effect."""
        metrics.EFFECT_SECONDS.labels(kind, outcome).observe(seconds)

    def track_started(self) -> None:
        """Count it."""
        metrics.TRACK_PLAYS.inc()


class WorkerChecks:
    """Looks at what the worker knows; asks nobody."""

    def __init__(
        self,
        manager: ShardManager,
        players: PlayerRegistry,
        router: Router,
        loader: TrackLoader,
        store: Store,
    ) -> None:
        self._store = store
        self._manager = manager
        self._players = players
        self._router = router
        self._loader = loader
        self.stopping = False

    def leases(self) -> CheckResult:
        """Ready means: renewals are answered, so shards can be held, or taken over at once."""
        if self.stopping:
            return CheckResult(level=HealthLevel.UNHEALTHY, detail="stopping")
        held = self._manager.status()
        frozen = [str(one.shard) for one in held if one.lease is not LeasePhase.HELD]
        data = {"held": [one.shard for one in held]}
        if frozen:
            detail = f"shards {', '.join(frozen)} may not write: Redis is unreachable from here"
            return CheckResult(level=HealthLevel.DEGRADED, detail=detail, data=data)
        if not self._manager.redis_answers:
            return CheckResult(level=HealthLevel.DEGRADED, detail="Redis does not answer", data=data)
        return CheckResult(data=data)

    def gateway(self) -> CheckResult:
        """Held shards without a ready gateway session."""
        waiting = {
            str(one.shard): one.gateway.value
            for one in self._manager.status()
            if one.gateway is not ShardState.READY
        }
        level = HealthLevel.DEGRADED if waiting else HealthLevel.HEALTHY
        detail = f"{len(waiting)} shards without a ready session" if waiting else ""
        return CheckResult(level=level, detail=detail, data=waiting)

    def players(self) -> CheckResult:
        """How many play."""
        summary = self._players.summary()
        return CheckResult(
            data={
                "live": summary.live,
                "playing": summary.playing,
                "waiting_messages": summary.waiting_messages,
                "node_sessions": summary.sessions,
                "sessions_owed": summary.sessions_owed,
            }
        )

    def routing(self) -> CheckResult:
        """Without a router we place by the last view."""
        if self._router.watching:
            return CheckResult()
        return CheckResult(level=HealthLevel.DEGRADED, detail="no router answers: placing by the last view")

    def nodes(self) -> CheckResult:
        """Nodes whose breaker is not closed."""
        return _breakers(self._loader.breakers(), "nodes failing to load")

    def sources(self) -> CheckResult:
        """Sources of music whose breaker is not closed."""
        return _breakers(self._loader.sources(), "sources that keep failing and rest")

    def store(self) -> CheckResult:
        """Whether PostgreSQL is asked."""
        return _breakers({"postgresql": self._store.breaker.state}, "PostgreSQL keeps failing and rests")

    def observe_breakers(self) -> None:
        """Let the gauges of breakers that are not closed count whenever they are read."""
        kinds: dict[str, Callable[[], Iterable[BreakerState]]] = {
            "node": lambda: self._loader.breakers().values(),
            "source": lambda: self._loader.sources().values(),
            "store": lambda: (self._store.breaker.state,),
        }
        for kind, states in kinds.items():
            for state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
                gauge = metrics.BREAKERS.labels(kind, state.value)
                gauge.set_function(partial(_count, states, state))


def _count(states: Callable[[], Iterable[BreakerState]], state: BreakerState) -> float:
    return sum(one is state for one in states())


def _breakers(states: Mapping[Any, BreakerState], trouble: str) -> CheckResult:
    bad = {str(key): state.value for key, state in states.items() if state is not BreakerState.CLOSED}
    level = HealthLevel.DEGRADED if bad else HealthLevel.HEALTHY
    return CheckResult(level=level, detail=trouble if bad else "", data=bad)
