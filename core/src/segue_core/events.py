"""What happened, as facts: appended to Redis with the change itself, stored in Postgres once.

An event's ``data`` is one of the dataclasses below, told apart by its ``kind`` field. A kind a
reader does not know is stored as it came and passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator

from segue_core.ids import ChannelId, CommandId, Epoch, EventId, GuildId, NodeId, OwnerId, ShardId, UserId
from segue_core.models import Track


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandApplied:
    """A person's command took effect. Becomes a row of the audit log."""

    user: UserId
    command: CommandId
    name: str
    summary: str
    kind: Literal["command_applied"] = "command_applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackEnded:
    """A song stopped being the current one. Becomes a row of the playback history.

    ``reason`` is one of finished, skipped, stopped, replaced, failed, left; ``played_ms`` is how
    far it got.
    """

    track: Track
    requester: UserId
    channel: ChannelId | None
    started_at: int
    played_ms: int
    reason: str
    node: NodeId | None = None
    kind: Literal["track_ended"] = "track_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStarted:
    """A song became audible. Counts the song in the songs table."""

    track: Track
    requester: UserId
    node: NodeId | None = None
    kind: Literal["track_started"] = "track_started"


class Opinion(StrEnum):
    """What somebody can say of a song."""

    LIKE = "like"
    DISLIKE = "dislike"
    SAVE = "save"


@dataclass(frozen=True, slots=True, kw_only=True)
class SongRated:
    """Somebody said what they think of a song, or (``undone``) took it back. Counts in the songs table.

    Absolute, so that it may be read in any number: a like replaces a dislike, and saving is apart from both.
    """

    track: Track
    user: UserId
    opinion: Opinion
    undone: bool = False
    kind: Literal["song_rated"] = "song_rated"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFailed:
    """A song could not be played. ``fault`` says whose fault it was, ``reason`` is the node's own words.

    ``action`` is what followed: retried, replaced (by ``replacement``), put_off or skipped.
    """

    track: Track
    requester: UserId
    fault: str
    reason: str
    action: str
    replacement: Track | None = None
    node: NodeId | None = None
    kind: Literal["track_failed"] = "track_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerMoved:
    """A player changed its node."""

    source: NodeId
    target: NodeId
    reason: str
    kind: Literal["player_moved"] = "player_moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardPromoted:
    """A shard changed its owner."""

    shard: ShardId
    previous: OwnerId | None
    owner: OwnerId
    epoch: Epoch
    reason: str
    resume_ms: int | None = None
    replayed: int = 0
    kind: Literal["shard_promoted"] = "shard_promoted"


EventData = Annotated[
    CommandApplied | TrackEnded | TrackStarted | TrackFailed | SongRated | PlayerMoved | ShardPromoted,
    Discriminator("kind"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """One fact. ``guild`` None means it concerns the cluster; ``at`` is Redis time, ms."""

    id: EventId
    guild: GuildId | None
    at: int
    data: EventData
    trace: str | None = field(default=None)
