"""One held shard: its guilds, its node sessions, and the way they are taken over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE
from segue_worker.domain.messages import Adopted, Command, Message, NodeLost
from segue_worker.lavalink.errors import NodeError
from segue_worker.lavalink.session import Adoption
from segue_worker.lavalink.translate import adopted_message, guild_message
from segue_worker.players.guild import GuildPlayer
from segue_worker.players.moves import ShardMoves
from segue_worker.players.planned import PlannedMoves
from segue_worker.players.tools import ShardTools, Tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segue_core.ids import GuildId, NodeId, NodeSessionId
    from segue_core.models import GuildRecord
    from segue_core.redis.guilds import JournalEntry
    from segue_worker.domain.state import GuildState
    from segue_worker.lavalink.pool import NodePool
    from segue_worker.lavalink.wire import GuildFrame, NodePlayer
    from segue_worker.players.ports import Recovery
    from segue_worker.shards.lease import LeaseView

_log = get_logger(__name__)

_OPEN_RETRY_S: Final = 0.2
_EARLY: Final = 10_000
"""Messages kept while we don't know yet which guilds have a player."""


class PlayerShard:
    """Listens to the shard's node sessions, and hands what they say to its guilds."""

    def __init__(self, lease: LeaseView, tools: Tools, recovery: Recovery) -> None:
        self.lease = lease
        self._tools = tools
        self._recovery = recovery
        self._pool: NodePool | None = None
        self._moves = ShardMoves(lease.shard, tools.placer, self._open_nodes)
        self._planned: asyncio.Task[None] | None = None
        self._guilds: dict[GuildId, GuildPlayer] = {}
        self._early: list[tuple[GuildId, Message]] | None = []
        self._behind: dict[GuildId, list[Command]] = {}
        self._closed = False

    @property
    def guilds(self) -> Mapping[GuildId, GuildPlayer]:
        """The guilds we have anything to do with."""
        return self._guilds

    @property
    def pool(self) -> NodePool:
        """The shard's node sessions; set before it is opened."""
        assert self._pool is not None  # noqa: S101 - the registry attaches it right after construction
        return self._pool

    def attach(self, pool: NodePool) -> None:
        """Give the shard its node sessions, which listen through it."""
        self._pool = pool

    def states(self) -> Iterable[GuildState]:
        """Return what is true of each guild."""
        return (player.state for player in self._guilds.values())

    def post(self, guild: GuildId, message: Message) -> bool:
        """Put a message into a guild's mailbox; False when nobody takes it.

        Only a command begins something in a guild that has no player.
        """
        if self._closed:
            return False
        if self._early is not None:
            if len(self._early) >= _EARLY:
                return False
            self._early.append((guild, message))
            return True
        if isinstance(message, Command) and guild in self._behind:
            self._behind[guild].append(message)
            return True
        return self._deliver(guild, message)

    def _deliver(self, guild: GuildId, message: Message) -> bool:
        player = self._guilds.get(guild)
        if player is None:
            if not isinstance(message, Command):
                return False
            player = self._add(guild, None)
        return player.post(message)

    async def open(self, node_sessions: Mapping[NodeId, NodeSessionId]) -> None:
        """Take the shard's guilds over, each as soon as its node has answered.

        Raises:
            LeaseLostError: the shard was lost meanwhile; close it.
        """
        records = await self._open_records()
        for guild, record in records.items():
            self._add(guild, record)
        journaled = await self._read_journal()
        # What a predecessor accepted comes before what is said now.
        self._behind = {guild: [] for guild in journaled}
        early, self._early = self._early or [], None
        for guild, message in early:
            self.post(guild, message)
        by_node: dict[NodeId | None, list[GuildId]] = {node: [] for node in node_sessions}
        for guild, record in records.items():
            by_node.setdefault(record.snapshot.node, []).append(guild)
        async with asyncio.TaskGroup() as group:
            for node, guilds in by_node.items():
                group.create_task(self._adopt_node(node, node_sessions, guilds))
            for guild, entries in journaled.items():
                group.create_task(self._finish_journaled(guild, entries))
        await self.pool.settle_debts()
        self._planned = asyncio.create_task(self._planned_moves().run(), name="planned moves")

    async def close(self, *, patience: float) -> None:
        """Let guilds finish what they are at, leave node sessions to park."""
        self._closed = True
        await self._stop_moving()
        await asyncio.gather(*(player.close(patience=patience) for player in list(self._guilds.values())))
        await self.pool.close()
        self._guilds.clear()

    async def abort(self) -> None:
        """The shard is somebody else's: stop, write nothing."""
        self._closed = True
        await self._stop_moving()
        await asyncio.gather(*(player.abort() for player in list(self._guilds.values())))
        await self.pool.close()
        self._guilds.clear()

    async def _stop_moving(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
            await asyncio.gather(self._planned, return_exceptions=True)
        await self._moves.close()

    # What node sessions say.

    def frame(self, node: NodeId, frame: GuildFrame) -> None:
        """Hand a node's word about a guild to it; whether the guild plays there is its own to judge."""
        player = self._guilds.get(frame.guild)
        if player is not None:
            now = self._tools.clock.now()
            player.post(guild_message(frame, node, now=now, buffer_ms=self._tools.buffer_ms))

    def lost(self, node: NodeId, reason: str, silent_ms: int) -> None:
        """Tell every guild that plays there."""
        self._moves.lost(node, self.states())
        message = NodeLost(node=node, reason=reason, stopped_at=self._tools.clock.now() - silent_ms)
        for player in list(self._guilds.values()):
            if player.plays_on(node):
                player.post(message)

    def superseded(self, node: NodeId, players: Mapping[GuildId, NodePlayer]) -> None:
        """The new session has no players yet: every guild there sends its own again."""
        _log.info("player.session_superseded", node=node, shard=self.lease.shard, players=len(players))
        silent = Adopted(node=node, at=self._tools.clock.now())
        for player in list(self._guilds.values()):
            if player.plays_on(node):
                player.post(silent)

    def in_use(self, node: NodeId) -> bool:
        """Whether any guild plays there."""
        return any(player.plays_on(node) for player in self._guilds.values())

    def _open_nodes(self) -> tuple[NodeId, ...]:
        return self.pool.open_nodes()

    def _planned_moves(self) -> PlannedMoves:
        tools = self._tools
        return PlannedMoves(
            self.lease, self._guilds, tools.placer, tools.fleet, self.pool.open_nodes, tools.planned
        )

    # Opening.

    async def _open_records(self) -> dict[GuildId, GuildRecord]:
        while True:
            await self.lease.writable()
            fence = self.lease.fence()
            if fence is None:
                continue
            try:
                return await self._tools.store.open({self.lease.shard: fence})
            except (RedisError, *UNREACHABLE) as error:
                _log.warning("player.open_waits", shard=self.lease.shard, error=type(error).__name__)
                await asyncio.sleep(_OPEN_RETRY_S)

    async def _adopt_node(
        self, node: NodeId | None, sessions: Mapping[NodeId, NodeSessionId], guilds: list[GuildId]
    ) -> None:
        session = sessions.get(node) if node is not None else None
        players: Mapping[GuildId, NodePlayer] = {}
        reached: NodeId | None = None
        if node is not None and session is not None:
            try:
                adoption, players = await self.pool.adopt(node, session)
                reached = node
            except NodeError as error:
                _log.warning("player.node_not_adopted", node=node, shard=self.lease.shard, why=error.why)
            else:
                _log.info("player.node_adopted", node=node, adoption=adoption, players=len(players))
                if adoption is not Adoption.RESUMED:
                    # They play, if at all, on a session that is about to end: our own has none.
                    players = {}
        if node is not None and reached is None:
            self._moves.lost(node, [self._guilds[guild].state for guild in guilds if guild in self._guilds])
        for guild in guilds:
            self._adopt_guild(guild, reached, players.get(guild))
        for guild, found in players.items():
            if guild not in guilds and node is not None:
                await self._adopt_stray(guild, node, found)

    def _adopt_guild(self, guild: GuildId, node: NodeId | None, player: NodePlayer | None) -> None:
        now = self._tools.clock.now()
        if node is None:
            message = Adopted(node=None, at=now)
        else:
            message = adopted_message(player, node, now=now, buffer_ms=self._tools.buffer_ms)
        known = self._guilds.get(guild)
        if known is not None:
            known.adopt(message)

    async def _adopt_stray(self, guild: GuildId, node: NodeId, found: NodePlayer) -> None:
        """A player whose snapshot names another node, or that has none: it is kept only if it plays."""
        if guild not in self._guilds and found.track is not None and found.voice is not None:
            self._add(guild, None).post(
                adopted_message(found, node, now=self._tools.clock.now(), buffer_ms=self._tools.buffer_ms)
            )
            return
        session = self.pool.existing(node)
        if session is None:
            return
        try:
            await session.destroy(guild)
        except NodeError as error:
            _log.info("player.stray_left", node=node, guild=guild, why=error.why)

    async def _read_journal(self) -> Mapping[GuildId, tuple[JournalEntry, ...]]:
        while True:
            try:
                return await self._tools.store.journaled((self.lease.shard,))
            except (RedisError, *UNREACHABLE) as error:
                _log.warning("player.journal_waits", shard=self.lease.shard, error=type(error).__name__)
                await asyncio.sleep(_OPEN_RETRY_S)
            await self.lease.writable()

    async def _finish_journaled(self, guild: GuildId, entries: Iterable[JournalEntry]) -> None:
        """Post what a predecessor received and did not finish, under the ids it had; then what waits."""
        try:
            for entry in entries:
                if self._recovery.knows(entry.id):
                    continue  # Discord replayed it, and we are at it: the journal has it from us
                command = await self._recovery.command(guild, entry)
                if command is None or not self._deliver(guild, command):
                    self._tools.journal.finished(self.lease, guild, entry.id)
        finally:
            for waiting in self._behind.pop(guild, ()):
                self._deliver(guild, waiting)

    def _add(self, guild: GuildId, record: GuildRecord | None) -> GuildPlayer:
        shard = ShardTools(lease=self.lease, pool=self.pool, moves=self._moves)
        player = GuildPlayer(guild, self._tools, shard, self._forget, record)
        self._guilds[guild] = player
        return player

    def _forget(self, player: GuildPlayer) -> None:
        if self._guilds.get(player.guild) is player and player.idle:
            del self._guilds[player.guild]
