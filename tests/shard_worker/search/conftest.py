"""A node that answers searches and counts them, and what stands in front of it: real sockets, real Valkey."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from segue_core.ids import NodeId
from segue_core.redis.cache import Cache
from segue_core.redis.limits import RateLimits
from segue_worker.lavalink.loader import TrackLoader
from segue_worker.search.desk import SearchDesk
from segue_worker.search.finds import Finds
from segue_worker.search.limits import SearchLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

NODE = NodeId("us-east-0")
HOST = "127.77.3.1"


def document(title: str) -> dict[str, Any]:
    """Return a track as a node describes it."""
    return {
        "encoded": f"enc:{title}",
        "info": {
            "identifier": title,
            "isSeekable": True,
            "author": "The Tubes",
            "length": 200_000,
            "isStream": False,
            "position": 0,
            "title": title,
            "uri": f"https://music.example/{title}",
            "sourceName": "catalogue",
            "artworkUrl": None,
            "isrc": None,
        },
        "pluginInfo": {},
        "userData": {},
    }


@dataclass
class Node:
    """Finds for every search a song of the same name and a second one; it may be slow, or say no."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    slow: asyncio.Event | None = None
    answer: dict[str, Any] | None = None
    status: int = 200

    async def load(self, request: web.Request) -> web.Response:
        identifier = request.query["identifier"]
        self.asked.append(identifier)
        self.reached.set()
        if self.slow is not None:
            await self.slow.wait()
        words = identifier.partition(":")[2]
        found = {"loadType": "search", "data": [document(words), document(f"{words} (live)")]}
        return web.json_response(self.answer or found, status=self.status)


class OneNode:
    """A directory with one node in it."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def address(self, node: NodeId) -> str | None:
        return self._node.address if node == NODE else None


@dataclass
class Hands:
    """A clock that the test turns."""

    time: int = 1_700_000_000_000

    def now(self) -> int:
        return self.time


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """Return a node that listens."""
    made = Node()
    application = web.Application()
    application.router.add_get("/v4/loadtracks", made.load)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    made.address = f"{HOST}:{runner.addresses[0][1]}"
    yield made
    if made.slow is not None:
        made.slow.set()
    await runner.cleanup()


@pytest.fixture
def clock() -> Hands:
    """Return the clock."""
    return Hands()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Return one HTTP session, as a worker has."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def desk(
    redis: RedisClient, keys: Keys, node: Node, clock: Hands, http: aiohttp.ClientSession
) -> AsyncIterator[Callable[..., SearchDesk]]:
    """Return a function that makes the desk of one more worker, over the same Redis."""
    made: list[SearchDesk] = []

    def make(per_user: int = 20, per_guild: int = 60) -> SearchDesk:
        loader = TrackLoader(http, "password", OneNode(node))
        finds = Finds(Cache(redis, keys), clock)
        limits = SearchLimits(per_user=per_user, per_guild=per_guild)
        made.append(SearchDesk(loader, finds, RateLimits(redis, keys), limits))
        return made[-1]

    yield make
    for one in made:
        await one.close()
