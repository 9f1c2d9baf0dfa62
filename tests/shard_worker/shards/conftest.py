"""Workers as real processes on a simulated Discord and a real Valkey."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import DEFAULT_TOKEN, SimConfig
from segue_devkit.discord.simulator import Simulator

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator, Callable

    from segue_core.redis.keys import Keys

SCRIPT = Path(__file__).with_name("worker_process.py")


@dataclass
class Worker:
    """One worker process and what it has said, each line with when we read it (monotonic seconds)."""

    process: asyncio.subprocess.Process
    lines: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    def said(self, what: str, shard: int | None = None) -> list[dict[str, Any]]:
        return [
            line for _, line in self.lines
            if line["what"] == what and (shard is None or line.get("shard") == shard)
        ]  # fmt: skip

    def at(self, what: str) -> float:
        """Return when it first said so."""
        return next(at for at, line in self.lines if line["what"] == what)

    async def wait(self, good: Callable[[Worker], Any], timeout_s: float = 20.0) -> None:
        """Wait until what it said looks as wanted; the failure shows everything."""
        try:
            async with asyncio.timeout(timeout_s):
                while not good(self):
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            said = "\n".join(str(line) for _, line in self.lines)
            pytest.fail(f"not within {timeout_s} s; it said\n{said}\n{''.join(self.errors)}")

    async def until(self, what: str, count: int = 1, timeout_s: float = 20.0) -> None:
        """Wait until it has said ``what`` so often."""
        await self.wait(lambda worker: len(worker.said(what)) >= count, timeout_s)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self, timeout_s: float = 20.0) -> int:
        """Wait for its end; return its exit code."""
        async with asyncio.timeout(timeout_s):
            code = await self.process.wait()
            await asyncio.gather(*self.readers)
        return code

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            if raw.startswith(b"{"):
                self.lines.append((time.monotonic(), json.loads(raw)))
                self.news.set()
            else:
                self.errors.append(raw.decode())
        await self.process.wait()
        self.news.set()

    async def read_errors(self) -> None:
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            self.errors.append(raw.decode())

    async def kill(self) -> None:
        """End it whatever state it is in."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await asyncio.gather(*self.readers)


class Stage:
    """A simulated Discord, a cluster's keys, and the workers started on them."""

    def __init__(self, simulator: Simulator, client: SimClient, redis_url: str, keys: Keys) -> None:
        self.simulator = simulator
        self.client = client
        self.redis_url = redis_url
        self.keys = keys
        self.token = DEFAULT_TOKEN
        self.workers: list[Worker] = []

    async def worker(
        self, name: str, *, capacity: int = 1, num_shards: int = 1, token: str | None = None
    ) -> Worker:
        """Start a worker process."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ
            | {
                "REDIS_URL": self.redis_url,
                "CLUSTER": self.keys.cluster,
                "API_URL": self.client.api_url,
                "TOKEN": token or self.token,
                "OWNER": f"{name}/1",
                "CAPACITY": str(capacity),
                "NUM_SHARDS": str(num_shards),
            },
        )
        worker = Worker(process)
        worker.readers = [asyncio.create_task(worker.read()), asyncio.create_task(worker.read_errors())]
        self.workers.append(worker)
        return worker

    async def identifies(self) -> int:
        """Return how many IDENTIFYs Discord has seen."""
        return len((await self.client.gateway()).identifies)


@pytest.fixture
async def stage(valkey_url: str, keys: Keys) -> AsyncIterator[Stage]:
    """A stage; every process started on it ends with it."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(
            Simulator(SimConfig(knobs={"identify_window_ms": 1, "max_concurrency": 16}))
        )
        client = await stack.enter_async_context(SimClient(simulator.url))
        made = Stage(simulator, client, valkey_url, keys)
        try:
            yield made
        finally:
            for worker in made.workers:
                await worker.kill()
