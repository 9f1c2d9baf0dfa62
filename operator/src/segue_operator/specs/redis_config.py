"""The embedded Redis' configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_operator.api.quantity import amount
from segue_operator.specs.names import REDIS_PORT

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster

_SHARE_FOR_DATA = 3, 4
"""Of the memory limit: a rewrite of the append-only file copies what changes meanwhile."""


def render_redis_config(cluster: MusicCluster, password: str) -> str:
    """Return ``valkey.conf``. It holds the password, so it lives in a Secret and not in arguments."""
    lines = [
        f"port {REDIS_PORT}",
        f"requirepass {password}",
        # At most the last second is lost; the takeover procedure is made for that (plane hold-off).
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        # Leases and snapshots are no cache: refuse writes rather than forget somebody's queue.
        "maxmemory-policy noeviction",
    ]
    embedded = cluster.spec.redis.embedded
    if embedded is not None and embedded.resources.limits.memory is not None:
        part, whole = _SHARE_FOR_DATA
        lines.append(f"maxmemory {int(amount(embedded.resources.limits.memory) * part / whole)}")
    return "\n".join(lines) + "\n"
