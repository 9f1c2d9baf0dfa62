"""Volumes that outlive a pod."""

from __future__ import annotations

from typing import Any


def claim(name: str, size: str) -> dict[str, Any]:
    """Return a volume claim of a StatefulSet. ``size`` is a quantity, such as 1Gi."""
    return {
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }
