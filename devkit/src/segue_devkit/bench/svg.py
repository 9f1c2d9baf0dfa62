"""Line charts as SVG, for benchmarks: readable on a light and on a dark page, without a library."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 880
PANEL_HEIGHT = 210
LEFT, RIGHT, TOP, BOTTOM = 66, 190, 34, 30
"""Margins of a panel, px: the axis' numbers, the legend, the title, the time."""
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#3ca951", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0", "#6cc5b0")
_TICKS = 4
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}.faint{stroke:#8884;stroke-width:1}.page{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}}"
)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One line. ``points`` are (x, y) with x ascending."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes; ``unit`` says what y counts. Drawn from 0 unless ``from_zero`` is false."""

    title: str
    unit: str
    series: Sequence[Series]
    from_zero: bool = True


def chart(title: str, x_label: str, panels: Sequence[Panel], *, mark_x: float | None = None) -> str:
    """Return an SVG document with the panels one below the other, all over the same x.

    A name has the same colour in all of them. ``mark_x`` draws an upright line, such as the end of a warm-up.
    """
    xs = [x for panel in panels for series in panel.series for x, _ in series.points]
    span = (min(xs, default=0.0), max(xs, default=1.0))
    height = TOP + PANEL_HEIGHT * len(panels)
    names = dict.fromkeys(series.name for panel in panels for series in panel.series)
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f'aria-label="{escape(title, quote=True)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text x="{LEFT}" y="22" font-weight="600">{escape(title)}</text>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, TOP + number * PANEL_HEIGHT, span, x_label, mark_x, colours)
    return "\n".join([*parts, "</svg>\n"])


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers from at or below ``low`` to at or above ``high``."""
    raw = max(high - low, 1e-9) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 9) for number in range(first, max(last, first + 1) + 1)]


def _panel(
    panel: Panel,
    top: int,
    span: Point,
    x_label: str,
    mark_x: float | None,
    colours: Mapping[str, str],
) -> list[str]:
    ys = [y for series in panel.series for _, y in series.points]
    marks = ticks(0.0 if panel.from_zero else min(ys, default=0.0), max(ys, default=1.0))
    lowest, highest = marks[0], marks[-1]
    upper, lower = top + TOP, top + PANEL_HEIGHT - BOTTOM

    def px(x: float) -> float:
        return LEFT + (x - span[0]) / ((span[1] - span[0]) or 1.0) * (WIDTH - LEFT - RIGHT)

    def py(y: float) -> float:
        return lower - (y - lowest) / (highest - lowest) * (lower - upper)

    parts = [f'<text x="{LEFT}" y="{top + 22}">{escape(panel.title)} ({escape(panel.unit)})</text>']
    for mark in marks:
        parts.append(f'<path class="faint" d="M{LEFT} {py(mark):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{py(mark) + 4:.1f}" text-anchor="end">{mark:g}</text>')
    along = [one for one in ticks(*span) if span[0] <= one <= span[1]]
    for mark in along:
        text = f"{mark:g} {escape(x_label)}" if mark == along[-1] else f"{mark:g}"
        parts.append(f'<text x="{px(mark):.1f}" y="{lower + 18}" text-anchor="middle">{text}</text>')
    if mark_x is not None and span[0] <= mark_x <= span[1]:
        parts.append(f'<path class="faint" stroke-dasharray="4 3" d="M{px(mark_x):.1f} {upper}V{lower}"/>')
    for number, series in enumerate(panel.series):
        parts += _line(series, colours[series.name], number, upper, px, py)
    return parts


def _line(
    series: Series,
    colour: str,
    number: int,
    upper: int,
    px: Callable[[float], float],
    py: Callable[[float], float],
) -> list[str]:
    path = "L".join(f"{px(x):.1f} {py(y):.1f}" for x, y in series.points)
    y = upper + 6 + number * 16
    left = WIDTH - RIGHT + 10
    return [
        f'<path fill="none" stroke="{colour}" stroke-width="1.6" d="M{path}"/>' if path else "",
        f'<rect x="{left}" y="{y - 9}" width="10" height="10" fill="{colour}"/>',
        f'<text x="{left + 16}" y="{y}">{escape(series.name)}</text>',
    ]
