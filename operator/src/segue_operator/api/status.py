"""What the operator says about a cluster."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from segue_operator.api.base import SpecModel


class Condition(SpecModel):
    """One aspect of a cluster's state, in the words of Kubernetes' own conditions."""

    type: str = Field(max_length=316, description="Which aspect, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field(max_length=1024, description="Why, in one word.")
    message: str = Field(default="", max_length=32_768, description="Why, in a sentence.")
    observed_generation: int = Field(default=0, ge=0, description="Generation of the spec this is about.")
    last_transition_time: str = Field(
        description="When the status last changed.", json_schema_extra={"format": "date-time"}
    )


class WorkerStatus(SpecModel):
    """The worker pods."""

    desired: int = Field(default=0, ge=0, description="Worker pods wanted, spares included.")
    ready: int = Field(default=0, ge=0, description="Worker pods that are ready.")
    spares: int = Field(default=0, ge=0, description="Ready workers that hold no shard.")


class RegionStatus(SpecModel):
    """One region's nodes."""

    name: str = Field(max_length=20, description="Name of the region.")
    desired: int = Field(default=0, ge=0, description="Nodes wanted.")
    ready: int = Field(default=0, ge=0, description="Nodes that are ready.")
    players: int = Field(default=0, ge=0, description="Players on them.")


class MusicClusterStatus(SpecModel):
    """What the operator saw last."""

    observed_generation: int = Field(default=0, ge=0, description="Generation of the spec this is about.")
    topology_generation: int = Field(default=0, ge=0, description="Generation of the published topology.")
    shards_held: int = Field(default=0, ge=0, description="Shards a worker holds.")
    selector: str = Field(default="", max_length=1024, description="Label selector of the worker pods.")
    workers: WorkerStatus = Field(default=WorkerStatus(), description="The worker pods.")
    regions: tuple[RegionStatus, ...] = Field(
        default=(),
        max_length=32,
        description="The regions' nodes.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        description="Aspects of the cluster's state.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
