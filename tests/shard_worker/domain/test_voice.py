"""Joining, being moved, being kicked, and the voice server's close codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segue_core.events import TrackEnded
from segue_core.ids import ChannelId, NodeId, UserId
from segue_core.models import VoiceLink
from segue_worker.domain import policy
from segue_worker.domain.effects import Commit, DestroyPlayer, PatchPlayer, SendVoiceState, ShowNowPlaying
from segue_worker.domain.messages import (
    GatewayReplaced,
    OwnVoiceState,
    PeerVoiceState,
    Progress,
    Verb,
    VoiceClosed,
    VoiceServer,
)
from segue_worker.domain.views import Phrase, PlayerPhase

if TYPE_CHECKING:
    from .conftest import Table

LOUNGE = ChannelId(600)
STAGE = ChannelId(601)


def closed(table: Table, code: int, *, by_remote: bool = True) -> None:
    """Let Discord's voice server close on the node."""
    table.send(VoiceClosed(node=table.node, code=code, reason="", by_remote=by_remote))


def op4s(table: Table) -> list[ChannelId | None]:
    """Return the channels that the last decision asked for."""
    return [effect.channel for effect in table.some(SendVoiceState)]


@pytest.mark.parametrize("server_first", [False, True])
def test_state_and_server_come_in_either_order(table: Table, *, server_first: bool) -> None:
    """The link is whole when both are there, whichever came first."""
    command = table.command(Verb.JOIN)
    state = OwnVoiceState(channel=LOUNGE, session="s", at=table.now)
    server = VoiceServer(token="t", endpoint="e:443")
    for message in (server, state) if server_first else (state, server):
        assert table.replies(command) == []
        table.send(message)
    assert table.state.voice == VoiceLink(channel=LOUNGE, session="s", token="t", endpoint="e:443")
    assert table.phrase(command) == Phrase.JOINED


def test_join_commits_before_it_asks_discord(table: Table) -> None:
    """The accepted command is in Redis before op 4 is on the wire."""
    command = table.command(Verb.JOIN)
    assert [type(effect) for effect in table.last[:2]] == [Commit, SendVoiceState]
    assert table.one(Commit).command == command


def test_a_join_that_discord_ignores_is_told_in_words(table: Table) -> None:
    """A full channel, say: everybody who waits is answered, and nothing stays behind."""
    join = table.command(Verb.JOIN)
    play = table.command(Verb.PLAY, query="x")
    table.fire("voice")
    assert table.phrase(join) == Phrase.JOIN_TIMEOUT
    assert table.phrase(play) == Phrase.JOIN_TIMEOUT
    assert not table.state.live


def test_being_kicked_ends_the_player(table: Table) -> None:
    """A null state that we did not ask for: player destroyed, keys closed, message retired, no op 4."""
    table.playing("A", "B")
    waiting = table.command(Verb.PLAY, query="late")
    table.send(OwnVoiceState(channel=None, session=None, at=table.now))
    commit = table.one(Commit)
    assert commit.closes
    assert [event.reason for event in commit.events if isinstance(event, TrackEnded)] == ["left"]
    assert table.one(DestroyPlayer).node == "us-east-0"
    assert table.one(ShowNowPlaying).view.phase is PlayerPhase.ENDED
    assert op4s(table) == []
    assert table.phrase(waiting) == Phrase.DISCONNECTED


def test_leaving_on_request_is_no_kick(playing: Table) -> None:
    """The null state that our own op 4 causes changes nothing; joining right after works."""
    playing.command(Verb.LEAVE)
    command = playing.play("Next")
    playing.send(OwnVoiceState(channel=None, session=None, at=playing.now))
    assert playing.state.voice is not None
    playing.join()
    playing.place()
    assert playing.phrase(command) == Phrase.PLAYING_NOW


def test_a_moderators_move_is_followed(playing: Table) -> None:
    """The new channel is ours, and the node is told."""
    playing.send(OwnVoiceState(channel=STAGE, session="s1", at=playing.now))
    patch = playing.one(PatchPlayer)
    assert patch.voice is not None
    assert patch.voice.channel == STAGE
    assert patch.item is None
    assert playing.state.snapshot.listeners == ()


def test_a_new_voice_server_is_patched_without_restarting_the_song(playing: Table) -> None:
    """Discord moves the channel to another server: new token, same song, same position."""
    playing.send(VoiceServer(token="t9", endpoint="us-west1:443"))
    patch = playing.one(PatchPlayer)
    assert patch.voice is not None
    assert (patch.voice.token, patch.item, patch.position_ms) == ("t9", None, None)


def test_a_server_that_went_away_is_waited_for(playing: Table) -> None:
    """No endpoint means that another one follows; if it does not, we join anew."""
    playing.send(VoiceServer(token="t9", endpoint=None))
    assert playing.some(PatchPlayer) == []
    playing.fire("voice")
    assert op4s(playing) == [None, LOUNGE]


@pytest.mark.parametrize("code", [4014, 4022])
def test_a_disconnect_waits_for_discords_verdict(playing: Table, code: int) -> None:
    """Kicked, moved or a new server: the voice state says, within a second; else we rejoin once."""
    closed(playing, code)
    assert playing.some(SendVoiceState) == []
    playing.fire("voice")
    assert op4s(playing) == [None, LOUNGE]


