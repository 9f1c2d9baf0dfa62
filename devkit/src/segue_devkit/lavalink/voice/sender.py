"""One thread that sends the packets of all players every 20 ms.

Each outlet holds the node's send buffer (bufferDurationMs, 400 ms by default): frames are taken from the
player as long as there is room, so a player's position runs that far ahead of what is heard, and pause or
stop are heard that much later, as with a real node. An outlet that has nothing to send is set aside and
costs nothing until it is woken.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol

from segue_devkit.lavalink.audio.opus import FRAME_MS, SILENCE
from segue_devkit.lavalink.voice.rtp import RtpStream
from segue_devkit.lavalink.voice.wire import Address, Wire

if TYPE_CHECKING:
    from collections.abc import Callable


_TICK_NS: Final = FRAME_MS * 1_000_000
_SILENCE_FRAMES: Final = 5
_NICE: Final = -10
_GIVE_UP_NS: Final = 10 * _TICK_NS
"""So late that the process was stopped: start a new rhythm instead of a burst."""


class Later(Enum):
    """There will be a frame, but it is not encoded yet."""

    WAIT = 0


Provided = bytes | Literal[Later.WAIT] | None


class FrameSource(Protocol):
    """What an outlet takes frames from; called on the sender's thread."""

    def provide(self, now: float) -> Provided:
        """The next frame; WAIT if it comes late; None if nothing is to be heard; `now` in monotonic s."""

    def underrun(self) -> None:
        """A frame was due and none was there."""


@dataclass(frozen=True, slots=True)
class Path:
    """Where an outlet's packets go: the socket's wire, the server, and the stream that seals them."""

    wire: Wire
    to: Address
    stream: RtpStream


class Outlet:
    """One voice connection's send buffer. `tick` belongs to the sender's thread."""

    def __init__(self, path: Path, source: FrameSource, depth: int, speaking: Callable[[bool], None]) -> None:
        self.path = path
        self.parked = False
        self.stays = False
        """Woken while it was not parked: looked at once more before it is."""
        self._source = source
        self._depth = depth
        self._speaking = speaking
        self._queue: deque[bytes] = deque()
        self._silence = 0
        self._loud = False
        self._ending = False
        self._nothing = False

    def end(self) -> None:
        """Take no more frames; what is in the buffer is still sent, as a real node does."""
        self._ending = True

    @property
    def ended(self) -> bool:
        """Whether it was told to end and has nothing left."""
        return self._ending and not self._queue

    @property
    def idle(self) -> bool:
        """Whether nothing will be sent until the player does something."""
        return self._nothing and not self._queue and not self._silence

    def tick(self, now: float) -> bytes | None:
        """Fill the buffer; the frame to send now, if there is one."""
        if not self._ending:
            self._fill(now)
        return self._queue.popleft() if self._queue else None

    def _fill(self, now: float) -> None:
        queue = self._queue
        self._nothing = False
        while len(queue) < self._depth:
            frame = self._source.provide(now)
            if isinstance(frame, bytes):
                self._silence = _SILENCE_FRAMES
                if not self._loud:
                    self._loud = True
                    self._speaking(True)
                queue.append(frame)
                continue
            if frame is Later.WAIT:
                if queue:
                    return
                self._source.underrun()
            else:
                self._nothing = True
            self._fall_silent()
            return

    def _fall_silent(self) -> None:
        if self._loud:
            self._loud = False
            self._speaking(False)
        if self._silence:
            self._silence -= 1
            self._queue.append(SILENCE)


@dataclass(slots=True)
class SenderFigures:
    """What the sender saw; lateness in nanoseconds is how long after its deadline a tick began or ended."""

    ticks: int = 0
    packets: int = 0
    worst_start_ns: int = 0
    worst_end_ns: int = 0
    resynced: int = 0


class Sender:
    """Owns the thread."""

    def __init__(self) -> None:
        self.figures = SenderFigures()
        self._outlets: tuple[Outlet, ...] = ()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="rtp-sender", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> int:
        """How many outlets are looked at every 20 ms."""
        return len(self._outlets)

    def add(self, outlet: Outlet) -> None:
        """Start sending for a connection."""
        with self._lock:
            self._outlets = (*self._outlets, outlet)
        self._wake.set()

    def wake(self, outlet: Outlet) -> None:
        """There may be something to send again."""
        with self._lock:
            if not outlet.parked:
                outlet.stays = True
                return
            outlet.parked = False
            self._outlets = (*self._outlets, outlet)
        self._wake.set()

    def close(self) -> None:
        """Stop the thread."""
        self._closed = True
        self._wake.set()
        self._thread.join(timeout=2)
        self._outlets = ()

    def _run(self) -> None:
        # Ahead of the encoders where the machine lets us; without the right to it, at the same priority.
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        deadline = time.monotonic_ns()
        while not self._closed:
            if not self._outlets:
                self._wake.wait()
                self._wake.clear()
                deadline = time.monotonic_ns()
                continue
            deadline = self._tick(deadline) + _TICK_NS
            pause = deadline - time.monotonic_ns()
            if pause > 0:
                time.sleep(pause / 1e9)

    def _tick(self, deadline: int) -> int:
        """Serve every outlet once; returns the deadline that the rhythm goes on from."""
        begun = time.monotonic_ns()
        figures = self.figures
        if begun - deadline > _GIVE_UP_NS:
            deadline = begun
            figures.resynced += 1
        now = begun / 1e9
        wires: set[Wire] = set()
        quiet: list[Outlet] = []
        for outlet in self._outlets:
            frame = outlet.tick(now)
            if frame is None:
                quiet.append(outlet)
                continue
            path = outlet.path
            path.wire.put(path.to, path.stream.packet(frame))
            wires.add(path.wire)
        figures.packets += sum(wire.flush() for wire in wires)
        if quiet:
            self._set_aside(quiet)
        figures.ticks += 1
        figures.worst_start_ns = max(figures.worst_start_ns, begun - deadline)
        figures.worst_end_ns = max(figures.worst_end_ns, time.monotonic_ns() - deadline)
        return deadline

    def _set_aside(self, quiet: list[Outlet]) -> None:
        """Let go of outlets that have ended, and of idle ones until they are woken."""
        with self._lock:
            gone = set()
            for outlet in quiet:
                if outlet.ended:
                    gone.add(outlet)
                elif outlet.idle and not outlet.stays:
                    outlet.parked = True
                    gone.add(outlet)
                outlet.stays = False
            if gone:
                self._outlets = tuple(outlet for outlet in self._outlets if outlet not in gone)
