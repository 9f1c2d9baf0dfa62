"""Services that are started with something wrong say it in one line, and retry or exit as fits."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from segue_core.redis import topology
from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_devkit.discord.config import DEFAULT_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.e2e.conftest import Town

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ADDRESS = "127.99.7.1"
NOWHERE = "127.0.0.1:1"
SOON_S = 40.0


class Worker:
    """A worker process with its log."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    def said(self) -> list[str]:
        """Return the lines it printed so far."""
        return self._log.read_text(encoding="utf-8").splitlines()

    async def says(self, words: str) -> str:
        """Wait for a line with these words."""
        async with asyncio.timeout(SOON_S):
            while True:
                for line in self.said():
                    if words in line:
                        return line
                assert self.process.returncode is None, "\n".join(self.said())
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _worker(settings: Mapping[str, str], log: Path) -> AsyncIterator[Worker]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "segue_worker"), stdout=output, stderr=output, env={**env, **settings}
        )
    try:
        yield Worker(process, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(SOON_S):
                await process.wait()


@pytest.fixture
def settings(town: Town) -> dict[str, str]:
    """Return the environment of a worker of its own cluster, beside the one that runs."""
    return {
        "SEGUE_CLUSTER": "stranger",
        "SEGUE_POD_NAME": "stranger-worker-0",
        "SEGUE_POD_IP": ADDRESS,
        "SEGUE_REDIS_URL": town.dev.redis_url,
        "SEGUE_POSTGRES_DSN": town.dev.postgres_dsn,
        "SEGUE_DISCORD_TOKEN": "a token that nobody knows",
        "SEGUE_DISCORD_API_URL": town.discord.api_url,
        "SEGUE_LAVALINK_PASSWORD": "a password",
        "SEGUE_ROUTER_TARGETS": ",".join(town.dev.router_targets),
        "SEGUE_SHARDS_PER_WORKER": "1",
        "SEGUE_LOG_FORMAT": "console",
    }


async def _publish(town: Town) -> None:
    """Give the stranger's cluster the topology of the one that runs."""
    redis = connect(town.dev.redis_url, "e2e")
    try:
        found = await topology.read(redis, Keys(town.dev.cluster.name))
        assert found is not None
        await topology.publish(redis, Keys("stranger"), found)
    finally:
        await redis.aclose()


async def test_a_wrong_token_is_one_line_and_an_end(
    town: Town, settings: dict[str, str], tmp_path: Path
) -> None:
    """Discord refuses the token: the worker says which setting to change, and exits with 3."""
    await _publish(town)
    async with _worker(settings, tmp_path / "log") as worker:
        async with asyncio.timeout(SOON_S):
            assert await worker.process.wait() == 3
        (line,) = [line for line in worker.said() if "refused the bot token" in line]
        assert "set SEGUE_DISCORD_TOKEN" in line
        assert "a token that nobody knows" not in "\n".join(worker.said())
        assert "Traceback" not in "\n".join(worker.said())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SEGUE_REDIS_URL", f"redis://:hidden@{NOWHERE}", "Redis"),
        ("SEGUE_POSTGRES_DSN", "", "PostgreSQL can't be asked"),
        ("SEGUE_POSTGRES_DSN", f"postgresql://segue:hidden@{NOWHERE}/segue", "PostgreSQL"),
        ("SEGUE_DISCORD_API_URL", f"http://{NOWHERE}/api/v10", "Discord"),
    ],
    ids=["Redis", "PostgreSQL's password", "PostgreSQL", "Discord"],
)
async def test_a_server_that_is_not_there_is_waited_for(
    town: Town, settings: dict[str, str], tmp_path: Path, name: str, value: str, words: str
) -> None:
    """Nobody there: a line says so without the password, the worker goes on trying, and ends when told."""
    await _publish(town)
    if not value:
        value = re.sub("://[^@]*@", "://segue:hidden@", settings[name])
    right = {"SEGUE_DISCORD_TOKEN": DEFAULT_TOKEN}
    async with _worker({**settings, **right, name: value}, tmp_path / "log") as worker:
        await worker.says(words)
        worker.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SOON_S):
            await worker.process.wait()
        said = "\n".join(worker.said())
        assert "hidden" not in said
        assert "Traceback" not in said


async def test_settings_that_are_missing_or_nonsense_are_named(tmp_path: Path) -> None:
    """Every wrong variable is named with what it must be; exit 2, and nothing was started."""
    wrong = {"SEGUE_SHARDS_PER_WORKER": "none", "SEGUE_REDIS_URL": "http://x"}
    async with _worker(wrong, tmp_path / "log") as worker:
        async with asyncio.timeout(SOON_S):
            assert await worker.process.wait() == 2
        said = "\n".join(worker.said())
        for name in ("SEGUE_SHARDS_PER_WORKER", "SEGUE_DISCORD_TOKEN", "SEGUE_POSTGRES_DSN"):
            assert name in said
        assert "Traceback" not in said
