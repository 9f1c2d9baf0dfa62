"""What embedded servers share: started, waited for, stopped, and gone with the context they are opened in."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from segue_devkit.embedded.process import Child, Folder, ServerFailedError, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

_POLL_S = 0.02


class EmbeddedServer(ABC):
    """One server process on loopback. It can be stopped and started again at the same address."""

    NAME: str
    START_TIMEOUT_S: float

    def __init__(self, *, host: str, port: int | None, data: Path | None, prefix: str) -> None:
        self.host = host
        self.port = free_port(host) if port is None else port
        self._folder = Folder(data, prefix)
        self._child: Child | None = None

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command line."""

    @abstractmethod
    def _environment(self) -> Mapping[str, str]:
        """Return its environment."""

    @abstractmethod
    def _answers(self, pid: int) -> bool:
        """Whether this very process, and no other at its address, serves by now."""

    @property
    def pid(self) -> int:
        """Its process id, to stop or kill it in a test."""
        if self._child is None:
            raise ServerFailedError(f"{self.NAME} is not running")
        return self._child.pid

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        try:
            await self.astart()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)

    def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            ServerFailedError: with the end of its log.
        """
        deadline = self._spawn()
        while not self._serves(deadline):
            time.sleep(_POLL_S)

    async def astart(self) -> None:
        """Start it as :meth:`start` does, without blocking the loop."""
        deadline = self._spawn()
        while not await asyncio.to_thread(self._serves, deadline):  # noqa: ASYNC110 - a port has no event
            await asyncio.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop it; what it keeps in its data folder stays."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def close(self) -> None:
        """Stop it for good and remove its temporary folder."""
        self.stop()
        self._folder.remove()

    def _spawn(self) -> float:
        if self._child is not None:
            raise ServerFailedError(f"{self.NAME} is running already")
        self._child = Child(self._command(), self._environment(), self._folder.path / "server.log")
        return time.monotonic() + self.START_TIMEOUT_S

    def _serves(self, deadline: float) -> bool:
        child = self._child
        if child is None:
            raise ServerFailedError(f"{self.NAME} was stopped while it started")
        child.check()
        if time.monotonic() > deadline:
            raise ServerFailedError(
                f"{self.NAME} did not serve within {self.START_TIMEOUT_S:.0f} s:\n{child.tail()}"
            )
        return self._answers(child.pid)
