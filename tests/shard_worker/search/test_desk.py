"""Searches: remembered, shared, and limited; the node counts what reached it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import GuildId, UserId
from segue_core.redis.cache import Cache, CacheKind
from segue_core.redis.connection import connect
from segue_core.redis.limits import RateLimits
from segue_worker import metrics
from segue_worker.lavalink.loader import NoNodeError, TrackLoader
from segue_worker.lavalink.tracks import LoadKind
from segue_worker.search.desk import SearchDesk, TooManySearchesError
from segue_worker.search.finds import Finds, key_of
from segue_worker.search.limits import Asker, Purpose
from tests.shard_worker.search.conftest import NODE, OneNode

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from tests.shard_worker.search.conftest import Hands, Node

    MakeDesk = Callable[..., SearchDesk]

ANN = Asker(guild=GuildId(7), user=UserId(1))
BOB = Asker(guild=GuildId(7), user=UserId(2))
FAR = Asker(guild=GuildId(8), user=UserId(3))


async def titles(desk: SearchDesk, words: str, asker: Asker = ANN) -> list[str]:
    """Search, and return what was found."""
    result = await desk.search(f"ytsearch:{words}", asker, [NODE])
    assert result.kind is LoadKind.SEARCH
    return [track.title for track in result.tracks]


def counted(source: str) -> float:
    """Return how many searches were answered from ``source`` so far."""
    value = metrics.SEARCHES.labels(source)._value.get()
    return float(value)


async def test_the_second_search_reaches_no_node(desk: MakeDesk, node: Node) -> None:
    """The same worker answers from memory, another one from Redis, however the words were written."""
    one, other = desk(), desk()
    before = {source: counted(source) for source in ("memory", "redis", "node")}
    assert await titles(one, "night drive") == ["night drive", "night drive (live)"]
    assert await titles(one, "  Night   DRIVE ", BOB) == ["night drive", "night drive (live)"]
    assert await titles(other, "night drive", FAR) == ["night drive", "night drive (live)"]
    assert await titles(other, "night drive", FAR) == ["night drive", "night drive (live)"]
    assert node.asked == ["ytsearch:night drive"]
    assert {source: counted(source) - before[source] for source in before} == {
        "memory": 2,
        "redis": 1,
        "node": 1,
    }


async def test_a_find_lives_five_minutes_in_both_layers(desk: MakeDesk, node: Node, clock: Hands) -> None:
    """What came from Redis late is not remembered for five minutes more."""
    one, other = desk(), desk()
    await titles(one, "night drive")
    clock.time += CacheKind.SEARCH.lifetime_ms - 1
    await titles(other, "night drive")
    assert len(node.asked) == 1
    clock.time += 1
    await titles(one, "night drive")
    await titles(other, "night drive")
    assert len(node.asked) == 2


async def test_equal_searches_at_once_are_one(desk: MakeDesk, node: Node) -> None:
    """Ten people ask for the same while the node is slow: it is asked once, and one search is counted."""
    node.slow = asyncio.Event()
    made = desk(per_user=1, per_guild=1)
    waiting = [asyncio.create_task(titles(made, "night drive")) for _ in range(10)]
    await node.reached.wait()
    node.slow.set()
    assert await asyncio.gather(*waiting) == [["night drive", "night drive (live)"]] * 10
    assert node.asked == ["ytsearch:night drive"]


async def test_who_gives_up_waiting_takes_nothing_from_the_others(desk: MakeDesk, node: Node) -> None:
    """The first of two people goes away: the second is answered by the search the first began."""
    node.slow = asyncio.Event()
    made = desk()
    first = asyncio.create_task(titles(made, "night drive"))
    await node.reached.wait()
    second = asyncio.create_task(titles(made, "night drive", BOB))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    node.slow.set()
    assert await second == ["night drive", "night drive (live)"]
    assert node.asked == ["ytsearch:night drive"]


async def test_too_many_searches_are_refused_in_every_process(desk: MakeDesk, node: Node) -> None:
    """A person's limit counts on all workers, and names the time to wait; known answers stay free."""
    one, other = desk(per_user=2), desk(per_user=2)
    await titles(one, "a")
    await titles(other, "b")
    with pytest.raises(TooManySearchesError) as refused:
        await titles(one, "c")
    assert 0 < refused.value.wait_ms <= 30_000
    with pytest.raises(TooManySearchesError):
        await titles(other, "d")
    assert await titles(one, "b") == ["b", "b (live)"]
    assert await titles(other, "c", BOB) == ["c", "c (live)"]
    assert node.asked == ["ytsearch:a", "ytsearch:b", "ytsearch:c"]


