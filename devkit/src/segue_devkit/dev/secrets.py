"""Secrets that a spec references, made from what this machine was told."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from segue_devkit.dev.options import DevError, DevOptions
from segue_devkit.discord.config import DEFAULT_TOKEN
from segue_operator.specs import Credentials

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.api.common import SecretKeyRef

_BYTES = 24


def fresh_credentials() -> Credentials:
    """Return new random passwords."""
    return Credentials(
        lavalink_password=secrets.token_urlsafe(_BYTES),
        redis_password=secrets.token_urlsafe(_BYTES),
        postgres_password=secrets.token_urlsafe(_BYTES),
    )


def referenced_secrets(
    cluster: MusicCluster, options: DevOptions, credentials: Credentials
) -> list[dict[str, Any]]:
    """Return the Secrets that the spec references and a cluster's owner would have made.

    Raises:
        DevError: a database of the reader's own is referenced, and nothing says where it is.
    """
    spec = cluster.spec
    wanted: list[tuple[SecretKeyRef, str]] = [
        (spec.discord.token_secret_ref, options.discord_token or DEFAULT_TOKEN)
    ]
    if spec.lavalink.password_secret_ref is not None:
        password = options.lavalink_password or credentials.lavalink_password
        wanted.append((spec.lavalink.password_secret_ref, password))
    if spec.redis.url_secret_ref is not None:
        url = _given(options.redis_url, "spec.redis.urlSecretRef", "SEGUE_REDIS_URL")
        wanted.append((spec.redis.url_secret_ref, url))
    if spec.postgres.dsn_secret_ref is not None:
        dsn = _given(options.postgres_dsn, "spec.postgres.dsnSecretRef", "SEGUE_POSTGRES_DSN")
        wanted.append((spec.postgres.dsn_secret_ref, dsn))
    merged: dict[str, dict[str, str]] = {}
    for ref, text in wanted:
        merged.setdefault(ref.name, {})[ref.key] = text
    return [_secret(cluster, name, content) for name, content in merged.items()]


def _given(value: str | None, path: str, variable: str) -> str:
    if value is None:
        message = f"{path} names a Secret that only a cluster has: set {variable}, or write `embedded: {{}}`"
        raise DevError(message)
    return value


def _secret(cluster: MusicCluster, name: str, content: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": cluster.namespace},
        "stringData": content,
    }
