"""The desired state of a cluster, and the rules between its parts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from segue_operator.api.base import Rule, SpecModel
from segue_operator.api.discord import Discord  # noqa: TC001 - pydantic reads it at run time
from segue_operator.api.images import Images
from segue_operator.api.media import Lavalink, Media
from segue_operator.api.regions import Region, Tier  # noqa: TC001 - pydantic reads it at run time
from segue_operator.api.router import Router
from segue_operator.api.storage import EmbeddedPostgres, EmbeddedRedis, Postgres, Redis
from segue_operator.api.workers import Workers

SHARDS_AUTO = (
    "`auto` is not supported in this version; give the number that Discord's GET /gateway/bot recommends"
)


class LogLevel(StrEnum):
    """How much the services say."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How the services say it: ``json`` for machines, ``console`` for a person."""

    JSON = "json"
    CONSOLE = "console"


def _no_auto(value: Any) -> Any:
    if value == "auto":
        raise ValueError(SHARDS_AUTO)
    return value


ShardCount = Annotated[int, BeforeValidator(_no_auto)]


def _unique(names: tuple[str, ...]) -> bool:
    return len(set(names)) == len(names)


def _region_names(spec: MusicClusterSpec) -> tuple[str, ...]:
    return tuple(region.name for region in spec.regions)


def _tiers_name_regions(spec: MusicClusterSpec) -> bool:
    return {name for tier in spec.tiers for name in tier.regions} <= set(_region_names(spec))


def _distances_name_regions(spec: MusicClusterSpec) -> bool:
    return {name for region in spec.regions for name in region.distances} <= set(_region_names(spec))


class MusicClusterSpec(SpecModel):
    """The desired state of a music bot."""

    version: str = Field(
        default="0.1.0",
        pattern=r"^[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}$",
        description="Release of Segue to run; the tag of its images.",
    )
    images: Images = Field(default=Images(), description="Container images.")
    discord: Discord = Field(description="How the bot reaches Discord.")
    shards: ShardCount = Field(
        default=1, ge=1, le=4096, description="Gateway shards. Discord allows 2,500 guilds on each at most."
    )
    workers: Workers = Field(default=Workers(), description="The pods that hold the shards.")
    router: Router = Field(default=Router(), description="The pods that decide where audio lives.")
    regions: tuple[Region, ...] = Field(
        min_length=1,
        max_length=32,
        description="Pools of Lavalink nodes.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    tiers: tuple[Tier, ...] = Field(
        default=(),
        max_length=16,
        description="Which guilds may use which regions. Empty: every guild may use every region.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    redis: Redis = Field(
        default=Redis(embedded=EmbeddedRedis()), description="Where leases and snapshots live."
    )
    postgres: Postgres = Field(
        default=Postgres(embedded=EmbeddedPostgres()), description="Where settings and history live."
    )
    lavalink: Lavalink = Field(default=Lavalink(), description="What all Lavalink nodes share.")
    media: Media = Field(default=Media(), description="What links may lead to.")
    lease_ttl_ms: int = Field(
        default=2000,
        ge=1000,
        le=30_000,
        description="How long a shard's lease lasts without renewal, ms: so long a dead worker is missed.",
    )
    log_level: LogLevel = Field(default=LogLevel.INFO, description="How much the services say.")
    log_format: LogFormat = Field(default=LogFormat.JSON, description="How the services say it.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.regions.all(r, self.regions.exists_one(other, other.name == r.name))",
            message="regions must have different names",
            fix="rename one of them",
            holds=lambda spec: _unique(_region_names(spec)),
            fields=("regions",),
            at="regions",
        ),
        Rule(
            cel="self.regions.exists(r, r.nodes > 0)",
            message="at least one region must have a node",
            fix="set nodes of a region to 1 or more",
            holds=lambda spec: any(region.nodes > 0 for region in spec.regions),
            fields=("regions",),
            at="regions",
        ),
        Rule(
            cel="self.regions.all(r, !has(r.distances)"
            " || r.distances.all(name, self.regions.exists(other, other.name == name)))",
            message="distances must name regions of this cluster",
            fix="correct the name, or add the region",
            holds=_distances_name_regions,
            fields=("regions",),
            at="regions",
        ),
        Rule(
            cel="!has(self.tiers) || self.tiers.all(t, self.tiers.exists_one(other, other.name == t.name))",
            message="tiers must have different names",
            fix="rename one of them",
            holds=lambda spec: _unique(tuple(tier.name for tier in spec.tiers)),
            fields=("tiers",),
            at="tiers",
        ),
        Rule(
            cel="!has(self.tiers) || self.tiers.all(t, !has(t.regions)"
            " || t.regions.all(name, self.regions.exists(r, r.name == name)))",
            message="tiers must name regions of this cluster",
            fix="correct the name, or add the region",
            holds=_tiers_name_regions,
            fields=("tiers", "regions"),
            at="tiers",
        ),
        Rule(
            cel="self.workers.terminationGracePeriodSeconds * 1000 >= 2 * self.leaseTtlMs",
            message="workers.terminationGracePeriodSeconds must be at least twice leaseTtlMs",
            fix="raise the grace period or lower leaseTtlMs: a worker must have time to hand its shards over",
            holds=lambda spec: spec.workers.termination_grace_period_seconds * 1000 >= 2 * spec.lease_ttl_ms,
            fields=("workers", "leaseTtlMs"),
            at="workers",
        ),
    )
