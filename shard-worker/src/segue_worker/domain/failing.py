"""A song that can't be played: again where that may help, another one like it, later, or not at all.

Bounded: a song is tried again once, replaced once and put off once, and songs that fail one after the
other stop the player with the rest of the queue kept. A node on which one song after another fails is
left before that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segue_core.events import TrackFailed
from segue_core.ids import ItemId
from segue_worker.domain import policy
from segue_worker.domain.effects import DestroyPlayer, FindReplacement
from segue_worker.domain.faults import Fault
from segue_worker.domain.history import end_current
from segue_worker.domain.placing import leave_node
from segue_worker.domain.views import Phrase, Words

if TYPE_CHECKING:
    from segue_core.models import QueueItem, Track
    from segue_worker.domain.messages import Loaded
    from segue_worker.domain.turn import Turn

RETRY_TIMER = "retry"
REPLACE_TIMER = "replace"


def forget(turn: Turn) -> None:
    """Another song begins, or none: what was under way for the one before is void."""
    turn.stop_timer(RETRY_TIMER)
    turn.stop_timer(REPLACE_TIMER)
    turn.set(replacing=None)


def under_way(turn: Turn) -> bool:
    """Whether the current song failed and something is done about it."""
    return turn.state.replacing is not None or turn.state.has_timer(RETRY_TIMER)


def fail(turn: Turn) -> QueueItem | None:
    """The current song failed. Return it when nothing more can be done: it is over then."""
    state = turn.state
    item = state.current
    if item is None:
        return None
    if state.fault.passes and state.retried != item.id:
        _try_again(turn, item)
        return None
    if item.instead_of is None and not item.track.is_stream:
        _look_for_another(turn, item)
        return None
    return item


def _try_again(turn: Turn, item: QueueItem) -> None:
    turn.freeze()
    turn.set(retried=item.id)
    if turn.state.on_node is not None:
        turn.set(on_node=replace(turn.state.on_node, has_track=False))
    _record(turn, item, "retried")
    turn.start_timer(RETRY_TIMER, policy.RETRY_MS)


def on_retry_timer(turn: Turn) -> None:
    """The pause is over: the song starts again, from where it was."""
    if turn.state.current is not None:
        turn.set(start_needed=True)


def _look_for_another(turn: Turn, item: QueueItem) -> None:
    turn.freeze()
    request = turn.request()
    turn.set(replacing=request)
    turn.set(notice=Words(phrase=Phrase.TRACK_REPLACING, values={"title": item.track.title}))
    turn.emit(FindReplacement(request=request, track=item.track, user=item.requester))
    turn.start_timer(REPLACE_TIMER, policy.REPLACE_TIMEOUT_MS)


def replacement_of(turn: Turn, message: Loaded) -> QueueItem | None:
    """Return the song to play in place of the current one, None when there is none like it."""
    item = turn.state.current
    if item is None or not message.tracks:
        return None
    return replace(item, id=ItemId(f"{item.id}r"), track=message.tracks[0], failures=0, instead_of=item.id)


def replaced(turn: Turn, item: QueueItem, by: QueueItem) -> None:
    """Say that ``by`` is played in place of ``item``."""
    _record(turn, item, "replaced", by.track)
    values: dict[str, str | int] = {"title": item.track.title, "other": by.track.title}
    turn.set(notice=Words(phrase=Phrase.TRACK_REPLACED, values=values))
    end_current(turn, "failed")


def give_up(turn: Turn, item: QueueItem) -> QueueItem | None:
    """End ``item`` with words. Return it when it was put off: through no fault of its own, once."""
    state = turn.state
    put_off = not state.fault.of_the_song and item.failures == 0 and not item.track.is_stream
    phrase = Phrase.TRACK_STUCK if state.fault is Fault.STUCK else Phrase.TRACK_FAILED
    phrase = Phrase.TRACK_PUT_OFF if put_off else phrase
    values: dict[str, str | int] = {
        "title": item.track.title,
        "reason": state.failure_reason,
        "user": int(item.requester),
    }
    _record(turn, item, "put_off" if put_off else "skipped")
    turn.set(notice=Words(phrase=phrase, values=values), failures=state.failures + 1)
    end_current(turn, "failed")
    _leave_bad_node(turn)
    return replace(item, failures=item.failures + 1) if put_off else None


def taken_up_again(queue: tuple[QueueItem, ...]) -> tuple[QueueItem, ...]:
    """Return ``queue`` as it is kept while we stop: what was put off comes first again, with new chances."""
    put_off = tuple(replace(item, failures=0) for item in queue if item.failures)
    return (*put_off, *(item for item in queue if not item.failures))


def _leave_bad_node(turn: Turn) -> None:
    """Songs fail one after the other, by no fault of theirs: perhaps elsewhere they don't."""
    state = turn.state
    node = state.snapshot.node
    if state.fault.of_the_song or state.failures != policy.FAILURES_OF_NODE or node is None:
        return
    turn.emit(DestroyPlayer(node=node))
    leave_node(turn, node, "tracks_failed", excluded=(node,))


def _record(turn: Turn, item: QueueItem, action: str, replacement: Track | None = None) -> None:
    state = turn.state
    turn.record(
        TrackFailed(
            track=item.track,
            requester=item.requester,
            fault=state.fault.value,
            reason=state.failure_reason,
            action=action,
            replacement=replacement,
            node=state.snapshot.node,
        )
    )
