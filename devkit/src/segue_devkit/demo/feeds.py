"""What pages are shown, looked up once for all of them, and only while somebody looks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
from redis.exceptions import RedisError

from segue_core.codec import MalformedValueError
from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from collections.abc import Sequence

AWAY = (SimError, aiohttp.ClientError, RedisError, MalformedValueError, TimeoutError, OSError)
"""What looking raises while the simulator or Redis is away, or holds what this release can't read."""
TROUBLE = "trouble"
_RETRY_S = 1.0
_LISTENER_BLOCKS = 50
_log = structlog.get_logger(__name__)

Hints = Callable[[], AsyncIterator[object]]


@dataclass(frozen=True, slots=True)
class Source:
    """Something to show: looked at ``every_s`` seconds, and at once on a hint if it is ``hinted``."""

    name: str
    look: Callable[[], Awaitable[Any]]
    every_s: float
    hinted: bool = False


class Feed:
    """The newest JSON of each source, for any number of watchers.

    A slow watcher misses states between, never the newest; so nothing queues up. ``trouble`` (with
    the feed's name behind a colon, if it has one) lists the sources that can't be looked at now.
    """

    def __init__(self, sources: Sequence[Source], hints: Hints | None = None, *, name: str = "") -> None:
        self._sources = sources
        self._hints = hints
        self._trouble = f"{TROUBLE}:{name}" if name else TROUBLE
        self._texts: dict[str, str] = {}
        self._failing: set[str] = set()
        self._watchers: set[asyncio.Event] = set()
        self._pokes: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def watchers(self) -> int:
        """How many look on."""
        return len(self._watchers)

    async def watch(self) -> AsyncGenerator[tuple[str, str], None]:
        """Yield (name, JSON) of everything there is, then of what changes. Close it when done."""
        changed = asyncio.Event()
        changed.set()
        self._watchers.add(changed)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        seen: dict[str, str] = {}
        try:
            while True:
                await changed.wait()
                changed.clear()
                for name, text in tuple(self._texts.items()):
                    if seen.get(name) != text:
                        seen[name] = text
                        yield name, text
        finally:
            self._watchers.discard(changed)
            if not self._watchers:
                await self._rest()

    async def _rest(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._task is None:
            self._texts.clear()
            self._failing.clear()

    async def _run(self) -> None:
        self._put(self._trouble, [])
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._keep_looking(source))
            if self._hints is not None:
                group.create_task(self._take_hints(self._hints))

    async def _keep_looking(self, source: Source) -> None:
        poke = asyncio.Event()
        if source.hinted:
            self._pokes.add(poke)
        try:
            while True:
                poke.clear()
                await self._look(source)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(source.every_s):
                        await poke.wait()
        finally:
            self._pokes.discard(poke)

    async def _look(self, source: Source) -> None:
        try:
            value = await source.look()
        except AWAY as error:
            _log.debug("a source of the page can't be looked at", source=source.name, reason=str(error))
            self._failing.add(source.name)
        else:
            self._failing.discard(source.name)
            self._put(source.name, value)
        self._put(self._trouble, sorted(self._failing))

    async def _take_hints(self, hints: Hints) -> None:
        """Look at once when something happened; without hints the pace of the sources goes on."""
        while True:
            try:
                async for _ in hints():
                    self.hint()
            except AWAY as error:
                _log.debug("no hints for the page", reason=str(error))
            await asyncio.sleep(_RETRY_S)

    def hint(self) -> None:
        """Something happened: look."""
        for poke in self._pokes:
            poke.set()

    def _put(self, name: str, value: Any) -> None:
        text = json.dumps(value)
        if self._texts.get(name) != text:
            self._texts[name] = text
            for changed in self._watchers:
                changed.set()


class SoundFeed:
    """One stream of sound, decoded once for all who listen."""

    def __init__(self, sound: Callable[[], AsyncIterator[bytes]]) -> None:
        self._sound = sound
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """Yield blocks as they come, until the stream ends. A slow listener loses the oldest."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_LISTENER_BLOCKS)
        self._queues.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            while (block := await queue.get()) is not None:
                yield block
        finally:
            self._queues.discard(queue)
            if not self._queues and self._task is not None:
                task, self._task = self._task, None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            async for block in self._sound():
                self._give(block)
        except AWAY as error:
            _log.debug("the sound ended", reason=str(error))
        self._give(None)

    def _give(self, block: bytes | None) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(block)
