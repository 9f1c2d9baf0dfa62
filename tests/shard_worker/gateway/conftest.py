"""A simulated Discord, and shards of ours on it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from segue_core.ids import Epoch, OwnerId, ShardId
from segue_core.models import Fence, GatewaySession
from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import DEFAULT_TOKEN, SimConfig
from segue_devkit.discord.simulator import Simulator
from segue_worker.gateway.bot import INTENTS, WorkerBot
from segue_worker.gateway.connection import Chances
from segue_worker.gateway.events import Delivery, GatewayEvent, SessionReady, SessionResumed
from segue_worker.gateway.facade import ShardConfig
from segue_worker.gateway.inflate import Compression
from segue_worker.gateway.session import Terms
from segue_worker.gateway.shard import SegueShard
from segue_worker.shards.lease import Grant, Lease

CHANCES = Chances(clock=time.monotonic, uniform=random.Random(1).uniform)


@dataclass
class Notebook:
    """A sink that keeps what it is given; ``handle`` says whether it is done with an event at once."""

    deliveries: list[Delivery] = field(default_factory=list)
    handle: Callable[[GatewayEvent], bool] = lambda _event: True
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if self.handle(delivery.event):
            delivery.handled()
        self._news.set()

    @property
    def events(self) -> list[GatewayEvent]:
        return [delivery.event for delivery in self.deliveries]

    def of(self, kind: type[GatewayEvent]) -> list[GatewayEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait(self, good: Callable[[list[GatewayEvent]], bool], timeout_s: float = 10.0) -> None:
        """Wait until the events so far look as wanted."""
        async with asyncio.timeout(timeout_s):
            while not good(self.events):
                self._news.clear()
                await self._news.wait()

    async def sessions(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until so many sessions became ready."""
        kinds = (SessionReady, SessionResumed)
        await self.wait(lambda found: sum(isinstance(one, kinds) for one in found) >= count, timeout_s)


def make_lease(shard: int = 0, *, seconds: float = 3600.0) -> Lease:
    """Return a lease with its deadline so many seconds ahead."""
    fence = Fence(shard=ShardId(shard), epoch=Epoch(1), owner=OwnerId("test/1"), expires_at=2**42)
    return Lease(Grant(fence=fence, deadline=time.monotonic() + seconds), time.monotonic)


async def open_gate(_shard: ShardId) -> None:
    """Let everybody through."""


class Discord:
    """The simulator, its client, and what is opened on it; all of it ends with the fixture."""

    def __init__(self, simulator: Simulator, client: SimClient, stack: AsyncExitStack) -> None:
        self.simulator = simulator
        self.client = client
        self.token = DEFAULT_TOKEN
        self._stack = stack

    async def bot(self, sink: Notebook, *, num_shards: int = 1, token: str | None = None) -> WorkerBot:
        """Return a started bot."""
        bot = WorkerBot(
            token=token or self.token, rest_url=self.client.api_url, num_shards=num_shards, sink=sink
        )
        self._stack.push_async_callback(bot.close)
        await bot.start()
        return bot

    def shard(
        self,
        bot: WorkerBot,
        *,
        shard: int = 0,
        session: GatewaySession | None = None,
        compression: Compression = Compression.ZSTD,
        lease: Lease | None = None,
        gate: Callable[[ShardId], Awaitable[None]] = open_gate,
        token: str | None = None,
        intents: int = int(INTENTS),
    ) -> SegueShard:
        """Return a shard that is not open yet."""
        made = SegueShard(
            ShardConfig(
                shard=ShardId(shard),
                terms=Terms(num_shards=bot.shard_count, intents=intents),
                token=token or self.token,
                gateway_url=self.simulator.gateway_url,
                compression=compression,
                session=session,
            ),
            listener=bot.feed,
            gate=gate,
            lease=lease or make_lease(shard),
            chances=CHANCES,
        )
        bot.add(made)
        return made


@pytest.fixture
def notebook() -> Notebook:
    """A sink that handles everything at once."""
    return Notebook()


async def wait_until(good: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait until something without an event of its own holds."""
    async with asyncio.timeout(timeout_s):
        while not good():  # noqa: ASYNC110 - states of the product have no event for tests
            await asyncio.sleep(0.01)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Waits for a condition."""
    return wait_until


@pytest.fixture
def lease() -> Callable[..., Lease]:
    """Makes leases, an hour long unless told otherwise."""
    return make_lease


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    """A simulated Discord whose IDENTIFY window is short."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(
            Simulator(SimConfig(knobs={"identify_window_ms": 1, "max_concurrency": 16}))
        )
        client = await stack.enter_async_context(SimClient(simulator.url))
        yield Discord(simulator, client, stack)
