"""The queue, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_worker.domain import policy
from segue_worker.domain.views import QueuePage

if TYPE_CHECKING:
    from segue_worker.domain.state import GuildState


def queue_page(state: GuildState, page: int, now: int) -> QueuePage:
    """Return page ``page`` (1-based; one outside is brought inside)."""
    total = len(state.queue)
    pages = max(1, -(-total // policy.PAGE_SIZE))
    page = min(max(1, page), pages)
    first = (page - 1) * policy.PAGE_SIZE
    return QueuePage(
        page=page,
        pages=pages,
        total=total,
        total_ms=sum(item.track.length_ms for item in state.queue if not item.track.is_stream),
        items=state.queue[first : first + policy.PAGE_SIZE],
        first_position=first + 1,
        current=state.current,
        position_ms=state.position(now),
    )
