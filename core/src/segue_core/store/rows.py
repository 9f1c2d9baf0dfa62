"""What is read from PostgreSQL, and how an event looks on its way in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.events import DomainEvent, ShardPromoted
from segue_core.ids import EventId, GuildId, UserId

UNREADABLE = "unreadable"
"""Type of an event that is not even an envelope; kept as it came, for somebody to look at."""
_ID_SHOWN = 200
_LAST_INSTANT_MS = 253_402_300_799_000
"""The last second of the year 9999."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every event has, whatever its kind."""

    id: EventId
    guild: GuildId | None
    at: int
    data: dict[str, Any]
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """An event on its way into the store. ``known`` is None for a kind this release does not know."""

    id: EventId
    kind: str
    guild: GuildId | None
    at: int
    data: str
    aggregate_type: str
    aggregate_id: str
    metadata: dict[str, Any] = field(default_factory=dict)
    known: DomainEvent | None = None

    @classmethod
    def of(cls, event: DomainEvent) -> RawEvent:
        """Return a known event as it is stored."""
        return cls.parse(encode(event), event.id)

    @classmethod
    def parse(cls, stored: bytes, fallback_id: str) -> RawEvent:
        """Return what a stream entry holds; never fails, so that nothing is lost.

        ``fallback_id`` names an entry that is no event, the same each time it is read.
        """
        try:
            envelope = decode(Envelope, stored)
        except MalformedValueError:
            return cls(
                id=EventId(fallback_id),
                kind=UNREADABLE,
                guild=None,
                at=0,
                # PostgreSQL's jsonb holds no NUL.
                data=json.dumps({"raw": stored.decode(errors="replace").replace("\x00", "\ufffd")}),
                aggregate_type="cluster",
                aggregate_id="",
            )
        known = _known(stored)
        kind, aggregate = _aggregate(envelope, known)
        return cls(
            id=envelope.id,
            kind=str(envelope.data.get("kind", UNREADABLE)),
            guild=envelope.guild,
            at=envelope.at,
            data=json.dumps(envelope.data).replace("\\u0000", "\\ufffd"),
            aggregate_type=kind,
            aggregate_id=aggregate,
            metadata={} if envelope.trace is None else {"trace": envelope.trace},
            known=known,
        )

    def unreadable(self) -> RawEvent:
        """Return it in a form that any column takes: its text kept, and nothing derived from it."""
        name = hashlib.sha256(self.id.encode(errors="replace")).hexdigest()[:32]
        return RawEvent(
            id=EventId(f"unreadable-{name}"),
            kind=UNREADABLE,
            guild=None,
            at=0,
            data=json.dumps({"raw": ascii(self.data), "id": ascii(self.id)[:_ID_SHOWN]}),
            aggregate_type="cluster",
            aggregate_id="",
        )


def _known(stored: bytes) -> DomainEvent | None:
    try:
        return decode(DomainEvent, stored)
    except MalformedValueError:
        return None


def _aggregate(envelope: Envelope, known: DomainEvent | None) -> tuple[str, str]:
    if envelope.guild is not None:
        return "guild", str(envelope.guild)
    if known is not None and isinstance(known.data, ShardPromoted):
        return "shard", str(known.data.shard)
    return "cluster", ""


def clean(text: str) -> str:
    """Return ``text`` as PostgreSQL takes it: without NUL."""
    return text.replace("\x00", "\ufffd")


def instant(at: int) -> datetime:
    """Return Redis milliseconds as PostgreSQL wants it; one of no calendar becomes the nearest that is."""
    return datetime.fromtimestamp(min(max(0, at), _LAST_INSTANT_MS) / 1000, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """A song that was played; durations are milliseconds."""

    guild: GuildId
    user: UserId
    title: str
    artist: str
    url: str | None
    duration_ms: int
    played_ms: int
    source: str
    played_at: datetime
    played_fully: bool
    skip_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardSong:
    """A song as a guild heard it last; ``duration_ms`` as its source says."""

    title: str
    author: str
    url: str | None
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedSong:
    """A song that somebody likes or saved, as it was then."""

    title: str
    author: str
    url: str | None
    duration_ms: int
    liked: bool
    saved: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Who did what. ``user`` None: Segue itself."""

    guild: GuildId | None
    user: UserId | None
    action: str
    summary: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One fact as stored; ``position`` grows by one from event to event."""

    position: int
    id: EventId
    kind: str
    aggregate_type: str
    aggregate_id: str
    aggregate_version: int
    data: dict[str, Any]
    metadata: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SongRow:
    """A song and how often it was played and rated."""

    source: str
    identifier: str
    title: str
    author: str
    uri: str | None
    duration_ms: int
    plays: int
    likes: int
    dislikes: int
    saves: int
    last_played_at: datetime
