"""What those who run the cluster do to its Lavalink nodes, while people listen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from .conftest import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room, Town

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

GAP_MS = 1_500
"""A blink on an idle machine is a tenth of this; the machine of a test is not idle."""
POSITION_MS = 1_000


@pytest.fixture
async def first_node(town: Town) -> AsyncIterator[str]:
    """Return the first region's only node; whatever a test ordered is lifted after it."""
    region = town.dev.cluster.spec.regions[0].name
    (node,) = [one for one in (await town.segue("nodes"))["nodes"] if one["region"] == region]
    yield str(node["id"])
    await town.segue("uncordon", node["id"])


async def position_of(room: Room, song: Tune) -> tuple[float, float]:
    """Return where in the song the listener is, and when (monotonic seconds)."""
    report = await room.hears(song)
    assert report.timecode is not None
    return report.timecode.position_ms, time.monotonic()


async def test_a_drained_node_empties_while_the_music_plays_on(
    town: Town, tunes: Tunes, first_node: str
) -> None:
    """Two rooms play there, one of them paused: both move, nothing is lost, a blink at most is heard."""
    song, after = tunes["long"][:2]
    room, quiet = await town.room(), await town.room()
    await room.play(song)
    await room.queue_up(after)
    await room.says("70", "volume", percent=70)
    await quiet.play(after)
    await quiet.says("Paused", "pause")
    before, at = await position_of(room, song)
    await room.discord.reset_sink(room.guild)

    drained = await town.segue("drain", first_node, "--reason", "a test of it")

    assert drained["empty"]
    assert drained["left"] == 0
    assert drained["players"] >= 2
    position, now = await position_of(room, song)
    assert abs(position - before - (now - at) * 1000) < POSITION_MS, "the song goes on where it was"
    report = await room.discord.sink(room.guild)
    assert max((gap.ms for gap in report.media_gaps), default=0) < GAP_MS, report.media_gaps
    for one in (room, quiet):
        (moved,) = await town.recorded_eventually(one, "player_moved")
        assert (moved.data["source"], moved.data["reason"]) == (first_node, "drain")
        assert moved.data["target"] != first_node
    await room.says("70", "volume")
    await room.says(after.title, "queue")
    await quiet.silence()
    await quiet.says("On we go", "resume")
    await quiet.hears(after)
    await room.says("Skipped", "skip")
    await room.hears(after)


async def test_a_cordoned_node_gets_nobody_new(town: Town, tunes: Tunes, first_node: str) -> None:
    """Who plays there stays; who comes is sent elsewhere; uncordoned, it is chosen again."""
    song = tunes["long"][2]
    staying, coming, later = await town.room(), await town.room(), await town.room()
    await staying.play(song)
    await town.segue("cordon", first_node)
    (node,) = [one for one in (await town.segue("nodes"))["nodes"] if one["id"] == first_node]
    assert node["cordoned"]
    await coming.play(song)
    assert await node_of(town, coming) != first_node
    await staying.hears(song)
    assert await town.recorded(staying, "player_moved") == ()
    await town.segue("uncordon", first_node)
    await later.play(song)
    assert await node_of(town, later) == first_node


async def test_players_return_once_their_region_is_well_again(
    town: Town, tunes: Tunes, first_node: str
) -> None:
    """What had to leave its region goes home after the cooldown by itself, and is heard all the while."""
    song = max((tune for tune in tunes["long"]), key=lambda tune: tune.length_ms)
    room = await town.room()
    await room.play(song)
    await town.segue("drain", first_node)
    await town.segue("uncordon", first_node)
    before, at = await position_of(room, song)
    cooldown = town.dev.cluster.spec.workers.home_cooldown_seconds
    reasons: list[str] = []

    async def home() -> bool:
        reasons[:] = [str(one.data["reason"]) for one in await town.recorded(room, "player_moved")]
        return reasons == ["drain", "home"]

    await eventually("the player is home again", home, cooldown + PATIENCE_S * 2)
    position, now = await position_of(room, song)
    assert abs(position - before - (now - at) * 1000) < POSITION_MS, "the song goes on where it was"
    assert now - at >= cooldown - PATIENCE_S


async def node_of(town: Town, room: Room) -> str:
    """Return the node that began the room's song."""
    started = await town.recorded_eventually(room, "track_started")
    return str(started[-1].data["node"])
