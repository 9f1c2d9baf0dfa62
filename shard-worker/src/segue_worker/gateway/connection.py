"""The life of one gateway connection: HELLO, heartbeats, reading, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from segue_worker.gateway import payloads
from segue_worker.gateway.budget import Lane, SendQueue
from segue_worker.gateway.codes import Next, Opcode, verdict
from segue_worker.gateway.errors import FatalGatewayError, TransportError
from segue_worker.gateway.socket import Closed, GatewaySocket, Unreadable
from segue_worker.shards.lease import LeaseLapsedError, LeaseView

HELLO_TIMEOUT_S = 10.0
HANDSHAKE_TIMEOUT_S = 30.0
SHORTEST_BEAT_S, LONGEST_BEAT_S = 0.01, 3600.0
"""Discord says about 41 s. What lies outside would make us spin, or notice a dead connection never."""
_FRAMES_PER_TURN = 64

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Why a connection is over and what comes next. ``error`` is set exactly when we stop."""

    next: Next
    why: str
    error: FatalGatewayError | None = None


class Dispatcher(Protocol):
    """Takes the dispatches of a connection."""

    def dispatch(self, name: str, seq: int, data: dict[str, Any], /) -> None:
        """Take one event, at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """Time and chance, as parameters. ``uniform(a, b)`` draws a float; clocks count seconds."""

    clock: Callable[[], float]
    uniform: Callable[[float, float], float]


Opening = Callable[[], Awaitable[dict[str, Any]]]
"""Returns IDENTIFY or RESUME, when it is its turn."""


class Connection:
    """An open socket that speaks the gateway protocol."""

    def __init__(
        self, socket: GatewaySocket, dispatcher: Dispatcher, lease: LeaseView, chances: Chances
    ) -> None:
        self._socket = socket
        self._dispatcher = dispatcher
        self._lease = lease
        self._clock = chances.clock
        self._uniform = chances.uniform
        self._queue = SendQueue(chances.clock)
        self._seq = 0
        self._beat_at: float | None = None
        self._acked = True
        self._ready = asyncio.Event()
        self._reader: asyncio.Task[Ended | None] | None = None
        self._passed_over: set[str] = set()
        self.latency_s = float("nan")

    async def hello(self) -> float:
        """Wait for HELLO; return the heartbeat interval in seconds.

        Raises:
            TransportError: when it does not come, or something else comes first.
        """
        try:
            async with asyncio.timeout(HELLO_TIMEOUT_S):
                frame = await self._socket.receive()
        except TimeoutError as error:
            raise TransportError("no HELLO within 10 s") from error
        if not isinstance(frame, dict) or frame.get("op") != Opcode.HELLO:
            # RECONNECT here means that the gateway node is going away: so do we.
            raise TransportError(f"expected HELLO, got {_describe(frame)}")
        try:
            interval_s = float(frame["d"]["heartbeat_interval"]) / 1000
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise TransportError(f"HELLO without a heartbeat interval: {error}") from error
        if not SHORTEST_BEAT_S <= interval_s <= LONGEST_BEAT_S:
            raise TransportError(f"HELLO with an impossible heartbeat interval: {interval_s:g} s")
        return interval_s

    async def run(self, interval_s: float, opening: Opening, seq: int) -> Ended:
        """Open with what ``opening`` returns, then serve the connection until it ends.

        Heartbeats begin at once, as ``opening`` may have to wait for its turn to IDENTIFY. Whatever
        it raises ends the connection and is raised here.

        Raises:
            TransportError: when the socket breaks while we write or can't be read on.
            LeaseLapsedError: when the lease ran out before we could open.
        """
        self._seq = seq
        self._reader = asyncio.create_task(self._read(), name="gateway reader")
        tasks: set[asyncio.Task[Ended | None]] = {
            self._reader,
            asyncio.create_task(self._beat(interval_s), name="gateway heartbeat"),
            asyncio.create_task(self._open(opening), name="gateway handshake"),
        }
        try:
            return await self._first_end(tasks)
        finally:
            self._queue.close(TransportError("the connection ended"))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def send(self, payload: dict[str, Any], lane: Lane) -> None:
        """Send when it is our turn and the lease allows it.

        Raises:
            LeaseLapsedError: when we may not write for this shard now. Heartbeats are always sent.
            TransportError: when the socket is broken or the connection over.
        """
        await self._queue.turn(lane)
        if payload["op"] != Opcode.HEARTBEAT and not self._lease.may_write():
            raise LeaseLapsedError(self._lease.shard)
        await self._socket.send(payload)

    def opened(self) -> None:
        """Note that READY or RESUMED came."""
        self._ready.set()

    def stop_reading(self) -> None:
        """Read no more events; heartbeats and sends go on. What was not read is replayed to others."""
        if self._reader is not None:
            self._reader.cancel()

    async def _first_end(self, tasks: set[asyncio.Task[Ended | None]]) -> Ended:
        while True:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                tasks.discard(task)
                ended = None if task.cancelled() else task.result()
                if ended is not None:
                    return ended

    async def _open(self, opening: Opening) -> Ended | None:
        await self.send(await opening(), Lane.VITAL)
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                await self._ready.wait()
        except TimeoutError:
            return Ended(next=Next.RESUME, why="neither READY nor RESUMED within 30 s")
        return None

    async def _beat(self, interval_s: float) -> Ended | None:
        # A random first wait, so that shards which connect together do not beat together.
        await asyncio.sleep(interval_s * self._uniform(0.0, 1.0))
        while True:
            if not self._acked:
                return Ended(next=Next.RESUME, why="no heartbeat ACK: the connection is dead")
            await self._send_heartbeat()
            await asyncio.sleep(interval_s)

    async def _send_heartbeat(self) -> None:
        self._acked = False
        self._beat_at = self._clock()
        await self.send(payloads.heartbeat(self._seq), Lane.VITAL)

    async def _read(self) -> Ended | None:
        frames = 0
        while True:
            frame = await self._socket.receive()
            if isinstance(frame, Closed):
                return _closed(frame)
            if isinstance(frame, Unreadable):
                self._pass_over("unreadable payload", frame.detail)
                continue
            ended = await self._take(frame)
            if ended is not None:
                return ended
            frames += 1
            if frames % _FRAMES_PER_TURN == 0:
                # A long replay lies ready in the buffer: receiving it never waits, so it would keep
                # renewals and heartbeats from running.
                await asyncio.sleep(0)

    async def _take(self, frame: dict[str, Any]) -> Ended | None:
        op = frame.get("op")
        if op == Opcode.DISPATCH:
            self._dispatch(frame)
        elif op == Opcode.HEARTBEAT_ACK:
            self._acked = True
            if self._beat_at is not None:
                self.latency_s = self._clock() - self._beat_at
        elif op == Opcode.HEARTBEAT:
            await self._send_heartbeat()
        elif op == Opcode.RECONNECT:
            return Ended(next=Next.RESUME, why="Discord asked us to reconnect")
        elif op == Opcode.INVALID_SESSION:
            if frame.get("d") is True:
                return Ended(next=Next.RESUME, why="session invalid for now")
            return Ended(next=Next.IDENTIFY, why="session invalid")
        else:
            self._pass_over("unknown opcode", repr(op))
        return None

    def _dispatch(self, frame: dict[str, Any]) -> None:
        name, seq, data = frame.get("t"), frame.get("s"), frame.get("d")
        if not isinstance(name, str) or not isinstance(seq, int):
            self._pass_over("dispatch without name or sequence number", repr(name))
            return
        self._seq = max(self._seq, seq)
        self._dispatcher.dispatch(name, seq, data if isinstance(data, dict) else {})

    def _pass_over(self, what: str, detail: str) -> None:
        if what not in self._passed_over:
            self._passed_over.add(what)
            _log.warning("passed over", shard=self._lease.shard, what=what, detail=detail[:200])


def _closed(frame: Closed) -> Ended:
    found = verdict(frame.code)
    why = f"closed by Discord with {frame.code}: {found.why}" if frame.code else frame.reason or found.why
    return Ended(next=found.next, why=why, error=None if found.error is None else found.error())


def _describe(frame: object) -> str:
    if isinstance(frame, dict):
        return f"opcode {frame.get('op')!r}"
    return str(frame)
