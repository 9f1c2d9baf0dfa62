"""Services: the names that pods are reached by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_operator.specs.labels import Component, metadata, selector
from segue_operator.specs.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_operator.api import MusicCluster


def build_service(
    cluster: MusicCluster,
    name: str,
    component: Component,
    ports: Mapping[str, int],
    *,
    region: str | None = None,
    headless: bool = False,
    unready: bool = False,
) -> Manifest:
    """Return a Service in front of a component's pods.

    ``headless`` gives each pod's own address, ``unready`` also those of pods that are not ready.
    """
    spec: dict[str, Any] = {
        "selector": selector(cluster, component, region),
        "ports": [{"name": port_name, "port": port, "targetPort": port} for port_name, port in ports.items()],
    }
    if headless:
        spec["clusterIP"] = "None"
    if unready:
        spec["publishNotReadyAddresses"] = True
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(cluster, name, component, region),
        "spec": spec,
    }
    return Manifest(body)
