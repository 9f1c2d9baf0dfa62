"""What is known of the fleet, by the router and by the topology, as one."""

from __future__ import annotations

from segue_core.ids import GuildId, NodeId, RegionName, TierName
from segue_core.models import Topology, TopologyNode, TopologyRegion, TopologyTier
from segue_worker.routing.view import FleetView, NodeHealth, NodeView

EAST, WEST, EU = RegionName("us-east"), RegionName("us-west"), RegionName("eu")
GUILD = GuildId(77)


def wanted(*names: str) -> Topology:
    """Return a topology with these nodes, named after their regions."""
    return Topology(
        generation=1,
        num_shards=1,
        regions=(
            TopologyRegion(name=EAST, voice_prefixes=("us-east", "atlanta"), distances={WEST: 60, EU: 90}),
            TopologyRegion(name=WEST, voice_prefixes=("us-west", "us"), distances={EAST: 60}),
            TopologyRegion(name=EU, voice_prefixes=("rotterdam",)),
        ),
        nodes=tuple(
            TopologyNode(
                id=NodeId(name),
                region=RegionName(name.rpartition("-")[0]),
                address=f"{name}:2333",
                capacity=10,
            )
            for name in names
        ),
        tiers=(TopologyTier(name=TierName("free"), regions=(EAST,)), TopologyTier(name=TierName("gold"))),
    )


def seen(name: str, health: NodeHealth = NodeHealth.READY, players: int = 0, **changes: bool) -> NodeView:
    """Return a node as the router tells of it."""
    return NodeView(
        id=NodeId(name),
        region=RegionName(name.rpartition("-")[0]),
        address=f"{name}.probed:2333",
        health=health,
        players=players,
        capacity=10,
        **changes,
    )


def view(topology: Topology | None, *nodes: NodeView) -> FleetView:
    """Return a view of both."""
    return FleetView(nodes={node.id: node for node in nodes}, topology=topology)


def test_nearest_region_comes_first() -> None:
    """The voice endpoint names the home region; the others follow by distance, those unsaid last."""
    fleet = view(wanted("eu-0", "us-west-0", "us-east-0"))
    assert fleet.candidates(GUILD, "us-east4711.discord.gg:443") == ("us-east-0", "us-west-0", "eu-0")
    assert fleet.candidates(GUILD, "us-west1.discord.gg")[0] == "us-west-0"


def test_longest_prefix_names_the_region() -> None:
    """A prefix that fits more of the endpoint wins: us must not swallow us-east."""
    fleet = view(wanted("us-west-0", "us-east-0"))
    assert fleet.candidates(GUILD, "us-east1")[0] == "us-east-0"
    assert fleet.candidates(GUILD, "us-central1")[0] == "us-west-0"


def test_tier_bounds_the_regions() -> None:
    """A tier with regions gets no others; one without, or one nobody knows, gets all."""
    fleet = view(wanted("eu-0", "us-west-0", "us-east-0"))
    assert fleet.candidates(GUILD, "rotterdam1", TierName("free")) == ("us-east-0",)
    assert len(fleet.candidates(GUILD, "rotterdam1", TierName("gold"))) == 3
    assert len(fleet.candidates(GUILD, "rotterdam1", TierName("new"))) == 3


def test_a_tier_that_left_the_spec_is_not_known() -> None:
    """Its guilds are placed as of the default tier, so that they go on playing."""
    view = FleetView(topology=wanted("us-east-0"))
    assert view.knows_tier(TierName("gold"))
    assert not view.knows_tier(TierName("platinum"))
    assert FleetView().knows_tier(TierName("platinum"))


def test_what_the_router_saw_keeps_nodes_away() -> None:
    """Dead, hung, overloaded, misconfigured, cordoned and full nodes are not offered; unknown ones are."""
    names = [f"us-east-{number}" for number in range(8)]
    fleet = view(
        wanted(*names),
        seen(names[0], NodeHealth.DEAD),
        seen(names[1], NodeHealth.HUNG),
        seen(names[2], NodeHealth.OVERLOADED),
        seen(names[3], NodeHealth.MISCONFIGURED),
        seen(names[4], cordoned=True),
        seen(names[5], players=10),
        seen(names[6], NodeHealth.UNKNOWN),
    )
    assert set(fleet.candidates(GUILD)) == {names[6], names[7]}


def test_topology_knows_addresses_first() -> None:
    """A replaced node's new address counts before the router has probed it; a removed node is not offered."""
    fleet = view(wanted("us-east-0"), seen("us-east-0"), seen("us-east-1"))
    assert fleet.address(NodeId("us-east-0")) == "us-east-0:2333"
    assert fleet.address(NodeId("us-east-1")) == "us-east-1.probed:2333"
    assert fleet.address(NodeId("eu-9")) is None
    assert fleet.candidates(GUILD) == ("us-east-0",)
    assert view(None, seen("us-east-1")).candidates(GUILD) == ("us-east-1",)
