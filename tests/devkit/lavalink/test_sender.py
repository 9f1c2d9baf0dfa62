"""The send buffer of a connection, tick by tick, without a clock."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from segue_devkit.lavalink.audio.opus import SILENCE
from segue_devkit.lavalink.voice.sender import Later, Outlet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segue_devkit.lavalink.voice.sender import Provided

DEPTH = 20


class Plain:
    """Stands where RTP would seal: the frame is the packet."""

    def packet(self, opus: bytes) -> bytes:
        return opus


class Script:
    """Gives what it is told to, over and over."""

    def __init__(self) -> None:
        self.now: Provided = None
        self.underruns = 0
        self.asked = 0

    def provide(self, now: float) -> Provided:  # noqa: ARG002 - the port has it
        self.asked += 1
        return self.now

    def underrun(self) -> None:
        self.underruns += 1


class Bench:
    """An outlet with both ends of its socket."""

    def __init__(self, out: socket.socket, into: socket.socket) -> None:
        self.source = Script()
        self.spoken: list[bool] = []
        self.outlet = Outlet(out, Plain(), self.source, DEPTH, self.spoken.append)  # type: ignore[arg-type]
        self._into = into

    def tick(self) -> bytes | None:
        return self._into.recv(2000) if self.outlet.tick(0.0) else None

    def ticks(self, count: int) -> list[bytes | None]:
        return [self.tick() for _ in range(count)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """An outlet on a socket pair."""
    out, into = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    yield Bench(out, into)
    out.close()
    into.close()


def test_nothing_is_sent_before_there_is_a_frame(bench: Bench) -> None:
    """A silent start: no silence frames, no word of speaking."""
    assert bench.ticks(5) == [None] * 5
    assert bench.spoken == []


def test_the_first_frame_goes_out_at_once_and_the_buffer_fills(bench: Bench) -> None:
    """Frames are taken as long as there is room, one is sent a tick."""
    bench.source.now = b"music"
    assert bench.tick() == b"music"
    assert bench.source.asked == DEPTH
    assert bench.spoken == [True]


def test_a_pause_plays_the_buffer_out_then_five_frames_of_silence(bench: Bench) -> None:
    """As recorded: speaking 0 at once, silence after the buffer."""
    bench.source.now = b"music"
    bench.tick()
    bench.source.now = None
    heard = bench.ticks(DEPTH + 10)
    assert bench.spoken == [True, False]
    assert heard == [b"music"] * (DEPTH - 1) + [SILENCE] * 5 + [None] * 6


def test_a_late_frame_is_waited_for_while_the_buffer_lasts(bench: Bench) -> None:
    """No silence is put between two frames that are both still to come in time."""
    bench.source.now = b"music"
    bench.tick()
    bench.source.now = Later.WAIT
    assert bench.ticks(5) == [b"music"] * 5
    bench.source.now = b"more"
    assert bench.ticks(DEPTH) == [b"music"] * (DEPTH - 6) + [b"more"] * 6
    assert bench.spoken == [True]
    assert bench.source.underruns == 0


def test_an_empty_buffer_is_an_underrun(bench: Bench) -> None:
    """It is counted, and heard as silence until frames come."""
    bench.source.now = b"music"
    bench.tick()
    bench.source.now = Later.WAIT
    heard = bench.ticks(DEPTH + 2)
    assert heard[-3:] == [SILENCE] * 3
    assert bench.source.underruns == 3
    bench.source.now = b"more"
    bench.ticks(6)
    assert bench.spoken == [True, False, True]


def test_an_ended_outlet_sends_its_buffer_and_takes_no_more(bench: Bench) -> None:
    """What was taken from the player is still heard."""
    bench.source.now = b"music"
    bench.tick()
    bench.outlet.end()
    assert not bench.outlet.ended
    assert bench.ticks(DEPTH) == [b"music"] * (DEPTH - 1) + [None]
    assert bench.outlet.ended
