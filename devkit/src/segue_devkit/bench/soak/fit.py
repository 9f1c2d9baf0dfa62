"""How fast something grows, whatever single samples do: the slope of Theil and Sen."""

from __future__ import annotations

from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes between all pairs of (x, y): y a unit of x; 0 of fewer than two.

    Up to 29 % of the samples may be anything without moving it far, so a garbage collection or a
    burst of songs is no growth. Pairs with the same x say nothing.
    """
    found = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x1 != x2]
    return median(found) if found else 0.0
