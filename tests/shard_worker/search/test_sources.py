"""A source of music that keeps failing is given a rest: nobody waits for it, and people are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from segue_core.breaker import BreakerState
from segue_core.ids import NodeId
from segue_worker.domain.messages import LoadFailure
from segue_worker.domain.plays import FAILURES
from segue_worker.lavalink.errors import NodeTimeoutError
from segue_worker.lavalink.loader import NoNodeError, SourceRestsError, TrackLoader, source_of
from segue_worker.lavalink.rest import RestTimeouts
from segue_worker.lavalink.tracks import LoadKind
from segue_worker.ui.texts import ENGLISH
from tests.shard_worker.search.conftest import NODE, OneNode

if TYPE_CHECKING:
    import aiohttp

    from tests.shard_worker.search.conftest import Node

BROKEN: dict[str, Any] = {
    "loadType": "error",
    "data": {"message": "Something broke", "severity": "fault", "cause": "java.io.IOException: reset"},
}
THROTTLED: dict[str, Any] = {
    "loadType": "error",
    "data": {"message": "Something broke", "severity": "suspicious", "cause": "status code: 429"},
}


class Hands:
    """A clock."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def fail(loader: TrackLoader, identifier: str, times: int = 5) -> None:
    """Let a source fail that often in a row."""
    for _ in range(times):
        assert (await loader.load(identifier, [NODE])).kind is LoadKind.ERROR


async def test_a_failing_source_rests_and_is_tried_again(http: aiohttp.ClientSession, node: Node) -> None:
    """Five failures: nobody asks a node any more, until one request finds that it works again."""
    clock = Hands()
    loader = TrackLoader(http, "password", OneNode(node), clock=clock)
    node.answer = BROKEN
    await fail(loader, "ytsearch:rain")
    asked = len(node.asked)
    with pytest.raises(SourceRestsError, match="ytsearch kept failing and rests for 15 s"):
        await loader.load("ytsearch:snow", [NODE])
    assert len(node.asked) == asked
    assert loader.sources()["ytsearch"] is BreakerState.OPEN
    clock.now, node.answer = 16.0, None
    assert (await loader.load("ytsearch:snow", [NODE])).kind is LoadKind.SEARCH
    assert loader.sources()["ytsearch"] is BreakerState.CLOSED


async def test_another_source_is_asked_meanwhile(http: aiohttp.ClientSession, node: Node) -> None:
    """What fails at one source is not held against another, nor against the node that said so."""
    loader = TrackLoader(http, "password", OneNode(node))
    node.answer = BROKEN
    await fail(loader, "ytsearch:rain")
    node.answer = None
    assert (await loader.load("scsearch:rain", [NODE])).kind is LoadKind.SEARCH
    assert loader.breakers()[NODE] is BreakerState.CLOSED


async def test_dead_links_close_no_host_to_others(http: aiohttp.ClientSession, node: Node) -> None:
    """Dead links, which anybody can post, speak against themselves; a host that asks for less is spared."""
    loader = TrackLoader(http, "password", OneNode(node))
    node.answer = BROKEN
    await fail(loader, "https://music.example/dead", times=12)
    node.answer = THROTTLED
    await fail(loader, "https://music.example/song")
    with pytest.raises(SourceRestsError, match=r"music\.example"):
        await loader.load("https://music.example/other", [NODE])
    node.answer = None
    await loader.load("https://tunes.example/other", [NODE])


async def test_without_nodes_no_source_is_blamed(http: aiohttp.ClientSession, node: Node) -> None:
    """Nobody could ask it: the source stays open to the first node that comes back."""
    loader = TrackLoader(http, "password", OneNode(node))
    for _ in range(9):
        with pytest.raises(NoNodeError):
            await loader.load("ytsearch:rain", [NodeId("gone")])
    assert loader.sources()["ytsearch"] is BreakerState.CLOSED


class Everywhere:
    """A directory in which every name leads to the one node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def address(self, _node: NodeId) -> str | None:
        return self._node.address


async def test_a_source_that_hangs_rests_too(http: aiohttp.ClientSession, node: Node) -> None:
    """The first node is spared after three time-outs; when the second hangs as well, it is the source."""
    node.slow = asyncio.Event()
    quick = RestTimeouts(load=0.05)
    loader = TrackLoader(http, "password", Everywhere(node), timeouts=quick, clock=Hands())
    for _ in range(5):
        with pytest.raises(NodeTimeoutError):
            await loader.load("ytsearch:rain", [NodeId("a"), NodeId("b")])
    with pytest.raises(SourceRestsError):
        await loader.load("ytsearch:rain", [NodeId("a"), NodeId("b")])
    assert loader.breakers() == {"a": BreakerState.OPEN, "b": BreakerState.CLOSED}


@pytest.mark.parametrize(
    ("identifier", "source"),
    [
        ("ytsearch:a: b", "ytsearch"),
        ("scsearch:https://x", "scsearch"),
        ("https://www.music.example/a?b=c", "www.music.example"),
        ("http://[::1", "local"),
        ("/media/song.mp3", "local"),
        ("C:\\song.mp3", "local"),
        ("", "local"),
    ],
)
def test_whose_service_an_identifier_asks(identifier: str, source: str) -> None:
    """Searches by their prefix, links by their host; whatever else stays on the node."""
    assert source_of(identifier) == source


def test_the_refusal_has_words() -> None:
    """The person is told that it is the service, and what to do."""
    assert "keeps failing" in ENGLISH[FAILURES[LoadFailure.SOURCE_RESTS]]
