"""The cycle collector of a service leaves its modules alone and looks rarely."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import gc
from segue_core import garbage
garbage.settle()
print(gc.get_freeze_count(), *gc.get_threshold())
"""


def test_what_is_there_at_the_start_is_never_looked_at_again() -> None:
    """Modules and classes are frozen, the young are looked at rarely, and collecting stays on."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    frozen, young, *_ = map(int, done.stdout.split())
    assert frozen > 1_000
    assert young == 50_000
