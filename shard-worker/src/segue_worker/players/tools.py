"""What every guild of a worker shares, and what every guild of a shard shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from segue_core.redis.guilds import GuildStore
from segue_worker.lavalink.loader import TrackLoader
from segue_worker.lavalink.pool import NodePool
from segue_worker.players.journaling import CommandJournal
from segue_worker.players.moves import ShardMoves
from segue_worker.players.ports import (
    Clock,
    Decide,
    Informer,
    Links,
    Meter,
    NowPlaying,
    Placer,
    Recorder,
    Replies,
    Settings,
    StaleHolder,
    Voice,
    Whereabouts,
)
from segue_worker.players.refreshes import Refreshes
from segue_worker.search.desk import SearchDesk
from segue_worker.search.offers import Offers
from segue_worker.shards.lease import LeaseView


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds and counts.

    ``patch``: a PATCH with everything before it, the opening of a session included; it must stay under
    the domain's own time-out. ``retry``: pause before what Redis could not take is tried again.
    """

    patch: float = 3.5
    retry: float = 0.25
    unwritten: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTiming:
    """Seconds. ``look``: how often somebody to move is looked for; ``settle``: how long a move may take.

    ``again``: how long a guild that could not be moved is left alone; ``cooldown``: how long a home region
    must have been well, and a guild at rest, before it goes home.
    """

    look: float = 0.5
    settle: float = 10.0
    again: float = 3.0
    cooldown: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The ports, wired once.

    ``search_prefix`` is Lavalink's name of the source for plain words, ``replacement_prefixes`` those of the
    sources in which a song that failed is looked for.
    """

    decide: Decide
    store: GuildStore
    clock: Clock
    voice: Voice
    replies: Replies
    now_playing: NowPlaying
    placer: Placer
    fleet: Whereabouts
    loader: TrackLoader
    searches: SearchDesk
    offers: Offers
    links: Links
    settings: Settings
    meter: Meter
    journal: CommandJournal
    stale: StaleHolder
    informer: Informer
    recorder: Recorder | None = None
    search_prefix: str = "ytsearch"
    replacement_prefixes: tuple[str, ...] = ("ytsearch",)
    buffer_ms: int = 400
    refreshes: Refreshes = field(default_factory=Refreshes)
    limits: Limits = field(default_factory=Limits)
    planned: PlannedTiming = field(default_factory=PlannedTiming)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTools:
    """What belongs to one held shard."""

    lease: LeaseView
    pool: NodePool
    moves: ShardMoves
