"""The objects that were applied, parsed and looked up."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from segue_devkit.processes.errors import ManifestError
from segue_devkit.processes.models import ConfigMap, Deployment, Secret, Service, StatefulSet, Workload

Key = tuple[str, str, str]
"""Kind, namespace, name."""

_KINDS: Mapping[str, type[BaseModel]] = {
    "Deployment": Deployment,
    "StatefulSet": StatefulSet,
    "Service": Service,
    "ConfigMap": ConfigMap,
    "Secret": Secret,
}


@dataclass(frozen=True)
class Objects:
    """Everything applied so far."""

    found: Mapping[Key, BaseModel] = field(default_factory=dict, repr=False)

    def with_applied(self, manifests: Iterable[Mapping[str, Any]]) -> Objects:
        """Return these objects with ``manifests`` added or replaced.

        Raises:
            ManifestError: a kind or field is not honoured; names all of them.
        """
        problems: list[str] = []
        merged = dict(self.found)
        for manifest in manifests:
            try:
                merged[key_of(manifest)] = _parsed(manifest)
            except ManifestError as error:
                problems += error.problems
        if problems:
            raise ManifestError(tuple(problems))
        return Objects(merged)

    def without(self, keys: Iterable[Key]) -> Objects:
        """Return these objects without some."""
        gone = set(keys)
        return Objects({key: found for key, found in self.found.items() if key not in gone})

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """Deployments and StatefulSets, in the order they were applied."""
        return tuple(one for one in self.found.values() if isinstance(one, Deployment | StatefulSet))

    @property
    def services(self) -> tuple[Service, ...]:
        """All Services."""
        return tuple(one for one in self.found.values() if isinstance(one, Service))

    def config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap's data."""
        found = self.found.get(("ConfigMap", namespace, name))
        return found.data if isinstance(found, ConfigMap) else None

    def secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a Secret's data as text."""
        found = self.found.get(("Secret", namespace, name))
        if not isinstance(found, Secret):
            return None
        decoded = {key: base64.b64decode(value).decode() for key, value in found.data.items()}
        return {**decoded, **found.string_data}


def key_of(manifest: Mapping[str, Any]) -> Key:
    """Return what a manifest is called by."""
    metadata = manifest.get("metadata") or {}
    kind, name = str(manifest.get("kind", "")), str(metadata.get("name", ""))
    return kind, str(metadata.get("namespace", "default")), name


def key_of_workload(workload: Workload) -> Key:
    """Return what a workload is called by."""
    return workload.kind, workload.metadata.namespace, workload.metadata.name


def _parsed(manifest: Mapping[str, Any]) -> BaseModel:
    kind, _, name = key_of(manifest)
    model = _KINDS.get(kind)
    if model is None:
        raise ManifestError((f"{kind}/{name}: this kind is not honoured; known: {', '.join(_KINDS)}",))
    try:
        parsed = model.model_validate(manifest)
    except ValidationError as error:
        raise ManifestError(
            tuple(_said(kind, name, one) for one in error.errors(include_url=False))
        ) from error
    if isinstance(parsed, Secret):
        _check_text(parsed, name)
    return parsed


def _said(kind: str, name: str, details: Any) -> str:
    path = ".".join(str(part) for part in details["loc"])
    said = "is not honoured by processes" if details["type"] == "extra_forbidden" else details["msg"]
    return f"{kind}/{name}: {path}: {said}"


def _check_text(secret: Secret, name: str) -> None:
    for key, value in secret.data.items():
        try:
            base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ManifestError((f"Secret/{name}: data.{key} is not base64 of UTF-8 text",)) from error
