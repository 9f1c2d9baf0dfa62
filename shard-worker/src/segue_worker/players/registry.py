"""All players of this worker, by shard and guild."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from segue_core.ids import GuildId, NodeId, NodeSessionId, ShardId, shard_of
from segue_core.logging import get_logger
from segue_worker.lavalink.pool import NodePool
from segue_worker.lavalink.ports import SessionListener
from segue_worker.players.shard import PlayerShard
from segue_worker.shards.lease import LeaseLostError, LeaseView
from segue_worker.shards.ports import CloseReason

if TYPE_CHECKING:
    from segue_worker.domain.messages import Message
    from segue_worker.domain.state import GuildState
    from segue_worker.lavalink.wire import NodeStats
    from segue_worker.players.ports import Recovery
    from segue_worker.players.tools import Tools

_log = get_logger(__name__)

_FINISH_S: Final = 0.15
"""A hand-off lets finish what ends within this; the rest is journaled and the successor's."""

PoolFactory = Callable[[LeaseView, SessionListener], NodePool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayersSummary:
    """What health and metrics show. ``playing``: guilds with a song that is not paused; ``queued``: songs."""

    guilds: int
    live: int
    playing: int
    queued: int
    waiting_messages: int
    sessions: int
    sessions_owed: int


class PlayerRegistry:
    """Opens and closes shards' players, and finds a guild's mailbox. A ``ShardPlayers``."""

    def __init__(self, tools: Tools, recovery: Recovery, pools: PoolFactory, num_shards: int) -> None:
        self._tools = tools
        self._recovery = recovery
        self._pools = pools
        self._num_shards = num_shards
        self._shards: dict[ShardId, PlayerShard] = {}
        self._opening: dict[ShardId, asyncio.Task[None]] = {}

    def post(self, guild: GuildId, message: Message) -> bool:
        """Put a message into the guild's mailbox.

        False when nobody takes it: the shard is not ours, the mailbox is full, or the guild has no
        player and the message is no command.
        """
        shard = self._shards.get(shard_of(guild, self._num_shards))
        return shard is not None and shard.post(guild, message)

    def prepare_shard(self, lease: LeaseView) -> None:
        """Take messages for the shard from now on; they wait until :meth:`open_shard` knows its guilds."""
        if lease.shard in self._shards:
            raise ValueError(f"shard {lease.shard} is open already")
        shard = PlayerShard(lease, self._tools, self._recovery)
        shard.attach(self._pools(lease, shard))
        self._shards[lease.shard] = shard

    async def open_shard(
        self, shard: ShardId, lease: LeaseView, node_sessions: Mapping[NodeId, NodeSessionId]
    ) -> None:
        """Take over the shard's live guilds."""
        if shard not in self._shards:
            self.prepare_shard(lease)
        task = asyncio.create_task(self._shards[shard].open(node_sessions))
        self._opening[shard] = task
        try:
            await task
        except LeaseLostError:
            _log.info("player.shard_lost_while_opening", shard=shard)
        finally:
            self._opening.pop(shard, None)

    async def close_shard(self, shard: ShardId, reason: CloseReason) -> None:
        """Close the shard's players; after it returns none of them writes anything."""
        opening = self._opening.get(shard)
        if opening is not None:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        players = self._shards.pop(shard, None)
        if players is None:
            return
        if reason is CloseReason.RELEASED:
            await players.close(patience=_FINISH_S)
            await self._tools.journal.flush()  # or our successor answers it all again
        else:
            await players.abort()

    async def close(self) -> None:
        """Close every shard's players, leaving all to successors."""
        await asyncio.gather(*(self.close_shard(shard, CloseReason.RELEASED) for shard in list(self._shards)))

    def state(self, guild: GuildId) -> GuildState | None:
        """Return what is true of a guild; None when we have nothing to do with it."""
        shard = self._shards.get(shard_of(guild, self._num_shards))
        player = shard.guilds.get(guild) if shard is not None else None
        return player.state if player is not None else None

    def is_live(self, guild: GuildId) -> bool:
        """Whether the guild has a player here."""
        state = self.state(guild)
        return state is not None and state.live

    def live_guilds(self, shard: ShardId) -> tuple[GuildId, ...]:
        """Return the shard's guilds with a player: those to rejoin after a new IDENTIFY."""
        players = self._shards.get(shard)
        return () if players is None else tuple(state.guild for state in players.states() if state.live)

    def node_stats(self) -> dict[NodeId, NodeStats]:
        """Return what nodes last said of themselves on any of our sessions."""
        return {node: stats for shard in self._shards.values() for node, stats in shard.pool.stats().items()}

    def summary(self) -> PlayersSummary:
        """Count what there is."""
        shards = list(self._shards.values())
        states = [state for shard in shards for state in shard.states()]
        return PlayersSummary(
            guilds=len(states),
            live=sum(state.live for state in states),
            playing=sum(state.current is not None and not state.snapshot.paused for state in states),
            queued=sum(len(state.queue) for state in states),
            waiting_messages=sum(player.depth for shard in shards for player in shard.guilds.values()),
            sessions=sum(len(shard.pool.open_nodes()) for shard in shards),
            sessions_owed=sum(shard.pool.owed for shard in shards),
        )
