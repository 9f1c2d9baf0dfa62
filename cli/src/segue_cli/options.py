"""Options that several commands share, each also an environment variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

SpecFile = Annotated[Path, Parameter(name=["--file", "-f"])]
Json = Annotated[bool, Parameter(name="--json", negative="")]
PostgresDsn = Annotated[str, Parameter(name="--postgres", env_var="SEGUE_POSTGRES_DSN")]
RedisUrl = Annotated[str, Parameter(name="--redis", env_var="SEGUE_REDIS_URL")]
OptionalRedisUrl = Annotated[str | None, Parameter(name="--redis", env_var="SEGUE_REDIS_URL")]
ClusterName = Annotated[str, Parameter(name="--cluster", env_var="SEGUE_CLUSTER")]
Limit = Annotated[int, Parameter(name=["--limit", "-n"], validator=validators.Number(gte=1, lte=10_000))]
Guild = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=2**63 - 1))]
