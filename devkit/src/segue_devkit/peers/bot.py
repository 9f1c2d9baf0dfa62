"""A bot of devkit/peers as a process: JSON lines in are actions, JSON lines out are events."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, Self

from segue_devkit.peers import toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

_WAIT_S: Final = 30.0
_END_S: Final = 5.0
_TAIL: Final = 2_000
_LINE_BYTES: Final = 1 << 20


class PeerError(Exception):
    """A bot refused an action, ended, or did not do in time what was waited for."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a bot; ``number`` counts from 0 in the order they came."""

    number: int
    name: str
    fields: dict[str, Any]

    def __getitem__(self, field: str) -> Any:
        return self.fields[field]


class PeerBot:
    """``async with PeerBot("shoukaku.mjs", {"PEER_…": …}) as bot``: running inside, gone outside.

    The process gets this one's environment and the settings, which the bots' own files name.
    """

    def __init__(self, program: str, settings: Mapping[str, str], project: Path = toolchain.PROJECT) -> None:
        self._program = project / "bots" / program
        self._settings = dict(settings)
        self._process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._news = asyncio.Event()
        self.events: list[Told] = []

    async def __aenter__(self) -> Self:
        self._log = tempfile.TemporaryFile(prefix="segue-peer-")  # noqa: SIM115 - closed by __aexit__
        self._process = await asyncio.create_subprocess_exec(
            str(toolchain.node()),
            str(self._program),
            env={**toolchain.environment(), **self._settings},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
            limit=_LINE_BYTES,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, reader, log = self._running()
        try:
            if process.stdin is not None:
                process.stdin.close()
            async with asyncio.timeout(_END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            await asyncio.gather(reader, return_exceptions=True)
            log.close()

    async def do(self, action: str, /, **arguments: object) -> Any:
        """Have something done; returns what the bot returns.

        Raises:
            PeerError: the bot's library failed, or it took longer than half a minute.
        """
        process, reader, _ = self._running()
        if process.stdin is None or reader.done():
            raise PeerError(f"{self._program.name} has ended; {self._last_words()}")
        number = next(self._numbers)
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = answered
        line = json.dumps({"id": number, "action": action, "args": arguments})
        try:
            process.stdin.write(line.encode() + b"\n")
            async with asyncio.timeout(_WAIT_S):
                return await answered
        except TimeoutError:
            raise PeerError(f"{action} did not end within {_WAIT_S:.0f} s; {self._last_words()}") from None
        finally:
            self._asked.pop(number, None)

    async def wait(
        self,
        name: str,
        good: Callable[[Told], bool] = lambda _: True,
        *,
        since: int = 0,
        timeout_s: float = _WAIT_S,
    ) -> Told:
        """Wait for an event, or find it among those that came already.

        Args:
            name: which kind.
            good: whether it is the one.
            since: number of the first event that may be it; ``len(bot.events)`` for new ones only.
            timeout_s: how long at most.

        Raises:
            PeerError: it did not come in time, or the bot ended; the text says what did come.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for told in self.events[since:]:
                        if told.name == name and good(told):
                            return told
                    if self._reader is not None and self._reader.done():
                        raise PeerError(f"{self._program.name} ended; {self._last_words()}")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            came = [(told.name, told.fields) for told in self.events[since:]]
            raise PeerError(
                f"no such {name} within {timeout_s:.0f} s; there were {came}; {self._last_words()}"
            ) from None

    def told(self, name: str) -> list[Told]:
        """Return every event of a kind so far."""
        return [told for told in self.events if told.name == name]

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise PeerError("the bot was started without a pipe")
        try:
            async for line in process.stdout:
                self._take(json.loads(line))
        finally:
            for answered in self._asked.values():
                if not answered.done():
                    answered.set_exception(PeerError(f"{self._program.name} ended; {self._last_words()}"))
            self._news.set()

    def _take(self, message: dict[str, Any]) -> None:
        name = message.pop("event")
        if name in {"done", "failed"}:
            answered = self._asked.get(message["id"])
            if answered is None or answered.done():
                return
            if name == "done":
                answered.set_result(message["result"])
            else:
                answered.set_exception(PeerError(json.dumps(message["error"])))
            return
        self.events.append(Told(len(self.events), name, message))
        self._news.set()

    def _last_words(self) -> str:
        _, _, log = self._running()
        # Not by seek(): the bot writes at the offset that both processes share.
        size = os.fstat(log.fileno()).st_size
        words = os.pread(log.fileno(), _TAIL, max(0, size - _TAIL))
        return f"its last words: {words.decode(errors='replace')}"

    def _running(self) -> tuple[asyncio.subprocess.Process, asyncio.Task[None], IO[bytes]]:
        if self._process is None or self._reader is None or self._log is None:
            raise PeerError("the bot is not running: use it as an async context manager")
        return self._process, self._reader, self._log
