"""A new holder finds a player, or its remains: the snapshot decides, the node knows the position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.ids import ItemId, UserId
from segue_core.models import QueueItem
from segue_worker.domain import policy
from segue_worker.domain.effects import DestroyPlayer
from segue_worker.domain.now_playing import view_of
from segue_worker.domain.playing import finished
from segue_worker.domain.state import MessageState, OnNode
from segue_worker.domain.voice import rejoin

if TYPE_CHECKING:
    from segue_worker.domain.messages import Adopted
    from segue_worker.domain.turn import Turn

NOBODY = UserId(0)


def on_adopted(turn: Turn, message: Adopted) -> None:
    """Compare what the node says with the snapshot, and let the turn settle the rest."""
    state = turn.state
    snapshot = state.snapshot
    if state.patch is not None:
        return  # our own PATCH is under way: its answer, or its absence, says more
    if state.voice is None and not state.live:
        _adopt_unknown(turn, message)
        return
    if message.node is not None and (message.node != snapshot.node or snapshot.current is None):
        turn.emit(DestroyPlayer(node=message.node))
    if snapshot.current is None:
        turn.snap(node=None)
        turn.set(on_node=None)
    elif message.node is None or message.node != snapshot.node:
        _without_player(turn)
    elif message.item is None:
        _without_track(turn, message)
    elif message.item == snapshot.current.id and message.generation == snapshot.generation:
        _same_song(turn, message)
    else:
        _other_song(turn, message)
    if turn.state.snapshot.now_playing is not None and turn.state.message.shown is None:
        # Taken for right until something changes: a takeover of a thousand guilds is no edit storm.
        turn.set(message=MessageState(shown=view_of(turn.state, turn.now)))


def _adopt_unknown(turn: Turn, message: Adopted) -> None:
    """No snapshot, but a playing player: go on with what it plays. Else it is destroyed."""
    if message.node is None:
        return
    if message.track is None or message.voice is None:
        turn.emit(DestroyPlayer(node=message.node))
        return
    item = QueueItem(
        id=ItemId(message.item or f"adopted-{turn.state.guild}"),
        track=message.track,
        requester=NOBODY,
        requested_at=turn.now,
    )
    turn.snap(current=item, node=message.node, generation=message.generation, paused=message.paused)
    turn.snap(position_ms=message.position_ms, position_at=message.at, started_at=turn.now)
    there = OnNode(
        node=message.node, has_track=True, paused=message.paused, filters=None, voice=message.voice
    )
    turn.set(voice=message.voice, on_node=there, audible=True, start_needed=False)


def _without_player(turn: Turn) -> None:
    """The node is gone: the song goes on elsewhere."""
    _stand_still(turn)
    snapshot = turn.state.snapshot
    turn.set(
        on_node=None,
        start_needed=True,
        moved_from=snapshot.node,
        moved_because="node_lost",
        excluded=() if snapshot.node is None else (snapshot.node,),
    )
    turn.snap(node=None)


def _without_track(turn: Turn, message: Adopted) -> None:
    """The player is silent: the song ended while nobody looked, or it was never sent."""
    item = turn.state.current
    if item is None or message.node is None:
        return
    turn.set(on_node=OnNode(node=message.node, filters=None))
    over = not item.track.is_stream and turn.state.snapshot.position(turn.now) >= item.track.length_ms
    if over and turn.state.snapshot.started_at:
        turn.set(audible=True)  # it was heard to its end, says the clock
        finished(turn)
    else:
        _stand_still(turn)
        turn.set(start_needed=True)


def _stand_still(turn: Turn) -> None:
    """Where the song is by the snapshot's clock, if anybody has heard it start."""
    snapshot = turn.state.snapshot
    heard = snapshot.started_at > 0 and snapshot.node is not None
    position = snapshot.position(turn.now) if heard else snapshot.position_ms
    turn.snap(position_ms=position, position_at=turn.now)
    turn.set(audible=False)


def _same_song(turn: Turn, message: Adopted) -> None:
    """Equal version: the node is right about the position. Older: the snapshot is right."""
    state = turn.state
    snapshot = state.snapshot
    if message.node is None:
        return
    current_version = message.version == snapshot.version
    off = abs(message.position_ms - snapshot.position(message.at))
    turn.set(
        start_needed=False,
        audible=True,
        on_node=OnNode(
            node=message.node,
            has_track=True,
            paused=message.paused,
            volume=snapshot.volume if current_version else None,
            filters=snapshot.filters if current_version else None,
            voice=state.voice,
        ),
    )
    if snapshot.speed != 1.0:
        pass  # a node counts seconds of sound, not of song: the snapshot's clock is right
    elif message.paused and snapshot.paused:
        pass  # a node reports 0 for a song that was started or sought while paused; the snapshot knows better
    elif not current_version and off > policy.SEEK_TOLERANCE_MS:
        turn.set(seek_needed=True)
    else:
        turn.snap(position_ms=max(0, message.position_ms), position_at=message.at)
    if not message.connected and state.voice_ready:
        rejoin(turn)


def _other_song(turn: Turn, message: Adopted) -> None:
    """The node still plays what came before: the snapshot's song is sent."""
    if message.node is None:
        return
    _stand_still(turn)
    voice = turn.state.voice if message.connected else None
    turn.set(
        start_needed=True,
        on_node=OnNode(node=message.node, has_track=True, paused=message.paused, filters=None, voice=voice),
    )
