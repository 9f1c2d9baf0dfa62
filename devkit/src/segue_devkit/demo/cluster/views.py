"""The cluster as the page shows it. Pure: what was read goes in, plain values for JSON come out.

Instants are milliseconds since the epoch, so that ages run on in the browser and a cluster in which
nothing happens is not sent again. Loads are shares, 0.0 to 1.0. Ids are strings, for JavaScript.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segue_core.ids import GuildId, NodeId, shard_of
from segue_core.redis.leases import LeaseState
from segue_core.redis.nodes import NodeState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segue_core.ids import OwnerId
    from segue_core.models import PlayerSnapshot, Topology, TopologyNode
    from segue_core.redis.leases import LeaseInfo, WorkerBeat
    from segue_core.redis.nodes import RegistryView
    from segue_devkit.demo.cluster.scrape import Figures
    from segue_devkit.processes import PodStatus


class Role(StrEnum):
    """What a pod is there for."""

    WORKER = "worker"
    ROUTER = "router"
    LAVALINK = "lavalink"
    STORE = "store"
    OUTSIDE = "outside"
    """Stands in for the world: Discord, and where songs come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """A pod. ``spare``: a ready worker that holds no shard. ``cpu``, ``rss_mib``: from its metrics."""

    name: str
    short: str
    role: Role
    phase: str
    ready: bool
    stopped: bool
    spare: bool
    shards: tuple[int, ...]
    restarts: int
    started_at: int
    message: str
    cpu: float | None
    rss_mib: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardView:
    """A shard's lease. ``pod`` is its holder; ``late`` says that it ran out and nobody took it yet."""

    shard: int
    state: str
    pod: str
    epoch: str
    since: int
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A Lavalink node as the routers see it. ``capacity`` 0: unbounded."""

    node: str
    pod: str
    state: str
    cordoned: bool
    players: int
    reserved: int
    capacity: int
    cpu: float | None
    deficit: float | None
    probe_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionView:
    """A pool of nodes."""

    region: str
    players: int
    nodes: tuple[NodeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerView:
    """A guild's player, and who serves it. The position was true at ``position_at``."""

    guild: str
    shard: int
    worker: str
    node: str
    region: str
    title: str | None
    length_ms: int
    position_ms: int
    position_at: int
    paused: bool
    speed: float
    listeners: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """Everything that Redis knows and the page shows."""

    name: str
    generation: int
    num_shards: int
    shards: tuple[ShardView, ...]
    regions: tuple[RegionView, ...]
    players: tuple[PlayerView, ...]
    workers: dict[str, int]
    """Pods of the workers whose heartbeat is fresh, with the shards each could hold."""


def pod_of(owner: OwnerId | None) -> str:
    """Return the pod of a lease's owner (``pod/boot id``)."""
    return "" if owner is None else owner.partition("/")[0]


def shard_views(leases: Sequence[LeaseInfo], now_ms: int) -> tuple[ShardView, ...]:
    """Return the shards in order."""
    return tuple(
        ShardView(
            shard=one.shard,
            state=one.state.value,
            pod=pod_of(one.owner),
            epoch=str(one.epoch),
            since=one.since,
            late=one.state is LeaseState.HELD and one.expires_at < now_ms,
        )
        for one in leases
    )


def region_views(
    topology: Topology, registry: RegistryView, pods: Sequence[PodStatus]
) -> tuple[RegionView, ...]:
    """Return the topology's regions with their nodes, in its order."""
    found = []
    for region in topology.regions:
        nodes = tuple(_node_view(one, registry, pods) for one in topology.nodes if one.region == region.name)
        found.append(RegionView(region=region.name, players=sum(one.players for one in nodes), nodes=nodes))
    return tuple(found)


