"""The CRD: written from the model, structural, and saying the model's rules in the model's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_operator.api.common import Resources
from segue_operator.api.crd import crd, render
from segue_operator.api.musiccluster import MusicCluster
from segue_operator.api.regions import Region
from segue_operator.api.spec import MusicClusterSpec
from segue_operator.api.storage import Postgres, Redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from segue_operator.api.base import Rule

FORBIDDEN = {"$ref", "$defs", "anyOf", "allOf", "oneOf", "title", "const", "definitions"} | {
    "patternProperties",
    "propertyNames",
}


def _schema() -> dict[str, Any]:
    return dict(crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def _walk(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _walk(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _walk(schema[key], f"{path}[]")


def test_the_committed_file_is_the_generated_one(root: Path) -> None:
    """`make generate` was run after the model changed."""
    assert (root / "crds" / "musiccluster.yaml").read_text(encoding="utf-8") == render()


def test_the_schema_is_structural() -> None:
    """Every part has a type, and nothing the API server refuses."""
    for path, schema in _walk(_schema()):
        assert "type" in schema, path
        assert not FORBIDDEN & set(schema), path
        assert not {"properties", "additionalProperties"} <= set(schema), path


def test_every_field_of_the_spec_is_described_and_every_text_and_list_bounded() -> None:
    """`kubectl explain` answers, and CEL's cost can be estimated."""
    for path, schema in _walk(_schema()["properties"]["spec"], "spec"):
        if not path.endswith("[]"):
            assert schema.get("description"), path
        if schema["type"] == "string":
            assert "enum" in schema or "maxLength" in schema or "pattern" in schema, path
        if schema["type"] == "array":
            assert "maxItems" in schema, path
        if schema["type"] in {"integer", "number"}:
            assert {"minimum", "maximum"} <= set(schema), path


def test_the_rules_are_there_in_the_models_words() -> None:
    """Each rule of the model is a CEL validation with the same message."""
    found = {
        (one["rule"], one["message"])
        for _, schema in _walk(_schema())
        for one in schema.get("x-kubernetes-validations", [])
    }
    rules: tuple[Rule, ...] = sum(
        (model.rules for model in (MusicCluster, MusicClusterSpec, Region, Resources, Redis, Postgres)), ()
    )
    assert rules
    assert {(rule.cel, rule.message) for rule in rules} <= found


def test_names_columns_and_subresources() -> None:
    """`kubectl get mc` works and shows what matters; status and scale are subresources."""
    spec = crd()["spec"]
    assert spec["names"]["shortNames"] == ["mc"]
    version = spec["versions"][0]
    assert set(version["subresources"]) == {"status", "scale"}
    assert [column["name"] for column in version["additionalPrinterColumns"]][:4] == [
        "Shards",
        "Held",
        "Workers",
        "Ready",
    ]
    properties = _schema()["properties"]
    for path in version["subresources"]["scale"].values():
        at: Any = {"properties": properties}
        for part in path.strip(".").split("."):
            at = at["properties"][part]
        assert at["type"] in {"integer", "string"}
