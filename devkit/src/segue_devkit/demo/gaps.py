"""The gap meter: what of the sound never came, or came late, by the sink's own report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue_devkit.discord.client import SinkReport

SHOWN_MS = 60_000
"""How far back the meter looks."""
_NS_PER_MS = 1_000_000


def gap_view(report: SinkReport) -> dict[str, Any]:
    """Return the meter's figures: totals since the demo began, and the gaps of the last minute.

    ``lost`` are holes in the sound itself (packets that never came), ``late`` are pauses between
    arrivals that no silence announced: what a listener hears when a node dies. A gap's ``ago_ms``
    is rounded to 100 ms; ``ms`` is how long it was.
    """
    late = report.unplanned_wall_gaps
    recent = [("late", one) for one in late] + [("lost", one) for one in report.media_gaps]
    shown = [
        {"kind": kind, "ms": round(one.ms), "ago_ms": _ago_ms(report, one.at_ns)}
        for kind, one in recent
        if _ago_ms(report, one.at_ns) <= SHOWN_MS
    ]
    return {
        "packets": report.packets,
        "streams": report.streams,
        "lost_ms": round(report.media_gap_ms),
        "longest_ms": round(max((one.ms for one in (*late, *report.media_gaps)), default=0)),
        "gaps": sorted(shown, key=lambda one: one["ago_ms"]),
    }


def _ago_ms(report: SinkReport, at_ns: int) -> int:
    return max(0, round((report.now_ns - at_ns) / _NS_PER_MS / 100) * 100)
