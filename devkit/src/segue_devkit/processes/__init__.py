"""Runs ordinary Kubernetes manifests as processes of this machine, with no container engine.

Pods of Deployments and StatefulSets become processes with the same command, environment, probes,
grace period and restart policy, each on a loopback address of its own, so that ports need not
change. Names of Services and pods are replaced by those addresses.
"""

from __future__ import annotations

from segue_devkit.processes.cluster import ProcessCluster
from segue_devkit.processes.errors import ManifestError
from segue_devkit.processes.programs import Program, Programs
from segue_devkit.processes.status import Backoff, EventKind, PodEvent, PodPhase, PodStatus

__all__ = [
    "Backoff",
    "EventKind",
    "ManifestError",
    "PodEvent",
    "PodPhase",
    "PodStatus",
    "ProcessCluster",
    "Program",
    "Programs",
]
