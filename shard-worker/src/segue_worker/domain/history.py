"""What is remembered of a song when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.events import TrackEnded
from segue_worker.domain import policy

if TYPE_CHECKING:
    from segue_core.models import QueueItem
    from segue_worker.domain.turn import Turn


def remember(turn: Turn, item: QueueItem) -> None:
    """Keep ``item`` as the last one heard, for who wants it back."""
    others = tuple(known for known in turn.state.snapshot.played if known.id != item.id)
    turn.snap(played=(*others, item)[-policy.PLAYED_LIMIT :])


def end_current(turn: Turn, reason: str) -> None:
    """Record that the current song is over. What follows is the caller's business."""
    state = turn.state
    item = state.current
    if item is None:
        return
    turn.record(
        TrackEnded(
            track=item.track,
            requester=item.requester,
            channel=state.voice.channel if state.voice is not None else None,
            started_at=state.snapshot.started_at or turn.now,
            played_ms=turn.position,
            reason=reason,
            node=state.snapshot.node,
        )
    )