def _node_view(node: TopologyNode, registry: RegistryView, pods: Sequence[PodStatus]) -> NodeView:
    report, load = registry.reports.get(node.id), registry.loads.get(node.id)
    host = node.address.rpartition(":")[0].rpartition("/")[2]
    return NodeView(
        node=node.id,
        pod=next((one.name for one in pods if one.address == host), ""),
        state=(NodeState.UNKNOWN if report is None else report.state).value,
        cordoned=node.id in registry.cordons,
        players=0 if load is None else load.players,
        reserved=0 if load is None else load.reserved,
        capacity=node.capacity,
        cpu=None if report is None else round(report.system_load, 2),
        deficit=None if report is None or report.frame_deficit is None else round(report.frame_deficit, 3),
        probe_ms=None if report is None or report.probe_ms is None else round(report.probe_ms),
    )


def player_views(
    snapshots: Mapping[GuildId, PlayerSnapshot], topology: Topology, leases: Sequence[LeaseInfo]
) -> tuple[PlayerView, ...]:
    """Return every player with who serves it, by guild."""
    holders = {one.shard: pod_of(one.owner) for one in leases}
    regions = {one.id: one.region for one in topology.nodes}
    found = []
    for guild, player in sorted(snapshots.items()):
        shard = shard_of(guild, topology.num_shards)
        track = None if player.current is None else player.current.track
        found.append(
            PlayerView(
                guild=str(guild),
                shard=shard,
                worker=holders.get(shard, ""),
                node=player.node or "",
                region=str(regions.get(player.node or NodeId(""), "")),
                title=None if track is None else track.title,
                length_ms=0 if track is None or track.is_stream else track.length_ms,
                position_ms=player.position_ms,
                position_at=player.position_at,
                paused=player.paused,
                speed=player.speed,
                listeners=len(player.listeners),
            )
        )
    return tuple(found)


def cluster_view(
    name: str,
    topology: Topology,
    *,
    leases: Sequence[LeaseInfo],
    workers: Sequence[WorkerBeat],
    registry: RegistryView,
    snapshots: Mapping[GuildId, PlayerSnapshot],
    pods: Sequence[PodStatus],
) -> ClusterView:
    """Return all of it."""
    return ClusterView(
        name=name,
        generation=topology.generation,
        num_shards=topology.num_shards,
        shards=shard_views(leases, registry.now_ms),
        regions=region_views(topology, registry, pods),
        players=player_views(snapshots, topology, leases),
        workers={pod_of(one.owner): one.capacity for one in workers},
    )


def role_of(workload: str, cluster: str) -> Role:
    """Return what the pods of a workload are for, by its name."""
    short = workload.removeprefix(f"{cluster}-")
    if short.startswith("sim-"):
        return Role.OUTSIDE
    kind = short.partition("-")[0]
    return Role(kind) if kind in {Role.WORKER, Role.ROUTER, Role.LAVALINK} else Role.STORE


def pod_views(
    pods: Sequence[PodStatus],
    cluster: str,
    *,
    held: Mapping[str, tuple[int, ...]],
    started_at: Mapping[str, int],
    stopped: frozenset[str],
    figures: Mapping[str, Figures],
) -> tuple[PodView, ...]:
    """Return the pods, workers first, by name. ``held`` are the shards of each worker's pod."""
    order = list(Role)
    views = []
    for pod in pods:
        role, shards = role_of(pod.workload, cluster), held.get(pod.name, ())
        figure = figures.get(pod.name)
        views.append(
            PodView(
                name=pod.name,
                short=pod.name.removeprefix(f"{cluster}-"),
                role=role,
                phase=str(pod.phase),
                ready=pod.ready,
                stopped=pod.name in stopped,
                spare=role is Role.WORKER and pod.ready and not shards,
                shards=shards,
                restarts=pod.restarts,
                started_at=started_at.get(pod.name, 0),
                message=pod.message,
                cpu=None if figure is None or figure.cpu is None else round(figure.cpu, 2),
                rss_mib=None if figure is None else round(figure.rss_bytes / 1_048_576),
            )
        )
    return tuple(sorted(views, key=lambda one: (order.index(one.role), one.name)))


def held_by(leases: Sequence[LeaseInfo]) -> dict[str, tuple[int, ...]]:
    """Return the shards of each pod."""
    held: dict[str, tuple[int, ...]] = {}
    for one in leases:
        if one.state is LeaseState.HELD and one.owner is not None:
            pod = pod_of(one.owner)
            held[pod] = (*held.get(pod, ()), one.shard)
    return held
