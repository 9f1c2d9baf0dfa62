"""Spreading guilds without a router: the same everywhere, by weight, and moving as few as can be."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from segue_core.ids import GuildId, NodeId, RegionName
from segue_worker.routing.rendezvous import Candidate, choose, ranked, weight_of

EAST = RegionName("us-east")


def node(name: str, weight: int = 100, room: int | None = None, distance: float = 0.0) -> Candidate:
    """Return a candidate."""
    return Candidate(node=NodeId(name), region=EAST, weight=weight, room=room, distance=distance)


GUILDS = st.integers(min_value=0, max_value=2**64 - 1).map(GuildId)
FLEETS = st.lists(
    st.builds(
        node,
        st.text(alphabet="abcdef0123456789-", min_size=1, max_size=8),
        st.integers(min_value=0, max_value=500),
        st.none() | st.integers(min_value=0, max_value=50),
        st.sampled_from([0.0, 20.0, 80.0, float("inf")]),
    ),
    max_size=12,
    unique_by=lambda candidate: candidate.node,
)


@given(GUILDS, FLEETS, st.randoms(use_true_random=False))
def test_order_of_knowledge_does_not_matter(guild: GuildId, fleet: list[Candidate], random: object) -> None:
    """Two workers that know the same nodes, in whatever order, choose alike."""
    shuffled = list(fleet)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ranked(guild, fleet) == ranked(guild, shuffled)


@given(GUILDS, FLEETS)
def test_full_and_weightless_nodes_are_never_chosen(guild: GuildId, fleet: list[Candidate]) -> None:
    """Only nodes with weight and room are offered, and the nearest region's come first."""
    order = ranked(guild, fleet)
    known = {candidate.node: candidate for candidate in fleet}
    assert all(known[name].weight > 0 and known[name].room != 0 for name in order)
    assert set(order) == {one.node for one in fleet if one.weight > 0 and one.room != 0}
    distances = [known[name].distance for name in order]
    assert distances == sorted(distances)


@given(GUILDS, FLEETS)
def test_a_leaving_node_moves_only_its_own_guilds(guild: GuildId, fleet: list[Candidate]) -> None:
    """Whoever did not play on the node that leaves stays where it is; so does the order of the rest."""
    before = ranked(guild, fleet)
    for gone in before:
        rest = [candidate for candidate in fleet if candidate.node != gone]
        assert ranked(guild, rest) == tuple(name for name in before if name != gone)


@given(GUILDS, FLEETS, st.sets(st.integers(min_value=0, max_value=11)))
def test_excluded_nodes_are_passed_over(guild: GuildId, fleet: list[Candidate], indices: set[int]) -> None:
    """The best that is not excluded is chosen; None only when nothing is left."""
    excluded = [fleet[index].node for index in indices if index < len(fleet)]
    allowed = [name for name in ranked(guild, fleet) if name not in excluded]
    assert choose(guild, fleet, excluded) == (allowed[0] if allowed else None)


def test_guilds_spread_by_weight() -> None:
    """A node twice as heavy gets twice as many guilds."""
    fleet = [node("a", 100), node("b", 100), node("c", 200)]
    chosen = Counter(ranked(GuildId(number << 22), fleet)[0] for number in range(8000))
    assert 1800 < chosen[NodeId("a")] < 2200
    assert 1800 < chosen[NodeId("b")] < 2200
    assert 3700 < chosen[NodeId("c")] < 4300


def test_unbounded_nodes_have_a_weight() -> None:
    """A capacity of 0 means no bound, not no share."""
    assert weight_of(0) > 0
    assert weight_of(7) == 7
