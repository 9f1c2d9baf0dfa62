"""Bringing the player on its node to what the state says, by one PATCH at a time.

Commands and events only change the state. What a node still lacks is found here, so that requests
that come faster than a node answers are combined, and nothing depends on an answer that got lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segue_worker.domain import policy
from segue_worker.domain.effects import PatchPlayer
from segue_worker.domain.placing import on_patch_failed
from segue_worker.domain.state import OnNode, PendingPatch

if TYPE_CHECKING:
    from segue_core.models import VoiceLink
    from segue_worker.domain.messages import Patched
    from segue_worker.domain.turn import Turn

TIMER = "patch"


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
    seek = state.seek_needed and plays and not start
    if not (start or stop or seek) and voice is None and volume is None and paused is None:
        return
    if start:
        turn.snap(generation=state.snapshot.generation + 1)
        turn.set(start_needed=False)
    if seek:
        turn.set(seek_needed=False)
    _send(turn, there, start=start, stop=stop, seek=seek, paused=paused, volume=volume, voice=voice)


def _missing_voice(turn: Turn, there: OnNode) -> VoiceLink | None:
    state = turn.state
    return state.voice if state.wants_node and there.voice != state.voice else None


def _send(
    turn: Turn,
    there: OnNode,
    *,
    start: bool,
    stop: bool,
    seek: bool,
    paused: bool | None,
    volume: int | None,
    voice: VoiceLink | None,
) -> None:
    state = turn.state
    item = state.current
    request = turn.request()
    has_track = start or (there.has_track and not stop)
    position = turn.position if start or seek else 0
    turn.set(
        patch=PendingPatch(
            request=request,
            carries_voice=voice is not None,
            result=OnNode(
                node=there.node,
                has_track=has_track,
                paused=there.paused if paused is None else paused,
                volume=there.volume if volume is None else volume,
                voice=voice or there.voice,
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
            item=item if start else None,
            stop=stop,
            position_ms=position if seek or position > 0 else None,
            paused=paused,
            volume=volume,
            voice=voice,
        )
    )
    turn.start_timer(TIMER, policy.PATCH_TIMEOUT_MS)


def on_patched(turn: Turn, message: Patched) -> None:
    """The node answered."""
    patch = turn.state.patch
    if patch is None or patch.request != message.request:
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


def on_timer(turn: Turn) -> None:
    """The node, or its answer, is lost."""
    patch = turn.state.patch
    if patch is not None:
        on_patch_failed(turn, patch.result.node)
