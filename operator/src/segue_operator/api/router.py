"""The pods that decide where a guild's audio lives."""

from __future__ import annotations

from pydantic import Field

from segue_operator.api.base import SpecModel
from segue_operator.api.common import GraceSeconds, ResourceAmounts, Resources


class Router(SpecModel):
    """The audio routers: stateless, any of them can answer."""

    replicas: int = Field(
        default=2, ge=1, le=16, description="How many routers. Two or more survive the loss of one."
    )
    resources: Resources = Field(
        default=Resources(
            requests=ResourceAmounts(cpu="100m", memory="128Mi"), limits=ResourceAmounts(memory="512Mi")
        ),
        description="What a router pod may use.",
    )
    termination_grace_period_seconds: GraceSeconds = Field(
        default=15, description="Seconds a router has to answer its last calls before it is killed."
    )
