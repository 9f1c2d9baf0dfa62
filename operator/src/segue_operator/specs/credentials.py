"""Passwords that nobody named a Secret for. Randomness is the caller's: a builder only places them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Generated passwords: letters, digits, ``-`` and ``_`` only, as they stand in URLs."""

    lavalink_password: str = field(repr=False)
    redis_password: str = field(repr=False)
    postgres_password: str = field(repr=False)
