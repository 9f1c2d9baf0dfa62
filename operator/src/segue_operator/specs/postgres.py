"""The embedded PostgreSQL: one server with a volume, and its Service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_operator.specs.labels import Component, labels, metadata, selector
from segue_operator.specs.manifest import Manifest
from segue_operator.specs.names import POSTGRES_PORT, Names
from segue_operator.specs.pod import (
    amounts,
    container_security,
    from_secret,
    pod_ip,
    pod_security,
    tcp_probe,
    value,
)
from segue_operator.specs.secrets import POSTGRES_DATABASE, POSTGRES_USER
from segue_operator.specs.services import build_service
from segue_operator.specs.volumes import claim

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.api.storage import EmbeddedPostgres

POSTGRES_UID = 999
_HOME = "/var/lib/postgresql"


def build_postgres_service(cluster: MusicCluster) -> Manifest:
    """Return the Service in front of the embedded PostgreSQL."""
    name = Names.of(cluster).postgres
    return build_service(cluster, name, Component.POSTGRES, {"postgres": POSTGRES_PORT})


def build_postgres_stateful_set(cluster: MusicCluster, postgres: EmbeddedPostgres) -> Manifest:
    """Return the StatefulSet of the embedded PostgreSQL."""
    name = Names.of(cluster).postgres
    container: dict[str, Any] = {
        "name": "postgres",
        "image": cluster.spec.images.postgres,
        "args": ["-c", "listen_addresses=$(SEGUE_POD_IP)", "-c", f"port={POSTGRES_PORT}"],
        "env": [
            pod_ip(),
            value("POSTGRES_USER", POSTGRES_USER),
            value("POSTGRES_DB", POSTGRES_DATABASE),
            from_secret("POSTGRES_PASSWORD", name, "password"),
            value("PGDATA", f"{_HOME}/data"),
        ],
        "ports": [{"name": "postgres", "containerPort": POSTGRES_PORT}],
        "startupProbe": tcp_probe(POSTGRES_PORT, period=1, failures=120),
        "readinessProbe": tcp_probe(POSTGRES_PORT, period=5, failures=2),
        "livenessProbe": tcp_probe(POSTGRES_PORT, period=10, failures=6),
        "resources": amounts(postgres.resources),
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "data", "mountPath": _HOME},
            {"name": "run", "mountPath": "/var/run/postgresql"},
        ],
    }
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(POSTGRES_UID),
        "terminationGracePeriodSeconds": 60,
        "containers": [container],
        "volumes": [{"name": "run", "emptyDir": {}}],
    }
    body: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(cluster, name, Component.POSTGRES),
        "spec": {
            "serviceName": name,
            "replicas": 1,
            "selector": {"matchLabels": selector(cluster, Component.POSTGRES)},
            "template": {
                "metadata": {"labels": labels(cluster, Component.POSTGRES)},
                "spec": pod,
            },
            "volumeClaimTemplates": [claim("data", postgres.storage)],
        },
    }
    return Manifest(body)
