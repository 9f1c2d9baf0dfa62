"""Covers: a little picture for each tune, drawn from its seed."""

from __future__ import annotations

import math
import random
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from segue_devkit.tunes.catalogue import Tune

SIZE: Final = 480


def svg(tune: Tune) -> str:
    """The cover of a tune as an SVG document, 480 by 480."""
    dice = random.Random(tune.seed)
    hue = dice.randrange(360)
    shapes = [_hill(dice, hue, level) for level in range(4)]
    x, y, radius = dice.randint(90, 390), dice.randint(70, 190), dice.randint(28, 62)
    sun = f'<circle cx="{x}" cy="{y}" r="{radius}" {_fill(hue + 40, 82)}/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" {_fill(hue, 24)}/>{sun}{"".join(shapes)}'
        '<g font-family="Georgia, serif" fill="#fff">'
        f'<text x="28" y="418" font-size="30">{escape(tune.title)}</text>'
        f'<text x="28" y="450" font-size="19" opacity=".75">{escape(tune.author)}</text></g></svg>'
    )


def _fill(hue: int, light: int) -> str:
    return f'fill="hsl({hue % 360} 46% {light}%)"'


def _hill(dice: random.Random, hue: int, level: int) -> str:
    base = 190 + level * 62
    phase, waves, height = dice.random() * math.tau, dice.uniform(0.8, 2.6), dice.uniform(14, 46)
    line = " ".join(
        f"{x},{base + height * math.sin(phase + waves * math.tau * x / SIZE):.0f}"
        for x in range(0, SIZE + 1, 20)
    )
    return f'<polygon points="0,{SIZE} {line} {SIZE},{SIZE}" {_fill(hue + 12 * level, 52 - 11 * level)}/>'