def test_a_verdict_of_a_new_server_is_patched_at_once(playing: Table) -> None:
    """New server data end the wait."""
    closed(playing, 4014)
    playing.send(VoiceServer(token="t2", endpoint="us-east9:443"))
    assert playing.one(PatchPlayer).voice is not None
    assert not playing.state.has_timer("voice")


@pytest.mark.parametrize("code", [4006, 4009, 1006, 4999])
def test_an_invalid_session_is_left_and_joined_again(playing: Table, code: int) -> None:
    """Fresh voice data come only of leaving; the song goes on with them."""
    closed(playing, code)
    assert op4s(playing) == [None, LOUNGE]
    playing.send(OwnVoiceState(channel=None, session=None, at=playing.now))
    playing.join(number=2)
    patch = playing.one(PatchPlayer)
    assert patch.voice is not None
    assert (patch.voice.session, patch.item) == ("s2", None)


def test_rejoining_has_a_budget_and_then_words(playing: Table) -> None:
    """A voice server that never takes us is given up; song and queue stay, /resume tries again."""
    playing.play("B")
    for number in range(policy.REJOIN_LIMIT):
        closed(playing, 4006)
        playing.send(OwnVoiceState(channel=None, session=None, at=playing.now))
        playing.join(number=10 + number)
        playing.patched()
    closed(playing, 4006)
    assert op4s(playing) == []
    assert playing.state.halted is not None
    assert playing.state.halted.phrase is Phrase.VOICE_LOST
    assert (playing.current.track.title, playing.titles) == ("Nightdrive", ["B"])
    command = playing.command(Verb.RESUME)
    assert op4s(playing) == [None, LOUNGE]
    assert playing.phrase(command) == Phrase.RESUMED


def test_a_rate_limit_backs_off_for_a_minute(playing: Table) -> None:
    """4021: hammering would only prolong it."""
    closed(playing, 4021)
    at = playing.now
    playing.fire("voice")
    assert playing.now - at == 60_000
    assert op4s(playing) == [None, LOUNGE]


def test_a_node_without_encryption_is_named(playing: Table) -> None:
    """4017: no retry helps, the operator has to update that node."""
    closed(playing, 4017)
    assert playing.state.halted is not None
    assert playing.state.halted.phrase is Phrase.NODE_TOO_OLD
    assert playing.state.halted.values["node"] == "us-east-0"


def test_the_nodes_own_closing_is_left_alone(playing: Table) -> None:
    """A node given other voice data closes the old connection with 1000 itself."""
    closed(playing, 1000, by_remote=False)
    assert playing.last == ()


def test_another_nodes_voice_is_none_of_ours(playing: Table) -> None:
    """A node the player has left may still report its closing."""
    playing.send(VoiceClosed(node=NodeId("old"), code=4006, reason="", by_remote=True))
    assert playing.last == ()


def test_a_player_that_stays_silent_gets_new_voice_data(playing: Table) -> None:
    """Connected false for five seconds, though no close was reported."""
    for _ in range(2):
        playing.send(Progress(node=playing.node, position_ms=0, connected=False, at=playing.now))
        playing.now += policy.DISCONNECTED_MS
    assert op4s(playing) == [None, LOUNGE]


def test_a_new_gateway_session_rejoins(playing: Table) -> None:
    """Voice states die with the session they were made in, so we are first."""
    playing.send(GatewayReplaced())
    assert op4s(playing) == [None, LOUNGE]


def test_a_new_gateway_session_is_a_new_chance(playing: Table) -> None:
    """Voice given up while the session was in trouble is joined again under the next, with a new budget."""
    for number in range(policy.REJOIN_LIMIT):
        closed(playing, 4006)
        playing.send(OwnVoiceState(channel=None, session=None, at=playing.now))
        playing.join(number=10 + number)
        playing.patched()
    closed(playing, 4006)
    gave_up = playing.state.halted
    playing.send(GatewayReplaced())
    assert op4s(playing) == [None, LOUNGE]
    assert (gave_up is None, playing.state.halted is None) == (False, True)
    assert playing.state.rejoined_at == ()


def test_a_leftover_voice_state_is_left(table: Table) -> None:
    """Found in a channel without a player: somebody's crash, so we go."""
    table.send(OwnVoiceState(channel=LOUNGE, session="s", at=table.now))
    assert op4s(table) == [None]
    table.send(OwnVoiceState(channel=LOUNGE, session="s", at=table.now))
    assert op4s(table) == []


def test_listeners_are_kept_for_a_successor(playing: Table) -> None:
    """Who is in our channel is durable; who is elsewhere is not our business."""
    playing.send(PeerVoiceState(user=UserId(2), channel=LOUNGE))
    assert isinstance(playing.last[0], Commit)
    playing.send(PeerVoiceState(user=UserId(3), channel=STAGE))
    assert playing.last == ()
    playing.send(PeerVoiceState(user=UserId(1), channel=STAGE))
    assert playing.state.snapshot.listeners == (UserId(2),)


def test_we_leave_when_alone_or_idle_for_long_enough(table: Table) -> None:
    """The timers run exactly while their reason lasts."""
    table.playing("A")
    assert not table.state.has_timer("idle")
    table.send(PeerVoiceState(user=UserId(1), channel=None))
    assert table.state.has_timer("alone")
    table.send(PeerVoiceState(user=UserId(1), channel=LOUNGE))
    assert not table.state.has_timer("alone")
    table.ended()
    table.fire("idle")
    assert op4s(table) == [None]
    assert table.one(Commit).closes
