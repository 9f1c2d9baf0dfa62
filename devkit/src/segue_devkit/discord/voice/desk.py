"""Voice as the main gateway sees it: op 4 in, voice state and voice server events out.

A grant is what a voice server later checks: user, gateway session, guild and token belong together.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from segue_devkit.discord.entering import entering
from segue_devkit.discord.knobs import SameChannelJoin, VoiceEventOrder, VoiceOnGatewayLoss
from segue_devkit.discord.model import VOCAL
from segue_devkit.discord.permissions import Permission, of_member
from segue_devkit.discord.voice.grant import Grant
from segue_devkit.discord.world import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.gateway.session import Session
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.model import Channel, Guild, VoiceState
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World


class VoicePlane(Protocol):
    """What the desk needs of the voice servers."""

    def endpoint(self, region: str) -> str:
        """``host:port`` of a region's voice server."""

    def close_guild(self, guild_id: int, code: int, reason: str) -> None:
        """Close the guild's voice connection, if there is one."""

    def forget(self, guild_id: int) -> None:
        """The bot left voice there."""


class Desk:
    """All grants, and the events that hand them out."""

    def __init__(self, world: World, knobs: Knobs, plane: VoicePlane) -> None:
        self._world = world
        self._knobs = knobs
        self._plane = plane
        self._timers: set[asyncio.TimerHandle] = set()
        self.grants: dict[int, Grant] = {}
        world.subscribe(self._watch)

    # ---- op 4 ------------------------------------------------------------------------------------

    def state_update(self, session: Session, guild_id: int, channel_id: int | None, flags: Payload) -> None:
        """Op 4: join, move, change flags or leave. What is not allowed is passed over in silence."""
        bot = self._world.bot.id
        if channel_id is None:
            self._world.leave_voice(guild_id, bot)
            return
        guild = self._world.guild(guild_id)
        channel = guild.channels.get(channel_id)
        if channel is None or not self._may_enter(guild, channel):
            return
        before = guild.voice_states.get(bot)
        state = entering(
            guild,
            channel,
            bot,
            session.session_id,
            self_mute=bool(flags.get("self_mute")),
            self_deaf=bool(flags.get("self_deaf")),
        )
        same_session = before is not None and before.session_id == session.session_id
        if same_session and guild_id in self.grants:
            moved = before is not None and before.channel_id != channel_id
            self._known_session(state, self.grants[guild_id], moved=moved)
        else:
            self._announce(state, self._new_grant(guild, session.session_id))

    def _known_session(self, state: VoiceState, grant: Grant, *, moved: bool) -> None:
        if moved and self._knobs.move_changes_server:
            guild = self._world.guild(state.guild_id)
            self._plane.close_guild(guild.id, self._knobs.server_change_close_code, "Disconnected.")
            self._announce(state, self._new_grant(guild, state.session_id))
        elif not moved and self._knobs.same_channel_join is SameChannelJoin.STATE_AND_SERVER:
            self._announce(state, grant)
        else:
            self._world.enter_voice(state)

    def _may_enter(self, guild: Guild, channel: Channel) -> bool:
        bot = self._world.bot.id
        allowed = of_member(guild, bot, channel)
        if channel.type not in VOCAL or not allowed & Permission.CONNECT:
            return False
        inside = [each for each in guild.voice_states.values() if each.channel_id == channel.id]
        already = any(each.user_id == bot for each in inside)
        full = 0 < channel.user_limit <= len(inside)
        return already or not full or bool(allowed & Permission.MOVE_MEMBERS)

    def _new_grant(self, guild: Guild, session_id: str) -> Grant:
        grant = Grant(guild.id, self._world.bot.id, session_id, self._world.ids.token(12), guild.region)
        self.grants[guild.id] = grant
        return grant

    def _announce(self, state: VoiceState, grant: Grant) -> None:
        """Both events, in the order and with the delay that the knobs say."""
        delay = self._knobs.voice_server_delay_ms / 1000
        if self._knobs.voice_event_order is VoiceEventOrder.SERVER_FIRST:
            self._send_server(grant)
            self._later(delay, lambda: self._world.enter_voice(state))
        else:
            self._world.enter_voice(state)
            self._later(delay, lambda: self._send_server(grant))

    def _send_server(self, grant: Grant, *, available: bool = True) -> None:
        if self.grants.get(grant.guild_id) is not grant:
            return  # superseded while it was delayed
        data: Payload = {
            "token": grant.token,
            "guild_id": str(grant.guild_id),
            "endpoint": self._plane.endpoint(grant.region) if available else None,
        }
        event = Event("VOICE_SERVER_UPDATE", grant.guild_id, data, session_id=grant.session_id)
        self._world.publish(event)

    # ---- from above ------------------------------------------------------------------------------

    def move_server(self, guild_id: int, region: str, outage_ms: int = 0) -> None:
        """Another voice server for a guild; with an outage the endpoint is null first."""
        self._plane.endpoint(region)
        guild = self._world.guild(guild_id)
        guild.region = region
        old = self.grants.get(guild_id)
        if old is None:
            return
        grant = replace(old, token=self._world.ids.token(12), region=region, first_peer=None, lost_by=set())
        self.grants[guild_id] = grant
        self._plane.close_guild(guild_id, self._knobs.server_change_close_code, "Disconnected.")
        if outage_ms:
            self._send_server(grant, available=False)
        self._later(outage_ms / 1000, lambda: self._send_server(grant))

    def drag(self, guild_id: int, user_id: int, channel_id: int) -> None:
        """A moderator drags somebody into another channel."""
        guild = self._world.guild(guild_id)
        old = guild.voice_states[user_id]
        state = entering(
            guild,
            self._world.channel(channel_id),
            user_id,
            old.session_id,
            self_mute=old.self_mute,
            self_deaf=old.self_deaf,
        )
        if user_id == self._world.bot.id and guild_id in self.grants:
            self._known_session(state, self.grants[guild_id], moved=True)
        else:
            self._world.enter_voice(state)

    # ---- what ends it ----------------------------------------------------------------------------

    def _watch(self, event: Event) -> None:
        bot = str(self._world.bot.id)
        left = event.name == "VOICE_STATE_UPDATE" and event.data["channel_id"] is None
        if (left and event.data["user_id"] == bot) or event.name == "GUILD_DELETE":
            self.grants.pop(event.guild_id, None)
            self._plane.forget(event.guild_id)
            self._plane.close_guild(event.guild_id, self._knobs.kicked_close_code, "Disconnected.")
        elif event.name == "VOICE_STATE_UPDATE" and event.data["user_id"] == bot:
            grant = self.grants.get(event.guild_id)
            if grant is not None:
                grant.muted = event.data["mute"] or event.data["suppress"]

    def session_disconnected(self, session: Session) -> None:
        """The gateway socket is lost, the session may be resumed."""
        if self._knobs.voice_on_gateway_loss is VoiceOnGatewayLoss.DIES_ON_DISCONNECT:
            self._close_all_of(session)

    def session_ended(self, session: Session) -> None:
        """The gateway session is gone: its voice states go after a while, unless another session rejoins."""
        if self._knobs.voice_on_gateway_loss is not VoiceOnGatewayLoss.SURVIVES:
            self._close_all_of(session)
        self._later(self._knobs.voice_state_linger_ms / 1000, lambda: self._drop_states(session.session_id))

    def _close_all_of(self, session: Session) -> None:
        for grant in tuple(self.grants.values()):
            if grant.session_id == session.session_id:
                self._plane.close_guild(grant.guild_id, self._knobs.kicked_close_code, "Disconnected.")

    def _drop_states(self, session_id: str) -> None:
        bot = self._world.bot.id
        for guild in tuple(self._world.guilds.values()):
            state = guild.voice_states.get(bot)
            if state is not None and state.session_id == session_id:
                self._world.leave_voice(guild.id, bot)

    def close(self) -> None:
        """Forget every timer."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        if seconds <= 0:
            action()
            return

        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)
