"""From the gateway's events to the mailboxes of the guilds they concern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from segue_worker.domain.messages import GatewayReplaced, OwnVoiceState, PeerVoiceState, VoiceServer
from segue_worker.gateway.events import (
    Delivery,
    GuildAvailable,
    GuildGone,
    Interaction,
    SessionReady,
    SessionResumed,
    VoiceServerUpdate,
    VoiceStateUpdate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.ids import GuildId, ShardId, UserId
    from segue_worker.app.ingress import Ingress
    from segue_worker.gateway.voice_states import VoiceStates
    from segue_worker.players.ports import Clock
    from segue_worker.players.registry import PlayerRegistry


class VoiceSender(Protocol):
    """Sends op 4, and waits for a session when there is none."""

    def sending(self, guild: GuildId, /) -> bool:
        """Whether something is waiting to be sent for this guild."""


class Relay:
    """An ``EventSink``. ``connect`` it before the first shard is opened."""

    def __init__(self, clock: Clock, on_ready: Callable[[ShardId], None]) -> None:
        self._clock = clock
        self._on_ready = on_ready
        self._players: PlayerRegistry | None = None
        self._ingress: Ingress | None = None
        self._voice_states: VoiceStates | None = None
        self._voice: VoiceSender | None = None

    def connect(
        self, players: PlayerRegistry, ingress: Ingress, voice_states: VoiceStates, voice: VoiceSender
    ) -> None:
        """Say where events go. They come from the bot, which is made before those who use it."""
        self._players, self._ingress, self._voice_states = players, ingress, voice_states
        self._voice = voice

    def deliver(self, delivery: Delivery, /) -> None:
        """Pass an event on; it returns at once."""
        event = delivery.event
        if isinstance(event, Interaction):
            self._to_ingress(event, delivery.handled)
            return
        match event:
            case VoiceStateUpdate():
                self._voice_state(event)
            case VoiceServerUpdate():
                self._to_players.post(event.guild, VoiceServer(token=event.token, endpoint=event.endpoint))
            case GuildAvailable():
                self._guild_available(event)
            case GuildGone(removed=True):
                out = OwnVoiceState(channel=None, session=None, at=self._clock.now())
                self._to_players.post(event.guild, out)
            case GuildGone():
                pass  # an outage at Discord: the guild comes back, and its music goes on meanwhile
            case SessionResumed():
                self._on_ready(delivery.shard)
            case SessionReady():
                self._on_ready(delivery.shard)
                if event.replaces:
                    self._gateway_replaced(delivery.shard)
        delivery.handled()

    @property
    def _to_players(self) -> PlayerRegistry:
        if self._players is None:
            raise RuntimeError("the relay was not connected")
        return self._players

    def _to_ingress(self, interaction: Interaction, handled: Callable[[], None]) -> None:
        if self._ingress is None:
            raise RuntimeError("the relay was not connected")
        self._ingress.take(interaction, handled)

    def _gateway_replaced(self, shard: ShardId) -> None:
        """Voice states went with the old session; whoever is about to send one joins under the new already.

        Joining twice would be worse than useless: the second leave looks like being thrown out.
        """
        for guild in self._to_players.live_guilds(shard):
            if self._voice is None or not self._voice.sending(guild):
                self._to_players.post(guild, GatewayReplaced())

    def _voice_state(self, event: VoiceStateUpdate) -> None:
        if not event.own:
            if not event.bot:
                self._to_players.post(event.guild, PeerVoiceState(user=event.user, channel=event.channel))
            return
        own = OwnVoiceState(channel=event.channel, session=event.session, at=self._clock.now())
        self._to_players.post(event.guild, own)
        if event.channel is None or self._voice_states is None:
            return
        for member in self._voice_states.members(event.guild, event.channel):
            if not member.own and not member.bot:
                self._to_players.post(event.guild, PeerVoiceState(user=member.user, channel=member.channel))

    def _guild_available(self, event: GuildAvailable) -> None:
        """A guild as a whole: who is known as a listener and is not there any more has left."""
        state = self._to_players.state(event.guild)
        if state is None:
            return
        present: set[UserId] = set()
        for member in event.voice:
            if not member.own and not member.bot:
                present.add(member.user)
                self._to_players.post(event.guild, PeerVoiceState(user=member.user, channel=member.channel))
        for user in state.snapshot.listeners:
            if user not in present:
                self._to_players.post(event.guild, PeerVoiceState(user=user, channel=None))
