"""The registry's scripts on a real Valkey in cluster mode: room, promises, leases of probes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from segue_core.ids import GuildId, NodeId
from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_core.redis.nodes import Cordon, NodeRegistry, NodeReport, NodeState, Place

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from segue_core.redis.connection import RedisClient

T = TypeVar("T")
ONE, TWO = NodeId("us-east-0"), NodeId("us-east-1")


def report(node: NodeId, players: int = 0) -> NodeReport:
    """Return a ready node's report."""
    return NodeReport(node=node, state=NodeState.READY, probed_at=1, players=players)


async def probed(registry: NodeRegistry, node: NodeId, players: int) -> None:
    """Record a probe that found so many players."""
    lease = await registry.due([node], lease_ms=1000, most=1)
    assert await registry.record(report(node, players), lease, next_at=0, players=players)


async def test_the_first_with_room_is_taken_and_full_ones_are_passed(registry: NodeRegistry) -> None:
    """Candidates are tried in order; a guild refused keeps what it had; others' places are safe."""
    places = [Place(node=ONE, capacity=1), Place(node=TWO, capacity=1)]
    first = await registry.reserve(GuildId(1), places)
    second = await registry.reserve(GuildId(2), places)
    assert first is not None
    assert second is not None
    assert (first.node, second.node) == (ONE, TWO)
    assert await registry.reserve(GuildId(3), places) is None
    view = await registry.view([ONE, TWO])
    assert [view.loads[node].reserved for node in (ONE, TWO)] == [1, 1]


async def test_a_second_place_replaces_the_first(registry: NodeRegistry) -> None:
    """A guild never holds two; one that is nearly as good stays where it is, one that is not moves."""
    guild = GuildId(2**63 + 5)
    both = [Place(node=ONE), Place(node=TWO)]
    await registry.reserve(guild, both)
    stayed = await registry.reserve(guild, both[::-1], nearly_equal=2)
    assert stayed is not None
    assert stayed.node == ONE
    moved = await registry.reserve(guild, both[::-1], nearly_equal=1)
    assert moved is not None
    assert moved.node == TWO
    view = await registry.view([ONE, TWO])
    assert [view.loads[node].reserved for node in (ONE, TWO)] == [0, 1]
    assert await registry.release(guild)
    assert not await registry.release(guild)


async def test_a_promise_nobody_keeps_lapses(redis: RedisClient, keys: Keys, until: Any) -> None:
    """After its time a reservation holds no room and releasing it is news to nobody."""
    registry = NodeRegistry(redis, keys, reservation_ttl_ms=60)
    places = [Place(node=ONE, capacity=1)]
    assert await registry.reserve(GuildId(1), places) is not None

    async def free() -> bool:
        return await registry.reserve(GuildId(2), places) is not None

    assert await until(free)
    assert not await registry.release(GuildId(1))


async def test_players_that_appear_settle_the_oldest_promises(registry: NodeRegistry) -> None:
    """Two promises, one new player: one promise is left; a node that lost players settles none."""
    await probed(registry, ONE, 5)
    for guild in (1, 2):
        await registry.reserve(GuildId(guild), [Place(node=ONE)])
    await probed(registry, ONE, 6)
    assert (await registry.view([ONE])).loads[ONE].reserved == 1
    assert not await registry.release(GuildId(1))
    await probed(registry, ONE, 2)
    assert (await registry.view([ONE])).loads[ONE].reserved == 1
    assert await registry.release(GuildId(2))


async def test_players_count_against_capacity(registry: NodeRegistry) -> None:
    """What the node reports and what is promised share the room."""
    await probed(registry, ONE, 2)
    places = [Place(node=ONE, capacity=3)]
    assert await registry.reserve(GuildId(1), places) is not None
    assert await registry.reserve(GuildId(2), places) is None


async def test_a_probe_belongs_to_one_replica(registry: NodeRegistry, until: Any) -> None:
    """Who takes a node has it alone; when its lease runs out another may, and the first is refused."""
    first = await registry.due([ONE, TWO], lease_ms=80, most=1)
    second = await registry.due([ONE, TWO], lease_ms=80, most=5)
    assert (set(first.nodes), set(second.nodes)) == ({ONE}, {TWO})
    later: Any = None

    async def taken() -> bool:
        nonlocal later
        later = await registry.due([ONE], lease_ms=5_000, most=1)
        return bool(later.nodes)

    assert await until(taken)
    assert not await registry.record(report(ONE), first, next_at=0, players=1)
    assert await registry.record(report(ONE), later, next_at=0, players=1)
    again = await registry.due([ONE], lease_ms=80, most=1)
    assert again.nodes == {ONE: report(ONE)}


