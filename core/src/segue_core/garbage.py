"""Python's cycle collector, set for a process that lives long and makes many small frozen values.

By default a collection looks at everything that ever survived as often as the heap has grown by a
quarter, and at the young ones after 700 allocations: tens of milliseconds in which nothing else is done.
Nearly nothing of ours is a cycle, so it may look more rarely.
"""

from __future__ import annotations

import gc

YOUNG = 50_000
"""Allocations until the youngest are looked at: some tens of MiB of garbage in cycles at most."""


def settle() -> None:
    """Leave out of all collections what is there now, modules and classes; once, when all is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
