"""Sessions: a client's socket, its players, and what waits for it while it is away."""

from __future__ import annotations

import asyncio
import json
import random
import string
from typing import TYPE_CHECKING, Any, Final

from segue_devkit.lavalink.errors import not_found
from segue_devkit.lavalink.player import Player

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from segue_devkit.lavalink.player import PlayerParts

_ID: Final = string.ascii_lowercase + string.digits
_ID_LENGTH: Final = 16
_DEFAULT_TIMEOUT_S: Final = 60


class Session:
    """One client. `socket` is None while it is parked: events queue, player updates are dropped."""

    def __init__(self, session_id: str, user_id: str, parts: PlayerParts) -> None:
        self.id = session_id
        self.user_id = user_id
        self.resuming = False
        self.timeout_s = _DEFAULT_TIMEOUT_S
        self.players: dict[int, Player] = {}
        self._parts = parts
        self._socket: web.WebSocketResponse | None = None
        self._outbox: asyncio.Queue[str] = asyncio.Queue()

    def player(self, guild_id: int) -> Player:
        """The player of a guild, made on first use."""
        if guild_id not in self.players:
            self.players[guild_id] = Player(self._parts, self.user_id, guild_id, self.send)
        return self.players[guild_id]

    def known_player(self, guild_id: int) -> Player:
        """The player of a guild.

        Raises:
            ApiError: 404, there is none.
        """
        if guild_id not in self.players:
            raise not_found("Player not found")
        return self.players[guild_id]

    def destroy_player(self, guild_id: int) -> None:
        """End a player; nothing happens if there is none."""
        if player := self.players.pop(guild_id, None):
            player.destroy()

    def destroy(self) -> None:
        """End all players."""
        for guild_id in list(self.players):
            self.destroy_player(guild_id)

    def send(self, message: dict[str, Any]) -> None:
        """Send, or keep for later; in order."""
        if self._socket is None and message["op"] == "playerUpdate":
            return
        self._outbox.put_nowait(json.dumps(message, separators=(",", ":"), ensure_ascii=False))

    async def serve(self, socket: web.WebSocketResponse, *, resumed: bool) -> None:
        """Write to a socket until it is cancelled; what was kept goes out after the greeting."""
        self._socket = socket
        greeting = {"op": "ready", "resumed": resumed, "sessionId": self.id}
        await socket.send_str(json.dumps(greeting, separators=(",", ":")))
        if resumed:
            for player in self.players.values():
                player.send_update()
        while True:
            text = await self._outbox.get()
            await socket.send_str(text)

    def park(self) -> None:
        """The client is away."""
        self._socket = None

    async def hang_up(self, code: int) -> None:
        """Close the client's socket."""
        if self._socket is not None:
            await self._socket.close(code=code)


class Sessions:
    """All sessions of a node: open ones, and parked ones that wait to be resumed."""

    def __init__(self, parts: PlayerParts) -> None:
        self._parts = parts
        self._open: dict[str, Session] = {}
        self._parked: dict[str, tuple[Session, asyncio.TimerHandle]] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._open.values()))

    def everyone(self) -> list[Session]:
        """Open and parked sessions."""
        return [*self._open.values(), *(session for session, _ in self._parked.values())]

    def get(self, session_id: str) -> Session:
        """An open session, whoever asks.

        Raises:
            ApiError: 404; parked sessions can't be reached either.
        """
        if session_id not in self._open:
            raise not_found("Session not found")
        return self._open[session_id]

    def resumable(self, session_id: str | None) -> bool:
        """Whether a parked session has this id."""
        return session_id in self._parked

    def enter(self, wanted: str | None, user_id: str) -> tuple[Session, bool]:
        """A client comes: its parked session, or a fresh one (also if the wanted one is still open)."""
        if wanted is not None and wanted in self._parked:
            session, timer = self._parked.pop(wanted)
            timer.cancel()
            self._open[session.id] = session
            return session, True
        session = Session("".join(random.choices(_ID, k=_ID_LENGTH)), user_id, self._parts)
        self._open[session.id] = session
        return session, False

    def leave(self, session: Session) -> None:
        """A client's socket closed: park its session if it may resume, else end it at once."""
        if self._open.pop(session.id, None) is None:
            return
        session.park()
        if session.resuming:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(max(0, session.timeout_s), self._expire, session.id)
            self._parked[session.id] = (session, timer)
        else:
            session.destroy()

    def _expire(self, session_id: str) -> None:
        session, _ = self._parked.pop(session_id)
        session.destroy()

    async def close(self) -> None:
        """The node stops: every client is told 1001, then everything ends."""
        everyone = self.everyone()
        await asyncio.gather(*(session.hang_up(1001) for session in self), return_exceptions=True)
        for _, timer in self._parked.values():
            timer.cancel()
        self._open.clear()
        self._parked.clear()
        for session in everyone:
            session.destroy()
