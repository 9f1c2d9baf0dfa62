"""A real PostgreSQL on loopback: a context manager, and a program that reads the official image's env.

``python -m segue_devkit.embedded.postgres --host 127.0.0.1 --port 5432`` with ``POSTGRES_USER``,
``POSTGRES_PASSWORD``, ``POSTGRES_DB`` and ``PGDATA``.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import psycopg

from segue_devkit.embedded.postgres_launcher import main
from segue_devkit.embedded.process import Child, Folder, ServerFailedError, free_port

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

START_TIMEOUT_S = 60.0
"""Making a data folder takes a second, on a busy machine some."""
_POLL_S = 0.05


class EmbeddedPostgres:
    """One PostgreSQL server with one user and one database; stopped and started again at will.

    ``durable=False`` (for tests) leaves out fsync: a crash of the machine could lose data, one of
    the server cannot.
    """

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
        self.host = host
        self.port = free_port(host) if port is None else port
        self.user = user
        self._password = password
        self.database = database
        self._durable = durable
        self._folder = Folder(data, "segue-postgres-")
        self._child: Child | None = None

    @property
    def dsn(self) -> str:
        """Where clients find it, password included."""
        return self.dsn_of(self.database)

    def dsn_of(self, database: str) -> str:
        """Return the address of another database of this server."""
        account = f"{quote(self.user, safe='')}:{quote(self._password, safe='')}"
        return f"postgresql://{account}@{self.host}:{self.port}/{quote(database, safe='')}"

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
        """Start it and wait until it answers a query.

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
        """Stop it: clients are disconnected, what was committed stays."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def close(self) -> None:
        """Stop it for good and remove its temporary folder."""
        self.stop()
        self._folder.remove()

    def _spawn(self) -> float:
        if self._child is not None:
            raise ServerFailedError("PostgreSQL is running already")
        command = [sys.executable, "-m", "segue_devkit.embedded.postgres"]
        command += ["--host", self.host, "--port", str(self.port)]
        if not self._durable:
            command += ["--set", "fsync=off", "--set", "synchronous_commit=off"]
        env = dict(os.environ) | {
            "POSTGRES_USER": self.user,
            "POSTGRES_PASSWORD": self._password,
            "POSTGRES_DB": self.database,
            "PGDATA": str(self._folder.path / "data"),
        }
        self._child = Child(command, env, self._folder.path / "postgres.log")
        return time.monotonic() + START_TIMEOUT_S

    def _serves(self, deadline: float) -> bool:
        child = self._child
        if child is None:
            raise ServerFailedError("PostgreSQL was stopped while it started")
        child.check()
        if time.monotonic() > deadline:
            raise ServerFailedError(
                f"PostgreSQL did not serve within {START_TIMEOUT_S:.0f} s:\n{child.tail()}"
            )
        try:
            with psycopg.connect(self.dsn, connect_timeout=2) as connection:
                place = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        return place == (str(self._folder.path / "data"),)  # else somebody else has the port


if __name__ == "__main__":
    sys.exit(main())
