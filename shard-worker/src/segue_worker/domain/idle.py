"""Leaving when there is nothing to play, or nobody to play it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_worker.domain.closing import close
from segue_worker.domain.views import Phrase, Words

if TYPE_CHECKING:
    from segue_worker.domain.turn import Turn

IDLE_TIMER = "idle"
ALONE_TIMER = "alone"


def settle(turn: Turn) -> None:
    """Run each timer exactly while its reason lasts."""
    state = turn.state
    here = state.voice is not None
    idle = here and (state.halted is not None or (state.current is None and not state.loads))
    alone = here and not state.snapshot.listeners
    _keep(turn, IDLE_TIMER, wanted=idle, delay_ms=state.settings.idle_leave_ms)
    _keep(turn, ALONE_TIMER, wanted=alone, delay_ms=state.settings.alone_leave_ms)


def _keep(turn: Turn, name: str, *, wanted: bool, delay_ms: int) -> None:
    if wanted and not turn.state.has_timer(name):
        turn.start_timer(name, delay_ms)
    elif not wanted:
        turn.stop_timer(name)


def on_idle(turn: Turn) -> None:
    """Nothing was played for long enough."""
    _leave(turn, Phrase.LEFT_IDLE)


def on_alone(turn: Turn) -> None:
    """Nobody listened for long enough."""
    _leave(turn, Phrase.LEFT_ALONE)


def _leave(turn: Turn, phrase: Phrase) -> None:
    if turn.state.voice is not None:
        close(turn, Words(phrase=phrase), told=phrase)
