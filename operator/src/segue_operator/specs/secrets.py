"""Secrets for the passwords that were generated. A password that the spec references is left where it is."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from segue_operator.specs.labels import Component, metadata
from segue_operator.specs.manifest import Manifest
from segue_operator.specs.names import POSTGRES_PORT, REDIS_PORT, Names
from segue_operator.specs.redis_config import render_redis_config

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.specs.credentials import Credentials

POSTGRES_USER = "segue"
POSTGRES_DATABASE = "segue"


def build_lavalink_secret(cluster: MusicCluster, credentials: Credentials) -> Manifest:
    """Return the Secret of the nodes' password."""
    name = Names.of(cluster).lavalink_secret
    return _secret(cluster, name, Component.LAVALINK, {"password": credentials.lavalink_password})


def build_redis_secret(cluster: MusicCluster, credentials: Credentials) -> Manifest:
    """Return the Secret of the embedded Redis: password, URL, and the configuration that holds it."""
    names, password = Names.of(cluster), credentials.redis_password
    content = {
        "password": password,
        "url": f"redis://:{password}@{names.host(names.redis)}:{REDIS_PORT}/0",
        "valkey.conf": render_redis_config(cluster, password),
    }
    return _secret(cluster, names.redis, Component.REDIS, content)


def build_postgres_secret(cluster: MusicCluster, credentials: Credentials) -> Manifest:
    """Return the Secret of the embedded PostgreSQL: password and DSN."""
    names, password = Names.of(cluster), credentials.postgres_password
    host = f"{names.host(names.postgres)}:{POSTGRES_PORT}"
    content = {
        "password": password,
        "dsn": f"postgresql://{POSTGRES_USER}:{password}@{host}/{POSTGRES_DATABASE}",
    }
    return _secret(cluster, names.postgres, Component.POSTGRES, content)


def _secret(cluster: MusicCluster, name: str, component: Component, content: dict[str, str]) -> Manifest:
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(cluster, name, component),
        "type": "Opaque",
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in content.items()},
    }
    return Manifest(body)
