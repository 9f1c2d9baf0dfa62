"""The send buffer of a connection, tick by tick, without a clock; and packets on real sockets."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from segue_devkit.lavalink.audio.opus import SILENCE
from segue_devkit.lavalink.voice.rtp import RtpStream
from segue_devkit.lavalink.voice.sender import Later, Outlet, Path, Sender
from segue_devkit.lavalink.voice.wire import Address, Wire, libc_sendmmsg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segue_devkit.lavalink.voice.sender import Provided

DEPTH = 20
PATIENCE_S = 10.0


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
    """An outlet whose frames are looked at as they leave the buffer."""

    def __init__(self) -> None:
        self.source = Script()
        self.spoken: list[bool] = []
        nowhere = cast("Path", None)
        self.outlet = Outlet(nowhere, self.source, DEPTH, self.spoken.append)

    def tick(self) -> bytes | None:
        return self.outlet.tick(0.0)

    def ticks(self, count: int) -> list[bytes | None]:
        return [self.tick() for _ in range(count)]


@pytest.fixture
def bench() -> Bench:
    """An outlet."""
    return Bench()


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


def test_only_silence_that_lasts_is_idle(bench: Bench) -> None:
    """Neither a late frame nor the silence frames after music let an outlet be set aside."""
    bench.source.now = Later.WAIT
    bench.tick()
    assert not bench.outlet.idle
    bench.source.now = b"music"
    bench.tick()
    bench.source.now = None
    for _ in range(DEPTH - 1 + 4):
        bench.tick()
        assert not bench.outlet.idle
    bench.tick()
    assert bench.outlet.idle


# On sockets


class Ear:
    """A voice server's UDP socket."""

    def __init__(self, family: int = socket.AF_INET) -> None:
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.sock.settimeout(PATIENCE_S)
        self.address = Address(*self.sock.getsockname()[:2])

    def hear(self) -> bytes:
        return self.sock.recv(2000)


@pytest.fixture
def ears() -> Iterator[list[Ear]]:
    """Three servers."""
    made = [Ear() for _ in range(3)]
    yield made
    for ear in made:
        ear.sock.close()


@pytest.fixture
def out() -> Iterator[socket.socket]:
    """Where packets leave."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield sock


def refused(*_: Any) -> int:
    """A kernel without the call."""
    ctypes.set_errno(errno.ENOSYS)
    return -1


@pytest.mark.parametrize("send_many", [libc_sendmmsg(), None, refused], ids=["bulk", "none", "refused"])
def test_packets_reach_their_servers(
    ears: list[Ear], out: socket.socket, send_many: Callable[..., int] | None
) -> None:
    """Every packet at its address, whole and in order, more of them than a batch has room for."""
    wire = Wire(out, send_many)
    for number in range(300):
        wire.put(ears[number % 3].address, struct.pack(">I", number) * (1 + number))
    sent = wire.flush()
    assert 300 - 256 <= sent <= 300
    for number in range(300):
        assert ears[number % 3].hear() == struct.pack(">I", number) * (1 + number)


@pytest.mark.parametrize("send_many", [libc_sendmmsg(), None], ids=["bulk", "none"])
def test_a_packet_that_cannot_be_sent_takes_no_other_with_it(
    ears: list[Ear], out: socket.socket, send_many: Callable[..., int] | None
) -> None:
    """A destination the kernel refuses (a broadcast address) loses its own packets only."""
    wire = Wire(out, send_many)
    wire.put(ears[0].address, b"before")
    wire.put(Address("255.255.255.255", 9), b"refused")
    wire.put(ears[1].address, b"after")
    assert wire.flush() == 2
    assert (ears[0].hear(), ears[1].hear()) == (b"before", b"after")


def test_a_packet_over_ipv6(out: socket.socket) -> None:
    """The other form of address."""
    if not socket.has_ipv6:
        assert out.family == socket.AF_INET
        return
    ear = Ear(socket.AF_INET6)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        wire = Wire(sock, libc_sendmmsg())
        wire.put(ear.address, b"six")
        assert wire.flush() == 1
    assert ear.hear() == b"six"
    ear.sock.close()


def settled(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        os.sched_yield()
    return condition()


def test_an_idle_outlet_is_set_aside_and_woken(ears: list[Ear], out: socket.socket) -> None:
    """It costs nothing while there is nothing to send; one word and its packets flow again."""
    key = bytes(range(32))
    source = Script()
    sender = Sender()
    path = Path(Wire(out, libc_sendmmsg()), ears[0].address, RtpStream(77, key))
    outlet = Outlet(path, source, DEPTH, lambda _: None)
    try:
        sender.add(outlet)
        assert settled(lambda: sender.busy == 0)
        asked = source.asked
        source.now = b"music"
        sender.wake(outlet)
        packet = ears[0].hear()
        nonce = packet[-4:]
        assert AESGCM(key).decrypt(nonce + bytes(8), packet[12:-4], packet[:12]) == b"music"
        assert source.asked > asked
        assert sender.busy == 1
        source.now = None
        assert settled(lambda: sender.busy == 0)
        outlet.end()
        sender.wake(outlet)
        assert settled(lambda: sender.busy == 0)
        assert outlet.ended
    finally:
        sender.close()
