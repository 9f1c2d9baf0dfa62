"""The audio routers: a Deployment, and a headless Service so that clients see each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_operator.api.images import tagged
from segue_operator.specs.labels import Component, labels, metadata, selector
from segue_operator.specs.manifest import Manifest
from segue_operator.specs.names import GRPC_PORT, HTTP_PORT, Names
from segue_operator.specs.placement import spread
from segue_operator.specs.pod import (
    SEGUE_UID,
    amounts,
    container_security,
    http_probe,
    lavalink_password,
    pod_security,
    service_env,
    value,
)
from segue_operator.specs.services import build_service

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster


def build_router_service(cluster: MusicCluster) -> Manifest:
    """Return the routers' Service. Headless: gRPC balances calls, not connections."""
    ports = {"grpc": GRPC_PORT, "http": HTTP_PORT}
    return build_service(cluster, Names.of(cluster).router, Component.ROUTER, ports, headless=True)


def build_router_deployment(cluster: MusicCluster) -> Manifest:
    """Return the Deployment of the routers. None goes before another has come."""
    router = cluster.spec.router
    container: dict[str, Any] = {
        "name": "router",
        "image": tagged(cluster.spec.images.router, cluster.spec.version),
        "command": ["python", "-m", "segue_router"],
        "env": [
            *service_env(cluster),
            lavalink_password(cluster, "SEGUE_LAVALINK_PASSWORD"),
            value("SEGUE_GRPC_PORT", GRPC_PORT),
        ],
        "ports": [
            {"name": "grpc", "containerPort": GRPC_PORT},
            {"name": "http", "containerPort": HTTP_PORT},
        ],
        "startupProbe": http_probe("/live", period=1, failures=60),
        "readinessProbe": http_probe("/ready", period=2, failures=2),
        "livenessProbe": http_probe("/live", period=10, failures=3),
        "resources": amounts(router.resources),
        "securityContext": container_security(),
    }
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(SEGUE_UID),
        "terminationGracePeriodSeconds": router.termination_grace_period_seconds,
        "topologySpreadConstraints": spread(cluster, Component.ROUTER),
        "containers": [container],
    }
    body: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(cluster, Names.of(cluster).router, Component.ROUTER),
        "spec": {
            "replicas": router.replicas,
            "selector": {"matchLabels": selector(cluster, Component.ROUTER)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels(cluster, Component.ROUTER)}, "spec": pod},
        },
    }
    return Manifest(body)
