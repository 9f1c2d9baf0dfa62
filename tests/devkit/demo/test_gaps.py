"""The gap meter shows what the sink reports, no more and no less."""

from __future__ import annotations

from segue_devkit.demo.gaps import SHOWN_MS, gap_view
from segue_devkit.discord.client import Gap, SinkReport

NOW_NS = 500_000_000_000


def report(lost: tuple[Gap, ...] = (), late: tuple[Gap, ...] = ()) -> SinkReport:
    """Return a report with these gaps."""
    return SinkReport(
        packets=100,
        bytes=1000,
        silence_frames=0,
        decrypt_failures=0,
        reordered=0,
        unannounced=0,
        streams=1,
        first_packet_ns=1,
        first_sound_ns=1,
        last_packet_ns=NOW_NS,
        last_sound_ns=NOW_NS,
        media_gap_count=len(lost),
        media_gap_ms=sum(one.ms for one in lost),
        wall_gap_count=len(late),
        media_gaps=lost,
        wall_gaps=late,
        timecode=None,
        now_ns=NOW_NS,
    )


def ago(ms: int, length_ms: float, *, announced: bool = False) -> Gap:
    """Return a gap that ended so long ago."""
    return Gap(NOW_NS - ms * 1_000_000, length_ms, after_silence=announced)


def test_gaps_of_the_last_minute_are_shown_newest_first() -> None:
    """Lost and late ones, each with its age; older ones only count for the longest since the start."""
    shown = gap_view(report(lost=(ago(2_040, 60),), late=(ago(1_000, 412.4), ago(SHOWN_MS + 100, 900))))
    assert shown["gaps"] == [
        {"kind": "late", "ms": 412, "ago_ms": 1_000},
        {"kind": "lost", "ms": 60, "ago_ms": 2_000},
    ]
    assert (shown["longest_ms"], shown["lost_ms"]) == (900, 60)


def test_a_pause_that_was_announced_is_no_gap() -> None:
    """Who pauses a song sends silence first; the meter stays empty."""
    shown = gap_view(report(late=(ago(1_000, 30_000, announced=True),)))
    assert (shown["gaps"], shown["longest_ms"]) == ([], 0)
