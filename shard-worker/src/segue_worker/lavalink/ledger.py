"""What a successor must know of our node sessions, written to Redis behind the work, in order, fenced."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from segue_core.logging import get_logger
from segue_core.models import Fence
from segue_core.redis.connection import UNREACHABLE
from segue_worker.shards.lease import LeaseLostError, LeaseView

if TYPE_CHECKING:
    from segue_core.ids import NodeId, NodeSessionId
    from segue_worker.lavalink.ports import SessionVault

_log = get_logger(__name__)

_RETRY_S: Final = 0.5

_Entry = Callable[[Fence], Awaitable[bool]]


class Ledger:
    """Owns one task while something is unwritten. Music never waits for it."""

    def __init__(self, lease: LeaseView, vault: SessionVault, now: Callable[[], int]) -> None:
        self._lease = lease
        self._vault = vault
        self._now = now
        self._entries: deque[_Entry] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    def saved(self, node: NodeId, session: NodeSessionId) -> None:
        """The shard's session with ``node`` is this one."""
        self._append(lambda fence: self._vault.save_node_session(fence, node, session))

    def dropped(self, node: NodeId) -> None:
        """There is none any more."""
        self._append(lambda fence: self._vault.drop_node_session(fence, node))

    def owed(self, node: NodeId, session: NodeSessionId) -> None:
        """``session`` must be ended, by a successor if not by us."""
        since = self._now()
        self._append(lambda fence: self._vault.owe_defuse(fence, node, session, since))

    def settled(self, node: NodeId, session: NodeSessionId) -> None:
        """It is ended."""
        self._append(lambda fence: self._vault.settle_defuse(fence, node, session))

    async def debts(self) -> tuple[tuple[NodeId, NodeSessionId], ...]:
        """Return what predecessors left to be ended; nothing when Redis can't say."""
        try:
            return await self._vault.owed_defuses(self._lease.shard)
        except (RedisError, *UNREACHABLE) as error:
            _log.warning("lavalink.debts_unknown", shard=self._lease.shard, error=type(error).__name__)
            return ()

    async def close(self) -> None:
        """Write what can be written at once, and stop."""
        self._closed = True
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await self._write_all()

    def _append(self, entry: _Entry) -> None:
        self._entries.append(entry)
        if self._writer is None and not self._closed:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._entries:
                await self._lease.writable()
                if not await self._write_all():
                    await asyncio.sleep(_RETRY_S)
        except LeaseLostError:
            self._entries.clear()
        finally:
            self._writer = None

    async def _write_all(self) -> bool:
        """Return whether everything is written, or refused for good."""
        while self._entries:
            fence = self._lease.fence()
            if fence is None:
                return False
            try:
                kept = await self._entries[0](fence)
            except (RedisError, *UNREACHABLE) as error:
                _log.warning("lavalink.ledger_waits", shard=fence.shard, error=type(error).__name__)
                return False
            self._entries.popleft()
            if not kept:
                _log.warning("lavalink.ledger_refused", shard=fence.shard)
        return True
