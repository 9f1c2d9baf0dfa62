"""A player is asked to leave a node that works: it begins elsewhere first, and is ended here last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.events import PlayerMoved
from segue_core.ids import NodeId
from segue_worker.domain.effects import Commit, DestroyPlayer, PatchPlayer, Place
from segue_worker.domain.messages import (
    EndReason,
    MoveTo,
    NodeLost,
    Progress,
    TrackEndedOn,
    TrackStartedOn,
    Verb,
    VoiceClosed,
)

if TYPE_CHECKING:
    from .conftest import Table

EAST, WEST = NodeId("us-east-0"), NodeId("us-west-0")


def move(table: Table, target: NodeId | None = WEST, source: NodeId = EAST) -> None:
    """Ask for the move."""
    table.send(MoveTo(node=target, source=source, reason="drain"))


def started(table: Table) -> None:
    """Let the node say that the song began."""
    snapshot = table.state.snapshot
    assert snapshot.node is not None
    assert snapshot.current is not None
    table.send(TrackStartedOn(node=snapshot.node, generation=snapshot.generation, item=snapshot.current.id))


def test_the_new_player_has_everything_before_the_old_one_ends(playing: Table) -> None:
    """One PATCH with song, position, volume and voice; the DELETE only after the new node's first word."""
    playing.command(Verb.VOLUME, amount=70)
    playing.patched()
    playing.now += 60_000
    move(playing)
    patch = playing.one(PatchPlayer)
    assert (patch.node, patch.position_ms, patch.volume, patch.paused) == (WEST, 60_000, 70, False)
    assert patch.item == playing.current
    assert patch.voice == playing.state.voice
    assert playing.some(DestroyPlayer) == []
    (event,) = [one for one in playing.one(Commit).events if isinstance(one, PlayerMoved)]
    assert (event.source, event.target, event.reason) == (EAST, WEST, "drain")
    playing.now += 40
    playing.patched()
    assert playing.some(DestroyPlayer) == []
    playing.now += 60
    started(playing)
    assert playing.one(DestroyPlayer).node == EAST
    assert playing.state.leaving is None
    playing.now += 1_000
    assert playing.state.position(playing.now) == 61_000


def test_the_old_nodes_words_change_nothing_meanwhile(playing: Table) -> None:
    """Discord closes the old voice connection, the old player ends: neither is news about the song."""
    playing.now += 5_000
    old = playing.state.snapshot
    move(playing)
    assert old.current is not None
    playing.send(VoiceClosed(node=EAST, code=4006, reason="", by_remote=True))
    playing.send(
        TrackEndedOn(node=EAST, generation=old.generation, item=old.current.id, reason=EndReason.STOPPED)
    )
    playing.send(Progress(node=EAST, position_ms=99_000, connected=False, at=playing.now))
    playing.send(NodeLost(node=EAST, reason="dead"))
    playing.patched()
    started(playing)
    assert playing.state.current == old.current
    assert playing.state.position(playing.now) == 5_000
    assert playing.all(Place)[1:] == []


def test_a_paused_song_moves_paused_and_the_old_player_ends_in_time(playing: Table) -> None:
    """A node may say nothing of a paused start: the old player is ended after a while all the same."""
    playing.now += 5_000
    playing.command(Verb.PAUSE)
    playing.patched()
    move(playing)
    assert playing.one(PatchPlayer).paused is True
    playing.patched()
    playing.fire("leave")
    assert playing.one(DestroyPlayer).node == EAST


def test_when_the_new_node_refuses_the_song_goes_on_somewhere(playing: Table) -> None:
    """Both players are ended, a place is asked for, and neither of the two nodes is taken."""
    move(playing)
    playing.patched("refused")
    assert {one.node for one in playing.some(DestroyPlayer)} == {EAST, WEST}
    assert set(playing.one(Place).excluded) == {EAST, WEST}
    assert playing.state.leaving is None


def test_a_move_nobody_needs_is_passed_over(playing: Table) -> None:
    """From another node, to the same one, or while a PATCH is under way: nothing happens."""
    for target, source in ((WEST, WEST), (EAST, EAST), (None, EAST)):
        move(playing, target, source)
        assert playing.last == ()
    playing.command(Verb.VOLUME, amount=50)
    move(playing)
    assert playing.last == ()


def test_a_silent_player_just_ends(playing: Table) -> None:
    """With nothing to play there is nothing to move: the next song is placed anew."""
    playing.command(Verb.SKIP)
    playing.patched()
    assert playing.state.current is None
    move(playing, None)
    assert playing.one(DestroyPlayer).node == EAST
    assert playing.state.snapshot.node is None
    assert playing.some(Place) == []


def test_leaving_the_channel_ends_both_players(playing: Table) -> None:
    """Stopped between two nodes, nothing is left on either."""
    move(playing)
    playing.command(Verb.LEAVE)
    assert {one.node for one in playing.some(DestroyPlayer)} == {EAST, WEST}
    assert playing.state.leaving is None
