"""One guild's state: what is durable (snapshot, queue, voice) and what dies with its holder."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from segue_core.filters import PLAIN, Filters
from segue_core.ids import ChannelId, CommandId, GuildId, ItemId, NodeId
from segue_core.models import GuildRecord, PlayerSnapshot, QueueItem, Track, VoiceLink
from segue_worker.domain.effects import Effect
from segue_worker.domain.faults import Fault
from segue_worker.domain.messages import Command, RequestId, SettingsChanged
from segue_worker.domain.views import NowPlayingView, Words


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPlay:
    """A person's /play whose songs are not in the queue yet; in the order they were asked for."""

    request: RequestId
    command: Command
    loaded: bool = False
    tracks: tuple[Track, ...] = ()
    playlist: str | None = None
    left_out: int = 0


class Waiting(StrEnum):
    """What we wait for before a node may be given our voice data."""

    JOINING = "joining"
    """We asked Discord by op 4."""
    VERDICT = "verdict"
    """Voice closed with 4014 or 4022: kicked, moved, or a new server?"""
    RATE_LIMITED = "rate_limited"
    """Voice closed with 4021."""
    SERVER_AWAY = "server_away"
    """VOICE_SERVER_UPDATE without an endpoint: another one follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnNode:
    """What the player on ``node`` has, as far as its answers told. None: not known, so sent again.

    A player that is new there has no filters.
    """

    node: NodeId
    has_track: bool = False
    paused: bool | None = None
    volume: int | None = None
    filters: Filters | None = PLAIN
    voice: VoiceLink | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPatch:
    """The one PATCH in flight, and what the player has when it succeeds. ``starts``: it sends the song."""

    request: RequestId
    carries_voice: bool
    carries_filters: bool = False
    starts: bool = False
    result: OnNode


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageState:
    """The now-playing message beyond its reference: the post in flight and what it shows.

    ``failed``: it could not be posted; tried again with the next song. ``retired``: how a message
    still being posted is to look when the music has stopped meanwhile.
    """

    posting: RequestId | None = None
    shown: NowPlayingView | None = None
    failed: bool = False
    retired: NowPlayingView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRef:
    """A timer that runs. Only the newest token of a name counts."""

    name: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildState:
    """Everything a decision can depend on, besides the message and the time.

    ``snapshot``, ``queue`` and ``voice`` are durable: a decision that changes them carries a
    ``Commit``. ``voice.channel`` is the channel we want to be in; its other fields are what Discord
    told since we asked. The rest is rebuilt by a successor (see ``adopting.py``):

    ``live``: Redis has keys for this guild. ``expected``: own voice states that our op 4s will cause,
    in order, so that a kick or a move by a moderator is told apart. ``provisional``: we are in the
    channel only for songs that are not found yet. ``audible``: the node said that the current song
    started, so its position advances. ``start_needed``: the current song is still to be sent.
    ``fault``: what was wrong with the song that failed last; ``retried``: the item that was started a
    second time for that; ``replacing``: another one like the current song is being looked for.
    ``leaving``: the node whose player is still heard until the one on ``snapshot.node`` speaks.
    ``halted``: we gave up for the reason given, until somebody asks again.
    """

    snapshot: PlayerSnapshot
    queue: tuple[QueueItem, ...] = ()
    voice: VoiceLink | None = None

    live: bool = False
    settings: SettingsChanged = field(default_factory=SettingsChanged)
    requests: RequestId = 0
    recent: tuple[CommandId, ...] = ()
    timers: tuple[TimerRef, ...] = ()

    loads: tuple[PendingPlay, ...] = ()
    joins: tuple[Command, ...] = ()
    provisional: bool = False

    waiting: Waiting | None = None
    expected: tuple[ChannelId | None, ...] = ()
    rejoined_at: tuple[int, ...] = ()
    connected_at: int = 0
    disconnected_since: int | None = None

    placing: RequestId | None = None
    place_attempts: int = 0
    excluded: tuple[NodeId, ...] = ()
    moved_from: NodeId | None = None
    moved_because: str = ""
    leaving: NodeId | None = None

    on_node: OnNode | None = None
    patch: PendingPatch | None = None
    patch_failures: int = 0
    seek_needed: bool = False

    audible: bool = False
    start_needed: bool = False
    failures: int = 0
    failure_reason: str = ""
    fault: Fault = Fault.BROKEN
    retried: ItemId | None = None
    replacing: RequestId | None = None
    stored_position_ms: int = 0
    stored_position_at: int = 0

    message: MessageState = field(default_factory=MessageState)
    notice: Words | None = None
    halted: Words | None = None

    @property
    def guild(self) -> GuildId:
        """Whose state this is."""
        return self.snapshot.guild

    @property
    def current(self) -> QueueItem | None:
        """The song that plays or is about to."""
        return self.snapshot.current

    @property
    def voice_ready(self) -> bool:
        """Whether a node may be given our voice data now."""
        return self.voice is not None and self.voice.complete and self.waiting is None

    @property
    def has_music(self) -> bool:
        """Whether there is anything to play, or soon may be."""
        return self.current is not None or bool(self.queue) or bool(self.loads)

    @property
    def wants_node(self) -> bool:
        """Whether a player is needed somewhere."""
        return self.current is not None or bool(self.loads)

    def position(self, now: int) -> int:
        """Return where the listener is in the current song, milliseconds."""
        if self.audible:
            return self.snapshot.position(now)
        return self.snapshot.position_ms if self.current is not None else 0

    def has_timer(self, name: str) -> bool:
        """Whether a timer of this name runs."""
        return any(timer.name == name for timer in self.timers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What :func:`segue_worker.domain.decide.decide` answers: effects are performed in order."""

    state: GuildState
    effects: tuple[Effect, ...] = ()


def new_guild(guild: GuildId) -> GuildState:
    """Return the state of a guild without a player."""
    return GuildState(snapshot=PlayerSnapshot(guild=guild))


def restored(record: GuildRecord) -> GuildState:
    """Return the state in which a new holder takes a guild over; ``Adopted`` is to follow."""
    return GuildState(
        snapshot=record.snapshot,
        queue=record.queue,
        voice=record.voice,
        live=True,
        start_needed=record.snapshot.current is not None,
        stored_position_ms=record.snapshot.position_ms,
        stored_position_at=record.snapshot.position_at,
    )
