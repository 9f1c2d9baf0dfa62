"""Everything that can reach a guild's mailbox. Frozen; a recorded log of them replays."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from segue_core.ids import ChannelId, CommandId, MessageId, NodeId, TierName, UserId
from segue_core.models import FREE_TIER, Track, VoiceLink

RequestId = int
"""Pairs an effect with the message that answers it; unique within a guild's state."""


class Verb(StrEnum):
    """What a person can ask for, by slash command or button."""

    PLAY = "play"
    PLAY_NEXT = "playnext"
    PLAY_NOW = "playnow"
    SEARCH = "search"
    EXPORT = "export"
    IMPORT = "import"
    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    STOP = "stop"
    QUEUE = "queue"
    NOW_PLAYING = "nowplaying"
    JOIN = "join"
    LEAVE = "leave"
    VOLUME = "volume"
    SKIP_TO = "skipto"
    PREVIOUS = "previous"
    REPLAY = "replay"
    SEEK = "seek"
    FORWARD = "forward"
    REWIND = "rewind"
    LOOP = "loop"
    SHUFFLE = "shuffle"
    REMOVE = "remove"
    REMOVE_MINE = "remove-mine"
    REMOVE_GONE = "remove-gone"
    MOVE = "move"
    BUMP = "bump"
    CLEAR = "clear"
    DEDUPE = "dedupe"
    FILTERS = "filters"
    EQUALIZER = "equalizer"
    TIMESCALE = "timescale"
    LIKE = "like"
    DISLIKE = "dislike"
    SAVE = "save"
    LIKED = "liked"
    HISTORY = "history"
    STATS = "stats"
    NODE = "node"
    SHARD = "shard"
    HELP = "help"
    PING = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A person's wish. ``id`` is the interaction's, and what it is deduplicated by.

    ``voice_channel`` is where the person is, None in no channel. ``missing_permissions`` names what
    the bot lacks in that channel, in Discord's words ("Connect", "Speak"). ``relative``: ``amount``
    is a change and not the new value. ``place`` and ``to_place`` are numbers in the queue, from 1 on;
    ``time`` is a time as people write it; ``choice`` the value of a choice of the table of commands.
    ``file`` is the link of a file that came with the command; ``offer`` names a list of songs the person
    was shown, of which they chose the one at ``place``.
    """

    id: CommandId
    verb: Verb
    user: UserId
    text_channel: ChannelId
    voice_channel: ChannelId | None
    locale: str = "en-US"
    query: str | None = None
    file: str | None = None
    offer: str | None = None
    amount: int | None = None
    relative: bool = False
    page: int | None = None
    place: int | None = None
    to_place: int | None = None
    time: str | None = None
    choice: str | None = None
    speed: float | None = None
    pitch: float | None = None
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
    """Somebody else (never a bot) is now in ``channel``, or in none.

    After an :class:`OwnVoiceState` that names a channel, one follows for each person known in it.
    """

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
    """The source itself asks for less."""
    SOURCE_RESTS = "source_rests"
    """The source kept failing, so it is not asked for a while."""
    TOO_MANY_SEARCHES = "too_many_searches"
    """The person, or their guild, searched too often."""
    OFFER_EXPIRED = "offer_expired"
    """The list they chose from is no longer known."""
    NOT_THEIR_OFFER = "not_their_offer"
    """Somebody else was shown the list."""
    BAD_FILE = "bad_file"
    """The file that was sent is no queue."""
    UNAVAILABLE = "unavailable"
    """What is needed for it can't be asked just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Answers ``LoadTracks``. ``tracks`` empty exactly when ``failure`` is set.

    For a search only the best match is meant; for a playlist all, with its name; ``left_out`` counts those
    of its songs that were too many to be looked at. ``wait_ms``: with ``TOO_MANY_SEARCHES``, after which
    the next one is let through.
    """

    request: RequestId
    tracks: tuple[Track, ...] = ()
    playlist: str | None = None
    failure: LoadFailure | None = None
    detail: str = ""
    wait_ms: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Answers ``Place``. ``node`` None: nobody has room; ``detail`` says why."""

    request: RequestId
    node: NodeId | None
    region: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """Answers ``PatchPlayer``. ``error`` empty: the node took it.

    ``rejected``: it understood and would not (HTTP 400), so nothing of it was done and repeating won't help.
    """

    request: RequestId
    node: NodeId
    generation: int
    error: str = ""
    rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Answers ``ShowNowPlaying`` when a message was created, or ``lost`` when an edit found none.

    ``message`` None without ``lost``: the message could not be created.
    """

    request: RequestId
    channel: ChannelId
    message: MessageId | None
    detail: str = ""
    lost: bool = False


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
    """Lavalink TrackExceptionEvent or TrackStuckEvent. A TrackEndEvent follows an exception.

    ``message`` may be shown to people, ``cause`` is the exception behind it.
    """

    node: NodeId
    generation: int
    item: str
    message: str
    severity: str
    cause: str = ""
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
class GatewayReplaced:
    """The shard got a new gateway session (IDENTIFY after a refused RESUME): voice has to be joined anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceClosed:
    """Lavalink WebSocketClosedEvent: Discord's voice server closed on the node."""

    node: NodeId
    code: int
    reason: str
    by_remote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLost:
    """The node no longer has our player: it died, hung, or lost its sessions.

    ``stopped_at``: when the sound stopped as far as we know (the node was last heard of), Redis time;
    0 when that is now.
    """

    node: NodeId
    reason: str
    stopped_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTo:
    """The player is to leave ``source``, which works, for ``node``, where it has a place.

    ``node`` None: there is nothing to move if nothing plays, and then the player just ends there. Passed
    over when the player is elsewhere by now or something is under way.
    """

    node: NodeId | None
    source: NodeId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """Sent once when a holder opens a guild that had a player (start, takeover, resume).

    ``node_playing``: what the node says it plays (item and generation from userData), None when it
    has no player or no track. ``position_ms`` as in :class:`Progress`. ``track`` and ``voice`` are the
    node's own words about a player of which no snapshot is left.
    """

    node: NodeId | None
    item: str | None = None
    generation: int = 0
    version: int = 0
    position_ms: int = 0
    paused: bool = False
    connected: bool = False
    at: int = 0
    track: Track | None = None
    voice: VoiceLink | None = field(default=None, repr=False)


class CommitRefusal(StrEnum):
    """Why a command's change was not written."""

    DUPLICATE = "duplicate"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRefused:
    """A ``Commit(command=…)`` was not written, and the command is not to be tried again here.

    Duplicate: a predecessor applied it. Unavailable: the store is out of reach. Whatever still waits
    under that id is forgotten, and its person is told. ``from_button`` is the command's; True when it
    is not known, since a follow-up overwrites nothing.
    """

    command: CommandId
    reason: CommitRefusal
    from_button: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer set by ``SetTimer`` ran out."""

    name: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged:
    """The guild's limits, read from the store; posted before the first command and on change.

    ``idle_leave_ms``: how long we stay with nothing to play; ``alone_leave_ms``: with nobody listening.
    """

    tier: TierName = FREE_TIER
    volume_limit: int = 150
    max_queue_size: int = 500
    max_song_duration_ms: int | None = None
    idle_leave_ms: int = 300_000
    alone_leave_ms: int = 120_000


Message = (
    Command
    | OwnVoiceState
    | PeerVoiceState
    | VoiceServer
    | GatewayReplaced
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
    | MoveTo
    | Adopted
    | CommitRefused
    | TimerFired
    | SettingsChanged
)
