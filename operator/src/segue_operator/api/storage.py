"""Redis and PostgreSQL: run here, or somebody else's."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from segue_operator.api.base import Rule, SpecModel
from segue_operator.api.common import ResourceAmounts, Resources, SecretKeyRef
from segue_operator.api.quantity import Quantity  # noqa: TC001 - pydantic reads it at run time


class EmbeddedRedis(SpecModel):
    """A single Valkey with append-only persistence: for laptops and small clusters."""

    storage: Quantity = Field(default="1Gi", description="Size of its volume.")
    resources: Resources = Field(
        default=Resources(
            requests=ResourceAmounts(cpu="100m", memory="128Mi"), limits=ResourceAmounts(memory="512Mi")
        ),
        description="What the Redis pod may use.",
    )


class EmbeddedPostgres(SpecModel):
    """A single PostgreSQL: for laptops and small clusters."""

    storage: Quantity = Field(default="5Gi", description="Size of its volume.")
    resources: Resources = Field(
        default=Resources(
            requests=ResourceAmounts(cpu="100m", memory="256Mi"), limits=ResourceAmounts(memory="1Gi")
        ),
        description="What the PostgreSQL pod may use.",
    )


class Redis(SpecModel):
    """Where leases, sessions and snapshots live."""

    embedded: EmbeddedRedis | None = Field(default=None, description="Run a Valkey in the cluster.")
    url_secret_ref: SecretKeyRef | None = Field(
        default=None, description="Secret with a redis://, rediss:// or redis+cluster:// URL."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.embedded) != has(self.urlSecretRef)",
            message="exactly one of embedded and urlSecretRef must be given",
            fix="write `embedded: {}` to run one here, or name the Secret that holds the URL of yours",
            holds=lambda redis: (redis.embedded is None) != (redis.url_secret_ref is None),
            fields=("embedded", "urlSecretRef"),
        ),
    )


class Postgres(SpecModel):
    """Where settings, history and events live."""

    embedded: EmbeddedPostgres | None = Field(default=None, description="Run a PostgreSQL in the cluster.")
    dsn_secret_ref: SecretKeyRef | None = Field(default=None, description="Secret with a postgresql:// DSN.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.embedded) != has(self.dsnSecretRef)",
            message="exactly one of embedded and dsnSecretRef must be given",
            fix="write `embedded: {}` to run one here, or name the Secret that holds the DSN of yours",
            holds=lambda postgres: (postgres.embedded is None) != (postgres.dsn_secret_ref is None),
            fields=("embedded", "dsnSecretRef"),
        ),
    )
