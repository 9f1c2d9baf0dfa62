"""Where the player lives: placed by the router, moved when its node is lost or does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.events import PlayerMoved
from segue_worker.domain import policy
from segue_worker.domain.closing import abandon_if_provisional, answer_loads
from segue_worker.domain.effects import DestroyPlayer, Place
from segue_worker.domain.state import OnNode
from segue_worker.domain.views import Phrase, Words
from segue_worker.domain.voice import give_up, rejoin

if TYPE_CHECKING:
    from segue_core.ids import NodeId
    from segue_worker.domain.messages import NodeLost, Placed
    from segue_worker.domain.turn import Turn

TIMER = "place"
AGAIN_TIMER = "place-again"


def settle(turn: Turn) -> None:
    """Ask for a node as soon as there is something to play and the voice server is known."""
    state = turn.state
    if state.voice is None or not state.voice.endpoint or state.halted is not None or not state.wants_node:
        return
    if state.snapshot.node is not None or state.placing is not None or state.has_timer(AGAIN_TIMER):
        return
    request = turn.request()
    turn.set(placing=request)
    turn.emit(Place(request=request, endpoint=state.voice.endpoint, excluded=state.excluded))
    turn.start_timer(TIMER, policy.PLACE_TIMEOUT_MS)


def on_placed(turn: Turn, message: Placed) -> None:
    """The router answered."""
    if turn.state.placing is None or message.request != turn.state.placing:
        return
    turn.set(placing=None)
    turn.stop_timer(TIMER)
    if message.node is None:
        _on_no_room(turn)
        return
    state = turn.state
    if state.moved_from is not None and state.moved_from != message.node:
        turn.record(PlayerMoved(source=state.moved_from, target=message.node, reason=state.moved_because))
    turn.snap(node=message.node)
    turn.set(
        on_node=OnNode(node=message.node),
        place_attempts=0,
        moved_from=None,
        moved_because="",
        start_needed=state.current is not None,
    )
    if state.notice is not None and state.notice.phrase is Phrase.WAITING_FOR_NODE:
        turn.set(notice=None)


def on_timer(turn: Turn) -> None:
    """The router did not answer."""
    if turn.state.placing is not None:
        turn.set(placing=None)
        _on_no_room(turn)


def _on_no_room(turn: Turn) -> None:
    """Nobody has room: wait a little and ask again. Newcomers are told sooner than a song gives up."""
    attempts = turn.state.place_attempts + 1
    turn.set(place_attempts=attempts)
    if turn.state.current is None:
        if attempts >= policy.NEWCOMER_ATTEMPTS:
            turn.set(place_attempts=0)
            answer_loads(turn, Phrase.NO_NODE)
            abandon_if_provisional(turn)
        else:
            turn.start_timer(AGAIN_TIMER, policy.PLACE_BACKOFF_MS * attempts)
        return
    if attempts >= policy.PLACE_ATTEMPTS:
        give_up(turn, Words(phrase=Phrase.NODES_EXHAUSTED))
        return
    # A node that failed before is better than none.
    turn.set(excluded=(), notice=Words(phrase=Phrase.WAITING_FOR_NODE))
    turn.start_timer(AGAIN_TIMER, policy.PLACE_BACKOFF_MS * 2 ** (attempts - 1))


def on_lost(turn: Turn, message: NodeLost) -> None:
    """The node and our player on it are gone: the song goes on elsewhere, where its sound stopped."""
    if message.node != turn.state.snapshot.node:
        return
    turn.freeze(message.stopped_at or None)
    leave_node(turn, message.node, message.reason, excluded=(message.node,))


def on_patch_failed(turn: Turn, node: NodeId) -> None:
    """The node refused a PATCH or hung on it; a voice PATCH that hangs blocks its player until a DELETE.

    Other nodes first, then other voice data, then words.
    """
    failures = turn.state.patch_failures + 1
    turn.freeze()
    turn.emit(DestroyPlayer(node=node))
    excluded = (*(known for known in turn.state.excluded if known != node), node)
    leave_node(turn, node, "patch_failed", excluded=excluded)
    turn.set(patch_failures=failures)
    if failures == policy.PATCH_MOVES + 1:
        turn.set(excluded=())
        rejoin(turn)
    elif failures > policy.PATCH_MOVES + 1:
        give_up(turn, Words(phrase=Phrase.NODES_EXHAUSTED))


def leave_node(turn: Turn, node: NodeId, reason: str, *, excluded: tuple[NodeId, ...]) -> None:
    """Forget the player on ``node``; where it goes on is asked for when the turn settles."""
    turn.stop_timer("patch")
    turn.stop_timer("retry")  # it starts anew anyhow
    turn.snap(node=None)
    turn.set(
        on_node=None,
        patch=None,
        audible=False,
        start_needed=turn.state.current is not None,
        excluded=excluded,
        moved_from=node,
        moved_because=reason,
    )
