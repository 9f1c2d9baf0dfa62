"""Counting what was heard: the pure part, over any course of a stream."""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.discord.knobs import Knobs
from segue_devkit.discord.voice import hearing, rtp
from segue_devkit.discord.voice.sink import Frame, GuildSink

FRAME_NS = 20_000_000


def _header(timestamp: int, ssrc: int = 7) -> rtp.RtpHeader:
    return rtp.RtpHeader(sequence=0, timestamp=timestamp & 0xFFFFFFFF, ssrc=ssrc, size=12, extended=False)


@given(
    start=st.integers(0, 2**32 - 1),
    skips=st.lists(st.integers(0, 500), min_size=1, max_size=60),
)
def test_media_gaps_add_up_to_what_was_skipped(start: int, skips: list[int]) -> None:
    """Whatever is skipped, and wherever the 32-bit clock wraps: missing time is exactly what was skipped."""
    sink = GuildSink(Knobs())
    timestamp = start
    sink.packet(_header(timestamp), b"a", 100, 0, announced=True)
    for number, skip in enumerate(skips, start=1):
        timestamp += rtp.FRAME_SAMPLES * (1 + skip)
        sink.packet(_header(timestamp), b"a", 100, number * FRAME_NS, announced=True)
    assert sink.counts.media_gap_ms == sum(skips) * rtp.FRAME_MS
    assert sink.counts.media_gap_count == sum(skip > 0 for skip in skips)
    assert sink.counts.packets == len(skips) + 1
    assert sink.counts.wall_gap_count == 0


@given(pauses=st.lists(st.integers(0, 5_000), min_size=1, max_size=60), silent=st.booleans())
def test_wall_gaps_are_arrivals_further_apart_than_the_knob(*, pauses: list[int], silent: bool) -> None:
    """Each pause above the knob is one wall gap of that length, marked if a silence frame announced it."""
    sink = GuildSink(Knobs(wall_gap_ms=60))
    at_ns, timestamp = 1, 0
    opus = rtp.SILENCE if silent else b"a"
    sink.packet(_header(0), opus, 100, at_ns, announced=True)
    for pause in pauses:
        at_ns += pause * 1_000_000
        timestamp += rtp.FRAME_SAMPLES
        sink.packet(_header(timestamp), opus, 100, at_ns, announced=True)
    assert [gap.ms for gap in sink.counts.wall_gaps] == [float(pause) for pause in pauses if pause > 60]
    assert all(gap.after_silence is silent for gap in sink.counts.wall_gaps)


def test_late_packets_do_not_move_the_place_in_the_stream() -> None:
    """A packet that was overtaken is counted as such and opens no gap."""
    sink = GuildSink(Knobs())
    for timestamp in (0, 960, 2880, 1920, 3840):
        sink.packet(_header(timestamp), b"a", 100, timestamp * 20_833, announced=True)
    assert (sink.counts.reordered, sink.counts.media_gap_count) == (1, 1)


def test_the_newest_run_ends_at_silence_and_gaps() -> None:
    """Only continuous sound of one stream is decoded; silence frames at the end are passed over."""
    old = [Frame(n, 1, n * 960, b"x") for n in range(3)]
    new = [Frame(n, 2, n * 960, b"y") for n in range(10, 14)]
    silence = [Frame(n, 2, n * 960, rtp.SILENCE) for n in range(14, 19)]
    assert hearing.newest_run([*old, *new, *silence]) == new
    assert hearing.newest_run(silence) == []
    assert hearing.heard([*old, *new]) is None


def test_header_extensions_are_authenticated_and_cut_off() -> None:
    """With an RTP extension its four-byte header is in the clear, its body encrypted and not part of opus."""
    cipher = AESGCM(bytes(32))
    header = struct.pack(">BBHII", 0x90, 0x78, 1, 960, 7) + struct.pack(">HH", 0xBEDE, 1)
    nonce = struct.pack("<I", 5)
    packet = header + cipher.encrypt(nonce + bytes(8), b"EXT!" + b"opus", header) + nonce
    parsed = rtp.parse(packet)
    assert parsed is not None
    assert (parsed.ssrc, parsed.size) == (7, 16)
    assert rtp.decrypted(packet, parsed, cipher) == b"opus"
    assert rtp.decrypted(packet[:-1] + b"x", parsed, cipher) is None


@given(st.binary(max_size=200))
def test_garbage_is_never_taken_for_sound(packet: bytes) -> None:
    """Any bytes at all are parsed without an error, and what is no RTP audio is None."""
    header = rtp.parse(packet)
    if header is not None:
        assert rtp.decrypted(packet, header, AESGCM(bytes(32))) is None
    answer = rtp.discovery_answer(packet, "127.0.0.1", 5)
    assert answer is None or len(answer) == rtp.DISCOVERY_SIZE
