"""Router processes over a real Valkey and real sockets: what callers may rely on."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import aiohttp
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from segue_core.redis.connection import connect
from segue_core.redis.nodes import Cordon
from segue_devkit.embedded.valkey import EmbeddedValkey
from segue_protos.router.v1 import router_pb2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_core.redis.nodes import NodeRegistry


def place(
    guild: int, endpoint: str = "us-east1234.discord.media:443", **more: Any
) -> router_pb2.PlaceRequest:
    """Return an ordinary request."""
    return router_pb2.PlaceRequest(guild_id=guild, voice_endpoint=endpoint, **more)


async def read_to_its_end(stream: Any) -> None:
    """Read until the stream ends, by its error if it ends with one."""
    while isinstance(await stream.read(), router_pb2.WatchResponse):
        pass


async def test_a_guild_is_placed_in_its_voice_servers_region(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any
) -> None:
    """Home region, effective region, reason, address and the reservation's end are all told."""
    one, two = await fake_node(), await fake_node()
    router = await routers.start()
    await publish_nodes({"us-east-0": one.address, "rotterdam-0": two.address})
    await states(router, us_east_0="READY", rotterdam_0="READY")
    answer = await router.stub.Place(place(1, "127.80.2.1:4443"))
    assert answer.node.id == "rotterdam-0"
    assert answer.node.address == two.address
    assert answer.reason == router_pb2.PLACEMENT_REASON_HOME_REGION
    assert (answer.home_region, answer.effective_region) == ("rotterdam", "rotterdam")
    assert answer.node.reserved == 1
    assert answer.node.version == "4.2.2"
    assert answer.reserved_until_ms > answer.node.seen_at_ms
    # Brazil has no nodes here: the map knows that us-east is nearer than rotterdam.
    far = await router.stub.Place(place(2, "brazil123.discord.media"))
    assert (far.node.id, far.home_region) == ("us-east-0", "brazil")
    assert far.reason == router_pb2.PLACEMENT_REASON_NEAREST_REGION
    unknown = await router.stub.Place(place(3, "atlantis9.discord.media"))
    assert (unknown.home_region, unknown.reason) == ("", router_pb2.PLACEMENT_REASON_UNKNOWN_REGION)


