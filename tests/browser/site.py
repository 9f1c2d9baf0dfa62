"""The page's server in this process, on a simulator, with or without a bot."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from segue_devkit.demo.server import DemoServer
from segue_devkit.demo.world import DemoWorld


@dataclass
class Site:
    """It can go and come back at the same address."""

    world: DemoWorld
    server: DemoServer
    url: str

    @classmethod
    async def open(cls, world: DemoWorld) -> Site:
        """Serve it."""
        server = DemoServer(world)
        return cls(world, server, await server.start("127.0.0.1", 0))

    async def stop(self) -> None:
        """Go away."""
        await self.server.close()

    async def start(self) -> None:
        """Come back."""
        self.server = DemoServer(self.world)
        port = urlsplit(self.url).port
        assert port is not None
        await self.server.start("127.0.0.1", port)
