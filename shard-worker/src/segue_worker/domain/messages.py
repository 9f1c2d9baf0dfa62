"""Everything that can reach a guild's mailbox. Frozen; a recorded log of them replays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from segue_core.ids import ChannelId, CommandId, MessageId, NodeId, UserId
from segue_core.models import Track

RequestId = int
"""Pairs an effect with the message that answers it; unique within a guild's state."""


class Verb(StrEnum):
    """What a person can ask for, by slash command or button."""

    PLAY = "play"
    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    STOP = "stop"
    QUEUE = "queue"
    NOW_PLAYING = "nowplaying"
    JOIN = "join"
    LEAVE = "leave"
    VOLUME = "volume"
    PING = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A person's wish. ``id`` is the interaction's, and what it is deduplicated by.

    ``voice_channel`` is where the person is, None in no channel. ``missing_permissions`` names what
    the bot lacks in that channel, in Discord's words ("Connect", "Speak").
    """

    id: CommandId
    verb: Verb
    user: UserId
    text_channel: ChannelId
    voice_channel: ChannelId | None
    locale: str = "en-US"
    query: str | None = None
    amount: int | None = None
    page: int | None = None
    from_button: bool = False
    replayed: bool = False
    missing_permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnVoiceState:
    """Discord says where we are: our own VOICE_STATE_UPDATE. ``channel`` None: we are out."""

    channel: ChannelId | None
    session: str | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerVoiceState:
    """Somebody else (never a bot) is now in ``channel``, or in none."""

    user: UserId
    channel: ChannelId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceServer:
    """VOICE_SERVER_UPDATE. ``endpoint`` None: the voice server went away, a new one follows."""

    token: str
    endpoint: str | None


class LoadFailure(StrEnum):
    """Why a query gave nothing to play."""

    NOTHING_FOUND = "nothing_found"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNPLAYABLE = "unplayable"
    TIMEOUT = "timeout"
    NO_NODE = "no_node"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Answers ``LoadTracks``. ``tracks`` empty exactly when ``failure`` is set.

    For a search only the best match is meant; for a playlist all, with its name.
    """

    request: RequestId
    tracks: tuple[Track, ...] = ()
    playlist: str | None = None
    failure: LoadFailure | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Answers ``Place``. ``node`` None: nobody has room; ``detail`` says why."""

    request: RequestId
    node: NodeId | None
    region: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """Answers ``PatchPlayer``. ``error`` empty: the node took it."""

    request: RequestId
    node: NodeId
    generation: int
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Answers ``ShowNowPlaying`` when a message was created. ``message`` None: it failed."""

    request: RequestId
    channel: ChannelId
    message: MessageId | None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStartedOn:
    """Lavalink TrackStartEvent; ``generation`` from the track's userData."""

    node: NodeId
    generation: int
    item: str


class EndReason(StrEnum):
    """Lavalink v4 ``TrackEndEvent.reason``."""

    FINISHED = "finished"
    LOAD_FAILED = "loadFailed"
    STOPPED = "stopped"
    REPLACED = "replaced"
    CLEANUP = "cleanup"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackEndedOn:
    """Lavalink TrackEndEvent."""

    node: NodeId
    generation: int
    item: str
    reason: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFailedOn:
    """Lavalink TrackExceptionEvent or TrackStuckEvent. A TrackEndEvent follows an exception."""

    node: NodeId
    generation: int
    item: str
    message: str
    severity: str
    stuck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Lavalink playerUpdate. ``position_ms`` is what the listener hears (send buffer subtracted).

    ``at`` is Redis time at arrival.
    """

    node: NodeId
    position_ms: int
    connected: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceClosed:
    """Lavalink WebSocketClosedEvent: Discord's voice server closed on the node."""

    node: NodeId
    code: int
    reason: str
    by_remote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLost:
    """The node no longer has our player: it died, hung, or lost its sessions."""

    node: NodeId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """Sent once when a holder opens a guild that had a player (start, takeover, resume).

    ``node_playing``: what the node says it plays (item and generation from userData), None when it
    has no player or no track. ``position_ms`` as in :class:`Progress`.
    """

    node: NodeId | None
    item: str | None = None
    generation: int = 0
    version: int = 0
    position_ms: int = 0
    paused: bool = False
    connected: bool = False
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer set by ``SetTimer`` ran out."""

    name: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged:
    """The guild's limits, read from the store; posted before the first command and on change."""

    volume_limit: int = 150
    max_queue_size: int = 500
    max_song_duration_ms: int | None = None


Message = (
    Command
    | OwnVoiceState
    | PeerVoiceState
    | VoiceServer
    | Loaded
    | Placed
    | Patched
    | Posted
    | TrackStartedOn
    | TrackEndedOn
    | TrackFailedOn
    | Progress
    | VoiceClosed
    | NodeLost
    | Adopted
    | TimerFired
    | SettingsChanged
)
