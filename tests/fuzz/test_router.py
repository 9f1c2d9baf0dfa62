"""gRPC requests to the router: answered, or refused with a status that says whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_protos.router.v1 import router_pb2
from segue_router.requests import InvalidFieldError, guild_of, move_of, name_of, text_of, wish_of
from segue_router.server import Lenient, Undecodable
from tests.audio_router.conftest import (
    fake_node,
    make_topology,
    publish_nodes,
    registry,
    routers,
    states,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.message import Message

    from tests.audio_router.conftest import FakeNode, RouterProcess, Routers

__all__ = ["fake_node", "make_topology", "publish_nodes", "registry", "routers", "states", "until"]

REQUESTS: tuple[type[Message], ...] = (
    router_pb2.PlaceRequest,
    router_pb2.ReleaseRequest,
    router_pb2.WatchRequest,
    router_pb2.ListNodesRequest,
    router_pb2.ReplaceRequest,
    router_pb2.CordonRequest,
    router_pb2.DrainRequest,
)
words = st.text(max_size=20) | st.sampled_from(
    (
        "",
        "us-east-1.discord.media:443",
        "host:0",
        "host:99999",
        "[::1]:443",
        "http://x/",
        "x" * 300,
        "\x00",
        "\u0661",
    )
)
places = st.builds(
    router_pb2.PlaceRequest,
    guild_id=st.integers(0, 2**64 - 1),
    shard_id=st.integers(0, 2**32 - 1),
    voice_endpoint=words,
    tier=words,
    preferred_nodes=st.lists(words, max_size=4),
    excluded_nodes=st.lists(words, max_size=4),
)
moves = st.builds(
    router_pb2.ReplaceRequest,
    node=words,
    shard_id=st.integers(0, 2**32 - 1),
    players=st.lists(
        st.builds(
            router_pb2.MovingPlayer,
            guild_id=st.integers(0, 2**64 - 1),
            voice_endpoint=words,
            tier=words,
            listeners=st.integers(0, 2**32 - 1),
        ),
        max_size=4,
    ),
    preferred_nodes=st.lists(words, max_size=4),
    excluded_nodes=st.lists(words, max_size=4),
)
FORESEEN = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
}


@given(places)
def test_a_request_is_a_wish_or_names_its_field(request: router_pb2.PlaceRequest) -> None:
    """What cannot be is refused by the name of the field, before anything is asked or reserved."""
    fields = set(request.DESCRIPTOR.fields_by_name)
    try:
        assert wish_of(request).guild == request.guild_id
    except InvalidFieldError as error:
        assert error.field.partition("[")[0] in fields
        assert len(str(error)) < 1000


@given(moves)
def test_a_move_is_a_wish_or_names_its_field(request: router_pb2.ReplaceRequest) -> None:
    """The same of many players at once: a field inside of one names that one."""
    try:
        assert len(move_of(request).players) == len(request.players)
    except InvalidFieldError as error:
        assert error.field.partition("[")[0] in request.DESCRIPTOR.fields_by_name


@given(st.sampled_from(REQUESTS), st.binary(max_size=300))
def test_any_bytes_are_a_request_or_known_as_none(kind: type[Message], data: bytes) -> None:
    """Protobuf itself never brings the server down."""
    found = Lenient(kind)(data)
    assert isinstance(found, kind | Undecodable)


@given(st.integers(0, 2**64 - 1), st.text(max_size=300))
def test_small_fields_are_taken_or_named(guild: int, watcher: str) -> None:
    """Ids, names and reasons of the smaller calls."""
    reads = (
        lambda: guild_of(guild),
        lambda: name_of("watcher", watcher, "a pod"),
        lambda: text_of("reason", watcher),
    )
    for read in reads:
        try:
            read()
        except InvalidFieldError as error:
            assert error.field in {"guild_id", "watcher", "reason"}


@pytest.fixture
async def router(
    routers: Routers,
    fake_node: Callable[[], Awaitable[FakeNode]],
    publish_nodes: Callable[..., Awaitable[Any]],
    states: Callable[..., Awaitable[Any]],
) -> RouterProcess:
    """Return a router in a process of its own, with one node that is ready."""
    await publish_nodes({"us-east-0": (await fake_node()).address})
    started = await routers.start()
    await states(started, us_east_0="READY")
    return started


@pytest.mark.timeout(120)
@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("Place", "Release", "ListNodes", "Replace", "Uncordon")),
            (places | moves).map(lambda one: one.SerializeToString()) | st.binary(max_size=200),
        ),
        min_size=1,
        max_size=5,
    )
)
async def test_a_router_that_is_sent_anything_blames_the_right_one(
    router: RouterProcess, sent: list[tuple[str, bytes]]
) -> None:
    """Raw bytes and odd requests on a real socket: never INTERNAL or UNKNOWN, and it serves on after them."""
    for name, data in sent:
        try:
            await router.channel.unary_unary(f"/segue.router.v1.AudioRouter/{name}", None, None)(
                data, timeout=5
            )
        except grpc.aio.AioRpcError as error:
            assert error.code() in FORESEEN, (error.code(), error.details())
            assert error.details()
    good = router_pb2.PlaceRequest(guild_id=7, voice_endpoint="us-east1.discord.media:443")
    assert (await router.stub.Place(good, timeout=5)).node.id == "us-east-0"
