"""Our own gateway shard: hikari's interface, with RESUME across processes, a fence, and a planned close.

hikari's shard can neither be given another process's session nor leave one resumable (it closes with
1001), and has no gate before IDENTIFY; so this one speaks the protocol itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from hikari import errors as hikari_errors

from segue_core.ids import GuildId, ShardId, UserId
from segue_worker.gateway import payloads, requests
from segue_worker.gateway.backoff import Backoff
from segue_worker.gateway.codes import DETACH_CODE, RECONNECT_CODE, Next
from segue_worker.gateway.connection import Chances, Connection, Ended
from segue_worker.gateway.errors import FatalGatewayError, TransportError
from segue_worker.gateway.events import SessionReady, SessionResumed
from segue_worker.gateway.facade import ShardConfig, ShardFacade, ShardState
from segue_worker.gateway.session import LiveSession
from segue_worker.gateway.socket import GatewaySocket
from segue_worker.shards.lease import LeaseLapsedError, LeaseLostError, LeaseView

if TYPE_CHECKING:
    from segue_core.models import GatewaySession
    from segue_worker.gateway.budget import Lane

DETACH_DRAIN_S = 0.15
"""How long a planned close waits for events in hand: what takes longer is replayed to the successor."""

_RESUME_URL_TRIES = 3

_log = structlog.get_logger(__name__)


class ShardListener(Protocol):
    """What a shard reports to. All calls return at once."""

    def dispatched(
        self, shard: SegueShard, name: str, data: dict[str, Any], handled: Callable[[], None], /
    ) -> None:
        """Take an event; call ``handled`` when it can no longer be lost."""

    def session(
        self, shard: SegueShard, event: SessionReady | SessionResumed, data: dict[str, Any], /
    ) -> None:
        """Take READY or RESUMED. The checkpoint is due at once."""

    def disconnected(self, shard: SegueShard, ended: Ended, /) -> None:
        """The connection ended; the shard goes on by itself unless ``ended.error`` says otherwise."""


IdentifyGate = Callable[[ShardId], Awaitable[None]]
"""Returns when the cluster's identify budget lets this shard IDENTIFY."""


