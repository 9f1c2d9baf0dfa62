"""What players need from the rest of the worker, each as small as it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from segue_core.ids import (
    ChannelId,
    CommandId,
    Epoch,
    GuildId,
    MessageId,
    NodeId,
    RegionName,
    ShardId,
    TierName,
)
from segue_worker.domain.messages import Command, LoadFailure, Message, SettingsChanged
from segue_worker.domain.state import Decision, GuildState

if TYPE_CHECKING:
    from segue_core.models import MessageRef
    from segue_core.redis.guilds import JournalEntry
    from segue_worker.domain.effects import Inform, Reply
    from segue_worker.domain.views import NowPlayingView, ReplyView

Decide = Callable[[GuildState, Message, int], Decision]
"""``domain.decide.decide``: pure; the time is Redis time, ms."""


class Clock(Protocol):
    """Redis time."""

    def now(self) -> int:
        """Return it in milliseconds."""


class Voice(Protocol):
    """Our voice states, by gateway op 4."""

    async def send_voice_state(self, guild: GuildId, channel: ChannelId | None, *, self_deaf: bool) -> None:
        """Join, move to or (None) leave a channel. What Discord does about it comes as messages.

        Waits within the gateway's send budget; raises when the gateway is closed for good.
        """


class Replies(Protocol):
    """Answers to people."""

    async def reply(self, guild: GuildId, reply: Reply) -> None:
        """Edit the command's original answer, or follow up. Not being able to is its own to report."""


class Informer(Protocol):
    """Knows what a guild itself does not: the past, and the cluster."""

    async def look(self, guild: GuildId, question: Inform) -> ReplyView:
        """Return the answer; what can't be learnt now is left out, or said so in words. Never raises."""


class MessageLostError(Exception):
    """The message, or its channel, is no longer there."""


class MessageRefusedError(Exception):
    """Discord does not let us post or edit it, or did not answer; the words say why."""


class NowPlaying(Protocol):
    """The guild's one message. Rate limits are waited for inside."""

    async def create(self, channel: ChannelId, view: NowPlayingView, *, nonce: str) -> MessageId:
        """Post it; the same ``nonce`` twice posts once. Raises MessageRefusedError."""

    async def edit(self, ref: MessageRef, view: NowPlayingView) -> None:
        """Edit it. Raises MessageLostError, MessageRefusedError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceQuery:
    """Where should this guild play? ``preferred``: nodes the shard has a session on."""

    guild: GuildId
    shard: ShardId
    endpoint: str
    tier: TierName
    preferred: tuple[NodeId, ...] = ()
    excluded: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The answer. ``node`` None: nobody has room, ``detail`` says why.

    ``retry_after_ms``: there is room, but too many players begin there just now; 0 otherwise.
    """

    node: NodeId | None
    region: str = ""
    detail: str = ""
    retry_after_ms: int = 0


class MoveReason(StrEnum):
    """Why players leave a node; stands in the fact of the move."""

    LOST = "node_lost"
    DRAIN = "drain"
    HOME = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingGuild:
    """A player that needs another node."""

    guild: GuildId
    endpoint: str
    tier: TierName
    listeners: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveQuery:
    """Where should these players of one shard go, that leave ``node``?"""

    node: NodeId
    shard: ShardId
    reason: MoveReason
    players: tuple[MovingGuild, ...]
    preferred: tuple[NodeId, ...] = ()


class Placer(Protocol):
    """Asks a router, and knows what to do without one. Never raises."""

    async def place(self, query: PlaceQuery) -> Placement:
        """Choose and reserve."""

    async def replace(self, query: MoveQuery) -> dict[GuildId, Placement]:
        """Choose and reserve for all of them at once; an answer for each."""

    async def release(self, guild: GuildId) -> None:
        """Give the reservation back; best effort."""


class Fleet(Protocol):
    """What is known of the nodes, for choosing one to load from."""

    def candidates(self, guild: GuildId) -> Iterable[NodeId]:
        """Return usable nodes, the guild's own favourite first."""


class Whereabouts(Fleet, Protocol):
    """And which nodes are to be left, and where guilds belong."""

    def draining(self) -> frozenset[NodeId]:
        """Return the nodes that are to be emptied."""

    def home_of(self, endpoint: str) -> RegionName | None:
        """Return the region of ours that a voice endpoint is in."""

    def region_of(self, node: NodeId) -> RegionName | None:
        """Return the region a node is in."""

    def usable_for(self, region: RegionName) -> float:
        """Return for how many seconds the region has had a usable node without a break; 0: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeLink:
    """``identifier`` is what a node may be given; where it leads was looked at."""

    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLink:
    """The words were a link that must not, or cannot, be fetched."""

    failure: LoadFailure
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotALink:
    """Plain words: to be searched for, with Lavalink's ``prefix`` where the person chose one."""

    words: str
    prefix: str = ""


class Links(Protocol):
    """The guard between people's links and our network."""

    async def check(self, text: str) -> SafeLink | RefusedLink | NotALink:
        """Say what ``text`` is, following redirects. Never raises."""

    async def fetch(self, url: str, most: int) -> bytes | RefusedLink:
        """Return a small file that was sent to us, or why it can't be had. Never raises."""

    async def check_file(self, url: str) -> SafeLink | RefusedLink | NotALink:
        """The same for the link of a file that was sent to us. Never raises."""


class Settings(Protocol):
    """A guild's limits."""

    async def of(self, guild: GuildId) -> SettingsChanged:
        """Return them, from a cache or stale if the store is away. Never raises."""


class Recovery(Protocol):
    """Turns what a predecessor journaled into the commands it was about to carry out."""

    def knows(self, command: CommandId) -> bool:
        """Whether this very process was given the command: then it is not a predecessor's."""

    async def command(self, guild: GuildId, entry: JournalEntry) -> Command | None:
        """Return it marked ``replayed``, its answer reachable again. Never raises.

        None: it is over, because it can't be read, was never acknowledged in time, or was answered.
        """


class StaleHolder(Protocol):
    """Is told when Redis says that a shard is somebody else's."""

    def __call__(self, shard: ShardId, epoch: Epoch, /) -> None:
        """Let the shard go."""


class Meter(Protocol):
    """Counts what players do."""

    def mailbox_depth(self, depth: int) -> None:
        """A message was posted to a mailbox that now has so many."""

    def message_refused(self, kind: str) -> None:
        """A full or closed mailbox did not take a message."""

    def committed(self, outcome: str, seconds: float) -> None:
        """A commit ended: ok, duplicate, stale_epoch, expired, version_conflict or unreachable."""

    def effect(self, kind: str, outcome: str, seconds: float) -> None:
        """An effect was performed: ok or failed."""

    def track_started(self) -> None:
        """A song became audible."""


class Recorder(Protocol):
    """Keeps what reached mailboxes, for replay."""

    def record(self, guild: GuildId, message: Message, now: int) -> None:
        """Remember it. Must be cheap."""
