"""Says, for a person, why an object is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_operator.specs import Names
from segue_operator.specs.lavalink import heap_mebibytes
from segue_operator.specs.worker import worker_pods

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.specs import ObjectRef


def why(cluster: MusicCluster, ref: ObjectRef) -> str:
    """Return a sentence on what an object of ``cluster`` is for, with the figures it follows from."""
    names = Names.of(cluster)
    if ref.name == names.worker:
        return _workers(cluster)
    if ref.name == names.router:
        return _router(cluster, ref)
    if ref.name == names.redis:
        return "spec.redis.embedded: leases, sessions and snapshots live here"
    if ref.name == names.postgres:
        return "spec.postgres.embedded: settings, history and events live here"
    if ref.name == names.lavalink_secret:
        return "no spec.lavalink.passwordSecretRef: a password was generated"
    return _region(cluster, ref)


def _workers(cluster: MusicCluster) -> str:
    shards, workers, pods = cluster.spec.shards, cluster.spec.workers, worker_pods(cluster.spec)
    holders = pods - workers.hot_spares
    holding = f"{holders} for {_count(shards, 'shard')} at {workers.shards_per_worker} each"
    return f"{_count(pods, 'pod')}: {holding}, {_count(workers.hot_spares, 'hot spare')}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _router(cluster: MusicCluster, ref: ObjectRef) -> str:
    if ref.kind == "Service":
        return "workers find the routers by this name"
    return f"{_count(cluster.spec.router.replicas, 'pod')}: routers decide where audio lives"


def _region(cluster: MusicCluster, ref: ObjectRef) -> str:
    names = Names.of(cluster)
    for region in cluster.spec.regions:
        if ref.name == names.lavalink(region.name):
            match ref.kind:
                case "ConfigMap":
                    return f"application.yml of region {region.name}"
                case "Service":
                    return f"each node of region {region.name} has a name here"
                case _:
                    heap = heap_mebibytes(region)
                    nodes = _count(region.nodes, "Lavalink node")
                    return f"{nodes} of region {region.name}, {heap} MiB heap each"
    return "part of the cluster"
