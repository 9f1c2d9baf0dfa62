"""The API under /sim: acting as people, looking at what they see, breaking things on purpose."""

from __future__ import annotations
