"""A song that failed is looked for in one source after the other; the nodes' answers are real HTTP."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import pytest
from aiohttp import web

from segue_core.ids import GuildId, NodeId, UserId
from segue_core.models import Track
from segue_core.redis.cache import Cache
from segue_core.redis.clock import RedisClock
from segue_core.redis.limits import RateLimits
from segue_worker.domain.effects import FindReplacement
from segue_worker.domain.messages import LoadFailure
from segue_worker.lavalink.loader import TrackLoader
from segue_worker.players.replacing import find_replacement
from segue_worker.search.desk import SearchDesk
from segue_worker.search.finds import Finds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_worker.players.tools import Tools

GUILD = GuildId(77)
NODE = NodeId("us-east-0")
HOST = "127.77.6.1"


def song(title: str, source: str, length_ms: int = 200_000) -> Track:
    """Return a song of a source."""
    return Track(
        encoded=f"enc:{source}",
        identifier=f"{source}-1",
        title=title,
        author="The Tubes",
        length_ms=length_ms,
        source=source,
    )


class Sources:
    """What each source finds, whatever is asked; a source without an answer fails."""

    def __init__(self) -> None:
        self.found: dict[str, list[Track]] = {}
        self.asked: list[str] = []
        self.address = ""

    def address_of(self, node: NodeId) -> str | None:
        return self.address if node == NODE else None

    async def load(self, request: web.Request) -> web.Response:
        prefix, _, words = request.query["identifier"].partition(":")
        self.asked.append(f"{prefix}: {words}")
        if prefix not in self.found:
            return web.json_response({"message": "broken"}, status=500)
        return web.json_response(
            {"loadType": "search", "data": [document(track) for track in self.found[prefix]]}
        )


def document(track: Track) -> dict[str, Any]:
    """Return a track as a node describes it."""
    return {
        "encoded": track.encoded,
        "info": {
            "identifier": track.identifier,
            "isSeekable": True,
            "author": track.author,
            "length": track.length_ms,
            "isStream": False,
            "position": 0,
            "title": track.title,
            "uri": None,
            "sourceName": track.source,
            "artworkUrl": None,
            "isrc": None,
        },
        "pluginInfo": {},
        "userData": {},
    }


@pytest.fixture
async def sources() -> AsyncIterator[Sources]:
    """Return a node with sources."""
    made = Sources()
    application = web.Application()
    application.router.add_get("/v4/loadtracks", made.load)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    made.address = f"{HOST}:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def tools(sources: Sources, redis: RedisClient, keys: Keys) -> AsyncIterator[Tools]:
    """Return as much of the tools as a replacement takes."""
    async with aiohttp.ClientSession() as http:
        directory = SimpleNamespace(address=sources.address_of)
        loader = TrackLoader(http, "password", directory)
        desk = SearchDesk(loader, Finds(Cache(redis, keys), RedisClock()), RateLimits(redis, keys))
        fleet = SimpleNamespace(candidates=lambda _guild: (NODE,))
        made = SimpleNamespace(
            searches=desk, fleet=fleet, replacement_prefixes=("ytsearch", "scsearch", "bcsearch")
        )
        yield cast("Tools", made)
        await desk.close()


def failed(track: Track) -> FindReplacement:
    """Return the question for another one like ``track``."""
    return FindReplacement(request=5, track=track, user=UserId(1))


async def test_the_first_source_that_has_the_same_song_is_taken(sources: Sources, tools: Tools) -> None:
    """A broken source and one with another song are passed over; later ones are not asked."""
    right = song("Night Drive (Official Audio)", "soundcloud")
    sources.found = {"scsearch": [song("Night Drive (Live)", "soundcloud"), right]}
    loaded = await find_replacement(failed(song("Night Drive", "youtube")), GUILD, tools)
    assert (loaded.request, loaded.tracks) == (5, (right,))
    assert sources.asked == ["ytsearch: Night Drive The Tubes", "scsearch: Night Drive The Tubes"]


async def test_nothing_alike_is_nothing_found(sources: Sources, tools: Tools) -> None:
    """Neither the very entry that failed, nor one of another length, nor silence of all sources."""
    same = song("Night Drive", "youtube")
    sources.found = {"ytsearch": [same], "scsearch": [song("Night Drive", "soundcloud", 600_000)]}
    loaded = await find_replacement(failed(same), GUILD, tools)
    assert loaded.failure is LoadFailure.NOTHING_FOUND
    assert len(sources.asked) == 3


async def test_a_song_without_a_name_is_not_looked_for(sources: Sources, tools: Tools) -> None:
    """No source is bothered with words that mean nothing."""
    loaded = await find_replacement(failed(song("Unknown title", "http")), GUILD, tools)
    assert loaded.failure is LoadFailure.NOTHING_FOUND
    assert sources.asked == []
