"""The face our shard shows to hikari: its interface, in terms of a few things of ours."""

from __future__ import annotations

import abc
import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hikari import capabilities as hikari_capabilities
from hikari import channels as hikari_channels
from hikari import errors as hikari_errors
from hikari import guilds as hikari_guilds
from hikari import intents as hikari_intents
from hikari import presences as hikari_presences
from hikari import snowflakes, undefined
from hikari import users as hikari_users
from hikari.api import shard as hikari_shard

from segue_core.ids import ShardId, UserId
from segue_core.models import GatewaySession
from segue_worker.gateway import payloads, requests
from segue_worker.gateway.budget import Lane
from segue_worker.gateway.errors import ShardUnavailableError
from segue_worker.gateway.inflate import Compression
from segue_worker.gateway.session import Terms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class ShardState(StrEnum):
    """Where a shard stands. Only READY takes sends."""

    IDLE = "idle"
    AWAITING_LEASE = "awaiting_lease"
    AWAITING_GATE = "awaiting_gate"
    CONNECTING = "connecting"
    IDENTIFYING = "identifying"
    RESUMING = "resuming"
    READY = "ready"
    BACKING_OFF = "backing_off"
    DETACHING = "detaching"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardConfig:
    """What a shard is opened with. ``had_session``: somebody held this shard before."""

    shard: ShardId
    terms: Terms
    token: str = field(repr=False)
    gateway_url: str
    compression: Compression = Compression.ZSTD
    session: GatewaySession | None = None
    had_session: bool = False


