"""What is to be said, before anybody decides how it looks or in which language.

``ui/`` turns these into Discord's payloads; the words of a :class:`Phrase` stand in ``ui/texts.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from segue_core.filters import Timescale
from segue_core.ids import UserId
from segue_core.models import LoopMode, QueueItem, Track
from segue_worker.domain.presets import Preset


class Tone(StrEnum):
    """How an answer is meant."""

    OK = "ok"
    INFO = "info"
    REFUSED = "refused"
    FAILED = "failed"


class Phrase(StrEnum):
    """Every sentence we say. The value names its entry in the catalogue of texts."""

    # done
    PLAYING_NOW = "playing_now"
    QUEUED = "queued"
    QUEUED_NEXT = "queued_next"
    QUEUED_PLAYLIST = "queued_playlist"
    QUEUED_PLAYLIST_PARTLY = "queued_playlist_partly"
    PAUSED = "paused"
    RESUMED = "resumed"
    SKIPPED = "skipped"
    SKIPPED_LAST = "skipped_last"
    STOPPED = "stopped"
    JOINED = "joined"
    LEFT = "left"
    VOLUME_SET = "volume_set"
    SOUGHT = "sought"
    REPLAYING = "replaying"
    PLAYING_AGAIN = "playing_again"
    SKIPPED_TO = "skipped_to"
    SHUFFLED = "shuffled"
    MOVED = "moved"
    REMOVED = "removed"
    REMOVED_SOME = "removed_some"
    CLEARED = "cleared"
    FILTER_ON = "filter_on"
    FILTER_OFF = "filter_off"
    FILTERS_OFF = "filters_off"
    EQUALIZER_OFF = "equalizer_off"
    TIMESCALE_SET = "timescale_set"
    LOOPING_NOTHING = "looping_nothing"
    LOOPING_TRACK = "looping_track"
    LOOPING_QUEUE = "looping_queue"
    # told
    VOLUME_IS = "volume_is"
    FILTERS_ARE = "filters_are"
    FILTERS_NONE = "filters_none"
    SHUFFLE_ONE = "shuffle_one"
    NO_DUPLICATES = "no_duplicates"
    NONE_OF_YOURS = "none_of_yours"
    NOBODY_GONE = "nobody_gone"
    LIKES = "likes"
    DISLIKES = "dislikes"
    SAVED = "saved"
    OPINION_UNDONE = "opinion_undone"
    EXPORTED = "exported"
    BAD_QUEUE_FILE = "bad_queue_file"
    LIKED = "liked"
    LIKED_NONE = "liked_none"
    LIKED_UNKNOWN = "liked_unknown"
    HISTORY = "history"
    HISTORY_EMPTY = "history_empty"
    HISTORY_RECENT = "history_recent"
    STATS = "stats"
    NODE = "node"
    NO_NODE_YET = "no_node_yet"
    SHARD = "shard"
    HELP = "help"
    PONG = "pong"
    QUEUE_PAGE = "queue_page"
    OFFERED = "offered"
    NOW_PLAYING = "now_playing"
    ALREADY_PAUSED = "already_paused"
    NOT_PAUSED = "not_paused"
    ALREADY_HERE = "already_here"
    ALREADY_APPLIED = "already_applied"
    # refused
    NOTHING_PLAYING = "nothing_playing"
    QUEUE_EMPTY = "queue_empty"
    NO_SUCH_PLACE = "no_such_place"
    NO_PREVIOUS = "no_previous"
    NO_SUCH_COMMAND = "no_such_command"
    BAD_TIME = "bad_time"
    NOT_SEEKABLE = "not_seekable"
    SEEK_BEYOND = "seek_beyond"
    NOT_CONNECTED = "not_connected"
    JOIN_VOICE_FIRST = "join_voice_first"
    OTHER_CHANNEL = "other_channel"
    MISSING_PERMISSIONS = "missing_permissions"
    QUERY_EMPTY = "query_empty"
    QUERY_TOO_LONG = "query_too_long"
    QUEUE_FULL = "queue_full"
    TOO_LONG = "too_long"
    VOLUME_RANGE = "volume_range"
    NOTHING_FOUND = "nothing_found"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNPLAYABLE = "unplayable"
    LOAD_TIMEOUT = "load_timeout"
    NO_NODE = "no_node"
    THROTTLED = "throttled"
    SOURCE_RESTS = "source_rests"
    TOO_MANY_SEARCHES = "too_many_searches"
    OFFER_EXPIRED = "offer_expired"
    NOT_THEIR_OFFER = "not_their_offer"
    WORDS_ONLY = "words_only"
    TRY_AGAIN = "try_again"
    NO_ROOM = "no_room"
    """The worker is short of memory: what plays goes on, nothing new begins."""
    SLOW_DOWN = "slow_down"
    UNKNOWN_COMMAND = "unknown_command"
    MISSING_OPTION = "missing_option"
    BAD_OPTION = "bad_option"
    SERVERS_ONLY = "servers_only"
    # failed
    JOIN_TIMEOUT = "join_timeout"
    DISCONNECTED = "disconnected"
    STOPPED_MEANWHILE = "stopped_meanwhile"
    INTERNAL = "internal"
    # notices in the now-playing message
    TRACK_FAILED = "track_failed"
    TRACK_STUCK = "track_stuck"
    TRACK_PUT_OFF = "track_put_off"
    TRACK_REPLACING = "track_replacing"
    TRACK_REPLACED = "track_replaced"
    TOO_MANY_FAILURES = "too_many_failures"
    VOICE_LOST = "voice_lost"
    VOICE_RATE_LIMITED = "voice_rate_limited"
    NODE_TOO_OLD = "node_too_old"
    FILTERS_REFUSED = "filters_refused"
    WAITING_FOR_NODE = "waiting_for_node"
    NODES_EXHAUSTED = "nodes_exhausted"
    QUEUE_ENDED = "queue_ended"
    LEFT_IDLE = "left_idle"
    LEFT_ALONE = "left_alone"
    KICKED = "kicked"
    STOPPED_BY = "stopped_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A sentence to be said. ``values`` fill its gaps: raw, they are escaped when rendered."""

    phrase: Phrase
    values: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundView:
    """What is done to the sound: by name, and speed and pitch where they were chosen by number."""

    presets: tuple[Preset, ...] = ()
    timescale: Timescale | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """One page of the queue, 1-based, with what is playing now."""

    page: int
    pages: int
    total: int
    total_ms: int
    items: tuple[QueueItem, ...]
    first_position: int
    current: QueueItem | None
    position_ms: int


