"""What can be done to a queue, as functions of it. Places are counted from 1, as people see them.

Every song stays or goes as a whole: no edit makes one up, and those left keep their order unless the edit
is about order.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from segue_core.ids import UserId
    from segue_core.models import QueueItem

Queue = tuple["QueueItem", ...]


def span(queue: Queue, first: int, last: int) -> Queue:
    """Return the songs from place ``first`` to ``last``; both must be places of the queue."""
    return queue[first - 1 : last]


def without_span(queue: Queue, first: int, last: int) -> Queue:
    """Return the queue without those of :func:`span`."""
    return queue[: first - 1] + queue[last:]


def moved(queue: Queue, source: int, target: int) -> Queue:
    """Return the queue with the song at ``source`` at ``target``, the others closing up."""
    rest = without_span(queue, source, source)
    return (*rest[: target - 1], queue[source - 1], *rest[target - 1 :])


def shuffled(queue: Queue, seed: str) -> Queue:
    """Return the queue in an order that looks like chance, and is the same whenever the seed is."""

    def weight(numbered: tuple[int, QueueItem]) -> bytes:
        number, item = numbered
        return blake2b(f"{seed}/{number}/{item.id}".encode(), digest_size=16).digest()

    return tuple(item for _, item in sorted(enumerate(queue), key=weight))


def deduplicated(queue: Queue) -> Queue:
    """Return the queue with each song once, where it came first."""
    first_of: dict[tuple[str, str], QueueItem] = {}
    for item in queue:
        first_of.setdefault((item.track.source, item.track.identifier), item)
    return tuple(first_of.values())


def without_requester(queue: Queue, user: UserId) -> Queue:
    """Return the queue without what ``user`` asked for."""
    return tuple(item for item in queue if item.requester != user)


def of_present(queue: Queue, present: Collection[UserId]) -> Queue:
    """Return the queue with the songs of those present, and those that nobody known asked for."""
    return tuple(item for item in queue if item.requester in present or not item.requester)
