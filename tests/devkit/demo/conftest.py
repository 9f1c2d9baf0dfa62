"""A demo without a bot: a real simulator, its guilds and people, and the page's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from segue_devkit.demo.server import DemoServer
from segue_devkit.demo.world import DemoWorld
from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import SimConfig
from segue_devkit.discord.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A simulator in this process, on free ports."""
    async with Simulator(SimConfig(tls_dir=tmp_path / "tls")) as running:
        yield running


@pytest.fixture
async def world(simulator: Simulator) -> AsyncIterator[DemoWorld]:
    """The demo's guilds in it."""
    async with SimClient(simulator.url) as discord:
        yield await DemoWorld.build(discord, ("us-east",))


@pytest.fixture
async def page(world: DemoWorld) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the page's server."""
    server = DemoServer(world, pictures=("http://pictures.example",))
    try:
        async with aiohttp.ClientSession(await server.start("127.0.0.1", 0)) as session:
            yield session
    finally:
        await server.close()
