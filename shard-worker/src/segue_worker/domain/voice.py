"""Getting into a voice channel, staying there, and noticing that we no longer are.

Own VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE come in either order; together they make the link
that a node speaks with. Close codes: Discord's voice documentation, and what Lavalink passes on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segue_core.models import VoiceLink
from segue_worker.domain import policy
from segue_worker.domain.closing import answer_joins, answer_waiting, close, drop_player
from segue_worker.domain.effects import SendVoiceState
from segue_worker.domain.state import Waiting
from segue_worker.domain.views import Phrase, Tone, Words

if TYPE_CHECKING:
    from segue_core.ids import ChannelId, UserId
    from segue_worker.domain.messages import OwnVoiceState, PeerVoiceState, VoiceClosed, VoiceServer
    from segue_worker.domain.turn import Turn

TIMER = "voice"

NORMAL_CLOSURE = 1000
DISCONNECTED = 4014
DAVE_REQUIRED = 4017
RATE_LIMITED = 4021
CALL_TERMINATED = 4022


def connect(turn: Turn, channel: ChannelId, listeners: tuple[UserId, ...], *, leave_first: bool) -> None:
    """Ask Discord for ``channel``.

    ``leave_first``: a channel we are in already brings no new voice data, so we leave it before.
    """
    if leave_first:
        _send(turn, None)
    _send(turn, channel)
    turn.snap(listeners=listeners)
    turn.set(voice=VoiceLink(channel=channel), waiting=Waiting.JOINING, disconnected_since=None)
    if turn.state.on_node is not None:
        turn.set(on_node=replace(turn.state.on_node, voice=None))
    turn.start_timer(TIMER, policy.JOIN_TIMEOUT_MS)


def _send(turn: Turn, channel: ChannelId | None) -> None:
    turn.emit(SendVoiceState(channel=channel))
    turn.set(expected=(*turn.state.expected, channel)[-policy.EXPECTED_LIMIT :])


def rejoin(turn: Turn) -> None:
    """Leave and join for fresh voice data, while the budget lasts; then give up in words."""
    state = turn.state
    if state.voice is None:
        return
    recent = tuple(at for at in state.rejoined_at if turn.now - at < policy.REJOIN_WINDOW_MS)
    if len(recent) >= policy.REJOIN_LIMIT:
        give_up(turn, Words(phrase=Phrase.VOICE_LOST))
        return
    turn.set(rejoined_at=(*recent, turn.now))
    connect(turn, state.voice.channel, state.snapshot.listeners, leave_first=True)


def give_up(turn: Turn, words: Words) -> None:
    """Stop trying until somebody asks again. Song, position and queue are kept."""
    state = turn.state
    answer_waiting(turn, words.phrase)
    if not state.has_music or state.voice is None:
        close(turn, words, told=words.phrase)
        return
    turn.freeze()
    drop_player(turn)
    turn.stop_timer(TIMER)
    turn.set(
        voice=VoiceLink(channel=state.voice.channel),
        waiting=None,
        start_needed=turn.state.current is not None,
        halted=words,
    )


def try_again(turn: Turn) -> None:
    """Somebody asks for music after we gave up: budgets are new."""
    turn.set(halted=None, notice=None, failures=0, rejoined_at=(), place_attempts=0, patch_failures=0)


def on_own_state(turn: Turn, message: OwnVoiceState) -> None:
    """Discord says where we are: as we asked, or moved or kicked by somebody."""
    state = turn.state
    awaited = message.channel in state.expected
    if awaited:
        turn.set(expected=state.expected[state.expected.index(message.channel) + 1 :])
    left_to_come = turn.state.expected
    voice = state.voice
    if voice is None:
        if message.channel is not None and not awaited and not left_to_come:
            _send(turn, None)  # left over from a life before this one
    elif message.channel is None:
        if not awaited:
            close(turn, Words(phrase=Phrase.KICKED), told=Phrase.DISCONNECTED, leave=False)
            turn.set(expected=())
        elif voice.channel in left_to_come:
            # Data from before we left are void, should any have come late.
            turn.set(voice=VoiceLink(channel=voice.channel))
    elif None in left_to_come or (message.channel != voice.channel and voice.channel in left_to_come):
        return  # the echo of an older wish; the one that counts is still to come
    else:
        if message.channel != voice.channel:
            turn.snap(listeners=())
            turn.set(provisional=False)
        turn.set(voice=replace(voice, channel=message.channel, session=message.session or voice.session))
        _on_voice_data(turn)


def on_server(turn: Turn, message: VoiceServer) -> None:
    """A voice server was assigned, or (no endpoint) went away and another one follows."""
    voice = turn.state.voice
    if voice is None:
        return
    if not message.endpoint:
        turn.set(voice=replace(voice, token=None, endpoint=None))
        if turn.state.waiting is None:
            turn.set(waiting=Waiting.SERVER_AWAY)
            turn.start_timer(TIMER, policy.JOIN_TIMEOUT_MS)
        return
    turn.set(voice=replace(voice, token=message.token, endpoint=message.endpoint))
    if turn.state.waiting in {Waiting.VERDICT, Waiting.SERVER_AWAY}:
        turn.set(waiting=Waiting.JOINING)
    _on_voice_data(turn)


def _on_voice_data(turn: Turn) -> None:
    """When the link became whole, those who waited for it hear so."""
    state = turn.state
    if state.voice is None or not state.voice.complete or state.waiting is not Waiting.JOINING:
        return
    turn.set(waiting=None, joins=())
    turn.stop_timer(TIMER)
    for command in state.joins:
        words = Words(phrase=Phrase.JOINED, values={"channel": int(state.voice.channel)})
        turn.reply(command, Tone.OK, words)


def on_timer(turn: Turn) -> None:
    """What we waited for did not come."""
    state = turn.state
    waiting = state.waiting
    if waiting is None or state.voice is None:
        return
    turn.set(waiting=None)
    if waiting is Waiting.JOINING:
        if state.current is None:
            close(turn, Words(phrase=Phrase.JOIN_TIMEOUT), told=Phrase.JOIN_TIMEOUT)
            return
        answer_joins(turn, Phrase.JOIN_TIMEOUT)
    if waiting is Waiting.VERDICT and state.connected_at > 0:
        return  # the node has spoken since: the close was that of the session before
    rejoin(turn)


def on_peer(turn: Turn, message: PeerVoiceState) -> None:
    """Keep who listens. Those elsewhere are none of our business."""
    voice = turn.state.voice
    listeners = turn.state.snapshot.listeners
    if voice is None:
        return
    if message.channel == voice.channel and message.user not in listeners:
        turn.snap(listeners=(*listeners, message.user))
    elif message.channel != voice.channel and message.user in listeners:
        turn.snap(listeners=tuple(user for user in listeners if user != message.user))


def on_closed(turn: Turn, message: VoiceClosed) -> None:
    """Discord's voice server closed on our node; the code says what to do."""
    state = turn.state
    if state.voice is None or message.node != state.snapshot.node or state.on_node is None:
        return
    if state.waiting is not None or (state.patch is not None and state.patch.carries_voice):
        return  # new voice data are under way already
    if message.code == NORMAL_CLOSURE and not message.by_remote:
        return  # the node's own doing: it was given other voice data
    turn.set(on_node=replace(state.on_node, voice=None))
    if message.code in {DISCONNECTED, CALL_TERMINATED}:
        turn.set(waiting=Waiting.VERDICT, connected_at=0)
        turn.start_timer(TIMER, policy.VERDICT_MS)
    elif message.code == RATE_LIMITED:
        turn.set(waiting=Waiting.RATE_LIMITED, notice=Words(phrase=Phrase.VOICE_RATE_LIMITED))
        turn.start_timer(TIMER, policy.RATE_LIMITED_MS)
    elif message.code == DAVE_REQUIRED:
        give_up(turn, Words(phrase=Phrase.NODE_TOO_OLD, values={"node": message.node}))
    else:
        rejoin(turn)


def on_gateway_replaced(turn: Turn) -> None:
    """Our voice states belong to a gateway session that is no more: join again under the new one."""
    turn.set(expected=())
    halted = turn.state.halted
    if halted is not None and halted.phrase is Phrase.VOICE_LOST:
        try_again(turn)  # what we gave up on may well have been the session's trouble
    state = turn.state
    if state.voice is not None and state.halted is None:
        turn.set(rejoined_at=())
        connect(turn, state.voice.channel, state.snapshot.listeners, leave_first=True)


def settle(turn: Turn) -> None:
    """Ask for voice data when they are missing and nobody asked: after a takeover, or a new try."""
    state = turn.state
    if state.voice is None or state.voice.complete or state.waiting is not None or state.halted is not None:
        return
    connect(turn, state.voice.channel, state.snapshot.listeners, leave_first=True)
