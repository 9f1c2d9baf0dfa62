"""Snowflakes, tokens and session ids."""

from __future__ import annotations

import itertools
import secrets
import time

DISCORD_EPOCH_MS = 1_420_070_400_000
_FIRST_GUILD_MS = 300_000_000_000  # of Discord's epoch: mid 2024


class Ids:
    """Gives out ids that never repeat within one simulator.

    Guild ids run on a timeline of their own, one millisecond apart: shards take a guild by
    ``(id >> 22) % num_shards``, so consecutive guilds fall on consecutive shards, and the n-th
    guild has the same id in every run.
    """

    def __init__(self) -> None:
        self._sequence = itertools.count()
        self._guilds = itertools.count(_FIRST_GUILD_MS)

    def new(self) -> int:
        """An id whose timestamp is now."""
        elapsed = time.time_ns() // 1_000_000 - DISCORD_EPOCH_MS
        return (elapsed << 22) | (next(self._sequence) & 0x3FFFFF)

    def guild(self) -> int:
        """The id of the next guild."""
        return next(self._guilds) << 22

    @staticmethod
    def session() -> str:
        """A gateway or voice session id: 32 hex digits."""
        return secrets.token_hex(16)

    @staticmethod
    def token(size: int = 40) -> str:
        """An interaction or voice token; a credential."""
        return secrets.token_urlsafe(size)
