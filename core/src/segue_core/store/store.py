"""The store: settings, and what became of the events."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self

from segue_core.breaker import Breaker
from segue_core.events import DomainEvent
from segue_core.ids import EventId, GuildId, UserId
from segue_core.logging import get_logger
from segue_core.queue_file import Counts
from segue_core.store import ratings
from segue_core.store.append import append
from segue_core.store.connection import UNSTORABLE, Lender, pool_of
from segue_core.store.rows import AuditRow, EventRow, HeardSong, HistoryRow, RatedSong, RawEvent, SongRow
from segue_core.store.server_settings import COLUMNS, ServerSettings, changed, from_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

log = get_logger(__name__)

_UPSERT = """
INSERT INTO server_configuration (guild_id, {columns}) VALUES ($1, {values})
ON CONFLICT (guild_id) DO UPDATE SET {updates}, updated_at = now()
""".format(
    columns=", ".join(COLUMNS),
    values=", ".join(f"${number}" for number in range(2, len(COLUMNS) + 2)),
    updates=", ".join(f"{name} = excluded.{name}" for name in COLUMNS),
)

FAILURES = 3
"""In a row, until PostgreSQL is not asked for a while."""
REST_S = 2.0
"""Short: events wait meanwhile, and one question is all it costs to find out."""


_HEARD = """
SELECT title, artist, url, duration FROM (
    SELECT DISTINCT ON (title, artist) title, artist, url, duration, played_at, id FROM (
        SELECT * FROM playback_history
        WHERE guild_id = $1 AND played_ms > 0 ORDER BY played_at DESC, id DESC LIMIT 200
    ) lately
    ORDER BY title, artist, played_at DESC, id DESC
) each_once
ORDER BY played_at DESC, id DESC LIMIT $2
"""
"""Of the last 200, so that a guild's long history costs no more than a short one."""


