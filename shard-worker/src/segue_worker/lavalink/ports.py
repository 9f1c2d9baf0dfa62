"""What node sessions need from the rest of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_core.ids import GuildId, NodeId, NodeSessionId, ShardId
    from segue_core.models import Fence
    from segue_worker.lavalink.wire import GuildFrame, NodePlayer


class SessionVault(Protocol):
    """Where node session ids are kept for a successor: the lease plane. Writes are fenced.

    A refusal (False) means that the shard is somebody else's by now; the renewals say so too.
    """

    async def save_node_session(self, fence: Fence, node: NodeId, session: NodeSessionId, /) -> bool:
        """Remember the session of this shard with ``node``."""

    async def drop_node_session(self, fence: Fence, node: NodeId, /) -> bool:
        """Forget it."""

    async def owe_defuse(self, fence: Fence, node: NodeId, session: NodeSessionId, since: int, /) -> bool:
        """Remember a given-up session that is still to be ended."""

    async def settle_defuse(self, fence: Fence, node: NodeId, session: NodeSessionId, /) -> bool:
        """Forget it: it is ended."""

    async def owed_defuses(self, shard: ShardId, /) -> tuple[tuple[NodeId, NodeSessionId], ...]:
        """Return what is still to be ended, a predecessor's debts included."""


class SessionListener(Protocol):
    """Takes what one shard's node sessions say. Called on the loop; must return at once."""

    def frame(self, node: NodeId, frame: GuildFrame) -> None:
        """Something happened to a guild's player on ``node``."""

    def lost(self, node: NodeId, reason: str, silent_ms: int) -> None:
        """The shard's players on ``node`` are gone, or out of reach for good: play them elsewhere.

        ``silent_ms``: how long ago the node was last heard of, which is when the sound stopped.
        """

    def superseded(self, node: NodeId, players: Mapping[GuildId, NodePlayer]) -> None:
        """A new session took the place of one whose socket is still held by somebody else.

        ``players`` still play there; each is ended when its guild was patched on the new session.
        """

    def in_use(self, node: NodeId) -> bool:
        """Whether a guild of this shard plays on ``node``, or is about to."""


class NodeDirectory(Protocol):
    """Where nodes are found."""

    def address(self, node: NodeId) -> str | None:
        """Return ``host:port``, None for a node in no view of the fleet."""
