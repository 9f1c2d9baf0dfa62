"""The router's client against gRPC servers of this process: answers, refusals, silence, nobody there."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import grpc
import pytest

from segue_core.ids import GuildId, NodeId, RegionName, ShardId, TierName
from segue_core.models import Topology, TopologyNode, TopologyRegion
from segue_protos.router.v1 import router_pb2, router_pb2_grpc
from segue_worker.players.ports import PlaceQuery
from segue_worker.routing.client import Router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Context = grpc.aio.ServicerContext[object, object]
    Serve = Callable[["Answers"], Awaitable[str]]
    MakeRouter = Callable[..., Awaitable[Router]]

QUERY = PlaceQuery(
    guild=GuildId(2**64 - 1),
    shard=ShardId(3),
    endpoint="us-east1.discord.gg:443",
    tier=TierName("free"),
    preferred=(NodeId("us-east-1"),),
    excluded=(NodeId("us-east-9"),),
)
TOPOLOGY = Topology(
    generation=4,
    num_shards=1,
    regions=(TopologyRegion(name=RegionName("us-east"), voice_prefixes=("us-east",)),),
    nodes=(TopologyNode(id=NodeId("us-east-5"), region=RegionName("us-east"), address="127.0.0.5:2333"),),
)


class Answers(router_pb2_grpc.AudioRouterServicer):
    """A router that answers what the test says."""

    def __init__(self, node: str = "us-east-1") -> None:
        self.node = node
        self.refuses: tuple[grpc.StatusCode, str] | None = None
        self.silent = False
        self.placed: list[router_pb2.PlaceRequest] = []
        self.released: list[int] = []
        self.watchers: list[str] = []
        self.views: asyncio.Queue[router_pb2.WatchResponse | None] = asyncio.Queue()

    async def Place(  # noqa: N802 - gRPC's name
        self, request: router_pb2.PlaceRequest, context: Context
    ) -> router_pb2.PlaceResponse:
        self.placed.append(request)
        if self.silent:
            await asyncio.sleep(30)
        if self.refuses is not None:
            await context.abort(*self.refuses)
        node = router_pb2.Node(id=self.node, region="us-east", address="127.0.0.1:2333")
        return router_pb2.PlaceResponse(node=node, effective_region="us-east")

    async def Release(  # noqa: N802 - gRPC's name
        self, request: router_pb2.ReleaseRequest, context: Context
    ) -> router_pb2.ReleaseResponse:
        assert context is not None
        self.released.append(request.guild_id)
        return router_pb2.ReleaseResponse(released=True)

    async def ListNodes(  # noqa: N802 - gRPC's name
        self, request: router_pb2.ListNodesRequest, context: Context
    ) -> router_pb2.ListNodesResponse:
        assert request.region == ""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "workers don't list")
        raise AssertionError("abort has raised")

    async def Watch(  # noqa: N802 - gRPC's name
        self, request: router_pb2.WatchRequest, context: Context
    ) -> AsyncIterator[router_pb2.WatchResponse]:
        assert context is not None
        self.watchers.append(request.watcher)
        while (view := await self.views.get()) is not None:
            yield view


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Return a function that serves answers and returns their target."""
    servers: list[grpc.aio.Server] = []

    async def start(answers: Answers) -> str:
        server = grpc.aio.server()
        router_pb2_grpc.add_AudioRouterServicer_to_server(answers, server)
        port = server.add_insecure_port("127.77.6.1:0")
        await server.start()
        servers.append(server)
        return f"127.77.6.1:{port}"

    yield start
    for server in servers:
        await server.stop(None)


@pytest.fixture
async def router() -> AsyncIterator[MakeRouter]:
    """Return a function that makes a started client."""
    made: list[Router] = []

    async def topologies() -> AsyncIterator[Topology]:
        yield TOPOLOGY

    async def start(*targets: str) -> Router:
        client = Router(targets, "worker-0", topologies)
        made.append(client)
        await client.start()
        return client

    yield start
    for client in made:
        await client.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the other side is a process of its own
            await asyncio.sleep(0.01)


