"""Events into the store: each id once, in one order, with the rows that readers look at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from segue_core.events import CommandApplied, PlayerMoved, ShardPromoted, TrackEnded, TrackStarted
from segue_core.store import ratings
from segue_core.store.rows import RawEvent, clean, instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.events import DomainEvent

_LOCK = 0x5E67_0E
"""Writers take turns, so that positions become visible in their order: who reads on from one misses none."""

_INSERT = """
WITH incoming AS (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[]
    ) WITH ORDINALITY
      AS t (event_id, event_type, aggregate_type, aggregate_id, event_data, metadata, at, place)
), fresh AS (
    SELECT * FROM incoming i
    WHERE NOT EXISTS (SELECT 1 FROM event_store_event e WHERE e.event_id = i.event_id)
)
INSERT INTO event_store_event
    (event_id, event_type, aggregate_type, aggregate_id, aggregate_version,
     event_data, metadata, "timestamp", global_position)
SELECT f.event_id, f.event_type, f.aggregate_type, f.aggregate_id,
    row_number() OVER (PARTITION BY f.aggregate_type, f.aggregate_id ORDER BY f.place)
      + coalesce((SELECT max(e.aggregate_version) FROM event_store_event e
                  WHERE e.aggregate_type = f.aggregate_type AND e.aggregate_id = f.aggregate_id), 0),
    f.event_data::jsonb, f.metadata::jsonb, f.at,
    row_number() OVER (ORDER BY f.place)
      + coalesce((SELECT max(e.global_position) FROM event_store_event e), 0)
FROM fresh f
ORDER BY f.place
RETURNING event_id
"""

_HISTORY = """
INSERT INTO playback_history
    (event_id, guild_id, user_id, channel_id, title, artist, url, duration, played_ms, source,
     played_at, played_fully, skip_reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

_AUDIT = """
INSERT INTO audit_log (event_id, guild_id, user_id, action, summary, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""

_SONG = """
INSERT INTO songs AS s (source, identifier, title, author, uri, duration, plays, last_played_at)
VALUES ($1, $2, $3, $4, $5, $6, 1, $7)
ON CONFLICT (source, identifier) DO UPDATE
SET plays = s.plays + 1, title = excluded.title, author = excluded.author, uri = excluded.uri,
    duration = excluded.duration, last_played_at = greatest(s.last_played_at, excluded.last_played_at)
"""


async def append(connection: Any, batch: Sequence[RawEvent]) -> int:
    """Store what is new of ``batch`` in one transaction; return how many were."""
    events = list({event.id: event for event in reversed(batch)}.values())[::-1]
    if not events:
        return 0
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        rows = await connection.fetch(
            _INSERT,
            [event.id for event in events],
            [event.kind for event in events],
            [event.aggregate_type for event in events],
            [event.aggregate_id for event in events],
            [event.data for event in events],
            [json.dumps(event.metadata) for event in events],
            [instant(event.at) for event in events],
        )
        new = {row["event_id"] for row in rows}
        await _derive(connection, [event.known for event in events if event.id in new and event.known])
    return len(new)


async def _derive(connection: Any, events: Sequence[DomainEvent]) -> None:
    history = [row for event in events if (row := _history(event))]
    audit = [row for event in events if (row := _audit(event))]
    songs = [row for event in events if (row := _song(event))]
    opinions = [row for event in events if (row := ratings.row_of(event))]
    if history:
        await connection.executemany(_HISTORY, history)
    if audit:
        await connection.executemany(_AUDIT, audit)
    if songs:
        await connection.executemany(_SONG, songs)
    if opinions:
        await connection.executemany(ratings.RATE, opinions)


def _history(event: DomainEvent) -> tuple[Any, ...] | None:
    data = event.data
    if not isinstance(data, TrackEnded) or event.guild is None:
        return None
    fully = data.reason == "finished"
    return (
        event.id,
        event.guild,
        data.requester,
        data.channel,
        clean(data.track.title),
        clean(data.track.author),
        data.track.uri,
        data.track.length_ms,
        data.played_ms,
        data.track.source,
        instant(data.started_at),
        fully,
        None if fully else data.reason,
    )


def _audit(event: DomainEvent) -> tuple[Any, ...] | None:
    data = event.data
    if isinstance(data, CommandApplied):
        return (event.id, event.guild, data.user, data.name, clean(data.summary), instant(event.at))
    if isinstance(data, ShardPromoted):
        summary = (
            f"shard {data.shard}: {data.previous or 'nobody'} -> {data.owner},"
            f" epoch {data.epoch}, {data.reason}, {data.replayed} replayed"
        )
    elif isinstance(data, PlayerMoved):
        summary = f"{data.source} -> {data.target}: {data.reason}"
    else:
        return None
    return (event.id, event.guild, None, data.kind, clean(summary), instant(event.at))


def _song(event: DomainEvent) -> tuple[Any, ...] | None:
    data = event.data
    if not isinstance(data, TrackStarted):
        return None
    track = data.track
    return (
        track.source,
        track.identifier,
        clean(track.title),
        clean(track.author),
        track.uri,
        track.length_ms,
        instant(event.at),
    )
