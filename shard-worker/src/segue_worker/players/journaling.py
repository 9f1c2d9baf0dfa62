"""The journal of commands: noted before they are acknowledged, struck off when they are answered.

Striking off is in no hurry, and done for many in one round trip: what is not struck off when its holder
dies is found done by the next one, which answers it again, and the same answer again is invisible.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE

if TYPE_CHECKING:
    from segue_core.ids import CommandId, GuildId
    from segue_core.models import Fence
    from segue_core.redis.guilds import GuildStore, JournalEntry
    from segue_worker.shards.lease import LeaseView

_log = get_logger(__name__)

PAUSE_S: Final = 0.1


class CommandJournal:
    """One worker's. ``close`` it after the last command was answered."""

    def __init__(self, store: GuildStore) -> None:
        self._store = store
        self._finished: list[tuple[LeaseView, GuildId, CommandId]] = []
        self._task: asyncio.Task[None] | None = None

    async def note(self, fence: Fence, guild: GuildId, entry: JournalEntry) -> bool:
        """Note a received command before it is acknowledged. False: a predecessor has.

        Raises:
            FenceRefusedError: when the shard is no longer ours; it must not be acknowledged then.
            RedisError: when Redis can't be asked.
        """
        return await self._store.journal(fence, guild, entry)

    def finished(self, lease: LeaseView, guild: GuildId, command: CommandId) -> None:
        """Strike ``command`` off soon, unless the shard is somebody else's by then."""
        self._finished.append((lease, guild, command))
        if self._task is None:
            self._task = asyncio.create_task(self._soon(), name="journal")

    async def flush(self) -> None:
        """Strike off what is finished, now; what Redis does not take stays in the journal."""
        batch, self._finished = self._finished, []
        fenced = [
            (fence, guild, command) for lease, guild, command in batch if (fence := lease.fence()) is not None
        ]
        try:
            await self._store.settle(fenced)
        except (RedisError, *UNREACHABLE) as error:
            _log.info("commands.not_settled", count=len(fenced), error=type(error).__name__)

    async def close(self) -> None:
        """Flush, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def _soon(self) -> None:
        try:
            while self._finished:
                await asyncio.sleep(PAUSE_S)
                await self.flush()
        finally:
            self._task = None
