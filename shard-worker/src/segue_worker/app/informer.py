"""Answers about the past and the cluster: from PostgreSQL, Redis, the routers and ourselves.

Each source that can't be asked costs its own facts and no others.
"""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from segue_core import queue_file
from segue_core.ids import ShardId, shard_of
from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE
from segue_core.redis.leases import LeaseState
from segue_core.store import StoreUnavailableError
from segue_worker.domain.effects import Topic
from segue_worker.domain.views import (
    Fact,
    FactName,
    FileView,
    Heard,
    HistoryPage,
    LikedPage,
    LikedSong,
    Phrase,
    ReplyView,
    Tone,
    Words,
)
from segue_worker.routing.view import NodeHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from segue_core.ids import GuildId, NodeId, UserId
    from segue_core.models import QueueItem
    from segue_core.redis.leases import LeasePlane
    from segue_core.store import HistoryRow, RatedSong, Store
    from segue_worker.domain.effects import Inform
    from segue_worker.players.registry import PlayerRegistry
    from segue_worker.routing.view import FleetView
    from segue_worker.shards.manager import ShardManager

_log = get_logger(__name__)

HISTORY_PAGE: Final = 10
LAST_HISTORY_PAGE: Final = 50
"""Further back than this nobody turns page by page; `segue history` reads it all."""
_JSON: Final = "application/json"
_PATIENCE_S: Final = 2.0
"""Longer than this a person is not kept waiting for one source."""