async def test_cordons_outlive_the_node_and_the_rest_does_not(registry: NodeRegistry) -> None:
    """A node that leaves the topology is forgotten with its promises, but not the order about it."""
    await probed(registry, ONE, 5)
    await registry.reserve(GuildId(1), [Place(node=ONE)])
    await registry.cordon(ONE, Cordon(by="anna", reason="disk", since=1))
    assert await registry.reserve(GuildId(2), [Place(node=ONE)]) is None
    assert await registry.retain([TWO]) == 1
    view = await registry.view([ONE])
    assert view.reports == {}
    assert (view.loads[ONE].players, view.loads[ONE].reserved) == (0, 0)
    assert set(view.cordons) == {ONE}
    assert await registry.cordons() == {ONE: Cordon(by="anna", reason="disk", since=1)}
    assert await registry.uncordon(ONE)


async def test_names_that_begin_alike_do_not_mix(registry: NodeRegistry) -> None:
    """us-east-1 and us-east-10 are two nodes to every range of the scripts."""
    ten = NodeId("us-east-10")
    await registry.reserve(GuildId(1), [Place(node=TWO)])
    await registry.reserve(GuildId(2), [Place(node=ten)])
    view = await registry.view([TWO, ten])
    assert (view.loads[TWO].reserved, view.loads[ten].reserved) == (1, 1)


class ModelOfTwoNodes(RuleBasedStateMachine):
    """Two nodes with room for two and three players, and what the scripts must say of them."""

    connection: RedisClient
    registry: NodeRegistry
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[int, NodeId] = {}
        self.players = {ONE: 0, TWO: 0}
        self.capacity = {ONE: 2, TWO: 3}
        self.begin()

    def begin(self) -> None:
        """Overridden: connects to a server, under a cluster's name of its own."""

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        """Run a call to its end."""
        return self.loop.run_until_complete(call)

    def taken(self, node: NodeId, without: int) -> int:
        """Return what fills a node, but for one guild's own promise."""
        others = sum(home == node for guild, home in self.held.items() if guild != without)
        return self.players[node] + others

    @rule(guild=st.integers(1, 6), order=st.permutations([ONE, TWO]), equal=st.integers(1, 2))
    def place(self, guild: int, order: list[NodeId], equal: int) -> None:
        places = [Place(node=node, capacity=self.capacity[node]) for node in order]
        got = self.wait(self.registry.reserve(GuildId(guild), places, nearly_equal=equal))
        room = [node for node in order if self.taken(node, without=guild) < self.capacity[node]]
        held = self.held.get(guild)
        wanted = held if held in order[:equal] and held in room else next(iter(room), None)
        assert (got.node if got else None) == wanted
        if wanted is not None:
            self.held[guild] = wanted

    @rule(guild=st.integers(1, 6))
    def release(self, guild: int) -> None:
        released = self.wait(self.registry.release(GuildId(guild)))
        assert released == (self.held.pop(guild, None) is not None)

    @rule(guild=st.integers(1, 6))
    def appear(self, guild: int) -> None:
        """One more player keeps one promise of its node: the oldest, which by then may be another's."""
        node = self.held.get(guild)
        if node is None:
            return
        self.players[node] += 1
        self.wait(probed(self.registry, node, self.players[node]))
        there = [one for one, home in self.held.items() if home == node]
        assert self.wait(self.registry.view([node])).loads[node].reserved == len(there) - 1
        kept = [one for one in there if not self.wait(self.registry.release(GuildId(one)))]
        assert len(kept) == 1
        self.held = {one: home for one, home in self.held.items() if home != node}

    @rule(node=st.sampled_from([ONE, TWO]))
    def leave(self, node: NodeId) -> None:
        self.players[node] = max(0, self.players[node] - 1)
        self.wait(probed(self.registry, node, self.players[node]))

    @invariant()
    def never_overfilled(self) -> None:
        view = self.wait(self.registry.view([ONE, TWO]))
        for node, capacity in self.capacity.items():
            load = view.loads[node]
            assert load.reserved == sum(home == node for home in self.held.values())
            assert load.players + load.reserved <= capacity

    def teardown(self) -> None:
        self.wait(self.connection.aclose())
        self.loop.close()


def test_no_sequence_of_calls_overfills_a_node(valkey_url: str, cluster: str) -> None:
    """Model check: whatever guilds place and release, and players do, room is never given twice."""
    runs = iter(range(100_000))

    class Bound(ModelOfTwoNodes):
        def begin(self) -> None:
            self.loop = asyncio.new_event_loop()
            self.connection = connect(valkey_url, "model")
            self.registry = NodeRegistry(self.connection, Keys(f"{cluster}-{next(runs)}"))
            for node in self.players:
                self.wait(probed(self.registry, node, 0))

    run_state_machine_as_test(Bound, settings=settings(max_examples=40, deadline=None))
