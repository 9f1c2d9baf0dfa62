"""The application that hikari's parts see: shards come and go while it runs.

hikari's own GatewayBot starts a fixed set of shards. This one is made of the same parts and satisfies
the same trait, so that hikari's entities, and libraries for commands built on them, work with it.
"""

from __future__ import annotations

import asyncio
import math
import types
from typing import TYPE_CHECKING

import aiohttp
import hikari
import stamina
import structlog
from hikari import api as hikari_api
from hikari import presences as hikari_presences
from hikari import snowflakes, traits, undefined
from hikari import users as hikari_users
from hikari.impl import (
    CacheImpl,
    CacheSettings,
    EntityFactoryImpl,
    EventFactoryImpl,
    EventManagerImpl,
    HTTPSettings,
    ProxySettings,
    RESTClientImpl,
    VoiceComponentImpl,
)

from segue_core.ids import ChannelId, GuildId, ShardId, UserId, shard_of
from segue_worker.gateway import payloads
from segue_worker.gateway.budget import Lane
from segue_worker.gateway.errors import DiscordUnreachableError, ShardUnavailableError
from segue_worker.gateway.feed import EventFeed
from segue_worker.gateway.info import BotIdentity, GatewayInfo, gateway_info, own_application, own_user
from segue_worker.gateway.interactions import InteractionRest
from segue_worker.gateway.proxy import has_proxy
from segue_worker.gateway.voice_states import VoiceStates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import datetime

    from hikari.api import shard as hikari_shard

    from segue_worker.gateway.events import EventSink
    from segue_worker.gateway.shard import SegueShard

INTENTS = hikari.Intents.GUILDS | hikari.Intents.GUILD_VOICE_STATES
"""All a music bot needs; interactions come without any."""

VOICE_STATE_TIMEOUT_S = 5.0
_LONGEST_RETRY_S = 30.0

_log = structlog.get_logger(__name__)


