"""The pods that hold Discord's gateway shards."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from segue_operator.api.base import SpecModel
from segue_operator.api.common import GraceSeconds, ResourceAmounts, Resources

ZoneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", max_length=63)]


class Workers(SpecModel):
    """The pods that hold gateway shards: ceil(shards / shardsPerWorker) of them, and hot spares."""

    shards_per_worker: int = Field(
        default=4, ge=1, le=64, description="How many shards one worker pod holds at most."
    )
    hot_spares: int = Field(
        default=1,
        ge=0,
        le=32,
        description="Worker pods that hold nothing and take over the shards of one that fails.",
    )
    home_cooldown_seconds: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="Seconds a region must have been well before players that had to leave it return, one "
        "by one; and before one that returned may do so again.",
    )
    resources: Resources = Field(
        default=Resources(
            requests=ResourceAmounts(cpu="250m", memory="256Mi"), limits=ResourceAmounts(memory="1Gi")
        ),
        description="What a worker pod may use.",
    )
    termination_grace_period_seconds: GraceSeconds = Field(
        default=30, description="Seconds a worker has to hand its shards over before it is killed."
    )
    zones: tuple[ZoneName, ...] = Field(
        default=(),
        max_length=16,
        description="Zones the workers may run in. Empty: any; they are spread over zones either way.",
    )
