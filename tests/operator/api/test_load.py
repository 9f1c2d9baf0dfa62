"""What a person is told about a spec: the path, the rule, the fix, the line, and everything at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segue_operator.api import MusicCluster, SpecError, load_file, load_text

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
apiVersion: segue.dev/v1alpha1
kind: MusicCluster
metadata:
  name: laptop
spec:
  discord:
    tokenSecretRef: {name: discord-token}
  regions:
    - name: us-east
"""


def _problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SpecError) as caught:
        load_text(text, "music.yaml")
    return caught.value.lines()


def test_defaults_make_a_small_cluster() -> None:
    """A spec of a token and a region is complete: embedded databases, one shard, one spare, two routers."""
    spec = load_text(GOOD).spec
    assert (spec.shards, spec.workers.hot_spares, spec.router.replicas) == (1, 1, 2)
    assert spec.redis.embedded is not None
    assert spec.postgres.embedded is not None
    assert spec.media.allowed_private_networks == ()


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            "  workers: {shardsPerWorker: 0}",
            "music.yaml:10: spec.workers.shardsPerWorker: must be at least 1 (got 0); set it to 1 or more",
        ),
        (
            "  workers: {hotSpare: 1}",
            "music.yaml:10: spec.workers.hotSpare: is not a field; did you mean hotSpares?",
        ),
        ("  workers: {hot_spares: x}", "spec.workers.hot_spares: must be a whole number (got 'x')"),
        (
            "  shards: auto",
            "spec.shards: `auto` is not supported in this version (got 'auto'); give the number",
        ),
        ("  shards: many", "spec.shards: must be a whole number (got 'many'); write a number"),
        ("  redis: {}", "spec.redis: exactly one of embedded and urlSecretRef must be given; write"),
        ("  postgres: {}", "spec.postgres: exactly one of embedded and dsnSecretRef must be given; write"),
        ("  tiers: [{name: free, regions: [mars]}]", "spec.tiers: tiers must name regions of this cluster;"),
        ("  tiers: [{name: a}, {name: a}]", "spec.tiers: tiers must have different names; rename one"),
        ("  leaseTtlMs: 20000", "spec.workers: workers.terminationGracePeriodSeconds must be at least twice"),
        (
            "  media: {allowedPrivateNetworks: [10.0.0.1/8]}",
            "allowedPrivateNetworks[0]: must be a network such as",
        ),
        (
            "  media: {allowedPrivateNetworks: [10.0.0.1]}",
            "allowedPrivateNetworks[0]: must be a network such as",
        ),
        ("  logLevel: loud", "spec.logLevel: must be 'debug', 'info', 'warning' or 'error' (got 'loud')"),
        ("  version: ''", "spec.version: must match"),
        ("  discord: {}", "spec.discord: is given twice (first on line 6)"),
        ("    - {name: us-east}", "spec.regions: regions must have different names; rename one of them"),
        ("    - {name: b, distances: {c: 1}}", "spec.regions: distances must name regions of this cluster;"),
        ("    - {name: b, nodes: -1}", "spec.regions[1].nodes: must be at least 0 (got -1)"),
        ("    - {name: B}", "spec.regions[1].name: must match"),
        (
            "    - {name: b, resources: {limits: {memory: 1Gi}, requests: {memory: 2Gi}}}",
            "spec.regions[1].resources: requests.memory must not exceed limits.memory; lower the request",
        ),
        (
            "    - {name: b, resources: {limits: {memory: 64Mi}}}",
            "spec.regions[1].resources: resources.limits.memory of a Lavalink node must be at least 384Mi;",
        ),
    ],
)
def test_a_wrong_value_is_named_with_the_rule_and_the_fix(added: str, said: str) -> None:
    """Each impossible value is one line: where it stands, what must hold, what was found, what to do."""
    lines = _problems(GOOD + added + "\n")
    assert len(lines) == 1, lines
    assert said in lines[0]


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    """Fields and rules alike, so that nobody mends a file twice."""
    lines = _problems(
        GOOD
        + "  shards: auto\n  workers: {shardsPerWorker: 0, hotSpare: 2}\n  redis: {}\n"
        + "  tiers: [{name: free, regions: [mars]}]\n  media: {allowedPrivateNetworks: [x]}\n"
    )
    assert [line.split(": ")[1] for line in lines] == [
        "spec.shards",
        "spec.workers.shardsPerWorker",
        "spec.workers.hotSpare",
        "spec.redis",
        "spec.tiers",
        "spec.media.allowedPrivateNetworks[0]",
    ]


def test_a_missing_field_says_what_it_is_for() -> None:
    """A required field that is not there is named with its description."""
    lines = _problems(
        GOOD.replace("    tokenSecretRef: {name: discord-token}\n", "").replace("discord:", "discord: {}")
    )
    assert len(lines) == 1
    assert lines[0].startswith(
        "music.yaml:6: spec.discord.tokenSecretRef: is required; add it: Secret that holds"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML"),
        ("", "exactly one MusicCluster (got 0 documents)"),
        (f"{GOOD}---\n{GOOD}", "exactly one MusicCluster (got 2 documents)"),
        ("[]", "must be a MusicCluster (got list)"),
        ("kind: Pod\n", "must be a MusicCluster (got Pod)"),
        (GOOD.replace("v1alpha1", "v2"), "apiVersion: must be 'segue.dev/v1alpha1' (got 'segue.dev/v2')"),
        (GOOD.replace("name: laptop", "name: a-name-that-is-far-too-long"), "must be at most 22 characters"),
        (
            GOOD.replace("name: us-east", "name: us-east\n      nodes: 0"),
            "at least one region must have a node",
        ),
    ],
)
def test_what_is_no_musiccluster_is_refused_in_words(text: str, said: str) -> None:
    """No traceback, whatever the file holds."""
    assert said in " ".join(_problems(text))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """A missing file and one that is not text are errors of the file, not of ours."""
    with pytest.raises(SpecError, match="can't be read: No such file"):
        load_file(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="is not UTF-8"):
        load_file(tmp_path / "binary.yaml")


def test_a_document_survives_a_round_trip(laptop: MusicCluster, production: MusicCluster) -> None:
    """What is written out reads back as the same cluster."""
    for cluster in (laptop, production):
        assert MusicCluster.model_validate(cluster.document()) == cluster


def test_changing_a_part_is_checked_again(laptop: MusicCluster) -> None:
    """A changed spec that breaks a rule is refused as a file would be."""
    with pytest.raises(ValueError, match="at least one region"):
        laptop.with_spec(regions=tuple(r.model_copy(update={"nodes": 0}) for r in laptop.spec.regions))
