"""Everything a decision can ask the world to do. Frozen values that serialise.

The interpreter performs the effects of one decision in order. ``Commit`` comes first where there is
one: when Redis refuses it, neither the new state nor the effects behind it happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from segue_core.events import EventData
from segue_core.filters import Filters
from segue_core.ids import ChannelId, CommandId, ItemId, NodeId, UserId
from segue_core.models import MessageRef, QueueItem, Track, VoiceLink
from segue_worker.domain.messages import RequestId
from segue_worker.domain.views import NowPlayingView, ReplyView


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Write what changed of the durable state (snapshot, queue, voice), fenced and versioned.

    ``command``: remembered as applied; when it already was, the commit is refused as a duplicate.
    ``closes``: the guild has no player any more; its keys are removed, and versions begin again at 0.

    The version written is that of the decision's new snapshot (one more than before); the base is the
    version of the state before.
    """

    command: CommandId | None = None
    events: tuple[EventData, ...] = ()
    closes: bool = False


class QueryKind(StrEnum):
    """What the words of a query are."""

    TYPED = "typed"
    """A link or words to search for, as somebody typed them."""
    FILE = "file"
    """The link of a file that was sent with the command."""
    QUEUE = "queue"
    """The link of a file with a queue in it, that was sent with the command."""
    OFFER = "offer"
    """The name of a list that was shown; the song at ``place`` of it is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTracks:
    """Find out what ``query`` means, on behalf of ``user``. Answered by ``Loaded``."""

    request: RequestId
    query: str
    user: UserId
    kind: QueryKind = QueryKind.TYPED
    place: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSongs:
    """Search for ``query`` and show ``user`` what is found, to choose from; that is the command's answer."""

    command: CommandId
    query: str
    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class FindReplacement:
    """Search other sources for the song ``track``, which failed. Answered by ``Loaded``, with one or none."""

    request: RequestId
    track: Track
    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Ask where to play. Answered by ``Placed``."""

    request: RequestId
    endpoint: str
    excluded: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlacement:
    """Give the node's room back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendVoiceState:
    """Gateway op 4: join, move to, or (None) leave a voice channel."""

    channel: ChannelId | None
    self_deaf: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchPlayer:
    """One PATCH of the player on ``node``; what is None is left as it is. Answered by ``Patched``.

    ``item`` sets the track (its ``encoded``), with userData {item, generation, version};
    ``stop`` sets it to null. ``position_ms`` applies with the track or alone (a seek). ``playing`` names
    the track's item for the userData, also when the track itself is left as it is (userData sent
    alone restarts nothing); None with no track. ``filters`` replaces all of them. Never two in flight
    for a guild.
    """

    request: RequestId
    node: NodeId
    generation: int
    version: int
    playing: ItemId | None = None
    item: QueueItem | None = None
    stop: bool = False
    position_ms: int | None = None
    paused: bool | None = None
    volume: int | None = None
    filters: Filters | None = None
    voice: VoiceLink | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyPlayer:
    """DELETE the player on ``node``; best effort, a dead node is not waited for."""

    node: NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer a command: once for each.

    A slash command's (ephemeral, deferred) answer is edited. ``from_button``: the original is the
    now-playing message, so an OK is seen there and nothing is sent; any other tone is told to the
    person alone, in a follow-up.
    """

    command: CommandId
    view: ReplyView
    from_button: bool = False


class Topic(StrEnum):
    """What a guild itself does not know."""

    HISTORY = "history"
    LIKED = "liked"
    EXPORT = "export"
    STATS = "stats"
    NODE = "node"
    SHARD = "shard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inform:
    """Answer a command with what others know; like a ``Reply``, once for each.

    ``queue`` is to be written down, the song that plays first. ``user`` asks; ``page``: of a list.
    ``played``: the songs we remember ourselves, the newest last, in case the store
    can't be asked. ``node``: where the guild plays.
    """

    command: CommandId
    topic: Topic
    user: UserId
    page: int = 1
    node: NodeId | None = None
    played: tuple[QueueItem, ...] = ()
    queue: tuple[QueueItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowNowPlaying:
    """Bring the guild's one message up to date.

    ``ref`` None: post it in ``channel``, answered by ``Posted``; ``nonce`` (at most 25 characters, sent
    with enforce_nonce) keeps a successor from posting it again. Edits are coalesced: only the newest
    view counts; an edit that finds no message is answered by ``Posted(lost=True)``. ``refresh``: nothing but
    the position has changed, so it may be left out when there is much to do.
    """

    request: RequestId
    channel: ChannelId
    ref: MessageRef | None
    view: NowPlayingView
    nonce: str = ""
    refresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Post ``TimerFired(name, token)`` in ``delay_ms``; replaces a timer of the same name."""

    name: str
    token: int
    delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTimer:
    """Forget a timer."""

    name: str


Effect = (
    Commit
    | LoadTracks
    | OfferSongs
    | FindReplacement
    | Place
    | ReleasePlacement
    | SendVoiceState
    | PatchPlayer
    | DestroyPlayer
    | Reply
    | Inform
    | ShowNowPlaying
    | SetTimer
    | CancelTimer
)
