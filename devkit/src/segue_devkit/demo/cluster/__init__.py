"""The cluster beside the chat: read from Redis, the workers' metrics and the pods themselves."""

from __future__ import annotations

from segue_devkit.demo.cluster.sight import ClusterSight, Sight

__all__ = ["ClusterSight", "Sight"]
