"""Names of Services and pods in text, replaced by addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segue_devkit.processes.models import Deployment, Service, StatefulSet, Workload
from segue_devkit.processes.objects import Objects, key_of_workload
from segue_devkit.processes.rollout import slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segue_devkit.processes.addresses import Network

_DOMAIN = "cluster.local"
_CLUSTER_NAME = re.compile(
    rf"(?<![\w.-])[a-z0-9][\w-]*(?:\.[\w-]+)*\.svc(?:\.{re.escape(_DOMAIN)})?(?![\w-])"
)
_AUTHORITY = re.compile(r"://([^/\s?#\"']*)")
_SINGLE_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_ENTRY = re.compile(r"([a-z][a-z0-9-]*):\d+")


class UnresolvedNameError(ValueError):
    """A name in some text that leads nowhere here, or to several pods where one address must stand."""


@dataclass(frozen=True)
class Dns:
    """What each name stands for."""

    names: dict[str, tuple[str, ...]]

    def resolve(self, text: str) -> str:
        """Return ``text`` with every name replaced by its address.

        An entry ``name:port`` of a comma-separated list becomes an entry for each pod.

        Raises:
            UnresolvedNameError: naming what was left over.
        """
        entries = [self._expanded(entry) for entry in text.split(",")]
        replaced = self._one_each(",".join(entries))
        left = next(_left_over(replaced), None)
        if left is not None:
            message = f"the name {left} leads to no Service or pod here"
            raise UnresolvedNameError(message)
        return replaced

    def _expanded(self, entry: str) -> str:
        name, colon, port = entry.partition(":")
        addresses = self.names.get(name, ())
        if colon and port.isdigit() and len(addresses) > 1:
            return ",".join(f"{address}:{port}" for address in addresses)
        return entry

    def _one_each(self, text: str) -> str:
        for name in sorted(self.names, key=len, reverse=True):
            if name in text:
                text = _place(name).sub(lambda found: self._single(found.group(0)), text)
        return text

    def _single(self, name: str) -> str:
        addresses = self.names[name]
        if len(addresses) != 1:
            message = f"the name {name} stands for {len(addresses)} pods, and a single address is needed here"
            raise UnresolvedNameError(message)
        return addresses[0]


def _place(name: str) -> re.Pattern[str]:
    """Return where ``name`` is a name: one without dots only where a host can stand."""
    quoted = re.escape(name)
    if "." in name:
        return re.compile(rf"(?<![\w.-]){quoted}(?![\w-]|\.\w)")
    return re.compile(rf"(?:(?<=//)|(?<=@)){quoted}(?![\w.-])|(?<![\w./@-]){quoted}(?=:\d)")


def _left_over(text: str) -> Iterator[str]:
    yield from (found.group(0) for found in _CLUSTER_NAME.finditer(text))
    for authority in _AUTHORITY.findall(text):
        host = authority.rpartition("@")[2].partition(":")[0]
        if _SINGLE_LABEL.fullmatch(host) and host != "localhost":
            yield host
    for entry in text.split(","):
        found = _ENTRY.fullmatch(entry)
        if found and found.group(1) != "localhost":
            yield found.group(1)


def build_dns(objects: Objects, network: Network) -> Dns:
    """Return the names of all Services and of the pods of StatefulSets."""
    names: dict[str, tuple[str, ...]] = {}
    for service in objects.services:
        workloads = [one for one in objects.workloads if selects(service, one)]
        found = tuple(
            network.address(key_of_workload(workload), slot)
            for workload in workloads
            for slot in range(slots(workload))
        )
        if found:
            names.update(dict.fromkeys(_spellings(service.metadata.name, service), found))
        for workload in workloads:
            names.update(_pods(service, workload, network))
    return Dns(names)


def _pods(service: Service, workload: Workload, network: Network) -> dict[str, tuple[str, ...]]:
    if isinstance(workload, Deployment) or workload.spec.service_name != service.metadata.name:
        return {}
    return {
        name: (network.address(key_of_workload(workload), slot),)
        for slot in range(slots(workload))
        for name in _spellings(f"{workload.metadata.name}-{slot}.{service.metadata.name}", service)
    }


def _spellings(name: str, service: Service) -> Iterable[str]:
    namespace = service.metadata.namespace
    return name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.{_DOMAIN}"


def selects(service: Service, workload: Deployment | StatefulSet) -> bool:
    """Whether a Service stands for a workload's pods."""
    labels = workload.spec.template.metadata.labels
    return service.metadata.namespace == workload.metadata.namespace and all(
        labels.get(key) == value for key, value in service.spec.selector.items()
    )


def port_problems(objects: Objects) -> Iterator[str]:
    """Yield what can't be honoured: a Service that listens on another port than its pods do."""
    for service in objects.services:
        named = {
            port.name: port.container_port
            for workload in objects.workloads
            if selects(service, workload)
            for container in workload.spec.template.spec.containers
            for port in container.ports
            if port.name
        }
        for port in service.spec.ports:
            target = port.target_port if port.target_port is not None else port.port
            number = named.get(target) if isinstance(target, str) else target
            if number != port.port:
                yield (
                    f"Service/{service.metadata.name}: spec.ports: {port.port} leads to {target} of the pods;"
                    " processes honour only the same number on both sides"
                )
