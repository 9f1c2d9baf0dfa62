"""Commands that edit the queue; what each does to it stands in ``queue_edits.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_worker.domain import queue_edits
from segue_worker.domain.guards import is_with_us
from segue_worker.domain.views import Phrase, Tone, Words

if TYPE_CHECKING:
    from segue_worker.domain.messages import Command
    from segue_worker.domain.queue_edits import Queue
    from segue_worker.domain.turn import Turn


def remove(turn: Turn, command: Command) -> None:
    """Take one song out, or all from one place to another."""
    first = _given(command.place)
    last = first if command.to_place is None else command.to_place
    first, last = min(first, last), max(first, last)
    if not (_may_edit(turn, command) and _has_places(turn, command, first, last)):
        return
    queue = turn.state.queue
    gone = queue_edits.span(queue, first, last)
    turn.set(queue=queue_edits.without_span(queue, first, last))
    title = gone[0].track.title
    turn.accept(command, title if len(gone) == 1 else f"{first}-{last}")
    phrase = Phrase.REMOVED if len(gone) == 1 else Phrase.REMOVED_SOME
    turn.reply(command, Tone.OK, Words(phrase=phrase, values={"title": title, "count": len(gone)}))


def move(turn: Turn, command: Command) -> None:
    """Bring a song to another place."""
    _move(turn, command, _given(command.place), _given(command.to_place))


def bump(turn: Turn, command: Command) -> None:
    """Bring a song to the front."""
    _move(turn, command, _given(command.place), 1)


def _move(turn: Turn, command: Command, source: int, target: int) -> None:
    if not (_may_edit(turn, command) and _has_places(turn, command, source, target)):
        return
    queue = turn.state.queue
    title = queue[source - 1].track.title
    if source != target:
        turn.set(queue=queue_edits.moved(queue, source, target))
        turn.accept(command, f"{title}: {source} to {target}")
    values: dict[str, str | int] = {"title": title, "position": target}
    turn.reply(command, Tone.OK, Words(phrase=Phrase.MOVED, values=values))


def shuffle(turn: Turn, command: Command) -> None:
    """Mix the queue, by the command's id: a successor that repeats it comes to the same order."""
    if not _may_edit(turn, command):
        return
    queue = turn.state.queue
    if len(queue) == 1:
        turn.reply(command, Tone.INFO, Words(phrase=Phrase.SHUFFLE_ONE))
        return
    turn.set(queue=queue_edits.shuffled(queue, command.id))
    turn.accept(command, str(len(queue)))
    turn.reply(command, Tone.OK, Words(phrase=Phrase.SHUFFLED, values={"count": len(queue)}))


def clear(turn: Turn, command: Command) -> None:
    """Empty the queue; the song that plays goes on."""
    if _may_edit(turn, command):
        _keep(turn, command, (), Phrase.CLEARED)


def dedupe(turn: Turn, command: Command) -> None:
    """Take out what is there twice."""
    if _may_edit(turn, command):
        _keep(turn, command, queue_edits.deduplicated(turn.state.queue), Phrase.NO_DUPLICATES)


def remove_mine(turn: Turn, command: Command) -> None:
    """Take out what the person asked for."""
    if _may_edit(turn, command):
        kept = queue_edits.without_requester(turn.state.queue, command.user)
        _keep(turn, command, kept, Phrase.NONE_OF_YOURS)


def remove_gone(turn: Turn, command: Command) -> None:
    """Take out what people asked for who no longer listen."""
    if _may_edit(turn, command):
        kept = queue_edits.of_present(turn.state.queue, turn.state.snapshot.listeners)
        _keep(turn, command, kept, Phrase.NOBODY_GONE)


def _keep(turn: Turn, command: Command, kept: Queue, otherwise: Phrase) -> None:
    """Let the queue be ``kept``; when that is all of it, say ``otherwise``."""
    count = len(turn.state.queue) - len(kept)
    if not count:
        turn.reply(command, Tone.INFO, Words(phrase=otherwise))
        return
    turn.set(queue=kept)
    turn.accept(command, str(count))
    phrase = Phrase.CLEARED if not kept else Phrase.REMOVED_SOME
    turn.reply(command, Tone.OK, Words(phrase=phrase, values={"count": count}))


def _given(place: int | None) -> int:
    return 1 if place is None else place


def _may_edit(turn: Turn, command: Command) -> bool:
    if not is_with_us(turn, command):
        return False
    if not turn.state.queue:
        turn.refuse(command, Phrase.QUEUE_EMPTY)
        return False
    return True


def _has_places(turn: Turn, command: Command, *places: int) -> bool:
    total = len(turn.state.queue)
    missing = [place for place in places if not 1 <= place <= total]
    if missing:
        turn.refuse(command, Phrase.NO_SUCH_PLACE, position=missing[0], count=total)
        return False
    return True
