"""The end of a guild's player: nothing is left but what a next one should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.models import PlayerSnapshot
from segue_worker.domain import policy
from segue_worker.domain.effects import DestroyPlayer, ReleasePlacement, SendVoiceState
from segue_worker.domain.history import end_current
from segue_worker.domain.now_playing import retire
from segue_worker.domain.views import Phrase, Tone, Words

if TYPE_CHECKING:
    from segue_worker.domain.turn import Turn


def close(turn: Turn, notice: Words, *, told: Phrase, leave: bool = True) -> None:
    """Stop everything, leave the channel (unless we are out already) and forget the player.

    ``notice`` stands in the retired message; ``told`` answers the commands that were still waiting.
    """
    end_current(turn, "left")
    answer_waiting(turn, told)
    retire(turn, notice)
    drop_player(turn)
    if leave and turn.state.voice is not None:
        turn.emit(SendVoiceState(channel=None))
        turn.set(expected=(*turn.state.expected, None)[-policy.EXPECTED_LIMIT :])
    for timer in turn.state.timers:
        if timer.name != "post":
            turn.stop_timer(timer.name)
    snapshot = turn.state.snapshot
    turn.set(
        snapshot=PlayerSnapshot(
            guild=snapshot.guild,
            version=snapshot.version,
            volume=snapshot.volume,
            generation=snapshot.generation,
            tier=snapshot.tier,
        ),
        queue=(),
        voice=None,
        provisional=False,
        waiting=None,
        rejoined_at=(),
        disconnected_since=None,
        start_needed=False,
        seek_needed=False,
        audible=False,
        failures=0,
        replacing=None,
        notice=None,
        halted=None,
    )


def answer_waiting(turn: Turn, phrase: Phrase) -> None:
    """Tell everybody who waits for a song or for the channel that it won't come."""
    answer_loads(turn, phrase)
    answer_joins(turn, phrase)


def answer_joins(turn: Turn, phrase: Phrase) -> None:
    """Tell everybody who waits for us to be in the channel that we won't."""
    joins = turn.state.joins
    turn.set(joins=())
    for command in joins:
        turn.reply(command, Tone.FAILED, Words(phrase=phrase))


def answer_loads(turn: Turn, phrase: Phrase) -> None:
    """Tell everybody who waits for a song that it won't come."""
    loads = turn.state.loads
    turn.set(loads=())
    for load in loads:
        turn.stop_timer(load_timer(load.request))
        turn.reply(load.command, Tone.FAILED, Words(phrase=phrase))


def load_timer(request: int) -> str:
    """Return the name of the timer that bounds a load."""
    return f"load:{request}"


def drop_player(turn: Turn) -> None:
    """Destroy the player where it is, give its place back, and forget what was under way there."""
    node = turn.state.snapshot.node
    if node is not None:
        turn.emit(DestroyPlayer(node=node))
    if node is not None or turn.state.placing is not None or turn.state.moved_from is not None:
        turn.emit(ReleasePlacement())
    for timer in ("place", "patch", "place-again"):
        turn.stop_timer(timer)
    turn.snap(node=None)
    turn.set(
        on_node=None,
        patch=None,
        patch_failures=0,
        placing=None,
        place_attempts=0,
        excluded=(),
        moved_from=None,
        moved_because="",
    )


def abandon_if_provisional(turn: Turn) -> None:
    """Leave again when we came only for songs that were not to be had: the state is as before."""
    state = turn.state
    if state.provisional and not state.has_music and not state.joins:
        close(turn, Words(phrase=Phrase.QUEUE_ENDED), told=Phrase.STOPPED_MEANWHILE)
