"""The embedded Redis: one Valkey with a volume, and its Service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_operator.specs.labels import CONFIG_HASH, Component, labels, metadata, selector
from segue_operator.specs.manifest import Manifest
from segue_operator.specs.names import REDIS_PORT, Names
from segue_operator.specs.pod import amounts, container_security, fingerprint, pod_ip, pod_security, tcp_probe
from segue_operator.specs.redis_config import render_redis_config
from segue_operator.specs.services import build_service
from segue_operator.specs.volumes import claim

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.api.storage import EmbeddedRedis

VALKEY_UID = 999
_CONFIG = "/etc/valkey"


def build_redis_service(cluster: MusicCluster) -> Manifest:
    """Return the Service in front of the embedded Redis."""
    return build_service(cluster, Names.of(cluster).redis, Component.REDIS, {"redis": REDIS_PORT})


def build_redis_stateful_set(cluster: MusicCluster, redis: EmbeddedRedis) -> Manifest:
    """Return the StatefulSet of the embedded Redis."""
    name = Names.of(cluster).redis
    container: dict[str, Any] = {
        "name": "redis",
        "image": cluster.spec.images.redis,
        "command": ["valkey-server", f"{_CONFIG}/valkey.conf"],
        "args": ["--bind", "$(SEGUE_POD_IP)", "--dir", "/data"],
        "env": [pod_ip()],
        "ports": [{"name": "redis", "containerPort": REDIS_PORT}],
        "startupProbe": tcp_probe(REDIS_PORT, period=1, failures=60),
        "readinessProbe": tcp_probe(REDIS_PORT, period=5, failures=2),
        "livenessProbe": tcp_probe(REDIS_PORT, period=10, failures=6),
        "resources": amounts(redis.resources),
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "config", "mountPath": _CONFIG, "readOnly": True},
        ],
    }
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(VALKEY_UID),
        "terminationGracePeriodSeconds": 30,
        "containers": [container],
        "volumes": [
            {
                "name": "config",
                "secret": {"secretName": name, "items": [{"key": "valkey.conf", "path": "valkey.conf"}]},
            }
        ],
    }
    body: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(cluster, name, Component.REDIS),
        "spec": {
            "serviceName": name,
            "replicas": 1,
            "selector": {"matchLabels": selector(cluster, Component.REDIS)},
            "template": {
                "metadata": {
                    "labels": labels(cluster, Component.REDIS),
                    # Without the password: a digest of it in an annotation could be guessed at.
                    "annotations": {CONFIG_HASH: fingerprint(render_redis_config(cluster, ""))},
                },
                "spec": pod,
            },
            "volumeClaimTemplates": [claim("data", redis.storage)],
        },
    }
    return Manifest(body)
