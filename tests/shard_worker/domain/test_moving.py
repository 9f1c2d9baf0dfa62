"""A node is lost, refuses or hangs: the song goes on elsewhere. A new holder takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_core.events import PlayerMoved
from segue_core.ids import ChannelId, NodeId
from segue_core.models import GuildRecord, VoiceLink
from segue_worker.domain import policy
from segue_worker.domain.effects import (
    Commit,
    DestroyPlayer,
    PatchPlayer,
    Place,
    SendVoiceState,
    ShowNowPlaying,
)
from segue_worker.domain.messages import Adopted, NodeLost, Verb
from segue_worker.domain.state import restored
from segue_worker.domain.views import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.models import Track

    from .conftest import Table

WEST = NodeId("us-west-0")


def test_a_lost_nodes_song_goes_on_where_its_sound_stopped(playing: Table) -> None:
    """One PATCH elsewhere with everything in it; the time it took is not skipped over."""
    playing.command(Verb.VOLUME, amount=70)
    playing.patched()
    playing.now += 60_000
    playing.send(NodeLost(node=playing.node, reason="dead", stopped_at=playing.now - 1_500))
    place = playing.one(Place)
    assert place.excluded == (NodeId("us-east-0"),)
    playing.now += 500
    playing.place(WEST)
    patch = playing.one(PatchPlayer)
    assert patch.item == playing.current
    assert (patch.position_ms, patch.volume, patch.paused) == (58_500, 70, False)
    assert patch.voice == playing.state.voice
    (event,) = [e for e in playing.one(Commit).events if isinstance(e, PlayerMoved)]
    assert (event.source, event.target, event.reason) == ("us-east-0", "us-west-0", "dead")


def test_a_paused_song_moves_paused(playing: Table) -> None:
    """A move is heard by nobody who paused."""
    playing.now += 5_000
    playing.command(Verb.PAUSE)
    playing.patched()
    playing.now += 60_000
    playing.send(NodeLost(node=playing.node, reason="dead"))
    playing.place(WEST)
    assert (playing.one(PatchPlayer).paused, playing.one(PatchPlayer).position_ms) == (True, 5_000)


def test_another_nodes_loss_is_none_of_ours(playing: Table) -> None:
    """Only the node of our player counts."""
    playing.send(NodeLost(node=NodeId("other"), reason="dead"))
    assert playing.last == ()


def test_a_failing_patch_is_tried_elsewhere_then_with_new_voice_data_then_told(table: Table) -> None:
    """DELETE there, two other nodes, op 4, and words at last; the queue is kept."""
    table.playing("A", "B")
    table.command(Verb.VOLUME, amount=50)
    for target in ("n1", "n2"):
        node = table.node
        table.patched("timeout")
        assert table.one(DestroyPlayer).node == node
        assert node in table.one(Place).excluded
        table.place(NodeId(target))
    table.patched("timeout")
    assert [effect.channel for effect in table.some(SendVoiceState)] == [None, 600]
    table.join(number=2)
    table.place(NodeId("n1"))
    table.patched("timeout")
    assert table.state.halted is not None
    assert table.state.halted.phrase is Phrase.NODES_EXHAUSTED
    assert table.titles == ["B"]
    table.command(Verb.RESUME)
    assert table.some(SendVoiceState)


def test_a_patch_that_nobody_answers_counts_as_failed(playing: Table) -> None:
    """A node can hang on a bad voice endpoint for ever."""
    playing.command(Verb.PAUSE)
    playing.fire("patch")
    assert playing.one(DestroyPlayer).node == "us-east-0"
    assert playing.one(Place).excluded == (NodeId("us-east-0"),)


def test_no_room_is_waited_for_and_then_told(playing: Table) -> None:
    """A song that played already asks again, later and later, before it gives up."""
    playing.send(NodeLost(node=playing.node, reason="dead"))
    for _ in range(policy.PLACE_ATTEMPTS - 1):
        playing.place(None)
        playing.fire("place-again")
        assert playing.some(Place)
    playing.place(None)
    assert playing.state.halted is not None
    assert playing.state.current is not None


class Takeover:
    """A new holder with a snapshot of a song that plays, and what the node says about it."""

    def __init__(self, table: Table) -> None:
        table.playing("A", "B")
        table.now += 30_000
        record = GuildRecord(snapshot=table.state.snapshot, queue=table.state.queue, voice=table.state.voice)
        table.state = restored(record)
        table.effects.clear()
        self.table = table

    def adopt(self, **changes: Any) -> Table:
        """Let the node say how it is; without changes, that all is as the snapshot has it."""
        snapshot = self.table.state.snapshot
        values: dict[str, Any] = {
            "node": snapshot.node,
            "item": self.table.current.id,
            "generation": snapshot.generation,
            "version": snapshot.version,
            "position_ms": 29_000,
            "connected": True,
            "at": self.table.now,
        }
        self.table.send(Adopted(**{**values, **changes}))
        return self.table


def test_a_player_as_it_should_be_is_left_alone(table: Table) -> None:
    """Equal version: nothing is sent, and the node is right about the position."""
    after = Takeover(table).adopt()
    assert after.some(PatchPlayer) == []
    assert after.some(ShowNowPlaying) == []
    assert after.state.position(after.now) == 29_000


def test_an_older_version_is_brought_up_to_the_snapshot(table: Table) -> None:
    """What the predecessor committed and did not send is sent, without restarting the song."""
    takeover = Takeover(table)
    after = takeover.adopt(version=table.state.snapshot.version - 1, paused=True)
    patch = after.one(PatchPlayer)
    assert (patch.item, patch.paused, patch.volume, patch.position_ms) == (None, False, 100, None)


def test_an_older_version_far_off_is_sought(table: Table) -> None:
    """The snapshot is right about the position, too."""
    takeover = Takeover(table)
    after = takeover.adopt(version=table.state.snapshot.version - 1, position_ms=90_000)
    assert after.one(PatchPlayer).position_ms == 30_000
    assert after.one(PatchPlayer).item is None


def test_another_song_on_the_node_is_replaced(table: Table) -> None:
    """The predecessor skipped, and died before its PATCH."""
    after = Takeover(table).adopt(item="old-0", generation=0)
    assert after.one(PatchPlayer).item == after.current


def test_a_silent_player_past_its_songs_end_goes_on_with_the_next(table: Table) -> None:
    """The song ended while nobody listened to the socket."""
    takeover = Takeover(table)
    table.now += 300_000
    after = takeover.adopt(item=None, generation=0, version=0, position_ms=0)
    assert after.current.track.title == "B"
    assert after.one(PatchPlayer).item == after.current


def test_a_silent_player_within_its_song_is_patched(table: Table) -> None:
    """The song was never sent, or was lost; it goes on by the snapshot's clock."""
    after = Takeover(table).adopt(item=None, generation=0, version=0, position_ms=0)
    assert after.one(PatchPlayer).item == after.current
    assert after.one(PatchPlayer).position_ms == 30_000


