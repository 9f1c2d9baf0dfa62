"""Regional pools of Lavalink nodes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from segue_operator.api.base import Rule, SpecModel
from segue_operator.api.common import GraceSeconds, RegionKey, ResourceAmounts, Resources
from segue_operator.api.quantity import MEBIBYTE, amount

SMALLEST_NODE = 384 * MEBIBYTE
"""A Lavalink 4.2 JVM was seen to need 215 to 300 MiB before it plays anything."""

VoicePrefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]+$", min_length=1, max_length=64)]
Milliseconds = Annotated[float, Field(ge=0, le=10_000)]


class NodeTuning(SpecModel):
    """What of Lavalink's own configuration decides how fast a node takes over players."""

    buffer_duration_ms: int = Field(
        default=400, ge=60, le=5000, description="Sound a node holds ready to send, ms. Lavalink's own: 400."
    )
    frame_buffer_duration_ms: int = Field(
        default=1000,
        ge=200,
        le=60_000,
        description="Sound a node decodes ahead, ms. Lavalink's own is 5000; 1000 halves a failover.",
    )
    player_update_interval_seconds: int = Field(
        default=1, ge=1, le=60, description="How often a node reports positions, s. Lavalink's own: 5."
    )
    track_stuck_threshold_ms: int = Field(
        default=10_000, ge=1000, le=120_000, description="Silence after which a track counts as stuck, ms."
    )
    opus_encoding_quality: int = Field(
        default=10, ge=0, le=10, description="0 costs least CPU, 10 sounds best."
    )


def _memory_suffices(region: Region) -> bool:
    limit = region.resources.limits.memory
    return limit is not None and amount(limit) >= SMALLEST_NODE


class Region(SpecModel):
    """A pool of Lavalink nodes near some of Discord's voice servers."""

    name: RegionKey = Field(description="Name of the region; nodes are called <name>-0, <name>-1, …")
    nodes: int = Field(default=1, ge=0, le=100, description="How many Lavalink nodes.")
    capacity_per_node: int = Field(
        default=0, ge=0, le=10_000, description="Players a node takes at most. 0: no bound."
    )
    voice_prefixes: tuple[VoicePrefix, ...] = Field(
        default=(),
        max_length=64,
        description="What the names of voice servers near this region begin with, such as us-east.",
    )
    distances: dict[RegionKey, Milliseconds] = Field(
        default={},
        max_length=32,
        description="Round trip to other regions, ms: the nearest is used first when this one is full.",
    )
    resources: Resources = Field(
        default=Resources(
            requests=ResourceAmounts(cpu="500m", memory="512Mi"), limits=ResourceAmounts(memory="1Gi")
        ),
        description="What a node may use. The JVM's heap follows from the memory limit.",
    )
    termination_grace_period_seconds: GraceSeconds = Field(
        default=60, description="Seconds a node has to lose its players before it is killed."
    )
    lavalink: NodeTuning = Field(default=NodeTuning(), description="Settings of this region's nodes.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.resources.limits) && has(self.resources.limits.memory)"
            f" && quantity(self.resources.limits.memory).compareTo(quantity('{SMALLEST_NODE}')) >= 0",
            message="resources.limits.memory of a Lavalink node must be at least 384Mi",
            fix="set resources.limits.memory to 384Mi or more: the JVM's heap is derived from it",
            holds=_memory_suffices,
            fields=("resources",),
            at="resources",
        ),
    )


class Tier(SpecModel):
    """What the guilds of one tier may use."""

    name: RegionKey = Field(description="Name of the tier, such as free.")
    regions: tuple[RegionKey, ...] = Field(
        default=(), max_length=32, description="Regions its guilds may use. Empty: every region."
    )
