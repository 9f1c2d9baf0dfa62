"""Every object of the examples, kept as snapshots: a change of a manifest is seen in review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from segue_operator.specs import Credentials, build_all, build_topology

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from segue_operator.api import MusicCluster


def _documents(cluster: MusicCluster, credentials: Credentials) -> dict[str, dict[str, Any]]:
    return {str(one.ref): dict(one.body) for one in build_all(cluster, credentials)}


@pytest.mark.parametrize("example", ["laptop", "production"])
def test_manifests(
    example: str, request: pytest.FixtureRequest, credentials: Credentials, snapshot: SnapshotAssertion
) -> None:
    """The manifests are those that were looked at."""
    cluster: MusicCluster = request.getfixturevalue(example)
    documents = _documents(cluster, credentials)
    assert yaml.safe_dump(documents, sort_keys=True) == snapshot


@pytest.mark.parametrize("example", ["laptop", "production"])
def test_every_pod_passes_the_restricted_level(
    example: str, request: pytest.FixtureRequest, credentials: Credentials
) -> None:
    """No root, no capability, no escalation, a seccomp profile, a read-only root, no API token."""
    documents = _documents(request.getfixturevalue(example), credentials)
    pods = [
        one["spec"]["template"]["spec"]
        for one in documents.values()
        if "template" in one["spec" if "spec" in one else "data"]
    ]
    assert pods
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}


def test_no_password_outside_of_secrets(laptop: MusicCluster, credentials: Credentials) -> None:
    """Deployments, ConfigMaps and arguments hold references to passwords, never one."""
    for name, document in _documents(laptop, credentials).items():
        if not name.startswith("Secret/"):
            assert "-pw" not in yaml.safe_dump(document), name


def test_a_referenced_password_is_left_where_it_is(
    production: MusicCluster, credentials: Credentials
) -> None:
    """With databases of its own a cluster gets neither StatefulSets nor Secrets for them."""
    documents = _documents(production, credentials)
    assert not [name for name in documents if name.endswith(("-redis", "-postgres"))]


def test_the_topology_names_every_node_as_the_stateful_sets_do(
    production: MusicCluster, credentials: Credentials
) -> None:
    """An address is a pod's DNS name behind its region's headless Service; ids are region and ordinal."""
    topology = build_topology(production, 7)
    assert topology.generation == 7
    assert [node.id for node in topology.nodes] == [
        f"{region}-{ordinal}" for region in ("us-east", "eu-central") for ordinal in range(3)
    ]
    assert topology.nodes[0].address == "music-lavalink-us-east-0.music-lavalink-us-east.segue.svc:2333"
    services = {name.removeprefix("Service/") for name in _documents(production, credentials)}
    assert all(node.address.split(".")[1] in services for node in topology.nodes)