def test_a_player_without_voice_rejoins(table: Table) -> None:
    """Connected false: the voice data are stale."""
    after = Takeover(table).adopt(connected=False)
    assert [effect.channel for effect in after.some(SendVoiceState)] == [None, 600]


def test_a_lost_session_is_rebuilt_elsewhere(table: Table) -> None:
    """No node has our player: it is placed by the snapshot."""
    after = Takeover(table).adopt(node=None, item=None)
    assert after.one(Place).excluded
    after.place(WEST)
    assert after.one(PatchPlayer).position_ms == 30_000


def test_a_player_on_a_node_the_snapshot_does_not_name_is_destroyed(table: Table) -> None:
    """The snapshot decides where the music is."""
    after = Takeover(table).adopt(node=WEST)
    assert after.one(DestroyPlayer).node == WEST


def test_a_paused_player_stays_where_the_snapshot_says(table: Table) -> None:
    """A node reports 0 for a song that was started while paused; the place in the song is not lost."""
    table.playing()
    table.now += 20_000
    table.command(Verb.PAUSE)
    table.patched()
    where = table.state.position(table.now)
    after = Takeover(table).adopt(paused=True, position_ms=0)
    assert after.state.position(after.now) == where > 10_000


def test_a_player_nobody_knows_is_adopted_or_destroyed(table: Table, track: Callable[..., Track]) -> None:
    """With a track it goes on with it; without one it is of no use."""
    voice = VoiceLink(channel=ChannelId(600), session="s", token="t", endpoint="e")
    fresh = type(table)()
    fresh.send(Adopted(node=WEST, at=fresh.now))
    assert fresh.one(DestroyPlayer).node == WEST
    fresh.send(
        Adopted(
            node=WEST,
            item="x-0",
            generation=4,
            track=track("Lost"),
            voice=voice,
            connected=True,
            at=fresh.now,
        )
    )
    assert fresh.current.track.title == "Lost"
    assert isinstance(fresh.last[0], Commit)
    assert fresh.generation == 4


def test_a_replayed_command_continues_under_its_id(table: Table) -> None:
    """A journaled /play of the predecessor's takes effect with the successor, once."""
    takeover = Takeover(table)
    takeover.adopt()
    command = table.command(Verb.PLAY, query="C", replayed=True)
    table.load()
    assert len(table.committed(command)) == 1
    assert table.phrase(command) == Phrase.QUEUED
