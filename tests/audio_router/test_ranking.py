"""Which nodes are candidates, and in what order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.ids import GuildId, NodeId, RegionName, TierName
from segue_core.models import Topology, TopologyNode, TopologyTier
from segue_core.redis.nodes import NodeState
from segue_router.domain.placement import (
    NEARLY_EQUAL,
    Fleet,
    FleetNode,
    NoNodeError,
    NoRoomError,
    Reason,
    UnknownTierError,
    Wish,
    nothing_left,
    score,
)
from segue_router.domain.standings import rank

if TYPE_CHECKING:
    from collections.abc import Callable

REGIONS = ("us-east", "rotterdam", "singapore")


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


def fleet(topology: Topology, *nodes: FleetNode) -> Fleet:
    """Return a fleet whose topology has exactly these nodes."""
    wanted = tuple(
        TopologyNode(id=one.id, region=one.region, address=one.address, capacity=one.capacity)
        for one in nodes
    )
    return Fleet(topology=replace(topology, nodes=wanted), nodes=tuple(sorted(nodes, key=lambda one: one.id)))


def wish(guild: int = 1, endpoint: str = "us-east1.discord.media:443", **more: object) -> Wish:
    """Return an ordinary wish."""
    return replace(Wish(guild=GuildId(guild), endpoint=endpoint), **more)  # type: ignore[arg-type]


def names(found: Fleet, asked: Wish) -> list[str]:
    """Return the candidates' names in order."""
    return [one.node.id for one in rank(found, asked).candidates]


def test_home_first_then_the_nearest_region_the_tier_allows(topology: Callable[..., Topology]) -> None:
    """A busy node at home is better than an idle one far away; the free tier never sees singapore."""
    found = fleet(topology({}), node("us-east-0", players=90), node("rotterdam-0"), node("singapore-0"))
    ranking = rank(found, wish())
    assert [one.node.id for one in ranking.candidates] == ["us-east-0", "rotterdam-0"]
    assert [one.reason for one in ranking.candidates] == [Reason.HOME_REGION, Reason.NEAREST_REGION]
    assert names(found, wish(tier=TierName("premium")))[-1] == "singapore-0"


def test_an_unknown_place_is_judged_by_burden_alone(topology: Callable[..., Topology]) -> None:
    """Without a region, the least burdened node of all allowed ones is first."""
    found = fleet(topology({}), node("us-east-0", players=80), node("rotterdam-0", players=5))
    ranking = rank(found, wish(endpoint="atlantis1.discord.media"))
    assert ranking.home is None
    assert [one.node.id for one in ranking.candidates] == ["rotterdam-0", "us-east-0"]
    assert {one.reason for one in ranking.candidates} == {Reason.UNKNOWN_REGION}


def test_an_open_session_decides_among_the_nearly_equal_only(topology: Callable[..., Topology]) -> None:
    """Preferred nodes come first when it costs nothing, and not when they are much more burdened."""
    equal = fleet(topology({}), *(node(f"us-east-{number}") for number in range(5)))
    for preferred in range(5):
        asked = wish(preferred=frozenset({NodeId(f"us-east-{preferred}")}))
        assert names(equal, asked)[0] == f"us-east-{preferred}"
    uneven = fleet(topology({}), node("us-east-0", players=80), node("us-east-1"))
    assert names(uneven, wish(preferred=frozenset({NodeId("us-east-0")})))[0] == "us-east-1"


def test_guilds_spread_over_equal_nodes(topology: Callable[..., Topology]) -> None:
    """A thousand guilds on four equal nodes: none gets much more than its quarter."""
    equal = fleet(topology({}), *(node(f"us-east-{number}") for number in range(4)))
    first = [names(equal, wish(guild=guild << 22))[0] for guild in range(1, 1001)]
    assert all(180 <= first.count(name) <= 320 for name in set(first))
    assert len(set(first)) == 4


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"state": NodeState.DEAD}, NoNodeError, "1 dead"),
        ({"state": NodeState.OVERLOADED}, NoRoomError, "1 overloaded"),
        ({"cordoned": True}, NoNodeError, "1 cordoned"),
        ({"state": NodeState.UNKNOWN}, NoNodeError, "1 unknown"),
    ],
)
def test_why_no_node_can_be_had_is_told(
    topology: Callable[..., Topology], changes: dict[str, object], kind: type[Exception], words: str
) -> None:
    """What may pass soon (load) is another error than what somebody must mend."""
    with pytest.raises(kind, match=words):
        rank(fleet(topology({}), node("us-east-0", **changes)), wish())


