"""What may be forgotten: answers kept for a while, in Redis, shared by all processes."""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

_LONGEST_KEY = 128


class CacheKind(Enum):
    """What is cached, and how long, milliseconds."""

    SEARCH = ("search", 300_000)
    CHOICES = ("choices", 900_000)
    """What a person was offered to choose from: as long as Discord lets the offer be answered."""
    SETTINGS = ("settings", 3_600_000)

    def __init__(self, label: str, lifetime_ms: int) -> None:
        self.label = label
        self.lifetime_ms = lifetime_ms


class Cache:
    """The cache of one cluster. Raises RedisError when Redis is away: callers go on without it."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def get(self, kind: CacheKind, key: str) -> bytes | None:
        """Return what was stored under ``key``, if it is still there."""
        found: bytes | None = await self._redis.execute_command("GET", self._key(kind, key))
        return found

    async def set(self, kind: CacheKind, key: str, value: bytes) -> None:
        """Store ``value`` for as long as its kind lives."""
        await self._redis.execute_command("SET", self._key(kind, key), value, "PX", kind.lifetime_ms)

    async def invalidate(self, kind: CacheKind, key: str) -> None:
        """Forget ``key`` everywhere: what it was made from has changed."""
        await self._redis.execute_command("DEL", self._key(kind, key))

    def _key(self, kind: CacheKind, key: str) -> str:
        # A key made of what a person typed has any length and any characters.
        if len(key) > _LONGEST_KEY or not key.isascii():
            key = hashlib.sha256(key.encode()).hexdigest()
        return self._keys.cache(kind.label, key)
