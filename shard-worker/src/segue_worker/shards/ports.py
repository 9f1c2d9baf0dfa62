"""What the shard manager needs from the rest of the worker."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_core.events import ShardPromoted
    from segue_core.ids import NodeId, NodeSessionId, ShardId
    from segue_worker.shards.lease import LeaseView


class CloseReason(StrEnum):
    """Why a shard's players are let go of."""

    RELEASED = "released"
    """Planned: what is in flight may finish, node sessions are left to park."""

    LOST = "lost"
    """Somebody else's already: close the sockets, write nothing."""


class ShardPlayers(Protocol):
    """The players of the shards we hold."""

    async def open_shard(
        self, shard: ShardId, lease: LeaseView, node_sessions: Mapping[NodeId, NodeSessionId]
    ) -> None:
        """Take over the shard's live guilds. Runs beside the gateway's RESUME, never waits for it."""

    async def close_shard(self, shard: ShardId, reason: CloseReason) -> None:
        """Close the shard's players; after it returns none of them writes anything."""


class PromotionLog(Protocol):
    """Where changes of owner are audited."""

    async def promoted(self, event: ShardPromoted) -> None:
        """Record it; a failure is the implementation's to report, promotions don't fail by it."""
