"""``decide``: what a guild does about a message. Pure and total; time is an argument.

A message changes the state by the function of its type below. Then the turn *settles*: whatever the
state now calls for and nobody has asked for yet (voice data, a node, a PATCH, the message, a timer)
is asked for. So the wishes stand in the state, and an answer that got lost is never the only one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_worker.domain import (
    adopting,
    commands,
    failing,
    idle,
    moving,
    now_playing,
    patching,
    placing,
    playing,
    plays,
    voice,
)
from segue_worker.domain.messages import (
    Adopted,
    Command,
    CommitRefused,
    GatewayReplaced,
    Loaded,
    Message,
    MoveTo,
    NodeLost,
    OwnVoiceState,
    Patched,
    PeerVoiceState,
    Placed,
    Posted,
    Progress,
    SettingsChanged,
    TimerFired,
    TrackEndedOn,
    TrackFailedOn,
    TrackStartedOn,
    VoiceClosed,
    VoiceServer,
)
from segue_worker.domain.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_worker.domain.state import Decision, GuildState


def decide(state: GuildState, message: Message, now: int) -> Decision:
    """Return the state after ``message`` and what is to be done, at Redis time ``now`` (ms)."""
    turn = Turn(state, now)
    _handle(turn, message)
    _settle(turn)
    return turn.finish()


def _settle(turn: Turn) -> None:
    state = turn.state
    voice.settle(turn)
    if state.voice is not None and state.current is None and state.queue and state.halted is None:
        playing.begin_next(turn)
    moving.settle(turn)
    placing.settle(turn)
    plays.settle(turn)
    patching.settle(turn)
    now_playing.settle(turn)
    idle.settle(turn)


def _handle(turn: Turn, message: Message) -> None:  # noqa: C901, PLR0912 - one line a type of message
    match message:
        case Command():
            commands.on_command(turn, message)
        case Progress():
            playing.on_progress(turn, message)
        case PeerVoiceState():
            voice.on_peer(turn, message)
        case OwnVoiceState():
            voice.on_own_state(turn, message)
        case VoiceServer():
            voice.on_server(turn, message)
        case GatewayReplaced():
            voice.on_gateway_replaced(turn)
        case VoiceClosed():
            voice.on_closed(turn, message)
        case Loaded():
            playing.on_replacement(turn, message)
            plays.on_loaded(turn, message)
        case Placed():
            placing.on_placed(turn, message)
        case NodeLost():
            placing.on_lost(turn, message)
        case MoveTo():
            moving.on_move(turn, message)
        case Patched():
            patching.on_patched(turn, message)
        case Posted():
            now_playing.on_posted(turn, message)
        case TrackStartedOn():
            playing.on_started(turn, message)
        case TrackEndedOn():
            playing.on_ended(turn, message)
        case TrackFailedOn():
            playing.on_failed(turn, message)
        case Adopted():
            adopting.on_adopted(turn, message)
        case CommitRefused():
            commands.on_refused(turn, message)
        case TimerFired():
            _on_timer(turn, message)
        case SettingsChanged():
            turn.set(settings=message)
            turn.snap(tier=message.tier)


def _on_timer(turn: Turn, message: TimerFired) -> None:
    """Only the newest timer of a name counts; one replaced or cancelled may still fire."""
    known = next((timer for timer in turn.state.timers if timer.name == message.name), None)
    if known is None or known.token != message.token:
        return
    turn.set(timers=tuple(timer for timer in turn.state.timers if timer is not known))
    handler = _TIMERS.get(message.name)
    if handler is not None:
        handler(turn)
    else:
        plays.on_load_timer(turn, message.name)


def _only_settle(_turn: Turn) -> None:
    """The timer's purpose is that the turn settles again."""


_TIMERS: dict[str, Callable[[Turn], None]] = {
    voice.TIMER: voice.on_timer,
    placing.TIMER: placing.on_timer,
    placing.AGAIN_TIMER: _only_settle,
    patching.TIMER: patching.on_timer,
    moving.TIMER: moving.leave,
    playing.FAILED_TIMER: playing.on_failed_timer,
    failing.RETRY_TIMER: failing.on_retry_timer,
    failing.REPLACE_TIMER: playing.on_replace_timer,
    plays.ADMIT_TIMER: _only_settle,
    now_playing.TIMER: now_playing.on_timer,
    now_playing.REFRESH_TIMER: now_playing.on_refresh,
    idle.IDLE_TIMER: idle.on_idle,
    idle.ALONE_TIMER: idle.on_alone,
}
