"""The embedded servers: real ones, ended with whoever started them, leaving nothing behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

from segue_core.redis.connection import connect
from segue_devkit.embedded.postgres import EmbeddedPostgres
from segue_devkit.embedded.process import ServerFailedError, free_port
from segue_devkit.embedded.valkey import EmbeddedValkey, valkey_server_path

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder only we can enter, as a supervisor's temporary folders are."""
    made = Path(tempfile.mkdtemp(prefix="segue-test-"))
    yield made
    shutil.rmtree(made)


async def until(condition: Any, seconds: float = 20) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_the_wheel_s_valkey_server_can_be_run() -> None:
    """The path is that of a program."""
    assert os.access(valkey_server_path(), os.X_OK)


async def test_valkey_lives_as_long_as_its_context() -> None:
    """It answers inside, is gone outside, and its folder with it."""
    async with EmbeddedValkey(host="127.9.9.9") as server:
        client = connect(server.url, "test")
        assert await client.execute_command("SET", "a", "1")
        await client.aclose()
        pid, place = server.pid, server._folder.path
        assert place.exists()
    assert gone(pid)
    assert not place.exists()


async def test_valkey_with_a_folder_remembers(folder: Path) -> None:
    """Stopped and started again at the same address, it has what it had."""
    async with EmbeddedValkey(data=folder) as server:
        client = connect(server.url, "test")
        await client.execute_command("SET", "a", "1")
        await asyncio.to_thread(server.stop)
        await server.astart()
        assert await client.execute_command("GET", "a") == b"1"
        await client.aclose()
    assert folder.exists()


async def test_a_taken_port_fails_with_the_log() -> None:
    """What the server said is in the error."""
    async with EmbeddedValkey() as first:
        with pytest.raises(ServerFailedError, match=r"(?i)address already in use|bind"):
            await EmbeddedValkey(port=first.port).__aenter__()


async def test_postgres_keeps_its_data_over_a_restart() -> None:
    """Any loopback address; what was committed is there after a stop and a start."""
    async with EmbeddedPostgres(
        host="127.9.9.8", user="o.brien", password="p@ss/word", database="my db"
    ) as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE t AS SELECT 7 AS n")
            await asyncio.to_thread(server.stop)
        await server.astart()
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT n FROM t").fetchone() == (7,)
        place = server._folder.path
    assert not place.exists()


def launch(folder: Path, port: int, **env: str) -> subprocess.Popen[bytes]:
    """Start the launcher as a supervisor would."""
    given = dict(os.environ) | {"POSTGRES_PASSWORD": "pw", "PGDATA": str(folder / "pg" / "data")} | env
    command = [sys.executable, "-m", "segue_devkit.embedded.postgres", "--port", str(port)]
    return subprocess.Popen(command, env=given, stderr=subprocess.PIPE)


def answers(port: int, user: str = "postgres") -> bool:
    """Whether PostgreSQL answers there, with the right password."""
    try:
        psycopg.connect(host="127.0.0.1", port=port, user=user, password="pw", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0)])
async def test_the_launcher_stops_cleanly(folder: Path, number: signal.Signals, code: int) -> None:
    """In a folder closed to others, with a client connected: a signal ends it at once, in order."""
    port = free_port()
    process = launch(folder, port)
    try:
        await until(lambda: answers(port))
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        client = psycopg.connect(host="127.0.0.1", port=port, user="postgres", password="pw")
        process.send_signal(number)
        assert await asyncio.to_thread(process.wait, 10) == code
        client.close()
        assert all(gone(child.pid) for child in children)
        assert not list(folder.rglob("postmaster.pid"))
        assert not list(folder.rglob(".password-*"))
    finally:
        process.kill()
        process.communicate()


async def test_a_killed_launcher_takes_its_server_along(folder: Path) -> None:
    """SIGKILL leaves no PostgreSQL behind, and the data starts again."""
    port = free_port()
    process = launch(folder, port, POSTGRES_USER="segue")
    try:
        await until(lambda: answers(port, "segue"))
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        await until(lambda: all(gone(child.pid) for child in children))
    finally:
        process.kill()
        process.communicate()
    again = launch(folder, port, POSTGRES_USER="segue")
    try:
        await until(lambda: answers(port, "segue"))
    finally:
        again.terminate()
        again.communicate(timeout=20)


@pytest.mark.parametrize("missing", ["POSTGRES_PASSWORD", "PGDATA"])
async def test_a_missing_variable_is_named(folder: Path, missing: str) -> None:
    """Without what it needs the launcher says so and ends."""
    process = launch(folder, free_port(), **{missing: ""})
    _, said = await asyncio.to_thread(process.communicate, None, 20)
    assert process.returncode == 1
    assert missing in said.decode()
