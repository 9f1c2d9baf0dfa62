"""A region's Lavalink nodes: a StatefulSet, so that each has a name that stays, and a headless Service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_operator.api.quantity import MEBIBYTE, amount
from segue_operator.specs.labels import CONFIG_HASH, Component, labels, metadata, selector
from segue_operator.specs.lavalink_config import FILE, render_application
from segue_operator.specs.manifest import Manifest
from segue_operator.specs.names import LAVALINK_PORT, Names
from segue_operator.specs.pod import (
    amounts,
    container_security,
    fingerprint,
    from_field,
    lavalink_password,
    pod_security,
    tcp_probe,
    value,
)
from segue_operator.specs.services import build_service

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.api.regions import Region

LAVALINK_UID = 322
_CONFIG = "/opt/Lavalink/config"
_HEAP_SHARE = 6, 10
"""Of the memory limit: the rest is metaspace, threads, and the native buffers of the audio codecs."""


def heap_mebibytes(region: Region) -> int:
    """Return the JVM's heap for a region's memory limit, MiB.

    Raises:
        ValueError: there is no limit, which the model refuses.
    """
    limit = region.resources.limits.memory
    if limit is None:
        message = f"region {region.name} has no memory limit to derive the heap from"
        raise ValueError(message)
    part, whole = _HEAP_SHARE
    return int(amount(limit) * part / whole) // MEBIBYTE


def build_lavalink_service(cluster: MusicCluster, region: Region) -> Manifest:
    """Return the headless Service of a region's nodes. A node is found before it is ready: probes decide."""
    return build_service(
        cluster,
        Names.of(cluster).lavalink(region.name),
        Component.LAVALINK,
        {"http": LAVALINK_PORT},
        region=region.name,
        headless=True,
        unready=True,
    )


def build_lavalink_stateful_set(cluster: MusicCluster, region: Region) -> Manifest:
    """Return the StatefulSet of a region's nodes. They start together and are replaced one by one."""
    name = Names.of(cluster).lavalink(region.name)
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(LAVALINK_UID),
        "terminationGracePeriodSeconds": region.termination_grace_period_seconds,
        "containers": [_node(cluster, region)],
        "volumes": [
            {"name": "config", "configMap": {"name": name}},
            {"name": "plugins", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    template = {
        "metadata": {
            "labels": labels(cluster, Component.LAVALINK, region.name),
            "annotations": {CONFIG_HASH: fingerprint(render_application(cluster, region))},
        },
        "spec": pod,
    }
    body: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(cluster, name, Component.LAVALINK, region.name),
        "spec": {
            "serviceName": name,
            "replicas": region.nodes,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": selector(cluster, Component.LAVALINK, region.name)},
            "template": template,
        },
    }
    return Manifest(body)


def _node(cluster: MusicCluster, region: Region) -> dict[str, Any]:
    return {
        "name": "lavalink",
        "image": cluster.spec.images.lavalink,
        "env": [
            from_field("SERVER_ADDRESS", "status.podIP"),
            value("SERVER_PORT", LAVALINK_PORT),
            lavalink_password(cluster, "LAVALINK_SERVER_PASSWORD"),
            # Additional: the node's own defaults, which turn Spring's config server off, stay in force.
            value("SPRING_CONFIG_ADDITIONAL_LOCATION", f"file:{_CONFIG}/{FILE}"),
            value("_JAVA_OPTIONS", f"-Xmx{heap_mebibytes(region)}m"),
        ],
        "ports": [{"name": "http", "containerPort": LAVALINK_PORT}],
        "startupProbe": tcp_probe(LAVALINK_PORT, period=1, failures=120),
        "readinessProbe": tcp_probe(LAVALINK_PORT, period=5, failures=2),
        "livenessProbe": tcp_probe(LAVALINK_PORT, period=10, failures=6),
        "resources": amounts(region.resources),
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "config", "mountPath": _CONFIG, "readOnly": True},
            {"name": "plugins", "mountPath": "/opt/Lavalink/plugins"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container, a volume of its own
        ],
    }