class ClusterInformer:
    """An ``Informer``. ``connect`` it to those who use it before the first guild is opened."""

    def __init__(
        self,
        *,
        store: Store,
        plane: LeasePlane,
        fleet: Callable[[], FleetView],
        num_shards: int,
        pod: str,
        version: str,
        uptime: Callable[[], float],
        latencies: Callable[[], Mapping[int, float]],
    ) -> None:
        self._store = store
        self._plane = plane
        self._fleet = fleet
        self._num_shards = num_shards
        self._pod = pod
        self._version = version
        self._uptime = uptime
        self._latencies = latencies
        self._players: PlayerRegistry | None = None
        self._manager: ShardManager | None = None

    def connect(self, players: PlayerRegistry, manager: ShardManager) -> None:
        """Say whose players and shards to tell of; they are made after it."""
        self._players, self._manager = players, manager

    async def look(self, guild: GuildId, question: Inform) -> ReplyView:
        """Return the answer."""
        match question.topic:
            case Topic.HISTORY:
                return await self._history(guild, question.page, question.played)
            case Topic.LIKED:
                return await self._liked(question.user, question.page)
            case Topic.EXPORT:
                return await self._export(guild, question.queue)
            case Topic.STATS:
                return await self._stats()
            case Topic.NODE:
                return self._node(question.node)
            case Topic.SHARD:
                return self._shard(guild)

    async def _history(self, guild: GuildId, page: int, played: tuple[QueueItem, ...]) -> ReplyView:
        page = min(page, LAST_HISTORY_PAGE)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                rows = await self._store.history(guild, page * HISTORY_PAGE + 1)
        except (StoreUnavailableError, TimeoutError) as error:
            _log.info("informer.history_from_memory", guild=guild, why=str(error) or type(error).__name__)
            remembered = tuple(
                Heard(title=item.track.title, requester=item.requester) for item in reversed(played)
            )
            return _history_view(HistoryPage(page=1, songs=remembered), Phrase.HISTORY_RECENT)
        # A page behind the last one is the last one.
        page = max(1, min(page, -(-len(rows) // HISTORY_PAGE)))
        first = (page - 1) * HISTORY_PAGE
        songs = tuple(_heard(row) for row in rows[first : first + HISTORY_PAGE])
        more = len(rows) > first + HISTORY_PAGE and page < LAST_HISTORY_PAGE
        return _history_view(HistoryPage(page=page, songs=songs, more=more), Phrase.HISTORY)

    async def _liked(self, user: UserId, page: int) -> ReplyView:
        page = min(page, LAST_HISTORY_PAGE)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                rows = await self._store.liked(user, page * HISTORY_PAGE + 1)
        except (StoreUnavailableError, TimeoutError) as error:
            _log.info("informer.liked_unread", why=str(error) or type(error).__name__)
            return ReplyView(tone=Tone.REFUSED, words=Words(phrase=Phrase.LIKED_UNKNOWN))
        page = max(1, min(page, -(-len(rows) // HISTORY_PAGE)))
        first = (page - 1) * HISTORY_PAGE
        songs = tuple(_rated(row) for row in rows[first : first + HISTORY_PAGE])
        more = len(rows) > first + HISTORY_PAGE and page < LAST_HISTORY_PAGE
        words = Words(phrase=Phrase.LIKED if songs else Phrase.LIKED_NONE)
        return ReplyView(tone=Tone.INFO, words=words, liked=LikedPage(page=page, songs=songs, more=more))

    async def _export(self, guild: GuildId, queue: tuple[QueueItem, ...]) -> ReplyView:
        """The queue is ours; without PostgreSQL it is written without what people think of its songs."""
        songs = [(item.track.source, item.track.identifier) for item in queue]
        counts: Mapping[tuple[str, str], queue_file.Counts] | None = None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                counts = await self._store.counts(songs)
        except (StoreUnavailableError, TimeoutError) as error:
            _log.info("informer.counts_unread", guild=guild, why=str(error) or type(error).__name__)
        unheard = None if counts is None else queue_file.Counts()
        items = (
            (item, unheard if counts is None else counts.get(song, unheard))
            for item, song in zip(queue, songs, strict=True)
        )
        file = FileView(name="queue.json", data=queue_file.write(guild, items), content_type=_JSON)
        words = Words(phrase=Phrase.EXPORTED, values={"count": len(queue)})
        return ReplyView(tone=Tone.INFO, words=words, file=file)

    async def _stats(self) -> ReplyView:
        nodes = tuple(self._fleet().nodes.values())
        ready = sum(node.health is NodeHealth.READY for node in nodes)
        facts = [
            Fact(name=FactName.VERSION, value=self._version),
            Fact(name=FactName.UPTIME, value=round(self._uptime() * 1000)),
            *await self._asked(self._of_the_plane()),
        ]
        if nodes:
            facts.append(Fact(name=FactName.NODES_READY, value=ready, of=len(nodes)))
            facts.append(Fact(name=FactName.PLAYERS, value=sum(node.players for node in nodes)))
        if self._players is not None:
            facts.append(Fact(name=FactName.PLAYING_HERE, value=self._players.summary().playing))
        return _facts_view(Phrase.STATS, facts)

    async def _of_the_plane(self) -> list[Fact]:
        leases, workers = await self._plane.overview(), await self._plane.workers()
        held = sum(lease.state is LeaseState.HELD for lease in leases)
        return [
            Fact(name=FactName.WORKERS, value=len(workers)),
            Fact(name=FactName.SPARES, value=sum(not worker.held for worker in workers)),
            Fact(name=FactName.SHARDS_HELD, value=held, of=self._num_shards),
        ]

    async def _asked(self, question: Coroutine[None, None, list[Fact]]) -> list[Fact]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await question
        except (RedisError, *UNREACHABLE) as error:
            _log.info("informer.plane_unread", error=type(error).__name__)
            return []

    def _node(self, node: NodeId | None) -> ReplyView:
        if node is None:
            return ReplyView(tone=Tone.INFO, words=Words(phrase=Phrase.NO_NODE_YET))
        facts: list[Fact] = []
        seen = self._fleet().nodes.get(node)
        if seen is not None:
            facts += [
                Fact(name=FactName.REGION, value=seen.region),
                Fact(name=FactName.HEALTH, value=seen.health.value),
                Fact(name=FactName.PLAYERS, value=seen.players, of=seen.capacity or None),
            ]
        stats = self._players.node_stats().get(node) if self._players is not None else None
        if stats is not None:
            facts += [
                Fact(name=FactName.CPU, value=round(stats.system_load * 100)),
                Fact(name=FactName.MEMORY, value=stats.memory_used_bytes),
                Fact(name=FactName.UPTIME, value=stats.uptime_ms),
            ]
            if stats.frame_deficit is not None:
                facts.append(Fact(name=FactName.FRAMES_MISSING, value=round(stats.frame_deficit * 100)))
        return _facts_view(Phrase.NODE, facts, node=node)

    def _shard(self, guild: GuildId) -> ReplyView:
        shard = shard_of(guild, self._num_shards)
        facts = [
            Fact(name=FactName.SHARD, value=shard, of=self._num_shards),
            Fact(name=FactName.WORKER, value=self._pod),
            *self._held(shard),
        ]
        latency = self._latencies().get(shard, float("nan"))
        if latency >= 0:  # not a number before the first heartbeat
            facts.append(Fact(name=FactName.LATENCY, value=round(latency * 1000)))
        if self._players is not None:
            facts.append(Fact(name=FactName.PLAYERS, value=len(self._players.live_guilds(shard))))
        return _facts_view(Phrase.SHARD, facts, shard=shard)

    def _held(self, shard: ShardId) -> list[Fact]:
        lease = None if self._manager is None else self._manager.lease(shard)
        if lease is None or self._manager is None:
            return []
        status = next(one for one in self._manager.status() if one.shard == shard)
        return [
            Fact(name=FactName.EPOCH, value=lease.epoch),
            Fact(name=FactName.GATEWAY, value=status.gateway.value),
        ]


def _heard(row: HistoryRow) -> Heard:
    return Heard(
        title=row.title,
        requester=row.user,
        at=round(row.played_at.astimezone(UTC).timestamp() * 1000),
        skipped=not row.played_fully,
    )


def _rated(row: RatedSong) -> LikedSong:
    return LikedSong(
        title=row.title,
        author=row.author,
        length_ms=row.duration_ms,
        liked=row.liked,
        saved=row.saved,
    )


def _history_view(page: HistoryPage, phrase: Phrase) -> ReplyView:
    words = Words(phrase=phrase if page.songs else Phrase.HISTORY_EMPTY)
    return ReplyView(tone=Tone.INFO, words=words, history=page)


def _facts_view(phrase: Phrase, facts: list[Fact], **values: str | int) -> ReplyView:
    return ReplyView(tone=Tone.INFO, words=Words(phrase=phrase, values=values), facts=tuple(facts))
