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
from segue_worker.players.ports import MoveQuery, MoveReason, MovingGuild, PlaceQuery
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
        self.replaced: list[router_pb2.ReplaceRequest] = []
        self.waits_ms = 0
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

    async def Replace(  # noqa: N802 - gRPC's name
        self, request: router_pb2.ReplaceRequest, context: Context
    ) -> router_pb2.ReplaceResponse:
        self.replaced.append(request)
        if self.refuses is not None:
            await context.abort(*self.refuses)
        first, *others = request.players
        waiting = [
            router_pb2.ReplacedPlayer(
                guild_id=one.guild_id,
                outcome=router_pb2.PLAYER_OUTCOME_WAIT,
                retry_after_ms=self.waits_ms,
            )
            for one in others
        ]
        placed = router_pb2.ReplacedPlayer(
            guild_id=first.guild_id,
            outcome=router_pb2.PLAYER_OUTCOME_PLACED,
            node=self.node,
            effective_region="us-east",
        )
        return router_pb2.ReplaceResponse(players=[placed, *waiting])

    async def Cordon(  # noqa: N802 - gRPC's name
        self, request: router_pb2.CordonRequest, context: Context
    ) -> router_pb2.CordonResponse:
        raise AssertionError(f"workers give no orders: {request} from {context.peer()}")

    async def Uncordon(  # noqa: N802 - gRPC's name
        self, request: router_pb2.UncordonRequest, context: Context
    ) -> router_pb2.UncordonResponse:
        raise AssertionError(f"workers give no orders: {request} from {context.peer()}")

    async def Drain(  # noqa: N802 - gRPC's name
        self, request: router_pb2.DrainRequest, context: Context
    ) -> router_pb2.DrainResponse:
        raise AssertionError(f"workers give no orders: {request} from {context.peer()}")

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


def moving(*guilds: int, reason: MoveReason = MoveReason.LOST) -> MoveQuery:
    """Return the query of guilds that leave us-east-9."""
    return MoveQuery(
        node=NodeId("us-east-9"),
        shard=ShardId(0),
        reason=reason,
        players=tuple(
            MovingGuild(guild=GuildId(one), endpoint="us-east1.discord.example:443", tier=TierName("free"))
            for one in guilds
        ),
    )


async def test_all_of_a_lost_nodes_players_are_one_call(serve: Serve, router: MakeRouter) -> None:
    """Each gets its own answer; who is to wait is told how long."""
    answers = Answers()
    answers.waits_ms = 120
    client = await router(await serve(answers))
    placed = await client.replace(moving(1, 2, 3))
    assert [one.guild_id for one in answers.replaced[0].players] == [1, 2, 3]
    assert answers.replaced[0].reason == router_pb2.MOVE_REASON_NODE_LOST
    assert placed[GuildId(1)].node == "us-east-1"
    assert [placed[GuildId(one)].retry_after_ms for one in (1, 2, 3)] == [0, 120, 120]
    assert answers.placed == []


async def test_a_router_of_the_release_before_is_asked_one_by_one(serve: Serve, router: MakeRouter) -> None:
    """During a rollout a router may know no Replace: lost players are placed all the same, others stay."""
    answers = Answers()
    answers.refuses = (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    client = await router(await serve(answers))

    stays = await client.replace(moving(5, reason=MoveReason.DRAIN))
    assert stays[GuildId(5)].node is None
    answers.refuses = (grpc.StatusCode.INVALID_ARGUMENT, "players[0].voice_endpoint: is no host")
    one_by_one = await client.replace(moving(6, 7))
    assert {one.guild_id for one in answers.placed} == {6, 7}
    assert [one.excluded_nodes for one in answers.placed] == [["us-east-9"]] * 2
    assert {one.detail for one in one_by_one.values()} == {"players[0].voice_endpoint: is no host"}


async def test_without_any_router_only_the_silent_are_placed(router: MakeRouter) -> None:
    """Lost players go by the last view; planned moves wait for a router."""
    client = await router("127.77.6.9:1")
    assert await client.known(5)
    lost = await client.replace(moving(1, 2))
    assert {one.node for one in lost.values()} == {NodeId("us-east-5")}
    planned = await client.replace(moving(1, reason=MoveReason.HOME))
    assert planned[GuildId(1)].node is None
    assert client.draining() == frozenset()
    assert client.usable_for(RegionName("us-east")) == 0.0


async def test_orders_and_well_regions_are_read_off_the_view(serve: Serve, router: MakeRouter) -> None:
    """A draining node is told, and since when a region has had a node that takes players."""
    answers = Answers()
    client = await router(await serve(answers))
    ready = router_pb2.NODE_STATE_READY
    nodes = [
        router_pb2.Node(id="us-east-5", region="us-east", state=ready, cordoned=True, draining=True),
        router_pb2.Node(id="us-west-0", region="us-west", state=ready),
    ]
    answers.views.put_nowait(router_pb2.WatchResponse(topology_generation=4, nodes=nodes))
    await until(lambda: client.draining() == frozenset({NodeId("us-east-5")}))
    assert client.usable_for(RegionName("us-east")) == 0.0
    await until(lambda: client.usable_for(RegionName("us-west")) > 0.01)
    assert client.home_of("us-east77.discord.example:443") == "us-east"
    answers.views.put_nowait(router_pb2.WatchResponse(topology_generation=4, nodes=nodes[:1]))
    await until(lambda: client.usable_for(RegionName("us-west")) == 0.0)
    answers.views.put_nowait(None)