class Store:
    """PostgreSQL through a pool. Every method raises StoreUnavailableError while it cannot be asked."""

    def __init__(self, pool: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._lender = Lender(pool, Breaker(clock, threshold=FAILURES, cooldown_s=REST_S))

    @property
    def breaker(self) -> Breaker:
        """Says whether PostgreSQL is asked; for health."""
        return self._lender.breaker

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Return a store; PostgreSQL need not be there yet. Close it with :meth:`close`."""
        return cls(await pool_of(dsn))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End every connection."""
        self._lender.terminate()

    async def ping(self) -> None:
        """Ask for a sign of life."""
        async with self._lender.lend() as lent:
            await lent.execute("SELECT 1")

    async def settings_of(self, guild: GuildId) -> ServerSettings:
        """Return a server's settings, the defaults when it never changed any."""
        async with self._lender.lend() as lent:
            row = await lent.fetchrow("SELECT * FROM server_configuration WHERE guild_id = $1", guild)
        return ServerSettings() if row is None else from_row(row)

    async def set_settings(self, guild: GuildId, changes: Mapping[str, Any]) -> ServerSettings:
        """Change some of a server's settings and return them all.

        Raises:
            InvalidSettingError: naming the setting; nothing is changed.
        """
        async with self._lender.lend() as lent, lent.transaction():
            # Two changes at once would each write the other's old values.
            await lent.execute("SELECT pg_advisory_xact_lock(hashtextextended('settings', $1))", guild)
            row = await lent.fetchrow("SELECT * FROM server_configuration WHERE guild_id = $1", guild)
            settings = changed(ServerSettings() if row is None else from_row(row), changes)
            await lent.execute(_UPSERT, guild, *(getattr(settings, name) for name in COLUMNS))
        return settings

    async def append_events(self, batch: Sequence[RawEvent | DomainEvent]) -> int:
        """Store events, each id once; return how many were new. May be repeated.

        One that PostgreSQL can't take as it is (a number no column holds, a date of no calendar) is kept
        as text, so that it stops nothing that comes behind it.
        """
        raw = [RawEvent.of(event) if isinstance(event, DomainEvent) else event for event in batch]
        try:
            return await self._append(raw)
        except UNSTORABLE as error:
            log.warning("an event can't be stored as it is", why=type(error).__name__, events=len(raw))
        return sum([await self._append_alone(event) for event in raw])

    async def _append_alone(self, event: RawEvent) -> int:
        try:
            return await self._append([event])
        except UNSTORABLE:
            return await self._append([event.unreadable()])

    async def _append(self, batch: Sequence[RawEvent]) -> int:
        async with self._lender.lend() as lent:
            return await append(lent, batch)

    async def history(self, guild: GuildId, limit: int = 20) -> tuple[HistoryRow, ...]:
        """Return what a guild played, the newest first."""
        rows = await self._fetch(
            "SELECT * FROM playback_history WHERE guild_id = $1 ORDER BY played_at DESC, id DESC LIMIT $2",
            guild,
            limit,
        )
        return tuple(
            HistoryRow(
                guild=GuildId(row["guild_id"]),
                user=UserId(row["user_id"]),
                title=row["title"],
                artist=row["artist"],
                url=row["url"],
                duration_ms=row["duration"],
                played_ms=row["played_ms"],
                source=row["source"],
                played_at=row["played_at"],
                played_fully=row["played_fully"],
                skip_reason=row["skip_reason"],
            )
            for row in rows
        )

    async def heard(self, guild: GuildId, limit: int = 25) -> tuple[HeardSong, ...]:
        """Return the songs that a guild heard lately, each once, the newest first."""
        rows = await self._fetch(_HEARD, guild, limit)
        return tuple(
            HeardSong(title=row["title"], author=row["artist"], url=row["url"], duration_ms=row["duration"])
            for row in rows
        )

    async def liked(self, user: UserId, limit: int = 20) -> tuple[RatedSong, ...]:
        """Return the songs that somebody likes or saved, the newest first."""
        return tuple(ratings.rated(row) for row in await self._fetch(ratings.LIKED, user, limit))

    async def counts(self, songs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Counts]:
        """Return how many like, dislike and saved each of these (source, identifier), if heard."""
        rows = await self._fetch(
            "SELECT s.* FROM songs s JOIN unnest($1::text[], $2::text[]) AS wanted (source, identifier)"
            " ON s.source = wanted.source AND s.identifier = wanted.identifier",
            [source for source, _ in songs],
            [identifier for _, identifier in songs],
        )
        return {
            (row["source"], row["identifier"]): Counts(
                likes=row["likes"], dislikes=row["dislikes"], saves=row["saves"]
            )
            for row in rows
        }

    async def audit(self, guild: GuildId | None = None, limit: int = 20) -> tuple[AuditRow, ...]:
        """Return who did what, the newest first; of one guild, or (None) of the whole cluster."""
        rows = await self._fetch(
            "SELECT * FROM audit_log WHERE $1::bigint IS NULL OR guild_id = $1"
            " ORDER BY created_at DESC, id DESC LIMIT $2",
            guild,
            limit,
        )
        return tuple(
            AuditRow(
                guild=None if row["guild_id"] is None else GuildId(row["guild_id"]),
                user=None if row["user_id"] is None else UserId(row["user_id"]),
                action=row["action"],
                summary=row["summary"],
                at=row["created_at"],
            )
            for row in rows
        )

    async def events(
        self, after: int = 0, limit: int = 100, *, guild: GuildId | None = None, kind: str | None = None
    ) -> tuple[EventRow, ...]:
        """Return the facts behind position ``after``, in order; of one guild or kind if given."""
        rows = await self._fetch(
            "SELECT * FROM event_store_event WHERE global_position > $1"
            " AND ($2::text IS NULL OR (aggregate_type = 'guild' AND aggregate_id = $2))"
            " AND ($3::text IS NULL OR event_type = $3)"
            " ORDER BY global_position LIMIT $4",
            after,
            None if guild is None else str(guild),
            kind,
            limit,
        )
        return tuple(
            EventRow(
                position=row["global_position"],
                id=EventId(row["event_id"]),
                kind=row["event_type"],
                aggregate_type=row["aggregate_type"],
                aggregate_id=row["aggregate_id"],
                aggregate_version=row["aggregate_version"],
                data=json.loads(row["event_data"]),
                metadata=json.loads(row["metadata"]),
                at=row["timestamp"],
            )
            for row in rows
        )

    async def songs(self, limit: int = 20) -> tuple[SongRow, ...]:
        """Return the songs played most."""
        rows = await self._fetch(
            "SELECT * FROM songs ORDER BY plays DESC, last_played_at DESC, id LIMIT $1", limit
        )
        return tuple(
            SongRow(
                source=row["source"],
                identifier=row["identifier"],
                title=row["title"],
                author=row["author"],
                uri=row["uri"],
                duration_ms=row["duration"],
                plays=row["plays"],
                likes=row["likes"],
                dislikes=row["dislikes"],
                saves=row["saves"],
                last_played_at=row["last_played_at"],
            )
            for row in rows
        )

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        async with self._lender.lend() as lent:
            rows: list[Any] = await lent.fetch(query, *arguments)
        return rows
