"""Until when we may act for a shard: asked right before every write to a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from segue_core.models import Fence

if TYPE_CHECKING:
    from segue_core.ids import Epoch, ShardId

MonotonicClock = Callable[[], float]
"""Seconds of a clock that never jumps, :func:`time.monotonic` in production."""


class LeasePhase(StrEnum):
    """Where a held shard stands with its lease.

    ``HELD``: write. ``SILENT``: past the deadline, and Redis has not been asked since: nothing but
    heartbeats. ``FROZEN``: asked, and unreachable: sockets stay up and music runs on, changes are
    refused in words, a song that ended may be followed by the next. ``LOST``: somebody else's, or
    released; for good.
    """

    HELD = "held"
    SILENT = "silent"
    FROZEN = "frozen"
    LOST = "lost"


class LeaseLostError(Exception):
    """The shard is no longer ours. Let go of its sockets and guilds."""

    def __init__(self, shard: ShardId, why: str) -> None:
        super().__init__(f"shard {shard} is no longer ours: {why}")
        self.shard = shard


class LeaseLapsedError(Exception):
    """The lease could not be renewed in time; nothing may be written until it is. Try again then."""

    def __init__(self, shard: ShardId) -> None:
        super().__init__(f"shard {shard} may not be written for: its lease has not been renewed in time")
        self.shard = shard


class LeaseView(Protocol):
    """What the gateway and the players see of a lease."""

    @property
    def shard(self) -> ShardId:
        """The shard."""

    @property
    def epoch(self) -> Epoch:
        """The fencing token, the same for as long as this lease is ours."""

    @property
    def phase(self) -> LeasePhase:
        """Where we stand, by the clock at the moment of asking."""

    def may_write(self) -> bool:
        """Whether a write sent now is surely sent by the shard's only owner."""

    def fence(self) -> Fence | None:
        """Return what commits are fenced with; None while nothing may be written."""

    async def writable(self) -> None:
        """Wait until we may write again.

        Raises:
            LeaseLostError: when that will never be.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a claim or renewal gave us: the fence, and the deadline on our own clock (seconds)."""

    fence: Fence
    deadline: float


class Lease:
    """A held shard's lease: the keeper writes it, everybody else looks at it as a LeaseView."""

    def __init__(self, grant: Grant, clock: MonotonicClock) -> None:
        self._grant = grant
        self._clock = clock
        self._frozen = False
        self._lost: str | None = None
        self._changed = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Lease shard={self.shard} epoch={self.epoch} {self.phase}>"

    @property
    def shard(self) -> ShardId:
        """The shard."""
        return self._grant.fence.shard

    @property
    def epoch(self) -> Epoch:
        """The fencing token."""
        return self._grant.fence.epoch

    @property
    def last_fence(self) -> Fence:
        """The newest fence, lapsed or not: for renewal and release, which Redis judges."""
        return self._grant.fence

    @property
    def deadline(self) -> float:
        """When, by our monotonic clock, we must fall silent unless renewed. Seconds."""
        return self._grant.deadline

    @property
    def phase(self) -> LeasePhase:
        """Where we stand now."""
        if self._lost is not None:
            return LeasePhase.LOST
        if self._clock() < self._grant.deadline:
            return LeasePhase.HELD
        return LeasePhase.FROZEN if self._frozen else LeasePhase.SILENT

    def may_write(self) -> bool:
        """Whether a write sent now is surely sent by the shard's only owner."""
        return self._lost is None and self._clock() < self._grant.deadline

    def fence(self) -> Fence | None:
        """Return what commits are fenced with; None while nothing may be written."""
        return self._grant.fence if self.may_write() else None

    def renewed(self, grant: Grant) -> None:
        """Count from a newer grant. A grant older than the present one changes nothing."""
        if self._lost is not None or grant.deadline < self._grant.deadline:
            return
        self._grant = grant
        self._frozen = False
        self._notify()

    def freeze(self) -> None:
        """A renewal sent after the deadline failed: Redis is unreachable from here."""
        if self.phase is LeasePhase.SILENT:
            self._frozen = True

    def lose(self, why: str) -> None:
        """Let go, for good."""
        if self._lost is None:
            self._lost = why
            self._notify()

    async def writable(self) -> None:
        """Wait until we may write again, or raise LeaseLostError."""
        while not self.may_write():
            if self._lost is not None:
                raise LeaseLostError(self.shard, self._lost)
            await self._changed.wait()

    def _notify(self) -> None:
        # Everybody who waits on the old event wakes and looks again; the next waits on a new one.
        self._changed.set()
        self._changed = asyncio.Event()
