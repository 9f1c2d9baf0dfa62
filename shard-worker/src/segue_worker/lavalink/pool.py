"""One shard's node sessions: opened with its first player on a node, closed after five idle minutes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from segue_core.logging import get_logger
from segue_worker.lavalink.defuse import Defuser
from segue_worker.lavalink.errors import NodeError, NodeUnknownError
from segue_worker.lavalink.ledger import Ledger
from segue_worker.lavalink.rest import NodeRest
from segue_worker.lavalink.session import Adoption, NodeSession, SessionState, SessionTiming

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

    from segue_core.ids import GuildId, NodeId, NodeSessionId
    from segue_worker.lavalink.ports import NodeDirectory, SessionListener, SessionVault
    from segue_worker.lavalink.socket import Caller
    from segue_worker.lavalink.wire import NodePlayer, NodeStats
    from segue_worker.shards.lease import LeaseView

_log = get_logger(__name__)

_REFUSED_FOR_S: Final = 0.2
"""How long a failed opening answers for the next ones: a burst of guilds must not dial a dead node each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTiming:
    """Seconds. A session nobody plays on is closed after ``idle``; looked for every ``sweep``."""

    session: SessionTiming = field(default_factory=SessionTiming)
    idle: float = 300.0
    sweep: float = 30.0


class NodePool:
    """Owns the sessions, and what is still owed to sessions that were given up."""

    def __init__(
        self,
        caller: Caller,
        http: aiohttp.ClientSession,
        *,
        lease: LeaseView,
        directory: NodeDirectory,
        vault: SessionVault,
        listener: SessionListener,
        now: Callable[[], int],
        timing: PoolTiming | None = None,
    ) -> None:
        self._caller = caller
        self._http = http
        self._lease = lease
        self._directory = directory
        self._listener = listener
        self._timing = timing or PoolTiming()
        self._ledger = Ledger(lease, vault, now)
        self._defuser = Defuser(self._ledger)
        self._sessions: dict[NodeId, NodeSession] = {}
        self._opening: dict[NodeId, asyncio.Task[NodeSession]] = {}
        self._failures: dict[NodeId, tuple[float, NodeError]] = {}
        self._used_at: dict[NodeId, float] = {}
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def owed(self) -> int:
        """How many given-up sessions are still to be ended on their nodes."""
        return self._defuser.owed

    def open_nodes(self) -> tuple[NodeId, ...]:
        """Return the nodes with a session that works: preferred for new players."""
        return tuple(node for node, session in self._sessions.items() if session.state is SessionState.READY)

    def stats(self) -> dict[NodeId, NodeStats]:
        """Return what each node last said of itself."""
        return {node: session.stats for node, session in self._sessions.items() if session.stats}

    def existing(self, node: NodeId) -> NodeSession | None:
        """Return the session with ``node`` unless it is down or was never opened."""
        session = self._sessions.get(node)
        return None if session is None or session.state is SessionState.DOWN else session

    async def session(self, node: NodeId) -> NodeSession:
        """Return the session with ``node``, opening it if need be.

        Raises:
            NodeError: it can't be had now.
        """
        self._used_at[node] = time.monotonic()
        session = self.existing(node)
        if session is not None:
            return session
        opening = self._opening.get(node)
        if opening is None:
            self._remembered_failure(node)
            opening = asyncio.create_task(self._open(node))
            self._opening[node] = opening
            opening.add_done_callback(lambda _: self._opening.pop(node, None))
        # Shielded: one guild giving up must not fail those who wait for the same session.
        return await asyncio.shield(opening)

    async def adopt(
        self, node: NodeId, previous: NodeSessionId
    ) -> tuple[Adoption, Mapping[GuildId, NodePlayer]]:
        """Take over a predecessor's session. Returns what became of it, and the players it had.

        Raises:
            NodeError: the node can't be reached; its players are lost.
        """
        self._used_at[node] = time.monotonic()
        session = self._build(node)
        adoption = await session.open(previous)
        self._keep(session)
        return adoption

    async def settle_debts(self) -> None:
        """Go on ending what predecessors gave up and could not end."""
        for node, session in await self._ledger.debts():
            if self._directory.address(node) is None:
                # The node left the fleet, and its sessions with it.
                self._ledger.settled(node, session)
                continue
            built = self._build(node)
            self._defuser.owe(built.rest, built.dial, session)

    async def close(self) -> None:
        """Close every socket. Sessions park and play on, for whoever holds the shard next."""
        tasks = [task for task in (self._sweeper, *self._opening.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._defuser.close()
        await self._ledger.close()
        sessions = list(self._sessions.values())
        self._sessions.clear()
        await asyncio.gather(*(session.close(park=True) for session in sessions))

    def _remembered_failure(self, node: NodeId) -> None:
        failed = self._failures.get(node)
        if failed is not None and time.monotonic() - failed[0] < _REFUSED_FOR_S:
            raise failed[1]

    async def _open(self, node: NodeId) -> NodeSession:
        session = self._build(node)
        try:
            await session.open(None)
        except NodeError as error:
            self._failures[node] = (time.monotonic(), error)
            raise
        self._keep(session)
        return session

    def _build(self, node: NodeId) -> NodeSession:
        address = self._directory.address(node)
        if address is None:
            raise NodeUnknownError(node)
        return NodeSession(
            NodeRest(node, address, self._caller.password, self._http),
            self._caller,
            self._http,
            lease=self._lease,
            listener=self._listener,
            ledger=self._ledger,
            defuser=self._defuser,
            timing=self._timing.session,
        )

    def _keep(self, session: NodeSession) -> None:
        self._sessions[session.node] = session
        self._failures.pop(session.node, None)
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def _sweep(self) -> None:
        while self._sessions:
            await asyncio.sleep(self._timing.sweep)
            now = time.monotonic()
            for node, session in list(self._sessions.items()):
                if session.state is SessionState.DOWN:
                    del self._sessions[node]
                elif self._listener.in_use(node):
                    self._used_at[node] = now
                elif now - self._used_at.get(node, now) >= self._timing.idle:
                    # Kept until it is closed, so that closing the pool meanwhile closes it too.
                    await session.close(park=False)
                    if self._sessions.get(node) is session:
                        del self._sessions[node]
        self._sweeper = None
