"""Labels: what belongs to which cluster, and what selects which pods."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster

CLUSTER_LABEL = "segue.dev/cluster"
REGION_LABEL = "segue.dev/region"
ZONE_LABEL = "topology.kubernetes.io/zone"
CONFIG_HASH = "segue.dev/config-hash"
"""Pod annotation: changes with the rendered configuration, so that pods roll when it does."""


class Component(StrEnum):
    """The parts of a cluster."""

    WORKER = "shard-worker"
    ROUTER = "audio-router"
    LAVALINK = "lavalink"
    REDIS = "redis"
    POSTGRES = "postgres"


def selector(cluster: MusicCluster, component: Component, region: str | None = None) -> dict[str, str]:
    """Return the labels that select a component's pods. They never change in an object's life."""
    labels = {"app.kubernetes.io/name": component.value, CLUSTER_LABEL: cluster.name}
    return {**labels, REGION_LABEL: region} if region else labels


def labels(cluster: MusicCluster, component: Component, region: str | None = None) -> dict[str, str]:
    """Return all labels of a component's objects."""
    return {
        **selector(cluster, component, region),
        "app.kubernetes.io/instance": cluster.name,
        "app.kubernetes.io/part-of": "segue",
        "app.kubernetes.io/managed-by": "segue-operator",
    }


def metadata(
    cluster: MusicCluster, name: str, component: Component, region: str | None = None
) -> dict[str, Any]:
    """Return an object's metadata."""
    return {"name": name, "namespace": cluster.namespace, "labels": labels(cluster, component, region)}
