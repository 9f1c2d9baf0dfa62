"""Gateway events reach the guilds they concern, and each counts as handled once it did."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import pytest

from segue_core.ids import ChannelId, GuildId, ShardId, UserId
from segue_core.redis.clock import RedisClock
from segue_worker.app.relay import Relay
from segue_worker.domain.messages import GatewayReplaced, Message, OwnVoiceState, PeerVoiceState, VoiceServer
from segue_worker.domain.state import new_guild
from segue_worker.gateway.events import (
    Delivery,
    GatewayEvent,
    GuildAvailable,
    GuildGone,
    SessionReady,
    SessionResumed,
    VoiceMember,
    VoiceServerUpdate,
    VoiceStateUpdate,
)
from segue_worker.gateway.voice_states import VoiceStates

if TYPE_CHECKING:
    from segue_worker.app.ingress import Ingress
    from segue_worker.domain.state import GuildState
    from segue_worker.players.registry import PlayerRegistry

PLAYING, JOINING = GuildId(77), GuildId(78)
SHARD = ShardId(0)
LOUNGE, ATTIC = ChannelId(600), ChannelId(601)
ANN, BEN, ROBOT, US = UserId(1), UserId(2), UserId(3), UserId(9)


@dataclass
class Players:
    """Two guilds with music, where Ann and Ben are known to listen; and what they were told."""

    posted: list[tuple[GuildId, Message]] = field(default_factory=list)

    def post(self, guild: GuildId, message: Message) -> bool:
        self.posted.append((guild, message))
        return True

    def live_guilds(self, shard: ShardId) -> tuple[GuildId, ...]:
        assert shard == SHARD
        return (PLAYING, JOINING)

    def state(self, guild: GuildId) -> GuildState | None:
        if guild != PLAYING:
            return None
        blank = new_guild(guild)
        return replace(blank, snapshot=replace(blank.snapshot, listeners=(ANN, BEN)))


class Sender:
    """Something waits to be sent for the guild that is joining."""

    def sending(self, guild: GuildId, /) -> bool:
        return guild == JOINING


@dataclass
class Desk:
    """A relay and those around it."""

    relay: Relay
    players: Players
    states: VoiceStates
    ready: list[ShardId]

    def say(self, event: GatewayEvent) -> list[tuple[GuildId, Message]]:
        """Let an event come in; return what players were told."""
        handled: list[bool] = []
        self.players.posted.clear()
        self.relay.deliver(Delivery(shard=SHARD, event=event, handled=lambda: handled.append(True)))
        assert handled == [True]
        return self.players.posted


@pytest.fixture
def desk() -> Desk:
    """Return a connected relay."""
    players, states, ready = Players(), VoiceStates(), list[ShardId]()
    relay = Relay(RedisClock(), ready.append)
    relay.connect(cast("PlayerRegistry", players), cast("Ingress", None), states, Sender())
    return Desk(relay, players, states, ready)


def _update(
    user: UserId, channel: ChannelId | None, *, own: bool = False, bot: bool = False
) -> VoiceStateUpdate:
    return VoiceStateUpdate(guild=PLAYING, user=user, channel=channel, session="s", own=own, bot=bot)


def test_people_count_as_listeners_and_bots_do_not(desk: Desk) -> None:
    """Somebody comes: the guild is told; another bot comes: it is not."""
    assert desk.say(_update(ANN, LOUNGE)) == [(PLAYING, PeerVoiceState(user=ANN, channel=LOUNGE))]
    assert desk.say(_update(ROBOT, LOUNGE, bot=True)) == []


def test_those_who_were_there_first_are_told_when_we_come(desk: Desk) -> None:
    """Our own state comes with everybody who sits in that channel, and nobody from elsewhere."""
    members = (
        VoiceMember(user=ANN, channel=LOUNGE, session="a", own=False),
        VoiceMember(user=BEN, channel=ATTIC, session="b", own=False),
        VoiceMember(user=ROBOT, channel=LOUNGE, session="r", own=False, bot=True),
    )
    desk.states.opened(SHARD, GuildAvailable(guild=PLAYING, voice=members))
    own, *peers = [message for _, message in desk.say(_update(US, LOUNGE, own=True))]
    assert isinstance(own, OwnVoiceState)
    assert (own.channel, own.session) == (LOUNGE, "s")
    assert peers == [PeerVoiceState(user=ANN, channel=LOUNGE)]


def test_voice_servers_come_and_go(desk: Desk) -> None:
    """Token and endpoint are passed on, also when there is none for a while."""
    for endpoint in ("127.0.0.1:1", None):
        event = VoiceServerUpdate(guild=PLAYING, token="t", endpoint=endpoint)
        assert desk.say(event) == [(PLAYING, VoiceServer(token="t", endpoint=endpoint))]


def test_a_guild_as_a_whole_says_who_left_unseen(desk: Desk) -> None:
    """After an outage: who is known as a listener and not there any more has left."""
    members = (VoiceMember(user=ANN, channel=LOUNGE, session="a", own=False),)
    assert desk.say(GuildAvailable(guild=PLAYING, voice=members)) == [
        (PLAYING, PeerVoiceState(user=ANN, channel=LOUNGE)),
        (PLAYING, PeerVoiceState(user=BEN, channel=None)),
    ]
    assert desk.say(GuildAvailable(guild=JOINING, voice=members)) == []


def test_a_guild_that_threw_us_out_ends_its_music_and_an_outage_does_not(desk: Desk) -> None:
    """Removed: as if disconnected. Unavailable: the music goes on, the guild comes back."""
    ((guild, message),) = desk.say(GuildGone(guild=PLAYING, removed=True))
    assert guild == PLAYING
    assert isinstance(message, OwnVoiceState)
    assert message.channel is None
    assert desk.say(GuildGone(guild=PLAYING, removed=False)) == []


def test_a_new_session_makes_everybody_rejoin_once(desk: Desk) -> None:
    """Who is about to send a voice state does so under the new session: told again, it would leave."""
    ready = SessionReady(guilds=(), replaces=True)
    assert desk.say(ready) == [(PLAYING, GatewayReplaced())]
    assert desk.say(replace(ready, replaces=False)) == []
    assert desk.say(SessionResumed(replayed=3, elapsed_ms=10)) == []
    assert desk.ready == [SHARD, SHARD, SHARD]
