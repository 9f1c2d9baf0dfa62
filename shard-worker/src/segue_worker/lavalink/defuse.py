"""Ends node sessions that must never play again: their players live elsewhere by now.

A node that hung keeps its players and may wake; a session that parked behind a cut network plays on for
five minutes. Both would speak in channels that another node serves.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from segue_core.logging import get_logger
from segue_worker.lavalink.errors import NodeError, NodeRefusedError, SessionGoneError
from segue_worker.lavalink.socket import NodeSocket, SocketClosedError

if TYPE_CHECKING:
    from segue_core.ids import NodeId, NodeSessionId
    from segue_worker.lavalink.ledger import Ledger
    from segue_worker.lavalink.rest import NodeRest

_log = get_logger(__name__)

RESUME_TIMEOUT_S: Final = 300
"""How long a session outlives its socket; after that nothing is owed any more."""

_FIRST_RETRY_S: Final = 0.25
_LAST_RETRY_S: Final = 10.0


class Dialler(Protocol):
    """Opens a socket to the node, asking for a session back."""

    async def __call__(self, previous: NodeSessionId | None, /) -> NodeSocket:
        """Return the open socket, ready read. Raises NodeError."""


class Defuser:
    """Owns one task a session that is still to be ended; the ledger knows, so that a successor does too."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tasks: dict[asyncio.Task[None], NodeId] = {}

    @property
    def owed(self) -> int:
        """How many sessions are still to be ended."""
        return len(self._tasks)

    def owe(
        self, rest: NodeRest, dial: Dialler, session: NodeSessionId, socket: NodeSocket | None = None
    ) -> None:
        """End ``session`` as soon as its node can be spoken to; ``socket`` is its own, if still open."""
        self._ledger.owed(rest.node, session)
        task = asyncio.create_task(self._settle(rest, dial, session, socket))
        self._tasks[task] = rest.node
        task.add_done_callback(self._forget)

    async def close(self) -> None:
        """Stop trying. What is still owed stands in the ledger."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, task: asyncio.Task[None]) -> None:
        node = self._tasks.pop(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("lavalink.defuse_failed", node=node, exc_info=task.exception())

    async def _settle(
        self, rest: NodeRest, dial: Dialler, session: NodeSessionId, socket: NodeSocket | None
    ) -> None:
        try:
            async with asyncio.timeout(RESUME_TIMEOUT_S):
                if socket is not None:
                    await self._end_when_it_wakes(rest, session, socket)
                await self._end_parked(rest, dial, session)
        except TimeoutError:
            _log.warning("lavalink.defuse_given_up", node=rest.node)
        self._ledger.settled(rest.node, session)

    async def _end_when_it_wakes(self, rest: NodeRest, session: NodeSessionId, socket: NodeSocket) -> None:
        """Make the session die with its socket, before the woken node does anything of its own."""
        try:
            await socket.wait_for_word()
            await rest.set_resuming(session, resuming=False, timeout_s=RESUME_TIMEOUT_S)
        except (SocketClosedError, NodeError) as error:
            _log.info("lavalink.defuse_by_session", node=rest.node, why=str(error))
        finally:
            await socket.close()

    async def _end_parked(self, rest: NodeRest, dial: Dialler, session: NodeSessionId) -> None:
        """Adopt the session if it still exists, and let it end with the socket."""
        pause = _FIRST_RETRY_S
        while True:
            try:
                if await self._end_once(rest, dial, session):
                    _log.info("lavalink.defused", node=rest.node)
                    return
            except NodeRefusedError:
                # Nothing listens there any more: the process is gone, and every session of it.
                return
            except NodeError as error:
                _log.debug("lavalink.defuse_retry", node=rest.node, why=error.why)
            await asyncio.sleep(pause)
            pause = min(_LAST_RETRY_S, pause * 2)

    async def _end_once(self, rest: NodeRest, dial: Dialler, session: NodeSessionId) -> bool:
        socket = await dial(session)
        try:
            if socket.ready.resumed:
                await rest.set_resuming(session, resuming=False, timeout_s=RESUME_TIMEOUT_S)
                return True
            # Not parked: gone, or still held by a socket whose end the node has not noticed.
            try:
                await rest.set_resuming(session, resuming=False, timeout_s=RESUME_TIMEOUT_S)
            except SessionGoneError:
                return True
            players = await rest.players(session)
            for player in players:
                await rest.destroy_player(session, player.guild)
            return True
        finally:
            await socket.close()
