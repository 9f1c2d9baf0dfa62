"""Players left on a session whose socket somebody else still holds: each ends once it plays elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from segue_core.logging import get_logger
from segue_worker.lavalink.errors import NodeError, SessionGoneError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_core.ids import GuildId, NodeSessionId
    from segue_worker.lavalink.rest import NodeRest

_log = get_logger(__name__)

_PATIENCE_S: Final = 10.0
"""How long guilds have to be patched on the new session before their old players are ended anyway."""


class SupersededPlayers:
    """The players of one old session."""

    def __init__(self, rest: NodeRest, session: NodeSessionId, guilds: Iterable[GuildId]) -> None:
        self._rest = rest
        self._session = session
        self._guilds = set(guilds)

    def __contains__(self, guild: GuildId) -> bool:
        return guild in self._guilds

    async def end(self, guild: GuildId) -> None:
        """End the guild's old player: its song plays on the new session, or nowhere."""
        self._guilds.discard(guild)
        try:
            await self._rest.destroy_player(self._session, guild)
        except SessionGoneError:
            self._guilds.clear()
        except NodeError as error:
            _log.info("lavalink.old_player_left", node=self._rest.node, guild=guild, why=error.why)

    async def end_the_rest(self) -> None:
        """After a while, end those nobody moved."""
        await asyncio.sleep(_PATIENCE_S)
        while self._guilds:
            await self.end(next(iter(self._guilds)))
