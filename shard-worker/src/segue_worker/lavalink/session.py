"""The session of one shard with one node: kept alive, resumed after a blip, given up when it must be.

A closed socket is not yet a dead node: the session parks there and plays on. So a closed socket is dialled
again at once with the session's id, and only a machine that refuses, a node that does not give the
session back, or silence make players move.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from segue_core.ids import GuildId, NodeSessionId
from segue_core.logging import get_logger
from segue_worker.lavalink.defuse import RESUME_TIMEOUT_S, Defuser
from segue_worker.lavalink.errors import (
    NodeAuthError,
    NodeError,
    NodeRefusedError,
    NodeUnreachableError,
    SessionGoneError,
)
from segue_worker.lavalink.socket import (
    Caller,
    NodeSocket,
    OddityLog,
    SocketClosedError,
    SocketSilentError,
    SocketTiming,
)
from segue_worker.lavalink.superseded import SupersededPlayers
from segue_worker.lavalink.wire import Frame, NodePlayer, NodeStats, Ready, UnknownFrame
from segue_worker.shards.lease import LeaseLapsedError, LeaseLostError, LeasePhase, LeaseView

if TYPE_CHECKING:
    import aiohttp

    from segue_worker.lavalink.ledger import Ledger
    from segue_worker.lavalink.ports import SessionListener
    from segue_worker.lavalink.rest import NodeRest, PlayerPatch

_log = get_logger(__name__)

_RETRY_S: Final = 0.03
_PATCH_ATTEMPTS: Final = 3


class SessionState(StrEnum):
    """``DOWN`` is for good: the pool opens another session when somebody needs one."""

    OPENING = "opening"
    READY = "ready"
    RECONNECTING = "reconnecting"
    DOWN = "down"


class Adoption(StrEnum):
    """What became of the session a predecessor left (takeover, node rules)."""

    FRESH = "fresh"
    """There was none."""
    RESUMED = "resumed"
    """It is ours now, players and all."""
    SUPERSEDED = "superseded"
    """Somebody still holds its socket: a new one takes its place, its players are moved."""
    GONE = "gone"
    """It ended, and its players with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTiming:
    """Seconds. ``blip``: how long the node may take to notice that our own old socket died.

    ``reconnect``: how long we try before the players are played elsewhere.
    """

    socket: SocketTiming = field(default_factory=SocketTiming)
    reconnect: float = 1.5
    blip: float = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class _Established:
    socket: NodeSocket
    adoption: Adoption
    players: Mapping[GuildId, NodePlayer] = field(default_factory=dict)


