"""What the data plane runs by: shard count, regions, nodes and tiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.ids import RegionName, TierName
from segue_core.models import Topology, TopologyNode, TopologyRegion, TopologyTier
from segue_operator.specs.names import Names, node_id

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster


def build_topology(cluster: MusicCluster, generation: int) -> Topology:
    """Return the topology of a cluster, numbered ``generation``."""
    names, spec = Names.of(cluster), cluster.spec
    return Topology(
        generation=generation,
        num_shards=spec.shards,
        regions=tuple(
            TopologyRegion(
                name=RegionName(region.name),
                voice_prefixes=region.voice_prefixes,
                distances={RegionName(name): distance for name, distance in region.distances.items()},
            )
            for region in spec.regions
        ),
        nodes=tuple(
            TopologyNode(
                id=node_id(region.name, ordinal),
                region=RegionName(region.name),
                address=names.node_address(region.name, ordinal),
                capacity=region.capacity_per_node,
            )
            for region in spec.regions
            for ordinal in range(region.nodes)
        ),
        tiers=tuple(
            TopologyTier(name=TierName(tier.name), regions=tuple(RegionName(name) for name in tier.regions))
            for tier in spec.tiers
        ),
    )
