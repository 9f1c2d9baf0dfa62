"""All objects of a cluster, in the order they are created in: what others wait for comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_operator.specs.lavalink import build_lavalink_service, build_lavalink_stateful_set
from segue_operator.specs.lavalink_config import build_lavalink_config
from segue_operator.specs.postgres import build_postgres_service, build_postgres_stateful_set
from segue_operator.specs.redis import build_redis_service, build_redis_stateful_set
from segue_operator.specs.router import build_router_deployment, build_router_service
from segue_operator.specs.secrets import build_lavalink_secret, build_postgres_secret, build_redis_secret
from segue_operator.specs.worker import build_worker_deployment

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.specs.credentials import Credentials
    from segue_operator.specs.manifest import Manifest


def build_all(cluster: MusicCluster, credentials: Credentials) -> tuple[Manifest, ...]:
    """Return every object that ``cluster`` asks for."""
    spec = cluster.spec
    objects: list[Manifest] = []
    if spec.lavalink.password_secret_ref is None:
        objects.append(build_lavalink_secret(cluster, credentials))
    if spec.redis.embedded is not None:
        objects += [
            build_redis_secret(cluster, credentials),
            build_redis_service(cluster),
            build_redis_stateful_set(cluster, spec.redis.embedded),
        ]
    if spec.postgres.embedded is not None:
        objects += [
            build_postgres_secret(cluster, credentials),
            build_postgres_service(cluster),
            build_postgres_stateful_set(cluster, spec.postgres.embedded),
        ]
    for region in spec.regions:
        objects += [
            build_lavalink_config(cluster, region),
            build_lavalink_service(cluster, region),
            build_lavalink_stateful_set(cluster, region),
        ]
    objects += [
        build_router_service(cluster),
        build_router_deployment(cluster),
        build_worker_deployment(cluster),
    ]
    return tuple(objects)