class ShardFacade(hikari_shard.GatewayShard):
    """What hikari asks of a shard."""

    def __init__(self) -> None:
        self._presence = requests.Presence()
        self._ready = asyncio.Event()

    @property
    @abc.abstractmethod
    def config(self) -> ShardConfig:
        """What this shard was opened with."""

    @property
    @abc.abstractmethod
    def state(self) -> ShardState:
        """Where the shard stands."""

    @property
    @abc.abstractmethod
    def latency_s(self) -> float:
        """Seconds from the last heartbeat to its ACK; NaN before the first."""

    @property
    @abc.abstractmethod
    def user(self) -> UserId | None:
        """The bot's own user; None while there is no session."""

    @property
    @abc.abstractmethod
    def task(self) -> asyncio.Task[None] | None:
        """What runs the shard; None before it is opened."""

    @abc.abstractmethod
    def open(self) -> asyncio.Task[None]:
        """Start running without waiting; the task ends with the shard."""

    @abc.abstractmethod
    async def detach(self) -> GatewaySession | None:
        """End here so that the session goes on elsewhere; return what to resume it with."""

    @abc.abstractmethod
    async def send(self, payload: dict[str, Any], lane: Lane) -> None:
        """Send when it is our turn."""

    @property
    def capabilities(self) -> hikari_capabilities.GatewayCapabilities:
        """None: we opt into nothing."""
        return hikari_capabilities.GatewayCapabilities.NONE

    @property
    def heartbeat_latency(self) -> float:
        """Seconds from the last heartbeat to its ACK; NaN before the first."""
        return self.latency_s

    @property
    def id(self) -> int:
        """The 0-based shard number."""
        return self.config.shard

    @property
    def intents(self) -> hikari_intents.Intents:
        """The intents of our sessions."""
        return hikari_intents.Intents(self.config.terms.intents)

    @property
    def is_alive(self) -> bool:
        """Whether the shard runs, connected or about to be."""
        return self.task is not None and not self.task.done()

    @property
    def is_connected(self) -> bool:
        """Whether the shard has a ready session on an open connection."""
        return self.state is ShardState.READY

    @property
    def shard_count(self) -> int:
        """How many shards the bot has."""
        return self.config.terms.num_shards

    def get_user_id(self) -> snowflakes.Snowflake:
        """Return the bot's own user id; known as soon as there is a session."""
        if self.user is None:
            raise hikari_errors.ComponentStateConflictError(f"shard {self.id} has no session yet")
        return snowflakes.Snowflake(self.user)

    @property
    def own_user(self) -> UserId:
        """The bot's own user, 0 (nobody's) while there is no session."""
        return self.user or UserId(0)

    async def start(self) -> None:
        """Open, and wait until the session is ready.

        Raises:
            FatalGatewayError: when Discord refuses for good.
            LeaseLostError: when the shard is taken from us meanwhile.
        """
        task = self.open()
        ready = asyncio.create_task(self._ready.wait(), name="shard start")
        try:
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not self._ready.is_set():
            await asyncio.shield(task)

    async def join(self) -> None:
        """Wait until the shard ends; raises what ended it, if it was an error."""
        if self.task is not None:
            await asyncio.shield(self.task)

    async def close(self) -> None:
        """Close. The session stays resumable; use REST or another client to end it."""
        await self.detach()

    async def update_presence(
        self,
        *,
        idle_since: undefined.UndefinedNoneOr[datetime] = undefined.UNDEFINED,
        afk: undefined.UndefinedOr[bool] = undefined.UNDEFINED,
        activity: undefined.UndefinedNoneOr[hikari_presences.Activity] = undefined.UNDEFINED,
        status: undefined.UndefinedOr[hikari_presences.Status] = undefined.UNDEFINED,
    ) -> None:
        """Change the presence; remembered for the next IDENTIFY when we are not connected."""
        self._presence = self._presence.changed(idle_since, afk, activity, status)
        if self.is_connected:
            await self.send(requests.presence_update(self._presence), Lane.REST)

    async def update_voice_state(
        self,
        guild: snowflakes.SnowflakeishOr[hikari_guilds.PartialGuild],
        channel: snowflakes.SnowflakeishOr[hikari_channels.GuildVoiceChannel] | None,
        *,
        self_mute: undefined.UndefinedOr[bool] = undefined.UNDEFINED,
        self_deaf: undefined.UndefinedOr[bool] = undefined.UNDEFINED,
    ) -> None:
        """Join, move to, or (None) leave a voice channel.

        Raises:
            hikari.errors.ComponentStateConflictError: when not connected.
            LeaseLapsedError: when the lease does not allow it now.
            TransportError: when the connection breaks under it.
        """
        payload = payloads.voice_state(
            int(guild),
            None if channel is None else int(channel),
            self_mute=bool(self_mute or False),
            self_deaf=bool(self_deaf or False),
        )
        await self.send(payload, Lane.VOICE)

    async def request_guild_members(
        self,
        guild: snowflakes.SnowflakeishOr[hikari_guilds.PartialGuild],
        *,
        include_presences: undefined.UndefinedOr[bool] = undefined.UNDEFINED,
        query: str = "",
        limit: int = 0,
        users: undefined.UndefinedOr[
            snowflakes.SnowflakeishSequence[hikari_users.User]
        ] = undefined.UNDEFINED,
        nonce: undefined.UndefinedOr[str] = undefined.UNDEFINED,
    ) -> None:
        """Ask for members; answered by GUILD_MEMBERS_CHUNK."""
        payload = requests.guild_members(
            requests.MemberQuery(
                guild=int(guild),
                query=query,
                limit=limit,
                presences=bool(include_presences or False),
                users=() if users is undefined.UNDEFINED else tuple(int(user) for user in users),
                nonce=None if nonce is undefined.UNDEFINED else nonce,
            ),
            self.intents,
        )
        await self.send(payload, Lane.REST)

    async def request_channel_info(
        self,
        guild: snowflakes.SnowflakeishOr[hikari_guilds.PartialGuild],
        *,
        fields: Sequence[hikari_shard.ChannelInfoField],
    ) -> None:
        """Ask for ephemeral channel data; answered by CHANNEL_INFO."""
        await self.send(requests.channel_info(int(guild), [str(field) for field in fields]), Lane.REST)

    async def ready(self, timeout_s: float) -> None:
        """Wait for a ready session.

        Raises:
            ShardUnavailableError: when there is none within ``timeout_s``.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError as error:
            raise ShardUnavailableError(f"shard {self.id} is {self.state}, not ready") from error
