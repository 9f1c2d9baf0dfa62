"""Sources are looked at once for all watchers, only while there are any, and never pile up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from segue_devkit.demo.feeds import Feed, SoundFeed, Source
from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

WAIT_S = 5.0
NEVER_S = 3600.0


class Counter:
    """Something to look at that counts the looks, and fails when told."""

    def __init__(self) -> None:
        self.looks = 0
        self.value = 0
        self.broken = False

    async def look(self) -> int:
        """Count, and return the value."""
        self.looks += 1
        if self.broken:
            raise SimError("away")
        return self.value


async def _first(news: AsyncGenerator[tuple[str, str], None], wanted: tuple[str, str]) -> None:
    async with asyncio.timeout(WAIT_S):
        async for found in news:
            if found == wanted:
                return


async def test_many_watchers_cost_one_look() -> None:
    """Ten pages see the value; the source was looked at once."""
    counter = Counter()
    feed = Feed([Source("number", counter.look, NEVER_S)])
    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(contextlib.aclosing(feed.watch())) for _ in range(10)]
        for page in pages:
            await _first(page, ("number", "0"))
        assert feed.watchers == 10
        assert counter.looks == 1


async def test_nobody_watching_costs_nothing_and_coming_back_works() -> None:
    """After the last watcher left nothing is looked at; the next one gets the newest value."""
    counter = Counter()
    feed = Feed([Source("number", counter.look, 0.001)])
    async with contextlib.aclosing(feed.watch()) as news:
        await _first(news, ("number", "0"))
    assert asyncio.all_tasks() == {asyncio.current_task()}
    counter.value = 7
    async with contextlib.aclosing(feed.watch()) as news:
        await _first(news, ("number", "7"))


async def test_a_hint_is_seen_at_once() -> None:
    """What is looked at rarely is looked at when something happened."""
    counter = Counter()
    happened: asyncio.Queue[str] = asyncio.Queue()

    async def hints() -> AsyncIterator[str]:
        while True:
            yield await happened.get()

    feed = Feed([Source("number", counter.look, NEVER_S, hinted=True)], hints)
    async with contextlib.aclosing(feed.watch()) as news:
        await _first(news, ("number", "0"))
        counter.value = 1
        happened.put_nowait("news")
        await _first(news, ("number", "1"))


async def test_trouble_is_told_and_ends() -> None:
    """A source that can't be looked at keeps its last value; watchers hear of trouble and of its end."""
    counter = Counter()
    feed = Feed([Source("number", counter.look, 0.001)])
    async with contextlib.aclosing(feed.watch()) as news:
        await _first(news, ("trouble", "[]"))
        counter.broken = True
        await _first(news, ("trouble", '["number"]'))
        counter.broken = False
        await _first(news, ("trouble", "[]"))


async def test_sound_is_taken_once_for_all_who_listen() -> None:
    """Two listeners get the same blocks of one stream, and its end; a third starts it anew."""
    streams = 0
    go = asyncio.Event()

    async def sound() -> AsyncIterator[bytes]:
        nonlocal streams
        streams += 1
        await go.wait()
        for number in range(3):
            yield bytes([number])

    feed = SoundFeed(sound)

    async def all_of_it() -> list[bytes]:
        return [block async for block in feed.listen()]

    listeners = [asyncio.create_task(all_of_it()) for _ in range(2)]
    await asyncio.sleep(0)
    go.set()
    async with asyncio.timeout(WAIT_S):
        assert await asyncio.gather(*listeners) == [[b"\0", b"\1", b"\2"]] * 2
        assert streams == 1
        assert len(await all_of_it()) == 3
    assert streams == 2


async def test_a_slow_listener_loses_the_oldest_sound() -> None:
    """What is not fetched does not pile up: a second of sound is kept, the newest."""
    done = asyncio.Event()

    async def sound() -> AsyncIterator[bytes]:
        for number in range(200):
            yield bytes([number])
        done.set()
        await asyncio.Event().wait()

    feed = SoundFeed(sound)
    async with contextlib.aclosing(feed.listen()) as blocks:
        first = asyncio.ensure_future(anext(blocks))
        async with asyncio.timeout(WAIT_S):
            await done.wait()
            await first
            kept = [await anext(blocks) for _ in range(49)]
        assert kept[-1] == bytes([199])
