"""Where the players of a lost or emptied node go: the plan, and the script that holds to room and bounds."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue_core.ids import GuildId, NodeId, RegionName, TierName
from segue_core.models import Topology, TopologyNode
from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_core.redis.nodes import (
    Cordon,
    MovePlan,
    Mover,
    MoveTarget,
    NodeRegistry,
    NodeReport,
    NodeState,
    Place,
    Wait,
)
from segue_router.domain.moves import Leaving, MoveReason, MovesPlanned, MoveWish, Pace, plan_moves
from segue_router.domain.placement import Fleet, FleetNode, NoNodeError, NoRoomError
from segue_router.domain.standings import Standings

if TYPE_CHECKING:
    from collections.abc import Callable

LOST = NodeId("us-east-0")
_examples = itertools.count()
HOME_ENDPOINT = "us-east1.discord.media:443"


def node(name: str, **more: object) -> FleetNode:
    """Return a ready, idle node named <region>-<ordinal>."""
    ready = FleetNode(
        id=NodeId(name),
        region=RegionName(name.rpartition("-")[0]),
        address="127.0.0.1:2333",
        capacity=100,
        state=NodeState.READY,
    )
    return replace(ready, **more)  # type: ignore[arg-type]


def standings(topology: Topology, *nodes: FleetNode) -> Standings:
    """Return how these nodes stand, in a topology of exactly them."""
    wanted = tuple(
        TopologyNode(id=one.id, region=one.region, address=one.address, capacity=one.capacity)
        for one in nodes
    )
    return Standings(
        Fleet(topology=replace(topology, nodes=wanted), nodes=tuple(sorted(nodes, key=lambda one: one.id)))
    )


def leaving(count: int, **more: object) -> tuple[Leaving, ...]:
    """Return players at home in us-east, numbered from 1."""
    plain = Leaving(guild=GuildId(1), endpoint=HOME_ENDPOINT)
    return tuple(
        replace(plain, guild=GuildId(number), **more)  # type: ignore[arg-type]
        for number in range(1, count + 1)
    )


def wish(players: tuple[Leaving, ...], **more: object) -> MoveWish:
    """Return the wish of players whose node is lost."""
    return replace(MoveWish(players=players, excluded=frozenset({LOST})), **more)  # type: ignore[arg-type]


def meant(planned: MovesPlanned) -> list[str]:
    """Return the names of the nodes meant for the movers, in order."""
    return [
        planned.plan.targets[mover.meant].node if mover.meant is not None else "-"
        for mover in planned.plan.movers
    ]


def told(planned: MovesPlanned) -> list[tuple[int, str | None, int | None, str]]:
    """Return what a plan says of each player."""
    return [(one.player.guild, one.home, one.order, str(one.nowhere or "")) for one in planned.players]


def test_players_spread_over_the_region_by_burden(topology: Callable[..., Topology]) -> None:
    """Thirty players, two equal nodes and a burdened one at home: fifteen each, and none far away."""
    view = standings(
        topology({}), node("us-east-1"), node("us-east-2"), node("us-east-3", players=90), node("rotterdam-0")
    )
    counts = Counter(meant(plan_moves(view, wish(leaving(30)), Pace())))
    assert counts == {"us-east-1": 15, "us-east-2": 15}


def test_what_does_not_fit_at_home_is_meant_for_the_next_region(topology: Callable[..., Topology]) -> None:
    """Room counts while planning: with three places left at home, the fourth player goes elsewhere."""
    view = standings(topology({}), node("us-east-1", players=97), node("rotterdam-0"), node("singapore-0"))
    assert meant(plan_moves(view, wish(leaving(4)), Pace())) == [*["us-east-1"] * 3, "rotterdam-0"]


def test_most_listeners_first(topology: Callable[..., Topology]) -> None:
    """The order of the plan is the order of listeners, however the request was sorted."""
    players = tuple(replace(one, listeners=one.guild * 7 % 5) for one in leaving(20))
    planned = plan_moves(standings(topology({}), node("us-east-1")), wish(players), Pace())
    listeners = [one.player.listeners for one in planned.players]
    assert listeners == sorted(listeners, reverse=True)


def test_open_sessions_are_preferred_until_their_nodes_are_clearly_fuller(
    topology: Callable[..., Topology],
) -> None:
    """A node with an open session takes the first players; it is not crowded for that."""
    view = standings(topology({}), node("us-east-1"), node("us-east-2"))
    planned = meant(plan_moves(view, wish(leaving(60), preferred=frozenset({NodeId("us-east-2")})), Pace()))
    assert set(planned[:5]) == {"us-east-2"}
    assert 20 <= planned.count("us-east-1") < 30


def test_going_home_means_home(topology: Callable[..., Topology]) -> None:
    """For players on their way home other regions are no choice; without a ready node there they stay."""
    away = (node("rotterdam-0"), node("singapore-0"))
    going = wish(leaving(2), reason=MoveReason.HOME, excluded=frozenset({NodeId("rotterdam-0")}))
    back = plan_moves(standings(topology({}), node("us-east-1"), *away), going, Pace())
    assert meant(back) == ["us-east-1"] * 2
    assert back.plan.orders == (((0,),),)
    still = plan_moves(standings(topology({}), node("us-east-1", state=NodeState.DEAD), *away), going, Pace())
    assert [type(one.nowhere) for one in still.players] == [NoNodeError, NoNodeError]


def test_each_player_is_told_why_there_is_no_node(topology: Callable[..., Topology]) -> None:
    """A tier without nodes is another trouble than nodes without room; others are placed all the same."""
    view = standings(topology({}), node("singapore-0"), node("rotterdam-0", state=NodeState.OVERLOADED))
    free, premium = leaving(2)
    planned = plan_moves(view, wish((free, replace(premium, tier=TierName("premium")))), Pace())
    by_guild = {one.player.guild: one for one in planned.players}
    assert isinstance(by_guild[GuildId(1)].nowhere, NoRoomError)
    assert by_guild[GuildId(2)].nowhere is None
    assert meant(planned) == ["singapore-0"]


@pytest.mark.parametrize(
    ("capacity", "lost", "planned"), [(0, 32, 8), (20, 8, 2), (200, 25, 6), (4000, 500, 125)]
)
def test_starts_go_by_capacity(capacity: int, lost: int, planned: int) -> None:
    """An eighth of the capacity may begin at once; planned moves use a quarter of that."""
    assert Pace().starts_of(capacity, MoveReason.NODE_LOST) == lost
    assert Pace().starts_of(capacity, MoveReason.DRAIN) == planned
    assert Pace(starts=3).starts_of(capacity, MoveReason.HOME) == 1


fleets = st.lists(
    st.builds(
        lambda region, ordinal, players, capacity, state, cordoned: node(
            f"{region}-{ordinal}", players=players, capacity=capacity, state=state, cordoned=cordoned
        ),
        st.sampled_from(["us-east", "rotterdam", "singapore"]),
        st.integers(0, 4),
        st.integers(0, 30),
        st.sampled_from([0, 10, 25]),
        st.sampled_from([NodeState.READY, NodeState.READY, NodeState.DEAD]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.id,
)
crowds = st.lists(
    st.builds(
        Leaving,
        guild=st.integers(1, 1 << 63).map(GuildId),
        endpoint=st.sampled_from([HOME_ENDPOINT, "127.80.2.1", "atlantis1.discord.media"]),
        tier=st.sampled_from([None, TierName("free"), TierName("premium")]),
        listeners=st.integers(0, 5),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda one: one.guild,
)
base_topology = Topology(generation=1, num_shards=4)


@given(fleets, crowds, st.sampled_from(MoveReason), st.randoms(use_true_random=False))
def test_a_plan_is_the_same_everywhere_and_overfills_nothing(
    nodes: list[FleetNode], crowd: list[Leaving], reason: MoveReason, random: object
) -> None:
    """The same view and players in any order give the same plan; what is meant for a node fits there."""
    asked = wish(tuple(crowd), reason=reason)
    planned = plan_moves(standings(base_topology, *nodes), asked, Pace())
    shuffled = list(crowd)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = plan_moves(
        standings(base_topology, *reversed(nodes)), replace(asked, players=tuple(shuffled)), Pace()
    )
    assert again.plan == planned.plan
    assert told(again) == told(planned)
    assert {one.player.guild for one in planned.players} == {one.guild for one in crowd}
    by_id = {one.id: one for one in nodes}
    for name, count in Counter(meant(planned)).items():
        if name != "-":
            one = by_id[NodeId(name)]
            assert one.usable
            assert one.id != LOST
            assert not one.capacity or one.players + count <= one.capacity


async def report_players(registry: NodeRegistry, counts: dict[NodeId, int]) -> None:
    """Let nodes report how many players they have."""
    lease = await registry.due(list(counts), lease_ms=1000, most=len(counts))
    for name, players in counts.items():
        report = NodeReport(node=name, state=NodeState.READY, probed_at=lease.now_ms, players=players)
        assert await registry.record(report, lease, next_at=lease.now_ms, players=players)


def plan_of(
    targets: list[tuple[str, int, int]], orders: list[list[list[int]]], guilds: range, window_ms: int = 30_000
) -> MovePlan:
    """Return a plan that means each guild for the first node of its order."""
    return MovePlan(
        targets=tuple(
            MoveTarget(node=NodeId(name), capacity=capacity, starts=starts)
            for name, capacity, starts in targets
        ),
        orders=tuple(tuple(tuple(group) for group in order) for order in orders),
        movers=tuple(
            Mover(guild=GuildId(guild), order=guild % len(orders), meant=orders[guild % len(orders)][0][0])
            for guild in guilds
        ),
        window_ms=window_ms,
    )


async def test_a_busy_region_is_waited_for_and_a_full_one_left(registry: NodeRegistry) -> None:
    """Room without a free start means a wait, whose end is told; no room at all means the next region."""
    busy = await registry.reserve_moves(
        plan_of([("near", 0, 2), ("far", 0, 9)], [[[0], [1]]], range(1, 6), window_ms=2_000)
    )
    assert busy.places[:2] == (0, 0)
    waits = busy.places[2:]
    assert all(isinstance(one, Wait) and 0 < one.ms <= 2_000 for one in waits)
    assert busy.reserved == (2, 0)
    full = await registry.reserve_moves(
        plan_of([("small", 2, 9), ("far", 0, 9)], [[[0], [1]]], range(11, 16))
    )
    assert full.places == (0, 0, 1, 1, 1)
    nowhere = await registry.reserve_moves(plan_of([("small", 2, 9)], [[[0]]], range(21, 23)))
    assert nowhere.places == (None, None)


async def test_a_start_is_over_when_its_window_is_or_the_player_is_seen(registry: NodeRegistry) -> None:
    """A node that reports its new players may begin with as many again, and so may one after the window."""
    await report_players(registry, {NodeId("near"): 0})
    first = await registry.reserve_moves(plan_of([("near", 0, 3)], [[[0]]], range(1, 5)))
    assert first.places[:3] == (0, 0, 0)
    assert isinstance(first.places[3], Wait)
    await report_players(registry, {NodeId("near"): 2})
    seen = await registry.reserve_moves(plan_of([("near", 0, 3)], [[[0]]], range(11, 14)))
    assert seen.places[:2] == (0, 0)
    wait = seen.places[2]
    assert isinstance(wait, Wait)
    over = await registry.reserve_moves(plan_of([("near", 0, 3)], [[[0]]], range(21, 22), window_ms=0))
    assert over.places == (0,)


async def test_repeating_a_call_changes_nothing(registry: NodeRegistry) -> None:
    """An answer that got lost may be asked for again: the places stay, and no more of them are taken."""
    plan = plan_of([("a", 4, 9), ("b", 4, 9)], [[[0, 1]], [[1, 0]]], range(1, 9))
    first = await registry.reserve_moves(plan)
    again = await registry.reserve_moves(plan)
    assert again.places == first.places
    assert again.reserved == first.reserved == (4, 4)


async def test_cordoned_nodes_get_nobody_whatever_the_view_said(registry: NodeRegistry) -> None:
    """An order given a moment ago counts, though the plan was made before it; a newcomer is kept away too."""
    await registry.cordon(NodeId("a"), Cordon(by="anna", drain=True))
    moves = await registry.reserve_moves(plan_of([("a", 0, 9), ("b", 0, 9)], [[[0, 1]]], range(1, 4)))
    assert moves.places == (1, 1, 1)
    assert await registry.reserve(GuildId(9), [Place(node=NodeId("a"))]) is None


async def test_a_place_held_elsewhere_moves_with_its_guild(registry: NodeRegistry) -> None:
    """A guild never has two places: the old one is given back in the same instant."""
    assert await registry.reserve(GuildId(1), [Place(node=NodeId("old"))]) is not None
    moves = await registry.reserve_moves(plan_of([("new", 0, 9), ("old", 0, 9)], [[[0], [1]]], range(1, 2)))
    assert moves.places == (0,)
    assert moves.reserved == (1, 0)


@settings(
    max_examples=25,
    deadline=None,
    # Each example has a cluster of its own, by its number.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 3, 8, 20]), st.integers(1, 9), st.integers(0, 6)),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.integers(1, 25), min_size=2, max_size=6),
)
def test_two_replicas_at_once_break_no_bound(
    valkey_url: str, keys: Keys, nodes: list[tuple[int, int, int]], batches: list[int]
) -> None:
    """However two routers' calls interleave, no node gets more than it may carry, or more starts at once.

    Whoever got no place at all found every node full.
    """

    async def race() -> None:
        own = Keys(f"{keys.cluster}-{next(_examples)}")
        clients = [connect(valkey_url, f"replica-{number}") for number in range(2)]
        try:
            replicas = [NodeRegistry(client, own) for client in clients]
            targets = [
                (f"node-{number}", capacity, starts) for number, (capacity, starts, _) in enumerate(nodes)
            ]
            counts = {
                NodeId(name): players for (name, _, _), (_, _, players) in zip(targets, nodes, strict=True)
            }
            await report_players(replicas[0], counts)
            half = max(1, len(targets) // 2)
            order = [list(range(half)), list(range(half, len(targets)))]
            orders = [[group for group in order if group]]
            begin, plans = 1, []
            for size in batches:
                plans.append(plan_of(targets, orders, range(begin, begin + size)))
                begin += size
            results = await asyncio.gather(
                *(replicas[number % 2].reserve_moves(plan) for number, plan in enumerate(plans))
            )
            view = await replicas[0].view([NodeId(name) for name, _, _ in targets])
            got: Counter[int] = Counter()
            for result in results:
                got.update(place for place in result.places if isinstance(place, int))
            for number, (name, capacity, starts) in enumerate(targets):
                load = view.loads[NodeId(name)]
                assert load.reserved == got[number] <= starts
                assert capacity == 0 or got[number] == 0 or load.players + load.reserved <= capacity
            for result in results:
                for place in result.places:
                    if place is None:
                        assert all(
                            capacity and view.loads[NodeId(name)].players + got[number] >= capacity
                            for number, (name, capacity, _) in enumerate(targets)
                        )
        finally:
            for client in clients:
                await client.aclose()

    asyncio.run(race())
