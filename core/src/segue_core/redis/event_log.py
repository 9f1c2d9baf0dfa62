"""Events that come without a guild's commit: promotions, the router's and the operator's facts."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from segue_core.codec import encode
from segue_core.redis.guilds import STREAM_BYTES
from segue_core.redis.keys import CLUSTER_PARTITION, Keys, partition_of
from segue_core.redis.script import Argument, Call, Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.events import DomainEvent
    from segue_core.redis.connection import RedisClient


class EventLog:
    """Appends to the partition streams; :class:`segue_core.drain.EventDrain` stores them."""

    _append = Script("partition", "append")

    def __init__(self, redis: RedisClient, keys: Keys, stream_bytes: int = STREAM_BYTES) -> None:
        self._redis = redis
        self._keys = keys
        self._stream_bytes = stream_bytes

    async def append(self, events: Sequence[DomainEvent]) -> int:
        """Append events; return how many their full streams refused.

        Raises:
            RedisError: when Redis cannot be asked. Appending again is harmless: the store keeps each once.
        """
        parts: dict[int, list[Argument]] = defaultdict(list)
        for event in events:
            partition = CLUSTER_PARTITION if event.guild is None else partition_of(event.guild)
            parts[partition].append(encode(event))
        calls = [
            Call((self._keys.partition(number).prefix,), (self._stream_bytes, *part))
            for number, part in parts.items()
        ]
        return sum(map(int, await self._append.many(self._redis, calls)))
