"""A planned move: the song begins on another node at the right place, then the old player is ended.

The old node is heard until the new one speaks. Discord ends its voice connection then by itself; its words
about this guild are no longer ours to follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.events import PlayerMoved
from segue_worker.domain import failing, policy
from segue_worker.domain.closing import drop_player
from segue_worker.domain.effects import DestroyPlayer
from segue_worker.domain.state import OnNode

if TYPE_CHECKING:
    from segue_worker.domain.messages import MoveTo
    from segue_worker.domain.turn import Turn

TIMER = "leave"


def on_move(turn: Turn, message: MoveTo) -> None:
    """Go where the router says, unless something else is under way: then we are asked again."""
    state = turn.state
    if (
        message.source != state.snapshot.node
        or state.patch is not None
        or state.leaving is not None
        or failing.under_way(turn)
    ):
        return
    if state.current is None:
        drop_player(turn)  # nothing plays: the next song is placed anew
        return
    if message.node is None or message.node == message.source or not state.voice_ready:
        return
    turn.record(PlayerMoved(source=message.source, target=message.node, reason=message.reason))
    # What is heard until the new player speaks is heard once more: nothing is left out.
    turn.freeze()
    turn.snap(node=message.node)
    turn.set(
        on_node=OnNode(node=message.node),
        leaving=message.source,
        start_needed=True,
        seek_needed=False,
        excluded=(message.source,),
    )
    turn.start_timer(TIMER, policy.LEAVE_TIMEOUT_MS)


def settle(turn: Turn) -> None:
    """End the old player when there is nothing more to expect of it."""
    state = turn.state
    if state.leaving is not None and (state.snapshot.node is None or state.leaving == state.snapshot.node):
        # Lost, given up, or back again: whatever follows begins anew.
        leave(turn)


def leave(turn: Turn) -> None:
    """The new player speaks, or we stop waiting for it: end the old one, unless it is the one again."""
    leaving = turn.state.leaving
    if leaving is None:
        return
    turn.stop_timer(TIMER)
    turn.set(leaving=None)
    if leaving != turn.state.snapshot.node:
        turn.emit(DestroyPlayer(node=leaving))
