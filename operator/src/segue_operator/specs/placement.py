"""Where the scheduler may put pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_operator.specs.labels import ZONE_LABEL, Component, selector

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster


def spread(cluster: MusicCluster, component: Component) -> list[dict[str, Any]]:
    """Return the wish to have a component's pods in different zones. A wish: one zone still works."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": ZONE_LABEL,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(cluster, component)},
        }
    ]


def only_in(zones: tuple[str, ...]) -> dict[str, Any]:
    """Return the affinity that keeps pods to these zones."""
    expression = {"key": ZONE_LABEL, "operator": "In", "values": list(zones)}
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [expression]}]
            }
        }
    }
