"""Parts of the spec used in several places."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from segue_operator.api.base import Rule, SpecModel
from segue_operator.api.quantity import Quantity, amount

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
"""RFC 1123 label, what names of Kubernetes objects are made of."""

SECRET_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"  # noqa: S105 - a pattern, not a secret
SECRET_KEY = r"^[-._a-zA-Z0-9]+$"  # noqa: S105 - a pattern, not a secret

RegionKey = Annotated[str, Field(pattern=DNS_LABEL, min_length=1, max_length=20)]
GraceSeconds = Annotated[int, Field(ge=1, le=3600)]


class SecretKeyRef(SpecModel):
    """One key of a Secret in the cluster's namespace."""

    name: str = Field(pattern=SECRET_NAME, max_length=253, description="Name of the Secret.")
    key: str = Field(pattern=SECRET_KEY, max_length=253, description="Key within the Secret.")


class ResourceAmounts(SpecModel):
    """Amounts of what a container uses."""

    cpu: Quantity | None = Field(default=None, description="Cores, such as 250m or 2.")
    memory: Quantity | None = Field(default=None, description="Bytes, such as 512Mi or 1Gi.")


def _memory_fits(resources: Resources) -> bool:
    low, high = resources.requests.memory, resources.limits.memory
    return low is None or high is None or amount(low) <= amount(high)


def _cpu_fits(resources: Resources) -> bool:
    low, high = resources.requests.cpu, resources.limits.cpu
    return low is None or high is None or amount(low) <= amount(high)


def _fits_cel(what: str) -> str:
    return (
        f"!has(self.requests) || !has(self.limits) || !has(self.requests.{what}) || !has(self.limits.{what})"
        f" || quantity(self.requests.{what}).compareTo(quantity(self.limits.{what})) <= 0"
    )


class Resources(SpecModel):
    """What a container asks for, and what it may use at most."""

    requests: ResourceAmounts = Field(
        default=ResourceAmounts(), description="What the scheduler sets aside for a pod."
    )
    limits: ResourceAmounts = Field(default=ResourceAmounts(), description="What a pod may use at most.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=_fits_cel("memory"),
            message="requests.memory must not exceed limits.memory",
            fix="lower the request or raise the limit",
            holds=_memory_fits,
            fields=("requests", "limits"),
        ),
        Rule(
            cel=_fits_cel("cpu"),
            message="requests.cpu must not exceed limits.cpu",
            fix="lower the request or raise the limit",
            holds=_cpu_fits,
            fields=("requests", "limits"),
        ),
    )