class PlayerPhase(StrEnum):
    """What the message shows."""

    STARTING = "starting"
    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"


class Control(StrEnum):
    """A button of the message."""

    PREVIOUS = "previous"
    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    STOP = "stop"
    LOOP = "loop"
    SHUFFLE = "shuffle"
    QUIETER = "quieter"
    LOUDER = "louder"
    QUEUE = "queue"
    LIKE = "like"


@dataclass(frozen=True, slots=True, kw_only=True)
class NowPlayingView:
    """The guild's one message. ``ENDED`` shows it retired, without working buttons.

    ``ends_at``: Redis time at which the song will be over, None while it does not advance. ``usable``: the
    buttons that would do something.
    """

    phase: PlayerPhase
    item: QueueItem | None
    position_ms: int
    volume: int
    loop: LoopMode
    queued: int
    queued_ms: int = 0
    up_next: tuple[QueueItem, ...] = ()
    node: str = ""
    notice: Words | None = None
    ends_at: int | None = None
    sound: SoundView = SoundView()
    usable: frozenset[Control] = frozenset()


class FactName(StrEnum):
    """What can be told of the cluster. The value names its entry in the catalogue of texts."""

    VERSION = "version"
    UPTIME = "uptime"
    WORKERS = "workers"
    SPARES = "spares"
    SHARDS_HELD = "shards_held"
    NODES_READY = "nodes_ready"
    PLAYERS = "players"
    PLAYING_HERE = "playing_here"
    REGION = "region"
    HEALTH = "health"
    CPU = "cpu"
    MEMORY = "memory"
    FRAMES_MISSING = "frames_missing"
    SHARD = "shard"
    WORKER = "worker"
    EPOCH = "epoch"
    GATEWAY = "gateway"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a table: a number in the unit its name says, or other people's words. ``of``: out of."""

    name: FactName
    value: str | int
    of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A song of the past. ``at`` in ms since the epoch, 0 when it is not known."""

    title: str
    requester: UserId
    at: int = 0
    skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Songs of the past, the newest first. ``more``: there is another page behind."""

    page: int
    songs: tuple[Heard, ...]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LikedSong:
    """A song somebody likes, or saved, or both; ``length_ms`` 0 for one that has none."""

    title: str
    author: str
    length_ms: int
    liked: bool
    saved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LikedPage:
    """Songs somebody likes or saved, the newest first. ``more``: there is another page behind."""

    page: int
    songs: tuple[LikedSong, ...]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpPage:
    """Which part of the help is wanted: of one command, or a page of all (1-based)."""

    page: int = 1
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """Songs to choose one of, best match first; ``id`` names the list when somebody does."""

    id: str
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A file that comes with an answer."""

    name: str
    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    """An answer to one person: a sentence, and for some commands more below it."""

    tone: Tone
    words: Words
    item: QueueItem | None = None
    queue: QueuePage | None = None
    progress: NowPlayingView | None = None
    sound: SoundView | None = None
    offer: OfferView | None = None
    facts: tuple[Fact, ...] = ()
    history: HistoryPage | None = None
    liked: LikedPage | None = None
    file: FileView | None = None
    help: HelpPage | None = None