def test_other_dead_ends_have_words(topology: Callable[..., Topology]) -> None:
    """No nodes at all, none in the tier's regions, all excluded, an unknown tier."""
    with pytest.raises(NoNodeError, match="no nodes"):
        rank(fleet(topology({})), wish())
    with pytest.raises(NoNodeError, match="no node in the regions"):
        rank(fleet(topology({}), node("singapore-0")), wish())
    with pytest.raises(NoNodeError, match="excluded_nodes"):
        rank(fleet(topology({}), node("us-east-0")), wish(excluded=frozenset({NodeId("us-east-0")})))
    with pytest.raises(UnknownTierError, match="free, premium"):
        rank(fleet(topology({}), node("us-east-0")), wish(tier=TierName("gold")))
    told = nothing_left(fleet(topology({}), node("us-east-0")), wish(), known_full=True)
    assert isinstance(told, NoRoomError)


def test_without_tiers_everybody_may_use_everything(topology: Callable[..., Topology]) -> None:
    """A topology that sells nothing refuses no tier's name."""
    plain = replace(topology({}), tiers=())
    assert names(fleet(plain, node("singapore-0")), wish(tier=TierName("free"))) == ["singapore-0"]
    named = replace(topology({}), tiers=(TopologyTier(name=TierName("only")),))
    assert names(fleet(named, node("singapore-0")), wish()) == ["singapore-0"]


shares = st.floats(0.0, 1.0, allow_nan=False)
fleet_nodes = st.builds(
    lambda region, ordinal, state, cordoned, players, reserved, load, deficit: node(
        f"{region}-{ordinal}",
        state=state,
        cordoned=cordoned,
        players=players,
        reserved=reserved,
        system_load=load,
        frame_deficit=deficit,
    ),
    st.sampled_from(REGIONS),
    st.integers(0, 9),
    st.sampled_from(NodeState),
    st.booleans(),
    st.integers(0, 120),
    st.integers(0, 120),
    shares,
    st.none() | shares,
)


@given(
    st.lists(fleet_nodes, min_size=1, max_size=12, unique_by=lambda one: one.id),
    st.integers(1, 1 << 63),
    st.sampled_from(["us-east1.discord.media", "127.80.2.1:1", "japan1.discord.media", "x1.discord.media"]),
    st.sampled_from([None, TierName("free"), TierName("premium")]),
    st.sets(st.sampled_from([NodeId(f"{region}-{number}") for region in REGIONS for number in range(10)])),
)
def test_whatever_the_fleet_only_usable_nodes_are_candidates(
    topology_nodes: list[FleetNode], guild: int, endpoint: str, tier: TierName | None, excluded: set[NodeId]
) -> None:
    """Each usable, allowed node exactly once and no other; and every replica, in any order, says the same."""
    base = Topology(
        generation=1,
        num_shards=4,
        tiers=(
            TopologyTier(name=TierName("free"), regions=(RegionName("us-east"), RegionName("rotterdam"))),
            TopologyTier(name=TierName("premium")),
        ),
    )
    found = fleet(base, *topology_nodes)
    asked = wish(guild=guild, endpoint=endpoint, tier=tier, excluded=frozenset(excluded))
    allowed = set(REGIONS) if tier == "premium" else {"us-east", "rotterdam"}
    usable = {
        one.id
        for one in topology_nodes
        if one.region in allowed
        and one.id not in excluded
        and one.state is NodeState.READY
        and not one.cordoned
    }
    try:
        ranking = rank(found, asked)
    except (NoNodeError, NoRoomError):
        assert not usable
        return
    order = [one.node.id for one in ranking.candidates]
    assert sorted(order) == sorted(usable)
    assert 1 <= ranking.nearly_equal <= len(order)
    front = ranking.candidates[: ranking.nearly_equal]
    best = min(one.score for one in ranking.candidates if one.node.region == front[0].node.region)
    assert len(front) == 1 or all(one.score <= best + NEARLY_EQUAL for one in front)
    shuffled = fleet(base, *reversed(topology_nodes))
    assert [one.node.id for one in rank(shuffled, asked).candidates] == order


@given(fleet_nodes, st.integers(0, 100))
def test_more_players_never_make_a_node_better(one: FleetNode, more: int) -> None:
    """The score grows with what a node carries, whatever else it reports."""
    assert score(replace(one, players=one.players + more)) >= score(one)
