"""Works out how a pod of a workload is run, and finds everything that stands in the way beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue_devkit.processes.addresses import Network
from segue_devkit.processes.dns import build_dns, port_problems
from segue_devkit.processes.environment import PodIdentity, Surroundings, invocation
from segue_devkit.processes.errors import ManifestError
from segue_devkit.processes.models import PodSpec, StatefulSet, Workload
from segue_devkit.processes.objects import Objects, key_of_workload
from segue_devkit.processes.pod import PodPlan
from segue_devkit.processes.programs import Programs
from segue_devkit.processes.rollout import template_hash
from segue_devkit.processes.volumes import Folders, contents, folders, write

ZONE_LABEL = "topology.kubernetes.io/zone"
_ONE_ZONE = "local"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cluster keeps what is on disk."""

    root: Path
    data: Path

    def pod(self, name: str) -> Path:
        """Return a pod's own folder."""
        return self.root / "pods" / name

    def log(self, name: str) -> Path:
        """Return the file of a pod's output."""
        return self.root / "logs" / f"{name}.log"


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans pods from the objects applied."""

    objects: Objects
    network: Network
    programs: Programs
    place: Place

    def check(self) -> None:
        """Plan a pod of every workload, starting none.

        Raises:
            ManifestError: naming everything that could not be honoured.
        """
        problems = list(port_problems(self.objects))
        for workload in self.objects.workloads:
            try:
                self._work_out(workload, 0, f"{workload.metadata.name}-0")
            except ManifestError as error:
                kind, _, name = key_of_workload(workload)
                problems += [f"{kind}/{name}: {problem}" for problem in error.problems]
        if problems:
            raise ManifestError(tuple(problems))

    def plan(self, workload: Workload, slot: int, name: str) -> PodPlan:
        """Return the plan of a pod, with its volumes on disk."""
        plan, places, files = self._work_out(workload, slot, name)
        plan.folder.mkdir(parents=True, exist_ok=True)
        plan.log.parent.mkdir(parents=True, exist_ok=True)
        write(places, files)
        return plan

    def _work_out(
        self, workload: Workload, slot: int, name: str
    ) -> tuple[PodPlan, Folders, Mapping[str, Mapping[str, str]]]:
        spec, meta = workload.spec.template.spec, workload.spec.template.metadata
        namespace, claims = workload.metadata.namespace, _claims(workload)
        address = self.network.address(key_of_workload(workload), slot)
        pod = PodIdentity(
            name=name,
            namespace=namespace,
            address=address,
            labels={ZONE_LABEL: _zone(spec, slot), **meta.labels},
            annotations=meta.annotations,
        )
        around = Surroundings(self.objects, build_dns(self.objects, self.network), self.programs)
        places = folders(spec, claims, self.place.pod(name), self.place.data, name)
        everything = (*spec.init_containers, *spec.containers)
        problems: list[str] = []
        files: dict[str, dict[str, str]] = {}
        invocations = {}
        try:
            files = contents(spec, claims, namespace, self.objects, around.dns)
        except ManifestError as error:
            problems += error.problems
        for container in everything:
            try:
                invocations[container.name] = invocation(container, pod, places.mounts(container), around)
            except ManifestError as error:
                problems += error.problems
        if problems:
            raise ManifestError(tuple(problems))
        found = {container.name: self.programs.find(container.image) for container in everything}
        plan = PodPlan(
            name=name,
            workload=workload.metadata.name,
            address=address,
            slot=slot,
            template=template_hash(workload),
            image=spec.containers[0].image,
            init=spec.init_containers,
            containers=spec.containers,
            grace_s=spec.termination_grace_period_seconds,
            invocations=invocations,
            executables={key: program.executables if program else {} for key, program in found.items()},
            folder=self.place.pod(name) / "work",
            log=self.place.log(name),
        )
        return plan, places, files


def _claims(workload: Workload) -> tuple[str, ...]:
    if isinstance(workload, StatefulSet):
        return tuple(claim.metadata.name for claim in workload.spec.volume_claim_templates)
    return ()


def _zone(spec: PodSpec, slot: int) -> str:
    """Return the zone a pod is in: its affinity's zones take turns, as spreading over them would have it."""
    zones = tuple(_zones(spec.affinity))
    return zones[slot % len(zones)] if zones else _ONE_ZONE


def _zones(affinity: Any) -> list[str]:
    if not isinstance(affinity, Mapping):
        return []
    required = affinity.get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    return [
        str(value)
        for term in required.get("nodeSelectorTerms", [])
        for expression in term.get("matchExpressions", [])
        if expression.get("key") == ZONE_LABEL and expression.get("operator") == "In"
        for value in expression.get("values", [])
    ]
