"""The shard workers: a Deployment of holders and hot spares, all alike until they claim a shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_operator.api.images import tagged
from segue_operator.api.quantity import amount
from segue_operator.specs.labels import Component, labels, metadata, selector
from segue_operator.specs.manifest import Manifest
from segue_operator.specs.names import HTTP_PORT, Names
from segue_operator.specs.placement import only_in, spread
from segue_operator.specs.pod import (
    SEGUE_UID,
    Env,
    amounts,
    container_security,
    from_secret,
    http_probe,
    lavalink_password,
    pod_security,
    postgres_dsn,
    service_env,
    value,
)

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster, MusicClusterSpec
    from segue_operator.api.media import Sources


def worker_pods(spec: MusicClusterSpec) -> int:
    """Return how many worker pods a spec asks for: ceil(shards / shardsPerWorker) + hotSpares."""
    return -(-spec.shards // spec.workers.shards_per_worker) + spec.workers.hot_spares


def build_worker_deployment(cluster: MusicCluster) -> Manifest:
    """Return the Deployment of the workers. A new one comes before an old one hands over and goes."""
    workers = cluster.spec.workers
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(SEGUE_UID),
        "terminationGracePeriodSeconds": workers.termination_grace_period_seconds,
        "topologySpreadConstraints": spread(cluster, Component.WORKER),
        "initContainers": [_migrations(cluster)],
        "containers": [_worker(cluster)],
    }
    if workers.zones:
        pod["affinity"] = only_in(workers.zones)
    body: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(cluster, Names.of(cluster).worker, Component.WORKER),
        "spec": {
            "replicas": worker_pods(cluster.spec),
            "selector": {"matchLabels": selector(cluster, Component.WORKER)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels(cluster, Component.WORKER)}, "spec": pod},
        },
    }
    return Manifest(body)


def _worker(cluster: MusicCluster) -> dict[str, Any]:
    return {
        "name": "worker",
        "image": tagged(cluster.spec.images.worker, cluster.spec.version),
        "command": ["python", "-m", "segue_worker"],
        "env": [*service_env(cluster), *_worker_env(cluster)],
        "ports": [{"name": "http", "containerPort": HTTP_PORT}],
        "startupProbe": http_probe("/live", period=1, failures=60),
        "readinessProbe": http_probe("/ready", period=2, failures=2),
        "livenessProbe": http_probe("/live", period=10, failures=3),
        "resources": amounts(cluster.spec.workers.resources),
        "securityContext": container_security(),
    }


def _worker_env(cluster: MusicCluster) -> Env:
    spec, token = cluster.spec, cluster.spec.discord.token_secret_ref
    limit = spec.workers.resources.limits.memory
    return [
        postgres_dsn(cluster),
        from_secret("SEGUE_DISCORD_TOKEN", token.name, token.key),
        value("SEGUE_DISCORD_API_URL", spec.discord.api_url),
        lavalink_password(cluster, "SEGUE_LAVALINK_PASSWORD"),
        value("SEGUE_ROUTER_TARGETS", Names.of(cluster).router_targets()),
        value("SEGUE_SHARDS_PER_WORKER", spec.workers.shards_per_worker),
        value("SEGUE_HOME_COOLDOWN_S", spec.workers.home_cooldown_seconds),
        value("SEGUE_LEASE_TTL_MS", spec.lease_ttl_ms),
        value("SEGUE_MEDIA_ALLOWED_NETWORKS", ",".join(spec.media.allowed_private_networks)),
        value("SEGUE_MEDIA_ATTACHMENT_HOSTS", ",".join(spec.media.attachment_hosts)),
        value("SEGUE_MEDIA_LOCAL_FILES", spec.lavalink.sources.local),
        value("SEGUE_SEARCH_USER_PER_MINUTE", spec.media.searches_per_minute.per_user),
        value("SEGUE_SEARCH_GUILD_PER_MINUTE", spec.media.searches_per_minute.per_guild),
        value("SEGUE_SEARCH_PREFIX", spec.lavalink.search),
        value("SEGUE_REPLACEMENT_PREFIXES", ",".join(_searchable(spec.lavalink.sources))),
        value("SEGUE_MEMORY_LIMIT_BYTES", int(amount(limit)) if limit else 0),
    ]


def _searchable(sources: Sources) -> list[str]:
    """Return Lavalink's names of the sources that are on and can be searched in."""
    names = {"scsearch": sources.soundcloud, "bcsearch": sources.bandcamp}
    return [name for name, on in names.items() if on]


def _migrations(cluster: MusicCluster) -> dict[str, Any]:
    """Return the container that brings the tables up to date: locked, and nothing to do the second time."""
    return {
        "name": "migrate",
        "image": tagged(cluster.spec.images.worker, cluster.spec.version),
        "command": ["python", "-m", "segue_core.store.migrate"],
        "env": [*service_env(cluster), postgres_dsn(cluster)],
        "resources": amounts(cluster.spec.workers.resources),
        "securityContext": container_security(),
    }
