"""One child process: started in a group of its own, and gone when its parent is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from segue_devkit.embedded.tether import tethered

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Child:
    """A running process. Everything it started that stayed in its group is ended with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, argv: tuple[str, ...], env: Mapping[str, str], folder: Path, log: Path) -> Child:
        """Start a program with its output appended to ``log``.

        Raises:
            OSError: it can't be executed.
        """
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *tethered(argv, signal.SIGKILL, env, folder),
                env=dict(env),
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(process)

    @property
    def running(self) -> bool:
        """Whether its exit has not been seen yet."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return the exit code, negative for a signal, once it ended; its group is ended too."""
        code = await self._process.wait()
        self._signal_group(signal.SIGKILL)
        return code

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and what it started, if it still runs."""
        if self.running:
            self._signal_group(number)

    async def stop(self, grace_s: float) -> int:
        """Ask it to end, and kill it after ``grace_s`` seconds. Returns the exit code."""
        if self.running:
            # To the process alone, as a container engine does; the rest of its group is its own business.
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                return await asyncio.wait_for(asyncio.shield(self.wait()), grace_s)
            except TimeoutError:
                self.signal_group(signal.SIGKILL)
        return await self.wait()

    def _signal_group(self, number: signal.Signals) -> None:
        # start_new_session made the process the leader of its group, so the group's id is its pid.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
