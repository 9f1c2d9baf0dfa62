"""A simulator: all parts put together, listening, and taken down again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Self

from aiohttp import web

from segue_devkit.discord.acting import People
from segue_devkit.discord.admin.act import ActCalls
from segue_devkit.discord.admin.audio import AudioCalls
from segue_devkit.discord.admin.control import ControlCalls
from segue_devkit.discord.admin.guilds import GuildCalls
from segue_devkit.discord.admin.http import errors as admin_errors
from segue_devkit.discord.admin.people import PeopleCalls
from segue_devkit.discord.admin.streams import StreamCalls
from segue_devkit.discord.delivery import Delivery
from segue_devkit.discord.files import Files
from segue_devkit.discord.gateway.hub import Hub
from segue_devkit.discord.gateway.protocol import Close
from segue_devkit.discord.ids import Ids
from segue_devkit.discord.interactions import Interactions
from segue_devkit.discord.knobs import Knobs
from segue_devkit.discord.lag import LoopLag
from segue_devkit.discord.rest.access import Access
from segue_devkit.discord.rest.application import ApplicationCalls
from segue_devkit.discord.rest.attaching import Attaching
from segue_devkit.discord.rest.channels import ChannelCalls
from segue_devkit.discord.rest.commands import CommandCalls
from segue_devkit.discord.rest.gate import RestGate
from segue_devkit.discord.rest.guilds import GuildRestCalls
from segue_devkit.discord.rest.interactions import InteractionCalls
from segue_devkit.discord.rest.messages import MessageCalls
from segue_devkit.discord.rest.routes import rest_app
from segue_devkit.discord.rest.stages import StageCalls
from segue_devkit.discord.voice.desk import Desk
from segue_devkit.discord.voice.servers import VoiceServers
from segue_devkit.discord.voice.sink import Sinks
from segue_devkit.discord.weather import Weather
from segue_devkit.discord.world import World

if TYPE_CHECKING:
    from types import TracebackType

    from segue_devkit.discord.config import SimConfig


class Simulator:
    """``async with Simulator(config) as simulator``: listening inside, gone outside."""

    def __init__(self, config: SimConfig) -> None:
        self._config = config
        self._port = config.port
        self.knobs = Knobs()
        self.knobs.update(config.knobs)
        self.weather = Weather(self.knobs, random.Random(config.seed))
        self.world = World(Ids(), bot_name=config.bot_name, token=config.token)
        self.hub = Hub(self.world, self.knobs, self.weather, lambda: self.gateway_url)
        self.sinks = Sinks(self.knobs)
        self._lag = LoopLag()
        self.voice = VoiceServers(config.regions, self.knobs, self.weather, self.sinks)
        self.desk = Desk(self.world, self.knobs, self.voice)
        self.hub.voice = self.desk
        self.voice.grants = lambda: self.desk.grants
        self.interactions = Interactions(self.world, self.knobs)
        self.files = Files(self.world.ids, self.knobs, lambda: self.url)
        self.people = People(self.world, self.interactions, self.files, self.knobs)
        self._gate = RestGate(self.world, self.knobs, self.weather)
        self._streams = StreamCalls(self.world)
        self._audio = AudioCalls(self.world, self.sinks, self.voice)
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)

    @property
    def url(self) -> str:
        """Where REST and /sim listen."""
        return f"http://{self._config.host}:{self._port}"

    @property
    def gateway_url(self) -> str:
        """Where the gateway listens."""
        return f"ws://{self._config.host}:{self._port}"

    def _application(self) -> web.Application:
        app = web.Application()
        app.add_subapp("/api/v10", self._rest())
        app.add_subapp("/sim", self._admin())
        app.add_routes([web.get("/", self.hub.serve), web.get("/resume", self.hub.serve)])
        app.add_routes(Delivery(self.files).routes())
        return app

    def _rest(self) -> web.Application:
        world, access = self.world, Access(self.world)
        attaching = Attaching(self.files, self.knobs, world.bot.id)
        regions = tuple(self._config.regions)
        return rest_app(
            self._gate,
            (
                ApplicationCalls(world, self.hub, self.knobs, lambda: self.gateway_url, regions),
                CommandCalls(world, self.knobs),
                ChannelCalls(world, access),
                MessageCalls(world, access, attaching),
                GuildRestCalls(world, access, self.desk, self.knobs),
                StageCalls(world, access),
                InteractionCalls(world, self.interactions, attaching),
            ),
        )

    def _admin(self) -> web.Application:
        admin = web.Application(middlewares=[admin_errors], client_max_size=64 << 20)
        control = ControlCalls(
            self.world, self.knobs, self.hub, self.desk, self.voice, gate=self._gate, lag=self._lag
        )
        guilds = GuildCalls(self.world, frozenset(self._config.regions))
        people = PeopleCalls(self.world, self.people, self.files)
        acts = ActCalls(self.world, self.people, self.interactions)
        for part in (control, guilds, people, acts, self._streams, self._audio):
            admin.add_routes(part.routes())
        return admin

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def _open(self) -> None:
        self._lag.start()
        if self._config.tls_dir is not None:
            await self.voice.open(self._config.tls_dir, self._config.voice_port)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._config.host, self._config.port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        self._lag.close()
        self._streams.close()
        self.hub.close_all(Close.GOING_AWAY)
        self.desk.close()
        await self._audio.close()
        await self.voice.close()
        await self._runner.cleanup()
