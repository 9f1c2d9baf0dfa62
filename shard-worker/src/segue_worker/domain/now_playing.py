"""The guild's one now-playing message: posted once, edited after each change, retired at the end."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING

from segue_core.models import MessageRef
from segue_worker.domain import policy
from segue_worker.domain.effects import ShowNowPlaying
from segue_worker.domain.sound import sound_of
from segue_worker.domain.state import GuildState, MessageState
from segue_worker.domain.views import Control, NowPlayingView, PlayerPhase, Words

if TYPE_CHECKING:
    from segue_worker.domain.messages import Posted
    from segue_worker.domain.turn import Turn

TIMER = "post"
REFRESH_TIMER = "refresh"
NONCE_LIMIT = 25

_PASSING = {"position_ms", "ends_at", "queued_ms"}
_lasting = attrgetter(*(field.name for field in fields(NowPlayingView) if field.name not in _PASSING))
"""Of a view, what people would see change."""


def view_of(state: GuildState, now: int) -> NowPlayingView:
    """Return what the message should show."""
    item = state.current
    snapshot = state.snapshot
    position = state.position(now)
    phase = _phase(state)
    remaining = None
    if item is not None and phase is PlayerPhase.PLAYING and state.audible and not item.track.is_stream:
        remaining = round((item.track.length_ms - position) / snapshot.speed)
    return NowPlayingView(
        phase=phase,
        item=item,
        position_ms=position,
        volume=snapshot.volume,
        loop=snapshot.loop,
        queued=len(state.queue),
        up_next=state.queue[: policy.UP_NEXT],
        node=snapshot.node or "",
        notice=state.halted or state.notice,
        ends_at=None if remaining is None else now + remaining,
        sound=sound_of(snapshot.filters),
        usable=_usable(state, phase),
    )


def _usable(state: GuildState, phase: PlayerPhase) -> frozenset[Control]:
    """Which buttons would do something; the others are shown, and can't be pressed."""
    if phase is PlayerPhase.ENDED:
        return frozenset()
    snapshot = state.snapshot
    return _controls(
        phase is PlayerPhase.PAUSED,
        bool(snapshot.played),
        len(state.queue) > 1,
        snapshot.volume > 0,
        snapshot.volume < state.settings.volume_limit,
    )


@cache
def _controls(paused: bool, back: bool, mixable: bool, quieter: bool, louder: bool) -> frozenset[Control]:
    """Return the set for a situation: there are 32 of them, and every turn asks."""
    possible = {
        Control.PREVIOUS: back,
        Control.PAUSE: not paused,
        Control.RESUME: paused,
        Control.SHUFFLE: mixable,
        Control.QUIETER: quieter,
        Control.LOUDER: louder,
    }
    return frozenset(control for control in Control if possible.get(control, True))


def _ended(view: NowPlayingView, notice: Words | None) -> NowPlayingView:
    """Return how the message is left behind."""
    return replace(view, phase=PlayerPhase.ENDED, notice=notice, ends_at=None, up_next=(), usable=frozenset())


def _phase(state: GuildState) -> PlayerPhase:
    if state.current is None:
        return PlayerPhase.ENDED
    if state.snapshot.paused:
        return PlayerPhase.PAUSED
    return PlayerPhase.PLAYING if state.snapshot.started_at else PlayerPhase.STARTING


def settle(turn: Turn) -> None:
    """Post or edit the message when it shows something else than it should; move its bar on."""
    _settle_message(turn)
    state = turn.state
    moves = state.snapshot.now_playing is not None and _moves(state)
    if moves and not state.has_timer(REFRESH_TIMER):
        turn.start_timer(REFRESH_TIMER, policy.REFRESH_MS)
    elif not moves:
        turn.stop_timer(REFRESH_TIMER)


def on_refresh(turn: Turn) -> None:
    """Show how far the song is by now."""
    ref = turn.state.snapshot.now_playing
    if ref is not None and _moves(turn.state):
        _edit(turn, ref, view_of(turn.state, turn.now), refresh=True)


def _moves(state: GuildState) -> bool:
    """Whether the song advances, and has an end to advance to."""
    item = state.current
    return item is not None and not item.track.is_stream and state.audible and not state.snapshot.paused


def _settle_message(turn: Turn) -> None:
    state = turn.state
    if state.message.posting is not None or state.voice is None:
        return
    view = view_of(state, turn.now)
    if _starts_within_a_moment(state, view):
        return
    ref = state.snapshot.now_playing
    if ref is None:
        _post(turn, view)
    elif state.message.shown is None or _differs(state.message.shown, view):
        _edit(turn, ref, view)


