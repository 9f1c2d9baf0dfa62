"""Bringing the player on its node to what the state says, by one PATCH at a time.

Commands and events only change the state. What a node still lacks is found here, so that requests
that come faster than a node answers are combined, and nothing depends on an answer that got lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from segue_core.filters import PLAIN, Filters
from segue_core.models import VoiceLink
from segue_worker.domain import policy
from segue_worker.domain.effects import PatchPlayer
from segue_worker.domain.placing import on_patch_failed
from segue_worker.domain.state import OnNode, PendingPatch
from segue_worker.domain.views import Phrase, Words

if TYPE_CHECKING:
    from segue_worker.domain.messages import Patched
    from segue_worker.domain.turn import Turn

TIMER = "patch"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What one PATCH is to do; what is None stays as it is."""

    start: bool
    stop: bool
    seek: bool
    paused: bool | None
    volume: int | None
    filters: Filters | None
    voice: VoiceLink | None


def settle(turn: Turn) -> None:
    """Send what the player lacks, unless a PATCH is in flight."""
    state = turn.state
    there = state.on_node
    if there is None or state.patch is not None:
        return
    may_start = state.voice_ready and state.halted is None
    start = state.start_needed and may_start
    voice = _missing_voice(turn, there) if may_start else None
    stop = state.current is None and there.has_track
    exists = start or voice is not None or there.has_track
    volume = state.snapshot.volume if exists and there.volume != state.snapshot.volume else None
    plays = start or (there.has_track and not stop)
    paused = state.snapshot.paused if plays and there.paused != state.snapshot.paused else None
    filters = state.snapshot.filters if exists and there.filters != state.snapshot.filters else None
    seek = state.seek_needed and plays and not start
    wanting = (voice, volume, paused, filters)
    if not (start or stop or seek) and all(want is None for want in wanting):
        return
    if start:
        turn.snap(generation=state.snapshot.generation + 1)
        turn.set(start_needed=False, seek_needed=False)
    if seek:
        turn.set(seek_needed=False)
    change = _Change(
        start=start, stop=stop, seek=seek, paused=paused, volume=volume, filters=filters, voice=voice
    )
    _send(turn, there, change)


def _missing_voice(turn: Turn, there: OnNode) -> VoiceLink | None:
    state = turn.state
    return state.voice if state.wants_node and there.voice != state.voice else None


def _send(turn: Turn, there: OnNode, change: _Change) -> None:
    state = turn.state
    item = state.current
    request = turn.request()
    has_track = change.start or (there.has_track and not change.stop)
    position = turn.position if change.start or change.seek else 0
    turn.set(
        patch=PendingPatch(
            request=request,
            carries_voice=change.voice is not None,
            carries_filters=change.filters is not None,
            starts=change.start,
            result=OnNode(
                node=there.node,
                has_track=has_track,
                paused=there.paused if change.paused is None else change.paused,
                volume=there.volume if change.volume is None else change.volume,
                filters=there.filters if change.filters is None else change.filters,
                voice=change.voice or there.voice,
            ),
        )
    )
    turn.emit(
        PatchPlayer(
            request=request,
            node=there.node,
            generation=state.snapshot.generation,
            version=0,  # known when the turn is finished
            playing=item.id if item is not None and has_track else None,
            item=item if change.start else None,
            stop=change.stop,
            position_ms=position if change.seek or position > 0 else None,
            paused=change.paused,
            volume=change.volume,
            filters=change.filters,
            voice=change.voice,
        )
    )
    turn.start_timer(TIMER, policy.PATCH_TIMEOUT_MS)


def on_patched(turn: Turn, message: Patched) -> None:
    """The node answered."""
    patch = turn.state.patch
    if patch is None or patch.request != message.request:
        return
    if message.rejected and patch.carries_filters and turn.state.snapshot.filters != PLAIN:
        _without_filters(turn, patch)
        return
    if message.error:
        on_patch_failed(turn, patch.result.node)
        return
    there = turn.state.on_node
    result = patch.result
    if there is not None and not patch.carries_voice:
        result = replace(result, voice=there.voice)  # it may have closed meanwhile
    turn.set(on_node=result, patch=None, patch_failures=0, excluded=())
    turn.stop_timer(TIMER)


def _without_filters(turn: Turn, patch: PendingPatch) -> None:
    """The node won't have the filters (its configuration can forbid some): the song matters more."""
    turn.stop_timer(TIMER)
    turn.snap(position_ms=turn.position, position_at=turn.now, filters=PLAIN, speed=1.0)
    turn.set(
        patch=None,
        start_needed=turn.state.start_needed or (patch.starts and turn.state.current is not None),
        seek_needed=turn.state.seek_needed or not patch.starts,
        notice=Words(phrase=Phrase.FILTERS_REFUSED),
    )


def on_timer(turn: Turn) -> None:
    """The node, or its answer, is lost."""
    patch = turn.state.patch
    if patch is not None:
        on_patch_failed(turn, patch.result.node)
