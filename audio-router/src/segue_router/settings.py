"""What the router is told by its environment, prefix ``SEGUE_``."""

from __future__ import annotations

from pydantic import Field, SecretStr

from segue_core.settings import ServiceSettings


class RouterSettings(ServiceSettings):
    """The shared settings, the nodes' password, and how hard nodes are probed."""

    lavalink_password: SecretStr = Field(min_length=1)
    """What every node of the cluster expects in ``Authorization``."""

    grpc_port: int = Field(default=50051, ge=0, le=65535)
    """0 picks a free one; the log says which."""

    probe_interval_ms: int = Field(default=500, ge=50, le=60_000)
    """How often a node is probed, by all replicas together."""

    probe_connect_ms: int = Field(default=500, ge=10, le=10_000)
    """How long a node's machine may take to accept a connection."""

    probe_answer_ms: int = Field(default=1_000, ge=10, le=10_000)
    """How long a node may take to answer once it has; it is hung when it takes longer twice in a row."""

    move_starts: int = Field(default=0, ge=0, le=10_000)
    """How many moved players may begin on a node within the window, over all replicas; planned moves get a
    quarter of it. 0 goes by the node's capacity: an eighth of it, 8 at least; 32 without a capacity."""

    move_window_ms: int = Field(default=1_000, ge=50, le=30_000)
    """How long a player counts as beginning, unless its node reports it sooner."""

    drain_s: float = Field(default=5.0, ge=0, le=60)
    """How long calls in flight may take to finish at shutdown."""
