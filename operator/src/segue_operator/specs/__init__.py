"""What a MusicCluster is made of: one small pure builder for each Kubernetes object.

``build_all`` returns them in the order they are created in.
"""

from __future__ import annotations

from segue_operator.specs.cluster import build_all
from segue_operator.specs.credentials import Credentials
from segue_operator.specs.manifest import Manifest, ObjectRef
from segue_operator.specs.names import Names
from segue_operator.specs.topology import build_topology

__all__ = ["Credentials", "Manifest", "Names", "ObjectRef", "build_all", "build_topology"]