class SegueShard(ShardFacade):
    """One shard. ``open`` or ``start`` it once; ``detach``, ``close`` or ``abort`` ends it for good."""

    def __init__(
        self,
        config: ShardConfig,
        *,
        listener: ShardListener,
        gate: IdentifyGate,
        lease: LeaseView,
        chances: Chances,
    ) -> None:
        super().__init__()
        self._config = config
        self._listener = listener
        self._gate = gate
        self._lease = lease
        self._chances = chances
        self._backoff = Backoff(chances.uniform)
        fits = config.session is not None and config.terms.fit(config.session)
        self._session = LiveSession(config.session) if config.session is not None and fits else None
        self._had_session = config.had_session or config.session is not None
        self._state = ShardState.IDLE
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._socket: GatewaySocket | None = None
        self._opened_at = 0.0
        self._ready_at: float | None = None
        self._replayed = 0
        self._resume_failures = 0

    @property
    def config(self) -> ShardConfig:
        """What this shard was opened with."""
        return self._config

    @property
    def state(self) -> ShardState:
        """Where the shard stands."""
        return self._state

    @property
    def latency_s(self) -> float:
        """Seconds from the last heartbeat to its ACK; NaN before the first."""
        return float("nan") if self._connection is None else self._connection.latency_s

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What runs the shard; None before it is opened."""
        return self._task

    @property
    def user(self) -> UserId | None:
        """The bot's own user; None while there is no session."""
        return None if self._session is None else self._session.user

    @property
    def unhandled(self) -> int:
        """Events received and not yet handled."""
        return 0 if self._session is None else self._session.sequence.pending

    def checkpoint(self) -> GatewaySession | None:
        """Return what a successor would RESUME with; None while there is no session."""
        return None if self._session is None else self._session.checkpoint()

    def open(self) -> asyncio.Task[None]:
        """Start running without waiting; the task ends with the shard."""
        if self._task is not None:
            raise hikari_errors.ComponentStateConflictError(f"shard {self.id} was opened before")
        self._task = asyncio.create_task(self._run(), name=f"gateway shard {self.id}")
        return self._task

    async def detach(self) -> GatewaySession | None:
        """End here so that the session goes on elsewhere; return what to resume it with.

        Reading stops first; what was read and is still in hand gets 150 ms. The close code leaves the
        session resumable at Discord.
        """
        if self._connection is not None and self._state is ShardState.READY:
            self._connection.stop_reading()
            await self._drained()
        self._set_state(ShardState.DETACHING)
        await self._end()
        return self.checkpoint()

    def abort(self) -> None:
        """Cut the connection off at once, without a word to Discord. For a shard that is not ours."""
        if self._socket is not None:
            self._socket.abort()
        if self._task is not None:
            self._task.cancel()

    # A connection's dispatches.

    def dispatch(self, name: str, seq: int, data: dict[str, Any]) -> None:
        """Take one event from the connection."""
        if name == "READY":
            self._on_ready(seq, data)
        elif name == "RESUMED":
            self._on_resumed(seq, data)
        elif self._session is not None:
            done = self._session.sequence.received(seq)
            self._replayed += self._state is ShardState.RESUMING
            self._listener.dispatched(self, name, data, lambda: self._handled(done))

    def _handled(self, done: Callable[[], None]) -> None:
        done()
        if not self.unhandled:
            self._idle.set()

    def _on_ready(self, seq: int, data: dict[str, Any]) -> None:
        self._session = LiveSession.opened(data, self._config.terms)
        self._session.sequence.received(seq)()
        replaces, self._had_session = self._had_session, True
        self._opened()
        guilds = tuple(GuildId(int(guild["id"])) for guild in data.get("guilds") or ())
        self._listener.session(self, SessionReady(guilds=guilds, replaces=replaces), data)

    def _on_resumed(self, seq: int, data: dict[str, Any]) -> None:
        if self._session is None:
            raise TransportError("RESUMED without a session")
        self._session.sequence.received(seq)()
        self._opened()
        elapsed = round((self._chances.clock() - self._opened_at) * 1000)
        self._listener.session(self, SessionResumed(replayed=self._replayed, elapsed_ms=elapsed), data)

    def _opened(self) -> None:
        self._ready_at = self._chances.clock()
        self._resume_failures = 0
        self._set_state(ShardState.READY)
        if self._connection is not None:
            self._connection.opened()

    # The loop.

    async def _run(self) -> None:
        try:
            while True:
                ended = await self._once()
                self._listener.disconnected(self, ended)
                if ended.error is not None:
                    raise ended.error
                if ended.next is Next.IDENTIFY:
                    self._session = None
                await self._back_off(ended)
        finally:
            self._set_state(ShardState.STOPPED)

    async def _once(self) -> Ended:
        """Connect once, and stay until that ends."""
        self._ready_at = None
        try:
            # A frozen shard opens no socket: whoever holds it by now may have one.
            self._set_state(ShardState.AWAITING_LEASE)
            await self._lease.writable()
            self._set_state(ShardState.CONNECTING)
            return await self._connected(await self._open_socket())
        except TransportError as error:
            self._resume_failures += self._session is not None
            return Ended(next=Next.RESUME, why=str(error))
        except LeaseLapsedError as error:
            return Ended(next=Next.RESUME, why=str(error))

    async def _open_socket(self) -> GatewaySocket:
        self._opened_at = self._chances.clock()
        self._replayed = 0
        url = self._config.gateway_url
        if self._session is not None and self._resume_failures % (_RESUME_URL_TRIES + 1) < _RESUME_URL_TRIES:
            # The node of the resume URL may be gone for good: every fourth try asks the front door.
            url = self._session.resume_url
        return await GatewaySocket.open(url, self._config.compression)

    async def _connected(self, socket: GatewaySocket) -> Ended:
        self._socket = socket
        self._connection = Connection(socket, self, self._lease, self._chances)
        code, reason = RECONNECT_CODE, "reconnecting"
        try:
            interval = await self._connection.hello()
            seq = 0 if self._session is None else self._session.sequence.newest
            return await self._connection.run(interval, self._opening, seq)
        except asyncio.CancelledError:
            code, reason = DETACH_CODE, "detached"
            raise
        finally:
            self._ready.clear()
            self._connection, self._socket = None, None
            await self._close_socket(socket, code, reason)

    async def _opening(self) -> dict[str, Any]:
        if self._session is not None:
            self._set_state(ShardState.RESUMING)
            return payloads.resume(self._config.token, self._session.newest())
        # With the socket open already: an IDENTIFY is sent at the moment it is let through, else two
        # shards whose sockets take differently long to open would come too close together.
        self._set_state(ShardState.AWAITING_GATE)
        await self._gate(self._config.shard)
        self._set_state(ShardState.IDENTIFYING)
        return payloads.identify(
            self._config.token,
            shard=self.id,
            num_shards=self.shard_count,
            intents=self._config.terms.intents,
            capabilities=int(self.capabilities),
            presence=requests.presence_update(self._presence)["d"],
        )

    async def _close_socket(self, socket: GatewaySocket, code: int, reason: str) -> None:
        try:
            await socket.close(code, reason)
        except TransportError as error:
            _log.info("gateway socket did not close cleanly", shard=self.id, error=str(error))

    async def _back_off(self, ended: Ended) -> None:
        ready_for = None if self._ready_at is None else self._chances.clock() - self._ready_at
        delay = self._backoff.after(ready_for)
        self._set_state(ShardState.BACKING_OFF)
        _log.info(
            "gateway connection ended",
            shard=self.id,
            why=ended.why,
            next=ended.next,
            delay_ms=round(delay * 1000),
            failures=self._backoff.failures,
        )
        await asyncio.sleep(delay)

    async def send(self, payload: dict[str, Any], lane: Lane) -> None:
        """Send when it is our turn.

        Raises:
            hikari.errors.ComponentStateConflictError: when not connected.
            LeaseLapsedError: when the lease does not allow it now.
            TransportError: when the connection breaks under it.
        """
        if self._connection is None or self._state is not ShardState.READY:
            raise hikari_errors.ComponentStateConflictError(f"shard {self.id} is {self._state}, not ready")
        await self._connection.send(payload, lane)

    async def _drained(self) -> None:
        self._idle.clear()
        if self.unhandled:
            try:
                async with asyncio.timeout(DETACH_DRAIN_S):
                    await self._idle.wait()
            except TimeoutError:
                _log.info("events in hand are left to the successor", shard=self.id, events=self.unhandled)

    async def _end(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
        except (FatalGatewayError, LeaseLostError) as error:
            _log.info("shard had ended before", shard=self.id, why=str(error))

    def _set_state(self, state: ShardState) -> None:
        self._state = state
        if state is ShardState.READY:
            self._ready.set()
        else:
            self._ready.clear()
