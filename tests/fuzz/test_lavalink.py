"""A node's words and answers: understood, noted as odd, or a typed error that names the node."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_core.codec import decode, encode
from segue_core.ids import GuildId, ItemId, NodeId, NodeSessionId, UserId
from segue_core.models import QueueItem
from segue_worker.lavalink.errors import MalformedFrameError, NodeError
from segue_worker.lavalink.rest import NodeRest, PlayerPatch
from segue_worker.lavalink.tracks import LoadKind, parse_load, parse_track
from segue_worker.lavalink.wire import NodeStats, PlayerUpdate, parse_frame, parse_player
from tests.fuzz.mutate import as_text, mutated, received, texts
from tests.fuzz.samples import LOADS, NODE_FRAMES, PLAYER, TRACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from segue_core.models import Track

LONGEST_MS = 2**63 - 1


@given(texts | mutated(NODE_FRAMES).map(as_text))
def test_a_frame_is_understood_or_malformed(text: str) -> None:
    """Any text: a frame whose numbers can be reckoned with, or MalformedFrameError."""
    try:
        frame = parse_frame(text)
    except MalformedFrameError as error:
        assert str(error)
        return
    if isinstance(frame, PlayerUpdate):
        assert 0 <= frame.position_ms <= LONGEST_MS
    if isinstance(frame, NodeStats):
        assert frame.frame_deficit is None or 0 <= frame.frame_deficit <= 1


@given(st.binary(max_size=300))
def test_bytes_are_a_frame_or_malformed(data: bytes) -> None:
    """Bytes of no text at all are malformed, too."""
    try:
        parse_frame(data)
    except MalformedFrameError as error:
        assert str(error)


@given(mutated((PLAYER,)).map(received))
def test_a_player_is_understood_or_malformed(document: Any) -> None:
    """A successor reads players of a node it never spoke to: each is read, or refused as malformed."""
    try:
        player = parse_player(document)
    except MalformedFrameError as error:
        assert str(error)
        return
    assert 0 <= player.position_ms <= LONGEST_MS
    if player.track is not None:
        storable(player.track)


@given(mutated(LOADS).map(received))
def test_a_load_is_understood_or_malformed(document: Any) -> None:
    """What comes of a search can be queued and stored; an error has words, never a failure of ours."""
    try:
        result = parse_load(document)
    except MalformedFrameError as error:
        assert str(error)
        return
    assert not result.throttled or result.kind is LoadKind.ERROR
    for track in result.tracks:
        storable(track)


@given(mutated((TRACK,)).map(received))
def test_a_track_is_understood_or_malformed(document: Any) -> None:
    """As a node describes it in decodetrack."""
    try:
        storable(parse_track(document))
    except MalformedFrameError as error:
        assert str(error)


def storable(track: Track) -> None:
    """Check that a track can be kept in a queue: that is where it goes next."""
    assert 0 <= track.length_ms <= LONGEST_MS
    item = QueueItem(id=ItemId("i"), track=track, requester=UserId(1), requested_at=0)
    assert decode(QueueItem, encode(item)) == item


class Node:
    """A node that answers everything with one status and body."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.address = ""

    async def answer(self, _request: web.Request) -> web.Response:
        return web.Response(status=self.status, body=self.body, content_type="application/json")


async def node() -> AsyncIterator[Node]:
    """Listen on a free port."""
    made = Node()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


bodies = (
    mutated((*LOADS, [PLAYER], TRACK)).map(lambda one: as_text(one).encode())
    | st.binary(max_size=200)
    | texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from((200, 200, 200, 204, 302, 400, 401, 404, 418, 429, 500, 503)), bodies),
        max_size=6,
    )
)
async def test_an_answer_is_a_value_or_a_nodes_error(answers: list[tuple[int, bytes]]) -> None:
    """Every call gives its value or a NodeError, whatever status and body come back."""
    session = NodeSessionId("s")
    async for one in node():
        async with aiohttp.ClientSession() as http:
            rest = NodeRest(NodeId("n"), one.address, "password", http)
            for status, body in answers:
                one.status, one.body = status, body
                calls: tuple[Callable[[], Awaitable[object]], ...] = (
                    partial(rest.load, "ytsearch:rain"),
                    partial(rest.decode, "QAAA"),
                    partial(rest.players, session),
                    partial(rest.patch_player, session, GuildId(1), PlayerPatch()),
                    partial(rest.destroy_player, session, GuildId(1)),
                )
                for call in calls:
                    try:
                        await call()
                    except NodeError as error:
                        assert error.node == "n"
