"""Discord's gateway: whatever comes over it is understood, passed over by name, or ends the connection."""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_core.codec import decode
from segue_core.ids import Epoch, OwnerId, ShardId, UserId
from segue_core.models import Fence
from segue_worker.app.journal import Journaled
from segue_worker.commands.parse import Ignored, Refused, Wish, parse_interaction
from segue_worker.gateway.connection import Chances, Connection, Ended
from segue_worker.gateway.errors import TransportError
from segue_worker.gateway.events import Interaction
from segue_worker.gateway.inflate import LARGEST_PAYLOAD, Compression, inflater
from segue_worker.gateway.parse import MalformedPayloadError, parse
from segue_worker.gateway.socket import GatewaySocket
from segue_worker.shards.lease import Grant, Lease
from tests.fuzz.mutate import DEEP, as_text, mutated, received
from tests.fuzz.samples import DISPATCHES, FRAMES, INTERACTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OWN = UserId(1)
CHANCES = Chances(clock=time.monotonic, uniform=random.Random(1).uniform)


@given(
    st.sampled_from(DISPATCHES).flatmap(
        lambda one: st.tuples(st.just(one[0]), mutated((one[1],)).map(received))
    )
)
def test_a_dispatch_is_an_event_or_named_as_malformed(dispatch: tuple[str, Any]) -> None:
    """No payload of an event that we read raises anything but what the feed passes over."""
    name, payload = dispatch
    try:
        parse(name, payload if isinstance(payload, dict) else {}, OWN)
    except MalformedPayloadError as error:
        assert name in str(error)


@given(mutated(INTERACTIONS).map(received))
def test_an_interaction_is_a_wish_a_refusal_or_nothing(payload: Any) -> None:
    """Never an exception; what is carried on fits Discord's ids and tokens, and can be shown and stored."""
    match parse_interaction(payload):
        case Wish() as wish:
            assert 0 < wish.guild < 2**63
            assert 0 < wish.command.user < 2**63
            assert 0 < len(wish.origin.token) <= 1024
            assert "token" not in repr(wish.origin)
        case Refused(origin=origin):
            assert 0 < int(origin.id) < 2**63
        case Ignored(reason=reason):
            assert reason


@given(mutated(INTERACTIONS).map(received))
def test_what_is_journaled_of_an_interaction_is_read_back(payload: Any) -> None:
    """A successor reads in the journal what the dead worker was sent, and takes it for the same wish."""
    before = parse_interaction(payload)
    if not isinstance(before, Wish):
        return
    event = parse("INTERACTION_CREATE", payload, OWN)
    assert isinstance(event, Interaction)
    stored = Journaled(payload=dict(event.payload)).stored()
    assert parse_interaction(decode(Journaled, stored).payload) == before


@given(st.sampled_from(list(Compression)), st.lists(st.binary(max_size=200), max_size=8))
def test_bytes_of_no_stream_end_the_connection_in_words(kind: Compression, pieces: list[bytes]) -> None:
    """Any bytes give payloads, nothing yet, or a TransportError; after one the connection is over."""
    stream = inflater(kind)
    try:
        for piece in pieces:
            assert isinstance(stream.feed(piece), bytes | None)
    except TransportError as error:
        assert "unreadable" in str(error) or "larger" in str(error)


@given(st.data())
def test_damage_in_a_stream_is_noticed_or_harmless(data: st.DataObject) -> None:
    """One byte of a real stream changed: payloads, nothing, or a TransportError."""
    compressor = zlib.compressobj()
    whole = compressor.compress(as_text(FRAMES).encode() * 20) + compressor.flush(zlib.Z_SYNC_FLUSH)
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    try:
        inflater(Compression.ZLIB).feed(broken)
    except TransportError as error:
        assert str(error)


