"""What the pods have in common: environment, probes, and a context that passes the restricted level."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from segue_operator.specs.labels import ZONE_LABEL
from segue_operator.specs.names import HTTP_PORT, Names

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.api.common import Resources

SEGUE_UID = 10001
"""User of Segue's own images."""

Env = list[dict[str, Any]]


def value(name: str, text: str | int | bool) -> dict[str, Any]:
    """Return a variable with a plain value; truth as ``true`` and ``false``."""
    said = str(text).lower() if isinstance(text, bool) else str(text)
    return {"name": name, "value": said}


def from_field(name: str, path: str) -> dict[str, Any]:
    """Return a variable that holds a field of its own pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def from_secret(name: str, secret: str, key: str) -> dict[str, Any]:
    """Return a variable that holds one key of a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def pod_ip() -> dict[str, Any]:
    """Return ``SEGUE_POD_IP``: what a pod binds, so that it listens where its name leads and nowhere else."""
    return from_field("SEGUE_POD_IP", "status.podIP")


def service_env(cluster: MusicCluster) -> Env:
    """Return what every Segue service reads (``segue_core.settings.ServiceSettings``)."""
    return [
        value("SEGUE_CLUSTER", cluster.name),
        from_field("SEGUE_POD_NAME", "metadata.name"),
        pod_ip(),
        from_field("SEGUE_ZONE", f"metadata.labels['{ZONE_LABEL}']"),
        value("SEGUE_VERSION", cluster.spec.version),
        redis_url(cluster),
        value("SEGUE_HTTP_PORT", HTTP_PORT),
        value("SEGUE_LOG_LEVEL", cluster.spec.log_level.value),
        value("SEGUE_LOG_FORMAT", cluster.spec.log_format.value),
    ]


def redis_url(cluster: MusicCluster) -> dict[str, Any]:
    """Return ``SEGUE_REDIS_URL`` from the Secret that holds it."""
    ref = cluster.spec.redis.url_secret_ref
    if ref is None:
        return from_secret("SEGUE_REDIS_URL", Names.of(cluster).redis, "url")
    return from_secret("SEGUE_REDIS_URL", ref.name, ref.key)


def postgres_dsn(cluster: MusicCluster) -> dict[str, Any]:
    """Return ``SEGUE_POSTGRES_DSN`` from the Secret that holds it."""
    ref = cluster.spec.postgres.dsn_secret_ref
    if ref is None:
        return from_secret("SEGUE_POSTGRES_DSN", Names.of(cluster).postgres, "dsn")
    return from_secret("SEGUE_POSTGRES_DSN", ref.name, ref.key)


def lavalink_password(cluster: MusicCluster, variable: str) -> dict[str, Any]:
    """Return the nodes' password as ``variable``, from the Secret that holds it."""
    ref = cluster.spec.lavalink.password_secret_ref
    if ref is None:
        return from_secret(variable, Names.of(cluster).lavalink_secret, "password")
    return from_secret(variable, ref.name, ref.key)


def http_probe(path: str, period: int, failures: int, port: int = HTTP_PORT) -> dict[str, Any]:
    """Return a probe over HTTP. ``period`` in seconds."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def tcp_probe(port: int, period: int, failures: int) -> dict[str, Any]:
    """Return a probe that only connects. ``period`` in seconds."""
    return {
        "tcpSocket": {"port": port},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def pod_security(uid: int) -> dict[str, Any]:
    """Return a pod's security context, as the restricted Pod Security level asks for."""
    return {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": uid,
        "fsGroup": uid,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """Return a container's security context, as the restricted Pod Security level asks for."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def amounts(resources: Resources) -> dict[str, Any]:
    """Return a container's resources."""
    return resources.model_dump(by_alias=True, exclude_none=True)


def fingerprint(*parts: object) -> str:
    """Return a short digest of configuration, for an annotation that makes pods roll."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
