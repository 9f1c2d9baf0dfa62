"""An ordinary Kubernetes manifest, and what it is called by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Names one object in the API."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as the API server takes it. The body is never changed after it was built."""

    body: Mapping[str, Any] = field(repr=False)

    @property
    def ref(self) -> ObjectRef:
        """What the object is called by."""
        metadata = self.body["metadata"]
        return ObjectRef(str(self.body["kind"]), str(metadata["namespace"]), str(metadata["name"]))