class WorkerBot(traits.GatewayBotAware):
    """hikari's view of this worker. ``start`` it before any shard is added, ``close`` it last."""

    def __init__(self, *, token: str, rest_url: str, num_shards: int, sink: EventSink) -> None:
        self._num_shards = num_shards
        self._http_settings = HTTPSettings(force_close_transports=False)
        self._proxy_settings = ProxySettings(trust_env=has_proxy(rest_url))
        # Nothing but ourselves: who is in which voice channel is kept in our own map, and Discord is
        # not mirrored.
        self._cache = CacheImpl(self, CacheSettings(components=hikari_api.CacheComponents.ME))
        self._entity_factory = EntityFactoryImpl(self)
        self._event_factory = EventFactoryImpl(self)
        self._event_manager = EventManagerImpl(
            self._entity_factory, self._event_factory, INTENTS, auto_chunk_members=False, cache=self._cache
        )
        self._voice = VoiceComponentImpl(self)
        self._rest = RESTClientImpl(
            cache=self._cache,
            entity_factory=self._entity_factory,
            executor=None,
            http_settings=self._http_settings,
            proxy_settings=self._proxy_settings,
            rest_url=rest_url.rstrip("/"),
            token=token,
            token_type=hikari.TokenType.BOT,
        )
        self._rest_url = rest_url
        self._http: aiohttp.ClientSession | None = None
        self._interactions: InteractionRest | None = None
        self._shards: dict[int, SegueShard] = {}
        self._identity: BotIdentity | None = None
        self._closed = asyncio.Event()
        self.voice_states = VoiceStates()
        self.feed = EventFeed(self._event_manager, sink, self.voice_states)

    # hikari's traits.

    @property
    def cache(self) -> hikari_api.Cache:
        """Holds the bot's own user and nothing else."""
        return self._cache

    @property
    def entity_factory(self) -> hikari_api.EntityFactory:
        """Makes hikari's entities."""
        return self._entity_factory

    @property
    def event_factory(self) -> hikari_api.EventFactory:
        """Makes hikari's events."""
        return self._event_factory

    @property
    def event_manager(self) -> hikari_api.EventManager:
        """Listeners registered here get every event of every held shard."""
        return self._event_manager

    @property
    def executor(self) -> Executor | None:
        """None: asyncio's default."""
        return None

    @property
    def http_settings(self) -> HTTPSettings:
        """HTTP settings of the REST client."""
        return self._http_settings

    @property
    def proxy_settings(self) -> ProxySettings:
        """Proxies as the environment names them."""
        return self._proxy_settings

    @property
    def intents(self) -> hikari.Intents:
        """The intents of all our sessions."""
        return INTENTS

    @property
    def rest(self) -> hikari_api.RESTClient:
        """The REST client."""
        return self._rest

    @property
    def voice(self) -> hikari_api.VoiceComponent:
        """The voice component of hikari; music is Lavalink's business."""
        return self._voice

    @property
    def heartbeat_latencies(self) -> Mapping[int, float]:
        """Seconds, for each held shard."""
        return {number: shard.heartbeat_latency for number, shard in self._shards.items()}

    @property
    def heartbeat_latency(self) -> float:
        """Average over the shards that have one, NaN when none has."""
        known = [latency for latency in self.heartbeat_latencies.values() if not math.isnan(latency)]
        return sum(known) / len(known) if known else float("nan")

    @property
    def shards(self) -> Mapping[int, hikari_shard.GatewayShard]:
        """The shards held at this moment."""
        return types.MappingProxyType(self._shards)

    @property
    def shard_count(self) -> int:
        """How many shards the bot has in the whole cluster."""
        return self._num_shards

    @property
    def is_alive(self) -> bool:
        """Whether we are started and not closed."""
        return self._identity is not None and not self._closed.is_set()

    def get_me(self) -> hikari_users.OwnUser | None:
        """Return the bot's user."""
        return self._cache.get_me()

    async def start(self) -> None:
        """Open the REST client and learn who we are; waits for Discord as long as it takes.

        Raises:
            BadTokenError: the token is wrong.
        """
        self._rest.start()
        await self._event_manager.dispatch(
            self._event_factory.deserialize_starting_event(), return_tasks=True
        )
        async for attempt in stamina.retry_context(
            # For ever: a worker that gave up would only be started again.
            on=DiscordUnreachableError,
            attempts=None,
            timeout=None,
            wait_initial=0.5,
            wait_max=_LONGEST_RETRY_S,
        ):
            with attempt:
                me = await own_user(self._rest)
                application = await own_application(self._rest)
        self._cache.set_me(me)
        self._identity = BotIdentity(user=UserId(int(me.id)), name=me.username, application=application)
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), trust_env=self._proxy_settings.trust_env
        )
        self._interactions = InteractionRest(self._http, self._rest_url, application, self._entity_factory)
        await self._event_manager.dispatch(self._event_factory.deserialize_started_event(), return_tasks=True)
        _log.info("known to Discord", user=me.username, user_id=int(me.id))

    def run(self) -> None:
        """Start and block until closed."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self.start()
        await self.join()

    async def join(self) -> None:
        """Wait until closed."""
        await self._closed.wait()

    async def close(self) -> None:
        """Detach what shards are left, then close the REST client. Sessions stay resumable."""
        if self._closed.is_set():
            return
        await self._event_manager.dispatch(
            self._event_factory.deserialize_stopping_event(), return_tasks=True
        )
        await asyncio.gather(*(shard.detach() for shard in self._shards.values()), return_exceptions=True)
        self._shards.clear()
        if self._rest.is_alive:
            await self._rest.close()
        if self._http is not None:
            await self._http.close()
        self._closed.set()

    async def update_presence(
        self,
        *,
        idle_since: undefined.UndefinedNoneOr[datetime] = undefined.UNDEFINED,
        status: undefined.UndefinedOr[hikari_presences.Status] = undefined.UNDEFINED,
        activity: undefined.UndefinedNoneOr[hikari_presences.Activity] = undefined.UNDEFINED,
        afk: undefined.UndefinedOr[bool] = undefined.UNDEFINED,
    ) -> None:
        """Change the presence on every held shard."""
        for shard in tuple(self._shards.values()):
            await shard.update_presence(idle_since=idle_since, status=status, activity=activity, afk=afk)

    async def update_voice_state(
        self,
        guild: snowflakes.SnowflakeishOr[hikari.PartialGuild],
        channel: snowflakes.SnowflakeishOr[hikari.GuildVoiceChannel] | None,
        *,
        self_mute: undefined.UndefinedOr[bool] = undefined.UNDEFINED,
        self_deaf: undefined.UndefinedOr[bool] = undefined.UNDEFINED,
    ) -> None:
        """Send op 4 on the guild's shard; RuntimeError when it is not held here."""
        shard = self._shard_of(int(guild))
        await shard.update_voice_state(guild, channel, self_mute=self_mute, self_deaf=self_deaf)

    async def request_guild_members(
        self,
        guild: snowflakes.SnowflakeishOr[hikari.PartialGuild],
        *,
        include_presences: undefined.UndefinedOr[bool] = undefined.UNDEFINED,
        query: str = "",
        limit: int = 0,
        users: undefined.UndefinedOr[
            snowflakes.SnowflakeishSequence[hikari_users.User]
        ] = undefined.UNDEFINED,
        nonce: undefined.UndefinedOr[str] = undefined.UNDEFINED,
    ) -> None:
        """Ask on the guild's shard for members; RuntimeError when it is not held here."""
        await self._shard_of(int(guild)).request_guild_members(
            guild, include_presences=include_presences, query=query, limit=limit, users=users, nonce=nonce
        )

    async def request_channel_info(
        self,
        guild: snowflakes.SnowflakeishOr[hikari.PartialGuild],
        *,
        fields: Sequence[hikari_shard.ChannelInfoField],
    ) -> None:
        """Ask on the guild's shard for channel data; RuntimeError when it is not held here."""
        await self._shard_of(int(guild)).request_channel_info(guild, fields=fields)

    # Ours.

    @property
    def identity(self) -> BotIdentity:
        """Who we are; RuntimeError before :meth:`start`."""
        if self._identity is None:
            raise RuntimeError("the bot was not started")
        return self._identity

    @property
    def interactions(self) -> InteractionRest:
        """Answers to interactions; RuntimeError before :meth:`start`."""
        if self._interactions is None:
            raise RuntimeError("the bot was not started")
        return self._interactions

    async def gateway_info(self) -> GatewayInfo:
        """Ask Discord where to connect; see :func:`segue_worker.gateway.info.gateway_info`."""
        return await gateway_info(self._rest)

    def add(self, shard: SegueShard) -> None:
        """Take a shard in, before it is opened."""
        self._shards[shard.id] = shard

    def drop(self, shard: ShardId) -> None:
        """Forget a shard that has been detached or aborted, with everything known of its guilds."""
        self._shards.pop(shard, None)
        self.feed.released(shard)

    async def set_voice_channel(
        self, guild: GuildId, channel: ChannelId | None, *, self_deaf: bool = True
    ) -> None:
        """Join, move to, or leave a voice channel; waits up to 5 s for a session that is being resumed.

        Raises:
            ShardUnavailableError: the shard is not held here, or not ready in time.
            LeaseLapsedError: the lease does not allow it now.
            TransportError: the connection broke under it.
        """
        shard = self._shards.get(shard_of(guild, self._num_shards))
        if shard is None:
            raise ShardUnavailableError(f"the shard of guild {guild} is not held here")
        await shard.ready(VOICE_STATE_TIMEOUT_S)
        try:
            await shard.send(payloads.voice_state(guild, channel, self_deaf=self_deaf), Lane.VOICE)
        except hikari.ComponentStateConflictError as error:
            raise ShardUnavailableError(str(error)) from error

    def _shard_of(self, guild: int) -> SegueShard:
        shard = self._shards.get(shard_of(GuildId(guild), self._num_shards))
        if shard is None:
            raise RuntimeError(f"the shard of guild {guild} is not held here")
        return shard
