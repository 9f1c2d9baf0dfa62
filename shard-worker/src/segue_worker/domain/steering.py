"""Commands that go elsewhere: within the song, back to one before, or on to a later one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.models import LoopMode
from segue_worker.domain import policy, voice
from segue_worker.domain.clock_notation import Time, parse_time
from segue_worker.domain.guards import is_with_us
from segue_worker.domain.history import end_current, remember
from segue_worker.domain.playing import begin
from segue_worker.domain.views import Phrase, Tone, Words

if TYPE_CHECKING:
    from segue_core.models import QueueItem
    from segue_worker.domain.messages import Command
    from segue_worker.domain.turn import Turn


def seek(turn: Turn, command: Command) -> None:
    """Go to a time, or with a sign so far on or back."""
    time = parse_time(command.time or "")
    if time is None:
        turn.refuse(command, Phrase.BAD_TIME)
    elif _can_seek(turn, command):
        _go_to(turn, command, turn.position + time.ms if time.relative else time.ms)


def forward(turn: Turn, command: Command) -> None:
    """Go on by a while."""
    _go_by(turn, command, 1)


def rewind(turn: Turn, command: Command) -> None:
    """Go back by a while, to the beginning at most."""
    _go_by(turn, command, -1)


def _go_by(turn: Turn, command: Command, direction: int) -> None:
    time = Time(ms=policy.STEP_MS) if command.time is None else parse_time(command.time)
    if time is None or time.relative:
        turn.refuse(command, Phrase.BAD_TIME)
    elif _can_seek(turn, command):
        _go_to(turn, command, turn.position + direction * time.ms)


def _can_seek(turn: Turn, command: Command) -> bool:
    if not is_with_us(turn, command):
        return False
    item = turn.state.current
    if item is None:
        turn.refuse(command, Phrase.NOTHING_PLAYING)
        return False
    if item.track.is_stream or not item.track.is_seekable:
        turn.refuse(command, Phrase.NOT_SEEKABLE)
        return False
    return True


def _go_to(turn: Turn, command: Command, wanted_ms: int) -> None:
    item = turn.state.current
    if item is None:
        return
    if wanted_ms >= item.track.length_ms:
        turn.refuse(command, Phrase.SEEK_BEYOND, limit_ms=item.track.length_ms)
        return
    position = max(0, wanted_ms)
    turn.snap(position_ms=position, position_at=turn.now)
    # A song that is still to be sent is sent with its position.
    turn.set(seek_needed=not turn.state.start_needed)
    turn.accept(command, str(position))
    turn.reply(command, Tone.OK, Words(phrase=Phrase.SOUGHT, values={"position_ms": position}))


def replay(turn: Turn, command: Command) -> None:
    """Play the song from its beginning; with silence, the one heard last."""
    item = turn.state.current
    if item is None:
        previous(turn, command)
        return
    if not is_with_us(turn, command):
        return
    _wake(turn)
    turn.snap(position_ms=0, position_at=turn.now)
    if item.track.is_seekable and not item.track.is_stream:
        turn.set(seek_needed=not turn.state.start_needed)
    else:
        turn.set(start_needed=True, audible=False)
    _done(turn, command, Phrase.REPLAYING, item)


def previous(turn: Turn, command: Command) -> None:
    """Play the song before; the present one comes after it."""
    if not is_with_us(turn, command):
        return
    state = turn.state
    if not state.snapshot.played:
        turn.refuse(command, Phrase.NO_PREVIOUS)
        return
    item = state.snapshot.played[-1]
    _wake(turn)
    end_current(turn, "skipped")
    present = () if state.current is None else (state.current,)
    # A looped queue has it at its end as well.
    queue = tuple(other for other in (*present, *state.queue) if other.id != item.id)
    turn.snap(played=state.snapshot.played[:-1])
    begin(turn, item, queue)
    _done(turn, command, Phrase.PLAYING_AGAIN, item)


def skip_to(turn: Turn, command: Command) -> None:
    """Go on with a later song; those before it are dropped, or follow again in a looped queue."""
    if not is_with_us(turn, command):
        return
    state = turn.state
    place = 1 if command.place is None else command.place
    if not state.queue:
        turn.refuse(command, Phrase.QUEUE_EMPTY)
        return
    if not 1 <= place <= len(state.queue):
        turn.refuse(command, Phrase.NO_SUCH_PLACE, position=place, count=len(state.queue))
        return
    item, following = state.queue[place - 1], state.queue[place:]
    _wake(turn)
    end_current(turn, "skipped")
    if state.current is not None:
        remember(turn, state.current)
    if state.snapshot.loop is LoopMode.QUEUE:
        present = () if state.current is None else (state.current,)
        following = (*following, *present, *state.queue[: place - 1])
    begin(turn, item, following)
    _done(turn, command, Phrase.SKIPPED_TO, item)


def _wake(turn: Turn) -> None:
    """Whoever asks for a song wants to hear it: neither a pause nor an earlier failure is in the way."""
    if turn.state.halted is not None:
        voice.try_again(turn)
    if turn.state.snapshot.paused:
        turn.snap(position_ms=turn.position, position_at=turn.now, paused=False)
    turn.set(notice=None)


def _done(turn: Turn, command: Command, phrase: Phrase, item: QueueItem) -> None:
    turn.accept(command, item.track.title)
    turn.reply(command, Tone.OK, Words(phrase=phrase, values={"title": item.track.title}), item=item)
