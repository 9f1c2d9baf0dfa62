"""Why a benchmark's run could not be made."""

from __future__ import annotations


class BenchFailedError(Exception):
    """The run could not be made; the text says what failed."""