async def test_two_replicas_never_overfill_a_node(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any
) -> None:
    """60 guilds ask two replicas at once for 3 nodes of 10: 30 are placed, 10 on each, the rest told why."""
    nodes = {f"us-east-{number}": (await fake_node()).address for number in range(3)}
    both = [await routers.start(), await routers.start()]
    await publish_nodes(nodes, capacity=10)
    for router in both:
        await states(router, us_east_0="READY", us_east_1="READY", us_east_2="READY")
    answers = await asyncio.gather(
        *(both[guild % 2].stub.Place(place(guild)) for guild in range(1, 61)), return_exceptions=True
    )
    placed = [one.node.id for one in answers if isinstance(one, router_pb2.PlaceResponse)]
    refused = [one for one in answers if isinstance(one, grpc.aio.AioRpcError)]
    assert {name: placed.count(name) for name in nodes} == dict.fromkeys(nodes, 10)
    assert len(refused) == 30
    assert {one.code() for one in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert "try again in 2 s" in (refused[0].details() or "")


async def test_replicas_agree_and_a_repeated_place_changes_nothing(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any, registry: NodeRegistry
) -> None:
    """Each guild gets the same node from either replica, and holds one place however often it asks."""
    nodes = {f"us-east-{number}": (await fake_node()).address for number in range(4)}
    both = [await routers.start(), await routers.start()]
    topology = await publish_nodes(nodes)
    for router in both:
        await states(router, **{name.replace("-", "_"): "READY" for name in nodes})
    for guild in range(1, 41):
        first, second = [(await router.stub.Place(place(guild))).node.id for router in both]
        assert first == second
    view = await registry.view([node.id for node in topology.nodes])
    assert sum(load.reserved for load in view.loads.values()) == 40


async def test_a_killed_replica_is_not_missed(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any
) -> None:
    """After kill -9 of one the other places on, probes the whole fleet, and knows the dead one's promises."""
    node, other = await fake_node(), await fake_node()
    both = [await routers.start(), await routers.start()]
    await publish_nodes({"us-east-0": node.address, "us-east-1": other.address}, capacity=1)
    for router in both:
        await states(router, us_east_0="READY", us_east_1="READY")
    first = await both[0].stub.Place(place(1))
    both[0].kill()
    await both[0].process.wait()
    second = await both[1].stub.Place(place(2))
    assert {first.node.id, second.node.id} == {"us-east-0", "us-east-1"}
    await node.stop()
    await states(both[1], us_east_0="DEAD", us_east_1="READY")


async def test_redis_stopped_and_started(
    routers_on: Any, fake_node: Any, publish_nodes: Any, states: Any, until: Any, cluster: str
) -> None:
    """Without Redis: UNAVAILABLE in words, still ready, the last view stays. With it again: as before."""
    node = await fake_node()
    async with EmbeddedValkey() as valkey:
        client = connect(valkey.url, "test")
        starter = routers_on(valkey.url, cluster)
        try:
            router = await starter.start()
            await publish_nodes({"us-east-0": node.address}, client=client)
            await states(router, us_east_0="READY")
            await asyncio.to_thread(valkey.stop)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await router.stub.Place(place(1), timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert "Redis" in (caught.value.details() or "")
            assert len((await router.stub.ListNodes(router_pb2.ListNodesRequest())).nodes) == 1
            async with aiohttp.ClientSession() as http:
                assert (await http.get(f"{router.http}/ready")).status == 200
                assert (await (await http.get(f"{router.http}/health")).json())["status"] == "degraded"
            await client.aclose()  # its connections died with the server
            await valkey.astart()
            await publish_nodes({"us-east-0": node.address}, client=client)

            async def placed() -> bool:
                try:
                    return bool((await router.stub.Place(place(1), timeout=5)).node.id)
                except grpc.aio.AioRpcError:
                    return False

            assert await until(placed)
        finally:
            await starter.close()
            await client.aclose()


async def test_dead_hung_overloaded_and_misconfigured_are_told_apart(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any
) -> None:
    """Each trouble has its own state, and each ends when its cause does."""
    dead, hung, busy, wrong, old = [await fake_node() for _ in range(5)]
    router = await routers.start()
    await dead.stop()
    hung.delay.clear()
    busy.frames = {"sent": 2400, "nulled": 300, "deficit": 300}
    wrong.status = 403
    old.version = "3.7.8"
    nodes = [dead, hung, busy, wrong, old]
    await publish_nodes({f"us-east-{number}": node.address for number, node in enumerate(nodes)})
    await states(
        router,
        us_east_0="DEAD",
        us_east_1="HUNG",
        us_east_2="OVERLOADED",
        us_east_3="MISCONFIGURED",
        us_east_4="MISCONFIGURED",
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.stub.Place(place(1))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "1 dead, 1 hung, 2 misconfigured, 1 overloaded" in (caught.value.details() or "")
    await dead.start()
    hung.delay.set()
    busy.frames = {"sent": 2990, "nulled": 0, "deficit": 10}
    wrong.status = 200
    old.version = "4.2.2"
    await states(router, **{f"us_east_{number}": "READY" for number in range(5)})


async def test_a_cordon_counts_at_once(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any, registry: NodeRegistry
) -> None:
    """No guild is placed on a cordoned node from the instant of the order, whatever a router's view says."""
    node = await fake_node()
    router = await routers.start()
    topology = await publish_nodes({"us-east-0": node.address})
    await states(router, us_east_0="READY")
    await registry.cordon(topology.nodes[0].id, Cordon(by="test", reason="maintenance"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.stub.Place(place(1))
    assert caught.value.code() in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
    await registry.uncordon(topology.nodes[0].id)
    assert (await registry.cordons()) == {}


async def test_release_gives_the_place_to_the_next(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any
) -> None:
    """A full node takes another guild as soon as one let go; letting go twice is no error."""
    node = await fake_node()
    router = await routers.start()
    await publish_nodes({"us-east-0": node.address}, capacity=1)
    await states(router, us_east_0="READY")
    await router.stub.Place(place(1))
    with pytest.raises(grpc.aio.AioRpcError):
        await router.stub.Place(place(2))
    assert (await router.stub.Release(router_pb2.ReleaseRequest(guild_id=1))).released
    assert (await router.stub.Place(place(2))).node.id == "us-east-0"
    assert not (await router.stub.Release(router_pb2.ReleaseRequest(guild_id=1))).released


async def test_a_player_that_appears_takes_its_reservation_along(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any, until: Any
) -> None:
    """A node of two with one player playing and one promise kept has room for one more, not two."""
    node = await fake_node()
    router = await routers.start()
    await publish_nodes({"us-east-0": node.address}, capacity=2)
    await states(router, us_east_0="READY")
    await router.stub.Place(place(1))
    node.players = 1

    async def settled() -> bool:
        (seen,) = (await router.stub.ListNodes(router_pb2.ListNodesRequest())).nodes
        return bool(seen.players == 1 and seen.reserved == 0)

    assert await until(settled)
    assert (await router.stub.Place(place(2))).node.reserved == 1
    with pytest.raises(grpc.aio.AioRpcError):
        await router.stub.Place(place(3))


async def test_watch_gives_the_view_at_once_on_change_and_as_a_sign_of_life(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any
) -> None:
    """A watcher knows the fleet from the first message, and of a node's death without asking."""
    node = await fake_node()
    router = await routers.start()
    await publish_nodes({"us-east-0": node.address}, generation=7)
    await states(router, us_east_0="READY")
    stream = router.stub.Watch(router_pb2.WatchRequest(watcher="worker-0"))
    async with asyncio.timeout(20):
        first = await stream.read()
        assert (first.topology_generation, first.nodes[0].id) == (7, "us-east-0")
        await node.stop()
        while (await stream.read()).nodes[0].state != router_pb2.NODE_STATE_DEAD:
            pass
        # Nothing changes any more: the next is the sign of life.
        assert (await stream.read()).nodes[0].state == router_pb2.NODE_STATE_DEAD
    stream.cancel()


async def test_a_terminated_router_drains(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any
) -> None:
    """SIGTERM: watchers are sent elsewhere with UNAVAILABLE, and the process ends with 0."""
    node = await fake_node()
    router = await routers.start()
    await publish_nodes({"us-east-0": node.address})
    await states(router, us_east_0="READY")
    stream = router.stub.Watch(router_pb2.WatchRequest(watcher="worker-0"))
    await stream.read()
    router.kill(signal.SIGTERM)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_to_its_end(stream)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "shutting down" in (caught.value.details() or "")
    async with asyncio.timeout(10):
        assert await router.process.wait() == 0


async def test_health_and_reflection(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any, until: Any
) -> None:
    """NOT_SERVING before a topology, SERVING with one; a generic client finds the service by reflection."""
    router = await routers.start()
    health = health_pb2_grpc.HealthStub(router.channel)
    wanted = health_pb2.HealthCheckRequest(service="segue.router.v1.AudioRouter")
    assert (await health.Check(wanted)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    async with aiohttp.ClientSession() as http:
        assert (await http.get(f"{router.http}/ready")).status == 503
        assert (await http.get(f"{router.http}/live")).status == 200
    node = await fake_node()
    await publish_nodes({"us-east-0": node.address})
    await states(router, us_east_0="READY")

    async def serving() -> bool:
        return bool((await health.Check(wanted)).status == health_pb2.HealthCheckResponse.SERVING)

    assert await until(serving)
    mirror = reflection_pb2_grpc.ServerReflectionStub(router.channel)
    call = mirror.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    names = {one.name async for answer in call for one in answer.list_services_response.service}
    assert names == {
        "segue.router.v1.AudioRouter",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    async with aiohttp.ClientSession() as http:
        text = await (await http.get(f"{router.http}/metrics")).text()
    assert 'segue_router_nodes{region="us-east",state="ready"} 1.0' in text


@pytest.fixture(name="ask")
async def _ask(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any
) -> Callable[[str, Any], Awaitable[Any]]:
    node = await fake_node()
    router = await routers.start()
    await publish_nodes({"us-east-0": node.address})
    await states(router, us_east_0="READY")

    async def ask(method: str, request: Any) -> Any:
        if isinstance(request, bytes):
            call = router.channel.unary_unary(f"/segue.router.v1.AudioRouter/{method}")
            return await call(request, timeout=5)
        if method == "Watch":
            return await router.stub.Watch(request, timeout=5).read()
        return await getattr(router.stub, method)(request, timeout=5)

    return ask


async def test_every_misuse_names_its_field(ask: Callable[[str, Any], Awaitable[Any]]) -> None:
    """INVALID_ARGUMENT, the field, and the rule it breaks, for whatever can be wrong with a request."""
    many = [f"node-{number}" for number in range(257)]
    cases: list[tuple[str, Any, str]] = [
        ("Place", router_pb2.PlaceRequest(voice_endpoint="us-east1:443"), "guild_id: is required"),
        ("Place", router_pb2.PlaceRequest(guild_id=1), "voice_endpoint: is required"),
        ("Place", place(1, "x" * 256), "voice_endpoint: has 256 characters"),
        ("Place", place(1, "wss://us-east1.discord.media/?v=8"), "voice_endpoint: is no host"),
        ("Place", place(1, "us-east1.discord.media:99999"), "voice_endpoint: has port 99999"),
        ("Place", place(1, "us-east\n1"), "voice_endpoint: is no host"),
        (
            "Place",
            place(1, tier="platinum"),
            "tier: 'platinum' is none of the topology's tiers: free, premium",
        ),
        ("Place", place(1, shard_id=4), "shard_id: is 4, but the topology has 4 shards"),
        ("Place", place(1, preferred_nodes=many), "preferred_nodes: has 257 entries"),
        ("Place", place(1, excluded_nodes=many), "excluded_nodes: has 257 entries"),
        ("Place", place(1, excluded_nodes=["a", ""]), "excluded_nodes[1]: is empty"),
        ("Place", b"\xff\xff\xff", "no segue.router.v1.PlaceRequest"),
        ("Release", router_pb2.ReleaseRequest(), "guild_id: is required"),
        ("Release", b"\x09\x01", "no segue.router.v1.ReleaseRequest"),
        ("Watch", router_pb2.WatchRequest(), "watcher: is required"),
        ("Watch", router_pb2.WatchRequest(watcher="w" * 254), "watcher: has 254 characters"),
    ]
    for method, request, words in cases:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(method, request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, words
        assert words in (caught.value.details() or "")


async def test_other_refusals_have_their_own_codes(ask: Callable[[str, Any], Awaitable[Any]]) -> None:
    """Unknown region: NOT_FOUND. Every node excluded: UNAVAILABLE. Fields of a newer release pass."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask("ListNodes", router_pb2.ListNodesRequest(region="mars"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "rotterdam, singapore, us-east" in (caught.value.details() or "")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask("Place", place(1, excluded_nodes=["us-east-0"]))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "excluded_nodes" in (caught.value.details() or "")
    newer = place(1).SerializeToString() + b"\xf2\x3f\x01x"
    assert router_pb2.PlaceResponse.FromString(await ask("Place", newer)).node.id == "us-east-0"


async def test_without_a_topology_callers_are_told(routers: Any, until: Any) -> None:
    """FAILED_PRECONDITION names what is missing; a malformed request is still the caller's mistake."""
    router = await routers.start()

    async def refused() -> bool:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await router.stub.Place(place(1))
        missing = caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        return missing and "topology" in (caught.value.details() or "")

    assert await until(refused)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.stub.Place(router_pb2.PlaceRequest())
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
