"""Values and workers for the tests of the shared vocabulary."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from segue_core.events import CommandApplied, DomainEvent, TrackEnded, TrackStarted
from segue_core.ids import ChannelId, CommandId, EventId, GuildId, ItemId, OwnerId, ShardId, UserId
from segue_core.models import PlayerSnapshot, QueueItem, Track
from segue_core.redis.leases import Claimed, LeasePlane, Renewal, WorkerBeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

NUM_SHARDS = 4
TTL_MS = 400


@dataclass(frozen=True)
class Make:
    """Makes values, each different from the last."""

    numbers: itertools.count[int]

    def guild(self, shard: int = 0, num_shards: int = NUM_SHARDS) -> GuildId:
        """Return a guild of a shard, too large for a double like Discord's."""
        return GuildId(((300_000_000_000 + next(self.numbers)) * num_shards + shard) << 22 | 0x3FFFFF)

    def track(self, title: str = "Song") -> Track:
        """Return a song."""
        number = next(self.numbers)
        return Track(
            encoded=f"e{number}",
            identifier=f"i{number}",
            title=title,
            author="Somebody",
            length_ms=180_000,
            source="catalogue",
        )

    def item(self) -> QueueItem:
        """Return a queued song."""
        return QueueItem(
            id=ItemId(uuid.uuid4().hex), track=self.track(), requester=UserId(2**63 - 2), requested_at=5
        )

    def snapshot(self, guild: GuildId, volume: int = 100) -> PlayerSnapshot:
        """Return a player that plays."""
        return PlayerSnapshot(guild=guild, current=self.item(), volume=volume)

    def command(self) -> CommandId:
        """Return an interaction's id."""
        return CommandId(str(10**18 + next(self.numbers)))

    def event(self, guild: GuildId | None, data: Any = None) -> DomainEvent:
        """Return a fact, by default a command that took effect."""
        applied = CommandApplied(user=UserId(7), command=self.command(), name="play", summary="played")
        return DomainEvent(
            id=EventId(uuid.uuid4().hex), guild=guild, at=1_700_000_000_123, data=data or applied
        )

    def ended(self, guild: GuildId, reason: str = "finished", title: str = "Song") -> DomainEvent:
        """Return the end of a song."""
        data = TrackEnded(
            track=self.track(title),
            requester=UserId(7),
            channel=ChannelId(8),
            started_at=1_700_000_000_000,
            played_ms=1000,
            reason=reason,
        )
        return self.event(guild, data)

    def started(self, guild: GuildId, track: Track) -> DomainEvent:
        """Return the start of a song."""
        return self.event(guild, TrackStarted(track=track, requester=UserId(7)))


@pytest.fixture
def make() -> Make:
    """Return a maker of values."""
    return Make(itertools.count(1))


class Worker:
    """One worker as the lease plane sees it, with lives short enough to wait for."""

    def __init__(self, plane: LeasePlane, name: str) -> None:
        self.plane = plane
        self.owner = OwnerId(f"{name}/{uuid.uuid4().hex[:6]}")

    async def renew(self, held: dict[ShardId, Any] | None = None, ttl_ms: int = TTL_MS) -> Renewal:
        """Send a heartbeat, with the epochs held."""
        beat = WorkerBeat(owner=self.owner, capacity=NUM_SHARDS)
        return await self.plane.renew(beat, held or {}, ttl_ms)

    async def claim(self, most: int = 1, ttl_ms: int = TTL_MS, **other: Any) -> tuple[Claimed, ...]:
        """Claim what can be claimed."""
        claims = await self.plane.claim(self.owner, most, NUM_SHARDS, 1, ttl_ms, NUM_SHARDS, **other)
        return claims.claimed

    async def claim_all(self, most: int = NUM_SHARDS) -> dict[ShardId, Claimed]:
        """Claim until ``most`` shards are ours; ticking all the while, as spares do."""
        held: dict[ShardId, Claimed] = {}
        async with asyncio.timeout(15):
            while len(held) < most:
                held |= {one.fence.shard: one for one in await self.claim(most - len(held))}
                await asyncio.sleep(0.01)
        return held


@pytest.fixture
def plane(redis: RedisClient, keys: Keys) -> LeasePlane:
    """Return this test's lease plane."""
    return LeasePlane(redis, keys)


@pytest.fixture
def worker(plane: LeasePlane) -> Callable[[str], Worker]:
    """Return what makes workers."""
    return lambda name: Worker(plane, name)
