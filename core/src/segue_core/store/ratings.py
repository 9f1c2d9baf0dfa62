"""What people think of songs, into and out of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from segue_core.events import Opinion, SongRated
from segue_core.store.rows import RatedSong, clean, instant

if TYPE_CHECKING:
    from segue_core.events import DomainEvent

RATE: Final = """
WITH before AS (
    SELECT rating, saved FROM song_interactions WHERE user_id = $1 AND source = $2 AND identifier = $3
), after AS (
    INSERT INTO song_interactions AS i
        (user_id, source, identifier, guild_id, rating, saved, title, author, uri, duration, rated_at)
    VALUES ($1, $2, $3, $4, coalesce($5::smallint, 0), coalesce($6::boolean, false), $7, $8, $9, $10, $11)
    ON CONFLICT (user_id, source, identifier) DO UPDATE
    SET rating = coalesce($5::smallint, i.rating), saved = coalesce($6::boolean, i.saved),
        guild_id = excluded.guild_id, title = excluded.title, author = excluded.author, uri = excluded.uri,
        duration = excluded.duration, rated_at = excluded.rated_at
    RETURNING rating, saved
), change AS (
    SELECT (a.rating = 1)::int - coalesce((b.rating = 1)::int, 0) AS likes,
        (a.rating = -1)::int - coalesce((b.rating = -1)::int, 0) AS dislikes,
        a.saved::int - coalesce(b.saved::int, 0) AS saves
    FROM after a LEFT JOIN before b ON true
)
INSERT INTO songs AS s
    (source, identifier, title, author, uri, duration, likes, dislikes, saves, last_played_at)
SELECT $2, $3, $7, $8, $9, $10, likes, dislikes, saves, $11 FROM change
ON CONFLICT (source, identifier) DO UPDATE
SET likes = s.likes + excluded.likes, dislikes = s.dislikes + excluded.dislikes,
    saves = s.saves + excluded.saves
"""
"""``before`` is what was said until now: all parts of a statement see the tables as they were."""

LIKED: Final = """
SELECT * FROM song_interactions WHERE user_id = $1 AND (rating = 1 OR saved)
ORDER BY rated_at DESC, id DESC LIMIT $2
"""

_RATINGS: Final = {Opinion.LIKE: 1, Opinion.DISLIKE: -1}


def row_of(event: DomainEvent) -> tuple[Any, ...] | None:
    """Return the arguments of :data:`RATE`, None for another event."""
    data = event.data
    if not isinstance(data, SongRated) or event.guild is None:
        return None
    rating = None if data.opinion is Opinion.SAVE else 0 if data.undone else _RATINGS[data.opinion]
    saved = not data.undone if data.opinion is Opinion.SAVE else None
    track = data.track
    return (
        data.user,
        track.source,
        track.identifier,
        event.guild,
        rating,
        saved,
        clean(track.title),
        clean(track.author),
        track.uri,
        track.length_ms,
        instant(event.at),
    )


def rated(row: Any) -> RatedSong:
    """Return what a row of :data:`LIKED` says."""
    return RatedSong(
        title=row["title"],
        author=row["author"],
        url=row["uri"],
        duration_ms=row["duration"],
        liked=row["rating"] == 1,
        saved=row["saved"],
        at=row["rated_at"],
    )
