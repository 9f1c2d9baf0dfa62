"""What two services, or two releases of one, must understand alike.

Frozen dataclasses that serialise with :mod:`segue_core.codec`. A value that is stored carries a
schema number; readers pass over fields they do not know, so that two releases can share Redis
during a rollout. Instants are Redis time in milliseconds since the epoch, durations milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from segue_core.filters import PLAIN, Filters
from segue_core.ids import (
    ChannelId,
    Epoch,
    GuildId,
    ItemId,
    MessageId,
    NodeId,
    OwnerId,
    RegionName,
    ShardId,
    TierName,
    UserId,
)

SNAPSHOT_SCHEMA = 1
"""The newest layout of :class:`PlayerSnapshot` this release writes."""

FREE_TIER = TierName("free")
"""What a guild has that nobody pays for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A song as Lavalink describes it (v4 ``Track`` and ``TrackInfo``)."""

    encoded: str
    identifier: str
    title: str
    author: str
    length_ms: int
    source: str
    is_stream: bool = False
    is_seekable: bool = True
    uri: str | None = None
    artwork_url: str | None = None
    isrc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """One song in a queue, and who wanted it.

    ``failures``: how often it was put off because its source or node failed; ``instead_of``: the item
    that could not be played, for which this one was found.
    """

    id: ItemId
    track: Track
    requester: UserId
    requested_at: int
    failures: int = 0
    instead_of: ItemId | None = None


class LoopMode(StrEnum):
    """What follows the end of a song."""

    OFF = "off"
    TRACK = "track"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """A message on Discord that we edit."""

    channel: ChannelId
    message: MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceLink:
    """What a Lavalink node needs to speak in a voice channel. Credentials: never logged.

    ``session`` comes with our own VOICE_STATE_UPDATE, ``token`` and ``endpoint`` with
    VOICE_SERVER_UPDATE, in either order; the link is usable when all are there.
    """

    channel: ChannelId
    session: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    endpoint: str | None = None

    @property
    def complete(self) -> bool:
        """Whether a node could connect with this."""
        return bool(self.session and self.token and self.endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSnapshot:
    """Everything a successor must know to carry a guild's music on, but for queue and voice.

    ``position_ms`` was true at ``position_at``; while playing it has advanced since
    (see :meth:`position`), so it need not be written every second. ``started_at`` is when the song
    was first heard, 0 before. ``generation`` counts what was started on a node: each start of a song,
    a placement elsewhere included, has its own, and events of an older one are dropped. ``speed`` is that of
    ``filters``, for releases that know no filters. ``played``: what was heard before, the newest last.
    """

    guild: GuildId
    version: int = 0
    schema: int = SNAPSHOT_SCHEMA
    text_channel: ChannelId | None = None
    current: QueueItem | None = None
    position_ms: int = 0
    position_at: int = 0
    started_at: int = 0
    paused: bool = False
    volume: int = 100
    speed: float = 1.0
    loop: LoopMode = LoopMode.OFF
    node: NodeId | None = None
    generation: int = 0
    now_playing: MessageRef | None = None
    listeners: tuple[UserId, ...] = ()
    tier: TierName = FREE_TIER
    filters: Filters = PLAIN
    played: tuple[QueueItem, ...] = ()

    def position(self, now: int) -> int:
        """Return where in the song we are at ``now``, within its length, milliseconds."""
        if self.current is None:
            return 0
        elapsed = 0 if self.paused else int(max(0, now - self.position_at) * self.speed)
        position = self.position_ms + elapsed
        track = self.current.track
        return position if track.is_stream else min(position, track.length_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildRecord:
    """A guild with a player, as Redis keeps it: snapshot, queue and voice have a key each."""

    snapshot: PlayerSnapshot
    queue: tuple[QueueItem, ...] = ()
    voice: VoiceLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Who may write for a shard, and until when.

    ``expires_at`` is Redis time in milliseconds: the expiry that the last renewal was granted.
    A commit past it is refused by the script, whatever the writer's own clock believes.
    """

    shard: ShardId
    epoch: Epoch
    owner: OwnerId
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySession:
    """A gateway session as a value: enough for another process to RESUME it. A credential."""

    session_id: str = field(repr=False)
    seq: int
    resume_url: str
    user_id: UserId
    num_shards: int
    intents: int
    api_version: int = 10
    encoding: str = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyNode:
    """A Lavalink node the operator wants to exist. ``capacity`` 0 means unbounded."""

    id: NodeId
    region: RegionName
    address: str
    capacity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyRegion:
    """A pool of nodes. ``voice_prefixes`` are the names Discord's voice endpoints begin with.

    ``distances`` orders the other regions: a smaller number is nearer (milliseconds of round trip).
    """

    name: RegionName
    voice_prefixes: tuple[str, ...] = ()
    distances: dict[RegionName, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyTier:
    """What a tier of guilds may use: ``regions`` empty means every region."""

    name: TierName
    regions: tuple[RegionName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What the operator publishes and the data plane runs by."""

    generation: int
    num_shards: int
    regions: tuple[TopologyRegion, ...] = ()
    nodes: tuple[TopologyNode, ...] = ()
    tiers: tuple[TopologyTier, ...] = ()
    schema: int = 1
