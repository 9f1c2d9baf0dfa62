"""Found songs join the queue: at its end, at its head, or in place of the one that plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.ids import ItemId
from segue_core.models import LoopMode, QueueItem
from segue_worker.domain.history import end_current, remember
from segue_worker.domain.messages import Verb
from segue_worker.domain.playing import begin_next
from segue_worker.domain.views import Phrase, Tone, Words

if TYPE_CHECKING:
    from segue_core.models import Track
    from segue_worker.domain.state import GuildState, PendingPlay
    from segue_worker.domain.turn import Turn


def admit(turn: Turn, load: PendingPlay) -> Words | None:
    """Queue what fits of ``load`` and say so; or return why nothing does, with nothing changed."""
    state = turn.state
    limit = state.settings.max_song_duration_ms
    fitting = tuple(track for track in load.tracks if not _too_long(track, limit))
    room = _room(state, load.command.verb)
    if not fitting:
        return Words(phrase=Phrase.TOO_LONG, values={"limit_ms": limit or 0})
    if room <= 0:
        return Words(phrase=Phrase.QUEUE_FULL, values={"limit": state.settings.max_queue_size})
    command = load.command
    items = tuple(
        QueueItem(
            id=ItemId(f"{command.id}-{index}"), track=track, requester=command.user, requested_at=turn.now
        )
        for index, track in enumerate(fitting[:room])
    )
    turn.set(loads=tuple(known for known in state.loads if known.request != load.request))
    turn.accept(command, load.playlist or items[0].track.title)
    if state.snapshot.text_channel is None:
        turn.snap(text_channel=command.text_channel)
    first = state.current is None and not state.queue
    _place(turn, items, command.verb)
    turn.set(provisional=False)
    _tell(turn, load, items, first=first)
    return None


def _room(state: GuildState, verb: Verb) -> int:
    """How many songs may come; one more where the first of them does not stay in the queue."""
    begins = state.current is None or verb is Verb.PLAY_NOW
    return state.settings.max_queue_size - len(state.queue) + (1 if begins else 0)


def _place(turn: Turn, items: tuple[QueueItem, ...], verb: Verb) -> None:
    queue = turn.state.queue
    if verb is Verb.PLAY_NOW:
        _replace_current(turn, items)
    elif verb is Verb.PLAY_NEXT:
        turn.set(queue=(*items, *queue))
    else:
        turn.set(queue=(*queue, *items))
    if turn.state.current is None:
        begin_next(turn)


def _replace_current(turn: Turn, items: tuple[QueueItem, ...]) -> None:
    item = turn.state.current
    if item is not None:
        end_current(turn, "replaced")
        remember(turn, item)
        if turn.state.snapshot.loop is LoopMode.QUEUE:
            turn.set(queue=(*turn.state.queue, item))
    turn.snap(paused=False)
    turn.set(queue=(*items, *turn.state.queue), notice=None)
    begin_next(turn)


def _too_long(track: Track, limit: int | None) -> bool:
    return limit is not None and not track.is_stream and track.length_ms > limit


def _tell(turn: Turn, load: PendingPlay, items: tuple[QueueItem, ...], *, first: bool) -> None:
    item = items[0]
    verb = load.command.verb
    title: dict[str, str | int] = {"title": item.track.title}
    offered = len(load.tracks) + load.left_out
    if load.playlist is not None:
        phrase = Phrase.QUEUED_PLAYLIST_PARTLY if len(items) < offered else Phrase.QUEUED_PLAYLIST
        words = Words(phrase=phrase, values={"playlist": load.playlist, "count": len(items), "of": offered})
    elif first or verb is Verb.PLAY_NOW:
        words = Words(phrase=Phrase.PLAYING_NOW, values=title)
    elif verb is Verb.PLAY_NEXT:
        words = Words(phrase=Phrase.QUEUED_NEXT, values=title)
    else:
        position = len(turn.state.queue) - len(items) + 1
        words = Words(phrase=Phrase.QUEUED, values={**title, "position": position})
    turn.reply(load.command, Tone.OK, words, item=item)
