"""What happened lately, in words: shards that changed hands, players that moved, pods that ended.

Facts come from the event streams in Redis, where they stay until a worker has stored them; who reads on
from where it stopped sees each once. Words are made by pure functions.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from segue_core.codec import MalformedValueError, decode
from segue_core.events import DomainEvent, PlayerMoved, ShardPromoted
from segue_core.ids import GuildId
from segue_core.redis.keys import CLUSTER_PARTITION, partition_of
from segue_devkit.processes import EventKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_devkit.processes import PodEvent

KEPT = 60
_BLOCK_MS = 500
_RETRY_S = 1.0
_POD_EVENTS = frozenset(
    {EventKind.EXITED, EventKind.BACK_OFF, EventKind.UNHEALTHY, EventKind.KILLING, EventKind.READY}
)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened, at ``at`` (ms since the epoch). ``kind``: promotion, move, pod or act."""

    at: int
    kind: str
    text: str


def words_of(event: DomainEvent, cluster: str, guilds: Mapping[int, str]) -> Happening | None:
    """Return a fact in words, None if it is not of those that are told."""
    match event.data:
        case ShardPromoted() as promoted:
            return Happening(at=event.at, kind="promotion", text=_promotion(promoted, cluster))
        case PlayerMoved() as moved:
            guild = "a server" if event.guild is None else guilds.get(event.guild, f"server {event.guild}")
            text = f"{guild}: {moved.source} → {moved.target}, {moved.reason.replace('_', ' ')}"
            return Happening(at=event.at, kind="move", text=text)
        case _:
            return None


def _promotion(promoted: ShardPromoted, cluster: str) -> str:
    before = _short(promoted.previous, cluster) if promoted.previous else "nobody"
    after = _short(promoted.owner, cluster)
    how = (
        "with a new session, as Discord refused the old one"
        if promoted.resume_ms is None
        else f"resumed in {promoted.resume_ms} ms"
    )
    count = "1 event" if promoted.replayed == 1 else f"{promoted.replayed} events"
    replayed = f", {count} replayed" if promoted.replayed else ""
    return f"shard {promoted.shard}: {before} → {after}, {how}{replayed}"


def _short(owner: str, cluster: str) -> str:
    return owner.partition("/")[0].removeprefix(f"{cluster}-")


def words_of_pod(event: PodEvent, cluster: str, at_ms: int) -> Happening | None:
    """Return what happened to a pod in words, None if it is everyday."""
    if event.kind not in _POD_EVENTS:
        return None
    what = str(event.kind).lower() if event.kind is not EventKind.BACK_OFF else "waits before its next start"
    detail = f": {event.message}" if event.message else ""
    return Happening(at=at_ms, kind="pod", text=f"{_short(event.pod, cluster)} {what}{detail}")


class Lately:
    """The last happenings, newest first. :meth:`run` reads for ever; run it in a task of its owner."""

    def __init__(self, redis: RedisClient, keys: Keys, guilds: Mapping[int, str]) -> None:
        self._redis = redis
        self._keys = keys
        self._guilds = guilds
        self._found: deque[Happening] = deque(maxlen=KEPT)
        partitions = {CLUSTER_PARTITION, *(partition_of(GuildId(guild)) for guild in guilds)}
        self._streams = tuple(keys.partition(number).events for number in sorted(partitions))

    def newest(self) -> tuple[Happening, ...]:
        """Return them."""
        return tuple(sorted(self._found, key=lambda one: one.at, reverse=True))

    def note(self, text: str) -> None:
        """Take what somebody did on the page."""
        self._found.append(Happening(at=_now_ms(), kind="act", text=text))

    async def read_facts(self) -> None:
        """Take facts from Redis as they come: of the cluster, and of the guilds that were named."""
        async with asyncio.TaskGroup() as group:
            for stream in self._streams:  # one call each: in a Redis Cluster they lie in several slots
                group.create_task(self._follow(stream))

    async def _follow(self, stream: str) -> None:
        """Read one stream for ever; while Redis is away, wait for it."""
        seen = "0"
        while True:
            try:
                reply = await self._redis.execute_command(
                    "XREAD", "COUNT", 100, "BLOCK", _BLOCK_MS, "STREAMS", stream, seen
                )
            except (RedisError, OSError) as error:
                _log.debug("no facts for the page", reason=str(error))
                await asyncio.sleep(_RETRY_S)
                continue
            for entry, fields in _entries(reply):
                seen = entry
                self._take(fields)

    async def read_pods(self, events: Callable[[], AsyncIterator[PodEvent]]) -> None:
        """Take what happens to pods."""
        async for event in events():
            told = words_of_pod(event, self._keys.cluster, _now_ms())
            if told is not None:
                self._found.append(told)

    def _take(self, fields: Any) -> None:
        values = dict(zip(fields[::2], fields[1::2], strict=True)) if isinstance(fields, list) else fields
        try:
            event = decode(DomainEvent, values[b"e"])
        except (KeyError, MalformedValueError) as error:
            # Of a newer release: its facts are stored by its workers, and passed over here.
            _log.debug("a fact that the page can't read", reason=str(error))
            return
        told = words_of(event, self._keys.cluster, self._guilds)
        if told is not None:
            self._found.append(told)


def _now_ms() -> int:
    return round(time.time() * 1000)


def _entries(reply: Any) -> list[tuple[str, Any]]:
    """Return (id, fields) of the one stream in a reply, however the protocol's version delivers it."""
    if not reply:
        return []
    [(_, entries)] = reply.items() if isinstance(reply, dict) else reply
    if isinstance(reply, dict):  # redis-py wraps the entries of RESP3 once more
        [entries] = entries
    return [(_text(entry), fields) for entry, fields in entries]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
