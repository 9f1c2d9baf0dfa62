"""The life of a song: begun, heard, ended, failed, and what comes next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segue_core.events import TrackStarted
from segue_core.models import LoopMode, QueueItem
from segue_worker.domain import failing, policy
from segue_worker.domain.faults import Fault, fault_of
from segue_worker.domain.history import end_current, remember
from segue_worker.domain.messages import (
    EndReason,
    Loaded,
    Progress,
    TrackEndedOn,
    TrackFailedOn,
    TrackStartedOn,
)
from segue_worker.domain.moving import leave
from segue_worker.domain.views import Phrase, Words
from segue_worker.domain.voice import rejoin

if TYPE_CHECKING:
    from segue_worker.domain.turn import Turn

FAILED_TIMER = "failed"


def begin(turn: Turn, item: QueueItem, queue: tuple[QueueItem, ...]) -> None:
    """Make ``item`` the current song; ``queue`` is what is left to follow."""
    turn.stop_timer(FAILED_TIMER)
    failing.forget(turn)
    if turn.state.notice is not None and turn.state.notice.phrase is Phrase.QUEUE_ENDED:
        turn.set(notice=None)
    turn.snap(current=item, position_ms=0, position_at=turn.now, started_at=0)
    turn.set(
        queue=queue,
        start_needed=True,
        seek_needed=False,
        audible=False,
        failure_reason="",
        fault=Fault.BROKEN,
        retried=None,
        message=replace(turn.state.message, failed=False),
    )


def begin_next(turn: Turn) -> None:
    """Go on with the first of the queue, or with silence."""
    queue = turn.state.queue
    if queue:
        begin(turn, queue[0], queue[1:])
        return
    turn.stop_timer(FAILED_TIMER)
    failing.forget(turn)
    turn.snap(current=None, position_ms=0, position_at=turn.now, started_at=0, paused=False)
    turn.set(start_needed=False, seek_needed=False, audible=False)


def skip(turn: Turn) -> None:
    """End the current song and go on, whatever the loop of one song says."""
    item = turn.state.current
    end_current(turn, "skipped")
    if item is not None:
        remember(turn, item)
        if turn.state.snapshot.loop is LoopMode.QUEUE:
            turn.set(queue=(*turn.state.queue, item))
    turn.set(notice=None)
    turn.snap(paused=False)
    begin_next(turn)


def on_started(turn: Turn, message: TrackStartedOn) -> None:
    """The node plays it: from now on the position advances."""
    item = turn.state.current
    if item is None or not _is_current(turn, message):
        return
    turn.snap(position_ms=turn.position, position_at=turn.now)
    turn.set(audible=True)
    leave(turn)
    if turn.state.snapshot.started_at == 0:
        turn.snap(started_at=turn.now)
        turn.record(TrackStarted(track=item.track, requester=item.requester, node=turn.state.snapshot.node))


def on_ended(turn: Turn, message: TrackEndedOn) -> None:
    """Go on by the loop mode, or tell that the song failed; ends of older starts are passed over."""
    if not _is_current(turn, message):
        return
    if turn.state.on_node is not None:
        turn.set(on_node=replace(turn.state.on_node, has_track=False))
    if message.reason is EndReason.FINISHED:
        finished(turn)
    elif message.reason is EndReason.LOAD_FAILED or turn.state.failures + 1 >= policy.FAILURE_LIMIT:
        turn.stop_timer(FAILED_TIMER)
        failed(turn)
    else:
        # Stopped, replaced or cleaned up, but not by us: it is sent again from where it was.
        turn.freeze()
        turn.set(start_needed=True, failures=turn.state.failures + 1)


def finished(turn: Turn) -> None:
    """The current song was played to its end."""
    item = turn.state.current
    if item is None:
        return
    # A song that "ends" at once, looped, would spin: it counts as a failure until one is heard.
    enough = max(1, min(policy.HEARD_MS, item.track.length_ms // 2))
    failures = 0 if turn.position >= enough else turn.state.failures + 1
    turn.set(failures=failures, notice=None)
    end_current(turn, "finished")
    if _too_many_failures(turn):
        return
    loop = turn.state.snapshot.loop
    if loop is LoopMode.TRACK:
        begin(turn, item, turn.state.queue)
        return
    remember(turn, item)
    if loop is LoopMode.QUEUE:
        turn.set(queue=(*turn.state.queue, item))
    begin_next(turn)
    if turn.state.current is None:
        turn.set(notice=Words(phrase=Phrase.QUEUE_ENDED))


def failed(turn: Turn) -> None:
    """The current song can't be played: do what helps, or say so and go on, but not for ever."""
    item = failing.fail(turn)
    if item is not None:
        _give_up(turn, item)


