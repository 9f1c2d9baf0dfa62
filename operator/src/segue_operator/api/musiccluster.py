"""The ``MusicCluster`` custom resource."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from segue_operator.api.base import Rule, SpecModel
from segue_operator.api.common import DNS_LABEL
from segue_operator.api.spec import MusicClusterSpec  # noqa: TC001 - pydantic reads it at run time
from segue_operator.api.status import MusicClusterStatus

GROUP = "segue.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "MusicCluster"
PLURAL = "musicclusters"
SINGULAR = "musiccluster"
SHORT_NAME = "mc"
RULE_BROKEN = "rule_broken"

LONGEST_NAME = 22
"""``<name>-lavalink-<region>`` names a StatefulSet, whose pods carry it in a label of 52 + 11 bytes."""


class ObjectMeta(SpecModel):
    """What Segue reads of Kubernetes' ObjectMeta; the rest is the API server's and passed over."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(pattern=DNS_LABEL, min_length=1, max_length=253, description="Name of the cluster.")
    namespace: str = Field(
        default="default", pattern=DNS_LABEL, max_length=63, description="Namespace it lives in."
    )
    generation: int = Field(default=1, ge=0, description="Counts the changes of the spec.")
    uid: str = Field(default="", max_length=64, description="What the API server tells objects apart by.")
    labels: dict[str, str] = Field(default={}, description="Labels.")
    annotations: dict[str, str] = Field(default={}, description="Annotations.")


class MusicCluster(SpecModel):
    """A music bot: gateway shards with hot spares, audio routers and regional pools of Lavalink nodes."""

    api_version: Literal["segue.dev/v1alpha1"] = Field(description="Version of this schema.")
    kind: Literal["MusicCluster"] = Field(description="What this is.")
    metadata: ObjectMeta = Field(description="Name and namespace.")
    spec: MusicClusterSpec = Field(description="What is wanted.")
    status: MusicClusterStatus = Field(
        default=MusicClusterStatus(), description="What was seen last, written by the operator alone."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"self.metadata.name.size() <= {LONGEST_NAME}",
            message=f"metadata.name must be at most {LONGEST_NAME} characters long",
            fix="choose a shorter name: the names of pods are made from it",
            holds=lambda cluster: len(cluster.metadata.name) <= LONGEST_NAME,
            fields=("metadata",),
            at="metadata",
        ),
        Rule(
            cel="!self.metadata.name.contains('.')",
            message="metadata.name must not contain a dot",
            fix="choose a name of letters, digits and dashes: Services are named after it",
            holds=lambda cluster: "." not in cluster.metadata.name,
            fields=("metadata",),
            at="metadata",
        ),
    )

    @model_validator(mode="after")
    def _keep_the_rules(self) -> Self:
        """Refuse a cluster that breaks a rule, naming every one it breaks at once."""
        broken: list[InitErrorDetails] = [
            InitErrorDetails(
                type=PydanticCustomError(
                    RULE_BROKEN, "{message}", {"message": v.rule.message, "fix": v.rule.fix}
                ),
                loc=v.path,
                input=None,
            )
            for v in self.violations()
        ]
        if broken:
            raise ValidationError.from_exception_data(KIND, broken)
        return self

    @property
    def name(self) -> str:
        """Name of the cluster: prefix of its objects and of its keys in Redis."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """Namespace of the cluster and everything in it."""
        return self.metadata.namespace

    def with_spec(self, **changes: object) -> MusicCluster:
        """Return this cluster with parts of its spec replaced, checked again.

        Raises:
            ValidationError: the result breaks a rule.
        """
        spec = self.spec.model_copy(update=changes)
        return MusicCluster.model_validate(self.model_copy(update={"spec": spec}).document())

    def document(self) -> dict[str, Any]:
        """Return the resource as YAML would hold it, without status."""
        return self.model_dump(mode="json", by_alias=True, exclude={"status"}, exclude_none=True)
