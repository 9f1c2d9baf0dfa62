"""A real PostgreSQL on loopback: a context manager, and a program that reads the official image's env.

``python -m segue_devkit.embedded.postgres --host 127.0.0.1 --port 5432`` with ``POSTGRES_USER``,
``POSTGRES_PASSWORD``, ``POSTGRES_DB`` and ``PGDATA``.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from segue_devkit.embedded.postgres_launcher import main
from segue_devkit.embedded.server import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL server with one user and one database; stopped and started again at will.

    ``durable=False`` (for tests) leaves out fsync: a crash of the machine could lose data, one of
    the server cannot.
    """

    NAME = "PostgreSQL"
    START_TIMEOUT_S = 60.0
    """Making a data folder takes a second, on a busy machine some."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        data: Path | None = None,
        user: str = "segue",
        password: str = "segue",  # noqa: S107 - a server on loopback
        database: str = "segue",
        durable: bool = True,
    ) -> None:
        super().__init__(host=host, port=port, data=data, prefix="segue-postgres-")
        self.user = user
        self._password = password
        self.database = database
        self._durable = durable

    @property
    def dsn(self) -> str:
        """Where clients find it, password included."""
        return self.dsn_of(self.database)

    def dsn_of(self, database: str) -> str:
        """Return the address of another database of this server."""
        account = f"{quote(self.user, safe='')}:{quote(self._password, safe='')}"
        return f"postgresql://{account}@{self.host}:{self.port}/{quote(database, safe='')}"

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "segue_devkit.embedded.postgres"]
        command += ["--host", self.host, "--port", str(self.port)]
        if not self._durable:
            command += ["--set", "fsync=off", "--set", "synchronous_commit=off"]
        return command

    def _environment(self) -> Mapping[str, str]:
        return dict(os.environ) | {
            "POSTGRES_USER": self.user,
            "POSTGRES_PASSWORD": self._password,
            "POSTGRES_DB": self.database,
            "PGDATA": str(self._folder.path / "data"),
        }

    def _answers(self, pid: int) -> bool:
        # The process is a launcher: its server is told by the data folder, not by its id.
        del pid
        try:
            with psycopg.connect(self.dsn, connect_timeout=2) as connection:
                place = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        return place == (str(self._folder.path / "data"),)  # else somebody else has the port


if __name__ == "__main__":
    sys.exit(main())
