"""One thread that sends the packets of all players every 20 ms.

Each outlet holds the node's send buffer (bufferDurationMs, 400 ms by default): frames are taken from the
player as long as there is room, so a player's position runs that far ahead of what is heard, and pause or
stop are heard that much later, as with a real node.
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

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from segue_devkit.lavalink.voice.rtp import RtpStream

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


class Outlet:
    """One voice connection's way out."""

    def __init__(
        self,
        sock: socket.socket,
        stream: RtpStream,
        source: FrameSource,
        depth: int,
        speaking: Callable[[bool], None],
    ) -> None:
        self._sock = sock
        self._stream = stream
        self._source = source
        self._depth = depth
        self._speaking = speaking
        self._queue: deque[bytes] = deque()
        self._silence = 0
        self._loud = False
        self._ending = False

    def end(self) -> None:
        """Take no more frames; what is in the buffer is still sent, as a real node does."""
        self._ending = True

    @property
    def ended(self) -> bool:
        """Whether it was told to end and has nothing left."""
        return self._ending and not self._queue

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def tick(self, now: float) -> bool:
        """Fill the buffer and send one packet; whether one was sent."""
        if not self._ending:
            self._fill(now)
        if not self._queue:
            return False
        packet = self._stream.packet(self._queue.popleft())
        try:
            self._sock.send(packet)
        except OSError:
            # A full buffer or a peer that is gone: UDP loses it, and the WebSocket tells about the peer.
            return False
        return True

    def _fill(self, now: float) -> None:
        queue = self._queue
        while len(queue) < self._depth:
            frame = self._source.provide(now)
            if isinstance(frame, bytes):
                self._silence = _SILENCE_FRAMES
                if not self._loud:
                    self._loud = True
                    self._speaking(True)
                queue.append(frame)
                continue
            if frame is Later.WAIT and queue:
                return
            if frame is Later.WAIT:
                self._source.underrun()
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

    def add(self, outlet: Outlet) -> None:
        """Start sending for a connection."""
        with self._lock:
            self._outlets = (*self._outlets, outlet)
        self._wake.set()

    def close(self) -> None:
        """Stop the thread and close all sockets."""
        self._closed = True
        self._wake.set()
        self._thread.join(timeout=2)
        for outlet in self._outlets:
            outlet.close()
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
        sent = 0
        for outlet in self._outlets:
            sent += outlet.tick(begun / 1e9)
            if outlet.ended:
                self._remove(outlet)
        figures.ticks += 1
        figures.packets += sent
        figures.worst_start_ns = max(figures.worst_start_ns, begun - deadline)
        figures.worst_end_ns = max(figures.worst_end_ns, time.monotonic_ns() - deadline)
        return deadline

    def _remove(self, outlet: Outlet) -> None:
        with self._lock:
            self._outlets = tuple(other for other in self._outlets if other is not outlet)
        outlet.close()
