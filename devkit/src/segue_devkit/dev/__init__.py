"""The whole system on this machine, from one MusicCluster: for ``segue dev``, demo, tests and benchmarks."""

from __future__ import annotations

from segue_devkit.dev.cluster import DevCluster
from segue_devkit.dev.options import DevError, DevOptions

__all__ = ["DevCluster", "DevError", "DevOptions"]