class NodeSession:
    """Opened once, read by one task of its own, closed once. Owned by a pool."""

    def __init__(
        self,
        rest: NodeRest,
        caller: Caller,
        http: aiohttp.ClientSession,
        *,
        lease: LeaseView,
        listener: SessionListener,
        ledger: Ledger,
        defuser: Defuser,
        timing: SessionTiming | None = None,
    ) -> None:
        self.node = rest.node
        self.rest = rest
        self.state = SessionState.OPENING
        self.stats: NodeStats | None = None
        self._caller = caller
        self._http = http
        self._lease = lease
        self._listener = listener
        self._ledger = ledger
        self._defuser = defuser
        self._timing = timing or SessionTiming()
        self._oddities = OddityLog(rest.node)
        self._id: NodeSessionId | None = None
        self._socket: NodeSocket | None = None
        self._reader: asyncio.Task[None] | None = None
        self._steady = asyncio.Event()
        self._errands: set[asyncio.Task[None]] = set()
        self._superseded: SupersededPlayers | None = None

    def __repr__(self) -> str:
        return f"<NodeSession {self.node} shard={self._lease.shard} {self.state}>"

    async def open(self, previous: NodeSessionId | None) -> tuple[Adoption, Mapping[GuildId, NodePlayer]]:
        """Connect, taking over ``previous`` where there is one. Returns what became of it, and its players.

        Raises:
            NodeError: there is no session; nothing is left open.
        """
        established = await self._insist(previous, ours=False)
        players = established.players
        if established.adoption is Adoption.RESUMED:
            try:
                players = {player.guild: player for player in await self.rest.players(self._session_id())}
            except NodeError:
                await established.socket.close()
                raise
        self._reader = asyncio.create_task(self._read())
        return established.adoption, players

    async def patch(self, guild: GuildId, patch: PlayerPatch, *, while_frozen: bool = False) -> None:
        """Change or create the guild's player.

        ``while_frozen``: what is allowed even when Redis can't be reached (the next song of a queue).

        Raises:
            NodeError: of the kind that fits.
            LeaseLapsedError: we may not write now.
        """
        for attempts_left in reversed(range(_PATCH_ATTEMPTS)):
            try:
                await self._patch_once(guild, patch, while_frozen=while_frozen)
                break
            except SessionGoneError:
                # The node saw our socket close before we did. Once more, on the session we get back.
                if not attempts_left:
                    raise
                await self._drop_socket()
            except NodeUnreachableError:
                # The blip that cuts the socket cuts the request too.
                if not attempts_left:
                    raise
        if self._superseded is not None and guild in self._superseded:
            self._spawn(self._superseded.end(guild))

    async def destroy(self, guild: GuildId) -> None:
        """End the guild's player. Raises as :meth:`patch`."""
        await self._settled()
        self._check_lease(while_frozen=False)
        await self.rest.destroy_player(self._session_id(), guild)
        if self._superseded is not None and guild in self._superseded:
            await self._superseded.end(guild)

    async def players(self) -> tuple[NodePlayer, ...]:
        """Return what the node plays for this session. Raises NodeError."""
        return await self.rest.players(self._session_id())

    async def close(self, *, park: bool) -> None:
        """Close the socket. ``park``: players play on for a successor; else they end with the session."""
        await self._stop_reading()
        session, socket, self._id, self._socket = self._id, self._socket, None, None
        self._set(SessionState.DOWN)
        try:
            if not park and session is not None:
                self._ledger.dropped(self.node)
                await self.rest.set_resuming(session, resuming=False, timeout_s=RESUME_TIMEOUT_S)
        except NodeError as error:
            _log.info("lavalink.close_unclean", node=self.node, why=error.why)
        finally:
            if socket is not None:
                await socket.close()
        for errand in list(self._errands):
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)

    async def _read(self) -> None:
        """Hear the node until the session is over. The only place where players are given up."""
        while True:
            socket = self._socket
            assert socket is not None  # noqa: S101 - set by _establish before the reader exists
            try:
                self._heard(await socket.next_frame())
            except SocketSilentError:
                self._give_up("silent for too long", socket.heard_at, hung=socket)
                return
            except SocketClosedError:
                if not await self._reconnect():
                    return

    def _heard(self, frame: Frame) -> None:
        match frame:
            case NodeStats():
                self.stats = frame
            case Ready() | UnknownFrame():
                pass
            case _:
                self._listener.frame(self.node, frame)

    async def _reconnect(self) -> bool:
        self._set(SessionState.RECONNECTING)
        started = time.monotonic()
        try:
            # A successor may have taken the session over by now; then it is not ours to ask back.
            await self._lease.writable()
            established = await self._insist(self._id, ours=True)
        except LeaseLostError:
            self._set(SessionState.DOWN)
            return False
        except NodeError as error:
            self._give_up(error.why, started, refused=isinstance(error, NodeRefusedError))
            return False
        _log.info(
            "lavalink.reconnected",
            node=self.node,
            shard=self._lease.shard,
            adoption=established.adoption,
            ms=self._since(started),
        )
        match established.adoption:
            case Adoption.SUPERSEDED:
                self._listener.superseded(self.node, established.players)
            case Adoption.GONE | Adoption.FRESH:
                self._listener.lost(self.node, "it no longer had our session", self._since(started))
            case Adoption.RESUMED:
                pass
        return True

    async def _insist(self, previous: NodeSessionId | None, *, ours: bool) -> _Established:
        """Establish a session, trying again for a while unless the machine itself refuses."""
        deadline = time.monotonic() + self._timing.reconnect
        while True:
            try:
                established = await self._establish(previous, ours=ours)
            except (NodeRefusedError, NodeAuthError):
                self._set(SessionState.DOWN)
                raise
            except NodeError:
                if time.monotonic() + _RETRY_S >= deadline:
                    self._set(SessionState.DOWN)
                    raise
                await asyncio.sleep(_RETRY_S)
            else:
                self._socket = established.socket
                self._set(SessionState.READY)
                return established

    async def _establish(self, previous: NodeSessionId | None, *, ours: bool) -> _Established:
        socket = await self.dial(previous)
        try:
            if previous is None or socket.ready.resumed:
                adoption = Adoption.RESUMED if socket.ready.resumed else Adoption.FRESH
                return await self._settle(socket, adoption)
            return await self._without_resume(previous, socket, ours=ours)
        except BaseException:
            await socket.close()
            raise

    async def _without_resume(
        self, previous: NodeSessionId, fresh: NodeSocket, *, ours: bool
    ) -> _Established:
        """``resumed: false``: find out whether the old session is gone, just parked, or held by a socket."""
        patience = time.monotonic() + (self._timing.blip if ours else 0.0)
        while True:
            try:
                held = await self.rest.players(previous)
            except SessionGoneError:
                held = None
            if held is not None and time.monotonic() >= patience:
                return await self._supersede(previous, held, fresh)
            if held is not None:
                await asyncio.sleep(_RETRY_S)
            # It may have parked just now: then the node hides it from REST and gives it back.
            again = await self.dial(previous)
            if again.ready.resumed:
                await fresh.close()
                return await self._settle(again, Adoption.RESUMED)
            await again.close()
            if held is None:
                return await self._settle(fresh, Adoption.GONE)

    async def _supersede(
        self, previous: NodeSessionId, held: tuple[NodePlayer, ...], fresh: NodeSocket
    ) -> _Established:
        # Before anything else: so that the old session dies with the sleeper instead of parking.
        await self.rest.set_resuming(previous, resuming=False, timeout_s=RESUME_TIMEOUT_S)
        players = {player.guild: player for player in held}
        established = await self._settle(fresh, Adoption.SUPERSEDED, players)
        self._superseded = SupersededPlayers(self.rest, previous, players)
        self._spawn(self._superseded.end_the_rest())
        return established

    async def _settle(
        self, socket: NodeSocket, adoption: Adoption, players: Mapping[GuildId, NodePlayer] | None = None
    ) -> _Established:
        session = socket.ready.session
        if adoption is not Adoption.RESUMED:
            try:
                # Before the first player: a session that does not park loses its music with a blip.
                await self.rest.set_resuming(session, resuming=True, timeout_s=RESUME_TIMEOUT_S)
            except SessionGoneError as error:
                raise NodeUnreachableError(self.node, "the new session ended at once") from error
            self._ledger.saved(self.node, session)
        self._id = session
        return _Established(socket=socket, adoption=adoption, players=players or {})

    async def dial(self, previous: NodeSessionId | None) -> NodeSocket:
        """Open a socket to the node, asking for ``previous`` back. Raises NodeError."""
        return await NodeSocket.dial(
            self.node,
            self.rest.address,
            self._caller,
            previous,
            self._http,
            timing=self._timing.socket,
            oddities=self._oddities,
        )

    def _since(self, moment: float) -> int:
        return round((time.monotonic() - moment) * 1000)

    def _give_up(
        self, reason: str, heard_at: float, *, hung: NodeSocket | None = None, refused: bool = False
    ) -> None:
        session, self._id, self._socket = self._id, None, None
        self._set(SessionState.DOWN)
        self._ledger.dropped(self.node)
        _log.warning("lavalink.node_lost", node=self.node, shard=self._lease.shard, reason=reason)
        if session is not None and not refused:
            self._defuser.owe(self.rest, self.dial, session, hung)
        self._listener.lost(self.node, reason, self._since(heard_at))

    async def _patch_once(self, guild: GuildId, patch: PlayerPatch, *, while_frozen: bool) -> None:
        await self._settled()
        self._check_lease(while_frozen=while_frozen)
        await self.rest.patch_player(self._session_id(), guild, patch)

    async def _drop_socket(self) -> None:
        if self._socket is not None and self.state is SessionState.READY:
            self._set(SessionState.RECONNECTING)
            await self._socket.close()

    async def _settled(self) -> None:
        """Wait while the socket is being dialled again: a parked session answers 404 to everything."""
        try:
            async with asyncio.timeout(self._timing.reconnect):
                await self._steady.wait()
        except TimeoutError as error:
            raise NodeUnreachableError(self.node, "its socket is being dialled again") from error

    def _set(self, state: SessionState) -> None:
        self.state = state
        if state in (SessionState.READY, SessionState.DOWN):
            self._steady.set()
        else:
            self._steady.clear()

    def _session_id(self) -> NodeSessionId:
        if self._id is None:
            raise NodeUnreachableError(self.node, "no session is open")
        return self._id

    def _check_lease(self, *, while_frozen: bool) -> None:
        if self._lease.may_write() or (while_frozen and self._lease.phase is LeasePhase.FROZEN):
            return
        raise LeaseLapsedError(self._lease.shard)

    def _spawn(self, errand: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None