async def test_place_asks_with_everything_it_knows(serve: Serve, router: MakeRouter) -> None:
    """The request carries guild, shard, endpoint, tier, and the nodes to prefer and to leave out."""
    answers = Answers()
    client = await router(await serve(answers))
    placement = await client.place(QUERY)
    assert (placement.node, placement.region) == ("us-east-1", "us-east")
    (request,) = answers.placed
    assert (request.guild_id, request.shard_id, request.tier) == (2**64 - 1, 3, "free")
    assert (list(request.preferred_nodes), list(request.excluded_nodes)) == (["us-east-1"], ["us-east-9"])
    await client.release(GuildId(5))
    assert answers.released == [5]


async def test_silent_router_costs_its_deadline_once(serve: Serve, router: MakeRouter) -> None:
    """After 300 ms the next router is asked; the one that answered is asked first from then on."""
    silent, answers = Answers("us-east-2"), Answers("us-east-3")
    silent.silent = True
    client = await router(await serve(silent), await serve(answers))
    started = time.monotonic()
    assert (await client.place(QUERY)).node == "us-east-3"
    assert 0.25 < time.monotonic() - started < 1.5
    assert (await client.place(QUERY)).node == "us-east-3"
    assert len(silent.placed) == 1


async def test_full_fleet_is_told_in_words(serve: Serve, router: MakeRouter) -> None:
    """RESOURCE_EXHAUSTED is an answer, not an outage: nothing is placed behind the router's back."""
    answers = Answers()
    answers.refuses = (grpc.StatusCode.RESOURCE_EXHAUSTED, "every node is full; retry after 2 s")
    client = await router(await serve(answers))
    placement = await client.place(QUERY)
    assert placement.node is None
    assert placement.detail == "every node is full; retry after 2 s"


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.FAILED_PRECONDITION])
async def test_router_that_can_not_falls_over_to_the_next(
    serve: Serve, router: MakeRouter, code: grpc.StatusCode
) -> None:
    """A router without Redis or without a topology is passed over."""
    lame, answers = Answers(), Answers("us-east-3")
    lame.refuses = (code, "not now")
    client = await router(await serve(lame), await serve(answers))
    assert (await client.place(QUERY)).node == "us-east-3"


async def test_without_any_router_the_topology_places(router: MakeRouter) -> None:
    """Nobody listens: chosen by hashing over what the topology names, and excluded nodes stay excluded."""
    client = await router("127.77.6.250:9", "127.77.6.251:9")
    assert await client.known(10)
    placement = await client.place(QUERY)
    assert (placement.node, placement.region) == ("us-east-5", "us-east")
    nowhere = PlaceQuery(
        guild=GuildId(1),
        shard=ShardId(0),
        endpoint="x",
        tier=TierName("free"),
        excluded=(NodeId("us-east-5"),),
    )
    nothing = await client.place(nowhere)
    assert nothing.node is None
    assert nothing.detail
    await client.release(GuildId(1))


async def test_watch_is_kept_and_moves_to_another_router(serve: Serve, router: MakeRouter) -> None:
    """The last view stays true while no router speaks; a stream that ends is opened at the next one."""
    first, second = Answers(), Answers()
    client = await router(await serve(first), await serve(second))
    assert await client.known(10)
    node = router_pb2.Node(
        id="us-east-5",
        region="us-east",
        address="127.0.0.5:2333",
        state=router_pb2.NODE_STATE_DEAD,
    )
    first.views.put_nowait(router_pb2.WatchResponse(topology_generation=4, nodes=[node]))
    await until(lambda: client.watching and client.candidates(GuildId(1)) == ())
    first.views.put_nowait(None)
    await until(lambda: second.watchers == ["worker-0"])
    assert client.candidates(GuildId(1)) == ()
    node.state = router_pb2.NODE_STATE_READY
    second.views.put_nowait(router_pb2.WatchResponse(topology_generation=4, nodes=[node]))
    await until(lambda: client.candidates(GuildId(1)) == ("us-east-5",))
