"""Replace, Cordon, Uncordon and Drain of router processes, over a real Valkey and real sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import grpc
import pytest

from segue_protos.router.v1 import router_pb2

NODES = ("us-east-0", "us-east-1", "us-east-2", "rotterdam-0")
PLACED, WAIT, NO_NODE = (
    router_pb2.PLAYER_OUTCOME_PLACED,
    router_pb2.PLAYER_OUTCOME_WAIT,
    router_pb2.PLAYER_OUTCOME_NO_NODE,
)


def moving(guild: int, endpoint: str = "us-east1.discord.media:443", **more: Any) -> router_pb2.MovingPlayer:
    """Return an ordinary player."""
    return router_pb2.MovingPlayer(guild_id=guild, voice_endpoint=endpoint, **more)


def leave(
    *players: router_pb2.MovingPlayer, node: str = "us-east-0", **more: Any
) -> router_pb2.ReplaceRequest:
    """Return the request of players whose node is lost."""
    return router_pb2.ReplaceRequest(node=node, players=players, **more)


@pytest.fixture
async def fleet(fake_node: Any, publish_nodes: Any, routers: Any, states: Any) -> Any:
    """Return two routers that see three nodes at us-east and one at rotterdam, of 40 players each."""
    addresses = {name: (await fake_node()).address for name in NODES}
    both = [await routers.start(), await routers.start()]
    await publish_nodes(addresses, capacity=40)
    for router in both:
        await states(router, **{name.replace("-", "_"): "READY" for name in NODES})
    return both


async def test_one_call_places_all_players_of_a_lost_node(fleet: Any) -> None:
    """Most listeners first, spread over the region, none on the node that was lost; regions are told."""
    players = [moving(guild, listeners=guild % 4) for guild in range(1, 11)]
    answer = await fleet[0].stub.Replace(leave(*players, moving(99, "127.80.2.9:1", listeners=9)))
    first, *rest = answer.players
    assert (first.guild_id, first.node, first.home_region) == (99, "rotterdam-0", "rotterdam")
    assert first.reason == router_pb2.PLACEMENT_REASON_HOME_REGION
    assert {one.guild_id for one in rest} == set(range(1, 11))
    listeners = [one.guild_id % 4 for one in rest]
    assert listeners == sorted(listeners, reverse=True)
    assert Counter(one.node for one in rest) == {"us-east-1": 5, "us-east-2": 5}
    assert {(one.outcome, one.effective_region) for one in rest} == {(PLACED, "us-east")}
    again = await fleet[1].stub.Replace(leave(*players))
    placed = {one.guild_id: one.node for one in rest}
    assert {one.guild_id: one.node for one in again.players} == placed
    assert again.reserved_until_ms <= answer.reserved_until_ms + 1


async def test_two_routers_share_one_bound(fleet: Any) -> None:
    """Sixty players through both at once: 8 begin on each node of the region, the others are told to wait."""
    calls = [
        fleet[shard % 2].stub.Replace(
            leave(*(moving(shard * 100 + guild) for guild in range(1, 16)), shard_id=shard)
        )
        for shard in range(4)
    ]
    players = [one for answer in await asyncio.gather(*calls) for one in answer.players]
    assert Counter(one.node for one in players if one.outcome == PLACED) == {"us-east-1": 8, "us-east-2": 8}
    waiting = [one for one in players if one.outcome == WAIT]
    assert len(waiting) == 60 - 16
    assert all(0 < one.retry_after_ms <= 1000 and not one.node for one in waiting)


async def test_a_drained_node_is_seen_by_every_watcher_and_gets_nobody(fleet: Any, until: Any) -> None:
    """Drain is told to whoever watches another replica; Uncordon ends it, Cordon turns it into a cordon."""
    answer = await fleet[0].stub.Drain(router_pb2.DrainRequest(node="us-east-1", by="anna", reason="disk"))
    assert answer.node.draining
    assert answer.node.cordoned
    assert (answer.node.cordoned_by, answer.node.cordon_reason) == ("anna", "disk")

    async def seen() -> bool:
        listing = await fleet[1].stub.ListNodes(router_pb2.ListNodesRequest())
        return any(one.id == "us-east-1" and one.draining for one in listing.nodes)

    await until(seen)
    moved = await fleet[1].stub.Replace(leave(moving(1), moving(2), reason=router_pb2.MOVE_REASON_DRAIN))
    assert {one.node for one in moved.players} == {"us-east-2"}
    cordoned = await fleet[1].stub.Cordon(router_pb2.CordonRequest(node="us-east-1", by="anna"))
    assert (cordoned.node.cordoned, cordoned.node.draining) == (True, False)
    assert (await fleet[0].stub.Uncordon(router_pb2.UncordonRequest(node="us-east-1"))).uncordoned
    assert not (await fleet[0].stub.Uncordon(router_pb2.UncordonRequest(node="us-east-1"))).uncordoned
    home = await fleet[0].stub.Replace(
        leave(moving(3, "atlantis1.discord.media"), node="rotterdam-0", reason=router_pb2.MOVE_REASON_HOME)
    )
    assert home.players[0].outcome == NO_NODE
    assert "no region we know" in home.players[0].detail


async def test_misuse_is_told_by_field(fleet: Any) -> None:
    """Each call that cannot be has its status and words that name the field and the rule."""
    stub = fleet[0].stub
    invalid, unknown = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
    many = [moving(guild) for guild in range(1, 1026)]
    cases: list[tuple[Any, Any, grpc.StatusCode, str]] = [
        (stub.Replace, leave(moving(1), node=""), invalid, "node: is required"),
        (stub.Replace, leave(), invalid, "players: is empty"),
        (stub.Replace, leave(*many), invalid, "players: has 1025 entries, at most 1024"),
        (stub.Replace, leave(moving(1), moving(0)), invalid, "players[1].guild_id: is required"),
        (stub.Replace, leave(moving(1), moving(1)), invalid, "players[1].guild_id: appears twice"),
        (stub.Replace, leave(moving(1, "")), invalid, "players[0].voice_endpoint: is required"),
        (stub.Replace, leave(moving(1, "https://x/")), invalid, "players[0].voice_endpoint: is no host"),
        (stub.Replace, leave(moving(1), moving(2, tier="gold")), invalid, "players[1].tier: 'gold' is none"),
        (stub.Replace, leave(moving(1), shard_id=9), invalid, "shard_id: is 9, but the topology has 4"),
        (stub.Replace, leave(moving(1), excluded_nodes=[""]), invalid, "excluded_nodes[0]: is empty"),
        (stub.Cordon, router_pb2.CordonRequest(by="anna"), invalid, "node: is required"),
        (stub.Cordon, router_pb2.CordonRequest(node="us-east-0"), invalid, "by: is required"),
        (stub.Cordon, router_pb2.CordonRequest(node="moon-0", by="anna"), unknown, "us-east-0, us-east-1"),
        (stub.Drain, router_pb2.DrainRequest(node="moon-0", by="anna"), unknown, "none of the topology's"),
        (
            stub.Drain,
            router_pb2.DrainRequest(node="us-east-0", by="anna", reason="x" * 501),
            invalid,
            "reason: has 501 characters, at most 500",
        ),
        (stub.Drain, router_pb2.DrainRequest(node="us-east-0", by="a\n"), invalid, "by: has characters"),
        (stub.Uncordon, router_pb2.UncordonRequest(), invalid, "node: is required"),
        (stub.Uncordon, router_pb2.UncordonRequest(node="moon-0"), unknown, "none of the topology's"),
    ]
    for call, request, code, words in cases:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(request)
        assert refused.value.code() is code, words
        assert words in (refused.value.details() or ""), refused.value.details()
    listing = await stub.ListNodes(router_pb2.ListNodesRequest())
    assert not any(one.cordoned or one.reserved for one in listing.nodes)