def _starts_within_a_moment(state: GuildState, view: NowPlayingView) -> bool:
    """Whether the node is about to say that the song starts: one edit then, not two."""
    return view.phase is PlayerPhase.STARTING and state.voice_ready and state.snapshot.node is not None


def _post(turn: Turn, view: NowPlayingView) -> None:
    state = turn.state
    channel = state.snapshot.text_channel
    if channel is None or view.item is None or state.message.failed:
        return
    if view.phase is PlayerPhase.STARTING and view.notice is None:
        return
    request = turn.request()
    view = _whole(state, view)
    turn.set(message=MessageState(posting=request, shown=view))
    turn.emit(ShowNowPlaying(request=request, channel=channel, ref=None, view=view, nonce=_nonce(state)))
    turn.start_timer(TIMER, policy.POST_TIMEOUT_MS)


def _nonce(state: GuildState) -> str:
    """Return what a successor comes to as well, and a later start of the same song does not."""
    item = state.current
    start = f"{item.id if item is not None else ''}/{state.snapshot.started_at}"
    return blake2b(start.encode(), digest_size=NONCE_LIMIT // 2).hexdigest()


def _edit(turn: Turn, ref: MessageRef, view: NowPlayingView, *, refresh: bool = False) -> None:
    view = _whole(turn.state, view)
    turn.set(message=replace(turn.state.message, shown=view))
    turn.emit(
        ShowNowPlaying(request=turn.request(), channel=ref.channel, ref=ref, view=view, refresh=refresh)
    )


def _whole(state: GuildState, view: NowPlayingView) -> NowPlayingView:
    """Return the view with what is too long to add up in every turn."""
    queued_ms = sum(item.track.length_ms for item in state.queue if not item.track.is_stream)
    return replace(view, queued_ms=queued_ms)


def _differs(shown: NowPlayingView, view: NowPlayingView) -> bool:
    """Whether people would see a change; the song advancing is none."""
    if _lasting(shown) != _lasting(view):
        return True
    if shown.ends_at is None or view.ends_at is None:
        return shown.ends_at != view.ends_at
    return abs(shown.ends_at - view.ends_at) > policy.DISPLAY_TOLERANCE_MS


def retire(turn: Turn, notice: Words) -> None:
    """Show the message a last time, without working buttons, and let go of it."""
    state = turn.state
    view = _ended(view_of(state, turn.now), notice)
    ref = state.snapshot.now_playing
    if state.message.posting is not None:
        turn.set(message=replace(state.message, retired=view))
    else:
        turn.set(message=MessageState())
    if ref is not None:
        _edit(turn, ref, view)
        turn.snap(now_playing=None)
        turn.set(message=replace(turn.state.message, shown=None))


def on_posted(turn: Turn, message: Posted) -> None:
    """The message exists now, could not be made, or was found deleted."""
    state = turn.state
    if message.lost:
        ref = state.snapshot.now_playing
        if ref is not None and message.message in {None, ref.message} and message.channel == ref.channel:
            turn.snap(now_playing=None)
            turn.set(message=replace(state.message, shown=None))
        return
    if state.message.posting is None or message.request != state.message.posting:
        _on_late_post(turn, message)
        return
    turn.stop_timer(TIMER)
    retired = state.message.retired
    if message.message is None:
        turn.set(message=MessageState(failed=True))
        return
    ref = MessageRef(channel=message.channel, message=message.message)
    if retired is not None and not state.has_music:
        turn.set(message=MessageState())
        turn.emit(ShowNowPlaying(request=turn.request(), channel=ref.channel, ref=ref, view=retired))
        return
    turn.set(message=MessageState(shown=state.message.shown))
    turn.snap(now_playing=ref)


def _on_late_post(turn: Turn, message: Posted) -> None:
    """A post we had given up: one message a guild, so it becomes ours or is retired."""
    if message.message is None:
        return
    ref = MessageRef(channel=message.channel, message=message.message)
    state = turn.state
    if state.snapshot.now_playing == ref:
        return
    if state.snapshot.now_playing is None and state.message.posting is None and state.current is not None:
        turn.snap(now_playing=ref)
        turn.set(message=MessageState())
        return
    view = _ended(view_of(state, turn.now), None)
    turn.emit(ShowNowPlaying(request=turn.request(), channel=ref.channel, ref=ref, view=view))


def on_timer(turn: Turn) -> None:
    """Nobody said whether the message was posted; it is tried again with the next song."""
    turn.set(message=MessageState(failed=True))
