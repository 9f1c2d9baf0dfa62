"""``segue bench soak``: a cluster in ordinary use for a while, and what of it grows."""

from segue_devkit.bench.soak.command import register

__all__ = ["register"]