@pytest.mark.parametrize("kind", [Compression.ZLIB, Compression.ZSTD])
def test_a_bomb_is_refused_before_it_fills_memory(kind: Compression) -> None:
    """A few kilobytes that stand for more than any payload: refused, and never held whole."""
    size = LARGEST_PAYLOAD + (1 << 20)
    if kind is Compression.ZLIB:
        made = zlib.compressobj()
        bomb = made.compress(bytes(size)) + made.flush(zlib.Z_SYNC_FLUSH)
    else:
        frame = zstandard.ZstdCompressor().compressobj()
        bomb = frame.compress(bytes(size)) + frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    with pytest.raises(TransportError, match="larger than"):
        inflater(kind).feed(bomb)


def test_a_payload_that_never_ends_is_refused() -> None:
    """Pieces without the mark of an end are not collected for ever."""
    stream = inflater(Compression.ZLIB)
    piece = b"x" * (LARGEST_PAYLOAD // 4)
    for _ in range(4):
        assert stream.feed(piece) is None
    with pytest.raises(TransportError, match="larger than"):
        stream.feed(piece)


class Wire:
    """A gateway that says what the test tells it to, once a connection."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.code = 1000
        self.port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        for message in self.messages:
            send = socket.send_str if isinstance(message, str) else socket.send_bytes
            await send(message)  # type: ignore[arg-type]  # chosen by its type just above
        await socket.close(code=self.code)
        return socket


class Heard:
    """Notes what is dispatched."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def dispatch(self, name: str, seq: int, data: dict[str, Any]) -> None:
        assert isinstance(seq, int)
        assert isinstance(data, dict)
        self.names.append(name)


async def wire() -> AsyncIterator[Wire]:
    """Listen on a free port."""
    made = Wire()
    app = web.Application()
    app.router.add_get("/", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


def lease() -> Lease:
    """Return a lease that lasts."""
    fence = Fence(shard=ShardId(0), epoch=Epoch(1), owner=OwnerId("test/1"), expires_at=2**42)
    return Lease(Grant(fence=fence, deadline=time.monotonic() + 3600), time.monotonic)


async def listen(messages: list[str | bytes], code: int) -> Ended | TransportError:
    """Connect to a gateway that says these messages; return how it ended."""
    async for gateway in wire():
        gateway.messages, gateway.code = messages, code
        socket = await GatewaySocket.open(gateway.url, Compression.NONE)
        connection = Connection(socket, Heard(), lease(), CHANCES)

        async def identify() -> dict[str, Any]:
            return {"op": 2, "d": {}}

        try:
            async with asyncio.timeout(8):
                return await connection.run(await connection.hello(), identify, 0)
        except TransportError as error:
            return error
        finally:
            await socket.close(1000, "done")
    raise AssertionError("the gateway did not start")


HELLO = as_text(FRAMES[0])
junk = (
    st.text(max_size=100)
    | st.binary(max_size=100)
    | mutated(FRAMES).map(as_text)
    | st.sampled_from(DEEP)
    | st.sampled_from(("\ud800".encode("utf-8", "surrogatepass"), b"\xff\xfe", "[1]", "null", "NaN", "1e999"))
)


@settings(max_examples=60)
@given(st.lists(junk, max_size=12), st.sampled_from((1000, 1001, 4000, 4004, 4009, 4014, 4999)))
async def test_a_connection_survives_or_ends_in_words(messages: list[str | bytes], code: int) -> None:
    """Behind HELLO anything may come: it ends as the close code says, or earlier for a reason it names."""
    ended = await listen([HELLO, *messages], code)
    assert isinstance(ended, TransportError) or ended.why


@settings(max_examples=60)
@given(mutated((FRAMES[0],)))
async def test_an_impossible_hello_is_refused(hello: Any) -> None:
    """A heartbeat interval of no, negative, endless or absurdly short time never makes us spin or hang."""
    ended = await listen([as_text(hello)], 4000)
    assert isinstance(ended, TransportError) or ended.why
