"""A child process that never outlives its parent and ends by its process id."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from segue_devkit.embedded.tether import tethered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STOP_TIMEOUT_S = 10.0
_LOG_TAIL = 4_000


class ServerFailedError(Exception):
    """A server ended, or never answered. The text carries the end of its log."""


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port nobody listens on at ``host`` right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port


class Child:
    """One process with its log in a file."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 - programs we name, no shell
                tethered(command, signal.SIGTERM, env),
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise ServerFailedError when it has ended."""
        code = self._process.poll()
        if code is not None:
            raise ServerFailedError(f"ended with {code}:\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-_LOG_TAIL:] if self.log.exists() else ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code; after ten seconds by SIGKILL."""
        if self.running:
            self._process.send_signal(number)
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class Folder:
    """A server's data folder: the caller's, or a temporary one that goes with the server."""

    def __init__(self, given: Path | None, prefix: str) -> None:
        self._temporary = given is None
        if given is None:
            given = Path(tempfile.mkdtemp(prefix=prefix))
            # An unprivileged server must reach what lies inside; each thing inside is private itself.
            given.chmod(0o755)
        self.path = given

    def remove(self) -> None:
        """Remove it if it was ours."""
        if self._temporary:
            shutil.rmtree(self.path, ignore_errors=True)
