"""Writes the CustomResourceDefinition from the typed model: ``python -m segue_operator.api.crd > FILE``.

The API server wants a *structural* schema: no ``$ref``, no ``anyOf`` for an optional value, each
object with its properties. Pydantic's JSON schema is brought into that shape here, and the rules
between fields are added as CEL (``x-kubernetes-validations``).
"""

from __future__ import annotations

import sys
from typing import Any, cast, get_args

import yaml
from pydantic import BaseModel

from segue_operator.api.base import SpecModel
from segue_operator.api.musiccluster import (
    GROUP,
    KIND,
    PLURAL,
    SHORT_NAME,
    SINGULAR,
    VERSION,
    MusicCluster,
)

HEADER = "# Written by `make generate` from segue_operator.api. Change the model, not this file.\n"
NAME = f"{PLURAL}.{GROUP}"
_MODEL = "model"
"""Marks a schema, on its way, with the model it came from: whose rules belong to it."""

_DROPPED = frozenset({"title", "const", "propertyNames", "discriminator"})
_COLUMNS = (
    ("Shards", "integer", ".spec.shards", "Gateway shards wanted"),
    ("Held", "integer", ".status.shardsHeld", "Gateway shards that a worker holds"),
    ("Workers", "integer", ".status.workers.ready", "Worker pods that are ready"),
    ("Ready", "string", ".status.conditions[?(@.type=='Ready')].status", "Whether the music plays"),
    ("Reason", "string", ".status.conditions[?(@.type=='Ready')].reason", "Why"),
    ("Version", "string", ".spec.version", "Release that runs"),
    ("Age", "date", ".metadata.creationTimestamp", "Since when"),
)


def crd() -> dict[str, Any]:
    """Return the CustomResourceDefinition of ``MusicCluster``."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
                "categories": ["all"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": structural_schema()},
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.shards",
                            "statusReplicasPath": ".status.shardsHeld",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                    "additionalPrinterColumns": [
                        {"name": name, "type": kind, "jsonPath": path, "description": said}
                        for name, kind, path, said in _COLUMNS
                    ],
                }
            ],
        },
    }


def structural_schema() -> dict[str, Any]:
    """Return the structural OpenAPI v3 schema of the whole resource."""
    schema = MusicCluster.model_json_schema(by_alias=True, mode="validation")
    definitions = cast("dict[str, Any]", schema.pop("$defs"))
    models = {model.__name__: model for model in _models(MusicCluster)}
    whole = _structural({**schema, _MODEL: KIND}, definitions, models)
    # The API server owns metadata: a schema for it may restrict the name alone, and here CEL does.
    whole["properties"]["metadata"] = {"type": "object"}
    whole["required"] = [name for name in whole["required"] if name == "spec"]
    for name in ("apiVersion", "kind"):
        whole["properties"][name] = {"type": "string"}
    # A default for status would be written by whoever creates the object.
    whole["properties"]["status"].pop("default", None)
    return whole


def _structural(
    schema: dict[str, Any], definitions: dict[str, Any], models: dict[str, type]
) -> dict[str, Any]:
    merged = _resolved(schema, definitions)
    model = models.get(str(merged.pop(_MODEL, "")))
    out: dict[str, Any] = {}
    for key, value in merged.items():
        if key in _DROPPED or (key == "additionalProperties" and value is False):
            continue
        if key == "properties":
            out[key] = {name: _structural(inner, definitions, models) for name, inner in value.items()}
        elif key == "patternProperties":
            # A structural schema has no patterns for keys; the model's rules say which keys there may be.
            (inner,) = value.values()
            out["additionalProperties"] = _structural(inner, definitions, models)
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            out[key] = _structural(value, definitions, models)
        elif key == "default":
            if value is not None:
                out[key] = _without_nulls(value)
        else:
            out[key] = value
    if out.get("type") == "object" and "additionalProperties" in out and "maxLength" in out:
        out["maxProperties"] = out.pop("maxLength")
    if model is not None and issubclass(model, SpecModel) and model.rules:
        out["x-kubernetes-validations"] = [
            {
                "rule": rule.cel,
                "message": rule.message,
                **({"fieldPath": f".{rule.at}"} if _points(rule.at) else {}),
            }
            for rule in model.rules
        ]
    return out


def _points(at: str) -> bool:
    # The API server refuses a fieldPath into metadata, which has no schema of ours.
    return bool(at) and at != "metadata"


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with ``$ref`` followed and ``X or null`` made X, its own words kept."""
    merged = dict(schema)
    variants = [one for one in merged.pop("anyOf", []) if one.get("type") != "null"]
    if len(variants) == 1:
        merged = {**variants[0], **merged}
    reference = merged.pop("$ref", None)
    if reference is not None:
        name = reference.rsplit("/", 1)[-1]
        merged = {**_resolved(definitions[name], definitions), **merged, _MODEL: name}
    return merged


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = {model}
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            found |= _models(inner)
    return found


def _models_in(annotation: object) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {inner for argument in get_args(annotation) for inner in _models_in(argument)}


class _Plain(yaml.SafeDumper):
    """Writes equal parts in full: an anchor saves lines and costs readers."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def render() -> str:
    """Return the file that belongs in ``crds/``."""
    return HEADER + yaml.dump(crd(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)


def main() -> None:
    """Write the CRD to standard output."""
    sys.stdout.write(render())


if __name__ == "__main__":
    main()
