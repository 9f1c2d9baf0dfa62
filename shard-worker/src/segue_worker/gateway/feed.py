"""From a shard's dispatches to those who act on them: hikari's event manager, and our own sink."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from segue_core.ids import ShardId
from segue_worker import metrics
from segue_worker.gateway.events import (
    Delivery,
    EventSink,
    GatewayEvent,
    GuildAvailable,
    GuildGone,
    SessionReady,
    SessionResumed,
    VoiceStateUpdate,
)
from segue_worker.gateway.parse import MalformedPayloadError, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_worker.gateway.connection import Ended
    from segue_worker.gateway.facade import ShardFacade
    from segue_worker.gateway.voice_states import VoiceStates

_log = structlog.get_logger(__name__)


class RawConsumer(Protocol):
    """hikari's event manager, as far as a feed needs it."""

    def consume_raw_event(self, name: str, shard: ShardFacade, payload: dict[str, Any], /) -> None:
        """Take a raw event; LookupError for one it does not know."""


class EventFeed:
    """Takes every dispatch of every shard here, in order.

    One event that nobody can read, or that a consumer chokes on, is logged, counted and passed over:
    it must hold up neither the shard nor its checkpoint.
    """

    def __init__(self, raw: RawConsumer, sink: EventSink, voice_states: VoiceStates) -> None:
        self._raw = raw
        self._sink = sink
        self._voice_states = voice_states
        self._reported: set[str] = set()

    def dispatched(
        self, shard: ShardFacade, name: str, data: dict[str, Any], handled: Callable[[], None]
    ) -> None:
        """Take an event; ``handled`` is called when it can no longer be lost."""
        self._to_hikari(shard, name, data)
        try:
            event = parse(name, data, shard.own_user)
        except MalformedPayloadError as error:
            metrics.GATEWAY_PASSED_OVER.labels("malformed").inc()
            self._once(name, "gateway event passed over", error=str(error))
            handled()
            return
        if event is None:
            handled()
            return
        metrics.GATEWAY_EVENTS.labels(name).inc()
        self._deliver(ShardId(shard.id), self._tracked(ShardId(shard.id), event), handled)

    def session(self, shard: ShardFacade, event: SessionReady | SessionResumed, data: dict[str, Any]) -> None:
        """Take READY or RESUMED."""
        fresh = isinstance(event, SessionReady)
        if fresh:
            # Every guild is announced anew by a GUILD_CREATE of its own.
            self._voice_states.drop(ShardId(shard.id))
        self._to_hikari(shard, "READY" if fresh else "RESUMED", data)
        metrics.GATEWAY_SESSIONS.labels("identified" if fresh else "resumed").inc()
        self._deliver(ShardId(shard.id), event, _nothing)

    def disconnected(self, _shard: ShardFacade, ended: Ended) -> None:
        """Count the end of a connection."""
        metrics.GATEWAY_DISCONNECTS.labels(ended.next).inc()

    def released(self, shard: ShardId) -> None:
        """Forget what belongs to a shard that is no longer ours."""
        self._voice_states.drop(shard)

    def _tracked(self, shard: ShardId, event: GatewayEvent) -> GatewayEvent:
        if isinstance(event, VoiceStateUpdate):
            return replace(event, previous=self._voice_states.moved(shard, event))
        if isinstance(event, GuildAvailable):
            self._voice_states.opened(shard, event)
        elif isinstance(event, GuildGone):
            self._voice_states.closed(event.guild)
        return event

    def _to_hikari(self, shard: ShardFacade, name: str, data: dict[str, Any]) -> None:
        try:
            self._raw.consume_raw_event(name, shard, data)
        except LookupError:
            metrics.GATEWAY_PASSED_OVER.labels("unknown").inc()
            self._once(name, "gateway event unknown")

    def _deliver(self, shard: ShardId, event: GatewayEvent, handled: Callable[[], None]) -> None:
        try:
            self._sink.deliver(Delivery(shard=shard, event=event, handled=handled))
        except Exception:  # noqa: BLE001 - whatever a sink raises, one bad event must not end the shard
            metrics.GATEWAY_PASSED_OVER.labels("failed").inc()
            _log.exception("gateway event failed", shard=shard, kind=type(event).__name__)
            handled()

    def _once(self, name: str, message: str, **details: str) -> None:
        if name not in self._reported:
            self._reported.add(name)
            _log.warning(message, event_name=name, **details)


def _nothing() -> None:
    """READY and RESUMED hold no checkpoint up."""
