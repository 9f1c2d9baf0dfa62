"""What people are told of the past and the cluster, from real PostgreSQL and Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segue_core.events import DomainEvent, Opinion, SongRated, TrackEnded
from segue_core.ids import CommandId, EventId, GuildId, ItemId, NodeId, RegionName, UserId
from segue_core.models import QueueItem, Track
from segue_core.redis.connection import connect
from segue_core.redis.leases import LeasePlane
from segue_core.store import Store
from segue_worker.app.informer import HISTORY_PAGE, ClusterInformer
from segue_worker.domain.effects import Inform, Topic
from segue_worker.domain.views import FactName, Phrase, ReplyView
from segue_worker.routing.view import FleetView, NodeHealth, NodeView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_core.redis.keys import Keys
    from segue_worker.shards.lease import Lease

GUILD = GuildId(77)
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
EAST = NodeId("us-east-0")
FLEET = FleetView(
    nodes={
        EAST: NodeView(
            id=EAST,
            region=RegionName("us-east"),
            address="127.0.0.1:1",
            health=NodeHealth.READY,
            players=3,
            capacity=50,
        ),
        NodeId("eu-0"): NodeView(
            id=NodeId("eu-0"),
            region=RegionName("eu"),
            address="127.0.0.1:2",
            health=NodeHealth.DEAD,
            players=1,
        ),
    }
)


def track(title: str) -> Track:
    """Return a song."""
    return Track(encoded="e", identifier=title, title=title, author="a", length_ms=60_000, source="catalogue")


def informer(store: Store, plane: LeasePlane) -> ClusterInformer:
    """Return one of a worker that holds nothing and plays nothing."""
    return ClusterInformer(
        store=store,
        plane=plane,
        fleet=lambda: FLEET,
        num_shards=4,
        pod="worker-0",
        version="1.2.3",
        uptime=lambda: 3_723.0,
        latencies=lambda: {1: 0.042, 0: float("nan")},
    )


def question(topic: Topic, **changes: object) -> Inform:
    """Return what somebody wants to know."""
    return Inform(command=CommandId("1"), topic=topic, user=UserId(7), **changes)  # type: ignore[arg-type]  # test shorthand


def told(view: ReplyView) -> dict[FactName, tuple[object, object]]:
    """Return the facts by name, each with what it is out of."""
    return {fact.name: (fact.value, fact.of) for fact in view.facts}


async def played(store: Store, *titles: str) -> None:
    """Let songs have been played, one a minute, every second one skipped."""
    await store.append_events(
        [
            DomainEvent(
                id=EventId(f"{number:032x}"),
                guild=GUILD,
                at=1_700_000_000_000 + number * 60_000,
                data=TrackEnded(
                    track=track(title),
                    requester=UserId(7),
                    channel=None,
                    started_at=1_700_000_000_000 + number * 60_000,
                    played_ms=60_000,
                    reason="skipped" if number % 2 else "finished",
                ),
            )
            for number, title in enumerate(titles)
        ]
    )


async def test_liked_songs_are_one_s_own_page_by_page(store: Store, plane: LeasePlane) -> None:
    """The newest first; a page behind the last is the last; nobody is shown another's."""
    desk = informer(store, plane)
    assert (await desk.look(GUILD, question(Topic.LIKED))).words.phrase is Phrase.LIKED_NONE
    songs = [track(f"song {number}") for number in range(HISTORY_PAGE + 3)]
    ratings = [SongRated(track=song, user=UserId(7), opinion=Opinion.LIKE) for song in songs]
    ratings.append(SongRated(track=track("another's"), user=UserId(8), opinion=Opinion.LIKE))
    await store.append_events(
        [
            DomainEvent(id=EventId(f"like-{number}"), guild=GUILD, at=1_700_000_000_000 + number, data=data)
            for number, data in enumerate(ratings)
        ]
    )
    first = (await desk.look(GUILD, question(Topic.LIKED))).liked
    last = (await desk.look(GUILD, question(Topic.LIKED, page=99))).liked
    assert first is not None
    assert last is not None
    assert [song.title for song in first.songs] == [f"song {number}" for number in range(12, 2, -1)]
    assert first.more
    assert (last.page, [song.title for song in last.songs], last.more) == (
        2,
        ["song 2", "song 1", "song 0"],
        False,
    )