def _give_up(turn: Turn, item: QueueItem) -> None:
    put_off = failing.give_up(turn, item)
    if put_off is not None:
        turn.set(queue=(*turn.state.queue, put_off))
    if not _too_many_failures(turn):
        begin_next(turn)


def on_replacement(turn: Turn, message: Loaded) -> None:
    """Another one like the song that failed was found, or was not."""
    item = turn.state.current
    if item is None or turn.state.replacing != message.request:
        return
    other = failing.replacement_of(turn, message)
    failing.forget(turn)
    if other is None:
        _give_up(turn, item)
        return
    failing.replaced(turn, item, other)
    begin(turn, other, turn.state.queue)


def on_replace_timer(turn: Turn) -> None:
    """Nobody answered the search for another one."""
    item = turn.state.current
    if item is not None and turn.state.replacing is not None:
        failing.forget(turn)
        _give_up(turn, item)


def _too_many_failures(turn: Turn) -> bool:
    if turn.state.failures < policy.FAILURE_LIMIT:
        return False
    queue = failing.taken_up_again(turn.state.queue)
    turn.set(queue=())
    begin_next(turn)
    words = Words(phrase=Phrase.TOO_MANY_FAILURES, values={"count": turn.state.failures})
    turn.set(queue=queue, halted=words, notice=None)
    return True


def on_failed(turn: Turn, message: TrackFailedOn) -> None:
    """Lavalink says what went wrong. Its end event follows an exception, but none follows a stall."""
    if not _is_current(turn, message):
        return
    fault = fault_of(message.message, message.cause, message.severity, stuck=message.stuck)
    turn.set(failure_reason=message.message[: policy.REASON_LIMIT], fault=fault)
    if message.stuck:
        failed(turn)
    else:
        turn.start_timer(FAILED_TIMER, policy.FAILED_END_MS)


def on_failed_timer(turn: Turn) -> None:
    """The end event of a failed song got lost."""
    failed(turn)


def on_progress(turn: Turn, message: Progress) -> None:
    """Correct the position, and notice a player that lost its voice."""
    state = turn.state
    if state.voice is None or state.snapshot.node != message.node or state.patch is not None:
        return
    if not message.connected:
        _on_silent_node(turn, message)
        return
    turn.set(connected_at=turn.now, disconnected_since=None)
    if state.current is None or not state.audible or state.snapshot.paused:
        return
    if turn.position >= policy.HEARD_MS:
        turn.set(failures=0)
    if state.snapshot.speed != 1.0:
        return  # a node counts seconds of sound, not of song: our clock is right
    stored = state.stored_position_ms + max(0, message.at - state.stored_position_at)
    turn.snap(position_ms=max(0, message.position_ms), position_at=message.at)
    if abs(message.position_ms - stored) > policy.POSITION_TOLERANCE_MS:
        turn.store_position = True


def _on_silent_node(turn: Turn, message: Progress) -> None:
    state = turn.state
    if not state.voice_ready or state.on_node is None or state.on_node.voice is None:
        return
    since = state.disconnected_since
    if since is None:
        turn.set(disconnected_since=message.at)
    elif message.at - since >= policy.DISCONNECTED_MS:
        rejoin(turn)


def _is_current(turn: Turn, message: TrackStartedOn | TrackEndedOn | TrackFailedOn) -> bool:
    """Whether an event is about the newest start of the current song."""
    snapshot = turn.state.snapshot
    return (
        snapshot.current is not None
        and not turn.state.start_needed
        and not failing.under_way(turn)
        and message.node == snapshot.node
        and message.generation == snapshot.generation
        and message.item == snapshot.current.id
    )
