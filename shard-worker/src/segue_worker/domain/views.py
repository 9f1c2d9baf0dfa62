"""What is to be said, before anybody decides how it looks. ``ui/`` turns these into embeds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from segue_core.models import LoopMode, QueueItem


class Tone(StrEnum):
    """How an answer is meant."""

    OK = "ok"
    INFO = "info"
    REFUSED = "refused"
    FAILED = "failed"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    """An answer to one person: a sentence, and for some commands more below it.

    ``text`` is our own wording; titles inside it come escaped by the one who builds it.
    """

    tone: Tone
    text: str
    item: QueueItem | None = None
    queue: QueuePage | None = None
    progress: NowPlayingView | None = None


class PlayerPhase(StrEnum):
    """What the message shows."""

    STARTING = "starting"
    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class NowPlayingView:
    """The guild's one message. ``ENDED`` shows it retired, without working buttons."""

    phase: PlayerPhase
    item: QueueItem | None
    position_ms: int
    volume: int
    loop: LoopMode
    queued: int
    up_next: tuple[QueueItem, ...] = ()
    node: str = ""
    notice: str = ""