async def test_history_is_turned_page_by_page(store: Store, plane: LeasePlane) -> None:
    """The newest first, ten a page; the page behind the last one is the last one."""
    desk = informer(store, plane)
    assert (await desk.look(GUILD, question(Topic.HISTORY))).words.phrase is Phrase.HISTORY_EMPTY
    await played(store, *(f"song {number}" for number in range(HISTORY_PAGE + 3)))
    first = (await desk.look(GUILD, question(Topic.HISTORY))).history
    assert first is not None
    assert [song.title for song in first.songs] == [f"song {number}" for number in range(12, 2, -1)]
    assert (first.more, first.songs[0].skipped, first.songs[1].skipped) == (True, False, True)
    assert first.songs[0].requester == 7
    for wanted in (2, 3, 10**6):
        last = (await desk.look(GUILD, question(Topic.HISTORY, page=wanted))).history
        assert last is not None
        assert (last.page, last.more) == (2, False)
        assert [song.title for song in last.songs] == ["song 2", "song 1", "song 0"]
    other = await desk.look(GuildId(78), question(Topic.HISTORY))
    assert other.words.phrase is Phrase.HISTORY_EMPTY


async def test_without_postgres_the_last_songs_are_remembered(plane: LeasePlane) -> None:
    """What the player itself knows is told, and that it is not all."""
    items = tuple(
        QueueItem(id=ItemId(title), track=track(title), requester=UserId(7), requested_at=0) for title in "ab"
    )
    async with await Store.open(NOWHERE) as away:
        view = await informer(away, plane).look(GUILD, question(Topic.HISTORY, page=4, played=items))
    assert view.words.phrase is Phrase.HISTORY_RECENT
    assert view.history is not None
    assert [song.title for song in view.history.songs] == ["b", "a"]


async def test_stats_count_workers_shards_and_nodes(
    store: Store, plane: LeasePlane, hold: Callable[[str], Awaitable[Lease]]
) -> None:
    """Of the whole cluster, as Redis and the routers have it."""
    await hold("worker-0/a")
    facts = told(await informer(store, plane).look(GUILD, question(Topic.STATS)))
    assert facts[FactName.VERSION] == ("1.2.3", None)
    assert facts[FactName.UPTIME] == (3_723_000, None)
    assert facts[FactName.WORKERS] == (1, None)
    assert facts[FactName.SHARDS_HELD] == (1, 4)
    assert facts[FactName.NODES_READY] == (1, 2)
    assert facts[FactName.PLAYERS] == (4, None)


async def test_stats_without_redis_tell_the_rest(store: Store, keys: Keys) -> None:
    """Each source that can't be asked costs its own facts and no others."""
    nowhere = connect("redis://127.0.0.1:1", "test")
    try:
        facts = told(await informer(store, LeasePlane(nowhere, keys)).look(GUILD, question(Topic.STATS)))
    finally:
        await nowhere.aclose()
    assert FactName.WORKERS not in facts
    assert facts[FactName.NODES_READY] == (1, 2)


@pytest.mark.parametrize("node", [EAST, None, NodeId("of-yesterday")])
async def test_the_guilds_node_is_described(store: Store, plane: LeasePlane, node: NodeId | None) -> None:
    """By region, health and players; a node nobody knows is at least named."""
    view = await informer(store, plane).look(GUILD, question(Topic.NODE, node=node))
    if node is None:
        assert view.words.phrase is Phrase.NO_NODE_YET
        return
    assert view.words.values == {"node": node}
    expected = (3, 50) if node == EAST else None
    assert told(view).get(FactName.PLAYERS) == expected


async def test_the_guilds_shard_is_described(store: Store, plane: LeasePlane) -> None:
    """Number, worker, and the heartbeat once there was one."""
    desk = informer(store, plane)
    on_one = told(await desk.look(GuildId((1 << 22) | 5), question(Topic.SHARD)))
    assert on_one[FactName.SHARD] == (1, 4)
    assert on_one[FactName.WORKER] == ("worker-0", None)
    assert on_one[FactName.LATENCY] == (42, None)
    on_zero = told(await desk.look(GuildId(5), question(Topic.SHARD)))
    assert FactName.LATENCY not in on_zero
