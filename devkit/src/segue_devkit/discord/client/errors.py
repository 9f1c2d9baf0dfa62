"""What the typed client raises."""

from __future__ import annotations


class SimError(Exception):
    """The simulator refused; the text says why (a person could not do this, an id is unknown, …)."""