async def test_one_person_s_limit_is_not_another_s(desk: MakeDesk, node: Node) -> None:
    """Who joins a search that is refused to the one who began it, asks in their own name."""
    made = desk(per_user=1)
    await titles(made, "a")
    both = await asyncio.gather(titles(made, "b"), titles(made, "b", BOB), return_exceptions=True)
    assert isinstance(both[0], TooManySearchesError)
    assert both[1] == ["b", "b (live)"]
    assert node.asked == ["ytsearch:a", "ytsearch:b"]


async def test_a_guild_has_a_limit_of_its_own(desk: MakeDesk) -> None:
    """Many people of one guild together are held back, and no other guild is."""
    made = desk(per_guild=2)
    await titles(made, "a")
    await titles(made, "b", BOB)
    with pytest.raises(TooManySearchesError):
        await titles(made, "c", Asker(guild=GuildId(7), user=UserId(3)))
    await titles(made, "c", FAR)


async def test_looking_ahead_costs_no_search(desk: MakeDesk) -> None:
    """Words looked up while they are typed leave the person's searches untouched, and have an end too."""
    made = desk(per_user=1)
    typing = Asker(guild=ANN.guild, user=ANN.user, purpose=Purpose.SUGGEST)
    for word in ("n", "ni", "nig", "nigh"):
        await titles(made, word, typing)
    with pytest.raises(TooManySearchesError):
        await titles(made, "night", typing)
    await titles(made, "night drive")


async def test_failures_and_empty_answers_are_not_remembered(desk: MakeDesk, node: Node) -> None:
    """A node in trouble, or one that finds nothing now, is asked again the next time."""
    made = desk()
    node.answer = {"loadType": "empty", "data": None}
    assert (await made.search("ytsearch:a", ANN, [NODE])).kind is LoadKind.EMPTY
    node.answer, node.status = None, 500
    with pytest.raises(NoNodeError):
        await made.search("ytsearch:a", ANN, [NODE])
    node.status = 200
    assert await titles(made, "a") == ["a", "a (live)"]
    assert len(node.asked) == 3


async def test_what_nobody_can_read_is_searched_again(
    desk: MakeDesk, node: Node, redis: RedisClient, keys: Keys
) -> None:
    """An entry of another shape is as good as none."""
    cache = Cache(redis, keys)
    await cache.set(CacheKind.SEARCH, key_of("ytsearch:a"), b'{"tracks": 7}')
    assert await titles(desk(), "a") == ["a", "a (live)"]
    assert len(node.asked) == 1


async def test_without_redis_searches_still_find(
    http: aiohttp.ClientSession, keys: Keys, node: Node, clock: Hands
) -> None:
    """Cache and limits away: the node is asked, and memory still spares it."""
    gone = connect("redis://127.77.3.2:1", "test")
    loader = TrackLoader(http, "password", OneNode(node))
    made = SearchDesk(loader, Finds(Cache(gone, keys), clock), RateLimits(gone, keys))
    try:
        assert await titles(made, "a") == ["a", "a (live)"]
        assert await titles(made, "a") == ["a", "a (live)"]
    finally:
        await made.close()
        await gone.aclose()
    assert len(node.asked) == 1


async def test_memory_is_bounded(redis: RedisClient, keys: Keys, clock: Hands) -> None:
    """Only so many searches are remembered; the one not used for longest goes first."""
    finds = Finds(Cache(redis, keys), clock, remembered=2)
    for key in ("a", "b"):
        await finds.put(key, ())
    assert finds.at_hand("a") == ()
    await finds.put("c", ())
    assert finds.at_hand("b") is None
    assert finds.at_hand("a") == ()
