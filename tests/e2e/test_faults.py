"""Parts of the cluster die, hang and restart while people listen and ask for things."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import GuildId

from .conftest import eventually, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_devkit.discord.client import Interaction
    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room, Town

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

TAKEN_OVER_S = 20.0
LATE_ACK_MS = 20_000
"""Discord's three seconds are too short to tell a slow machine from a lost command."""
TRY_AGAIN = "Please try again in a moment"


async def _playing(town: Town, tunes: Tunes, *, queued: int = 0) -> tuple[Room, Tune]:
    room = await town.room(shard=0)
    song = tunes["long"][0]
    await room.play(song)
    await room.queue_up(*tunes["long"][1 : 1 + queued])
    await room.now_playing()
    await room.discord.reset_sink(room.guild)
    return room, song


async def _taken_over(town: Town, before: str) -> None:
    async def changed() -> bool:
        return await town.owner(0) != before

    await eventually("somebody else holds shard 0", changed, TAKEN_OVER_S)


async def _promotions(town: Town, owner: str) -> Sequence[dict[str, object]]:
    rows = await town.store.events(0, 1_000, kind="shard_promoted")
    return [row.data for row in rows if row.data["previous"] == owner]


async def _answered(interactions: Sequence[Interaction]) -> None:
    for one in interactions:
        await one.wait_answer(30)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "told to stop"])
async def test_a_worker_goes_and_nobody_hears_it(town: Town, tunes: Tunes, number: signal.Signals) -> None:
    """A spare resumes the session, no IDENTIFY, no gap; commands sent meanwhile take effect exactly once."""
    room, song = await _playing(town, tunes, queued=3)
    owner, identifies, session = await town.owner(0), await town.identifies(), await town.session(0)
    volume_before = [await room.send("volume", percent=percent) for percent in (20, 21)]
    await _answered(volume_before)
    await town.discord.knobs(interaction_ack_ms=LATE_ACK_MS)
    try:
        town.dev.kill(owner.partition("/")[0], number)
        sent = [
            await room.send("volume", percent=44),
            await room.send("pause"),
            await room.send("resume"),
            await room.send("play", await room.guest(), query=song.title),
        ]
        await _taken_over(town, owner)
        accepted, refused = await _decided(sent)
    finally:
        await town.discord.knobs(interaction_ack_ms=3_000)
    assert await town.session(0) == session
    assert await town.identifies() == identifies
    await room.hears(song)
    report = await room.discord.sink(room.guild)
    assert report.media_gap_count == 0, report.media_gaps
    if number is signal.SIGKILL:
        assert refused == [], "nobody was there to refuse"
    await _consistent(town, room, [*volume_before, *accepted], refused)
    songs = 3 + (sent[-1] in accepted)
    await room.says(f"page 1 of 1 · {songs} songs", "queue")

    async def recorded() -> bool:
        return len(await _promotions(town, owner)) == 1

    await eventually("the promotion is recorded once", recorded)
    await room.says(f"Volume is {44 if sent[0] in accepted else 21} %", "volume")


async def test_a_worker_dies_at_any_moment_of_a_command(town: Town, tunes: Tunes) -> None:
    """Killed with commands in every stage: those acknowledged take effect exactly once, the others never."""
    room, song = await _playing(town, tunes)
    for _ in range(2):
        owner = await town.owner(0)
        sent = [await room.send("volume", percent=percent) for percent in range(10, 60, 5)]
        guest = await room.guest()
        sent.append(await room.send("play", guest, query=song.title))
        await sent[0].wait_ack()
        town.dev.kill(owner.partition("/")[0])
        await _taken_over(town, owner)

        await _all_decided(sent)
        await town.applied_once(room, [one for one in sent if one.stage == "answered"])
        applied = {command for command, _ in await town.applied(room)}
        assert not applied & {str(one.id) for one in sent if one.stage == "failed"}
        await town.dev.wait_ready(60)
    await room.hears(song)
    report = await room.discord.sink(room.guild)
    assert report.media_gap_count == 0, report.media_gaps


async def test_routers_may_die(town: Town, tunes: Tunes) -> None:
    """One router killed, then all of them: /play is answered and heard, placed by the last view."""
    routers = [pod.name for pod in town.pods("router")]
    town.dev.kill(routers[0])
    await (await town.room()).play(tunes["long"][0])
    await town.dev.wait_ready(60)
    async with town.away(*routers, seconds=0):
        # Hung, so that none is back before the command is placed.
        await (await town.room()).play(tunes["long"][0])
    for router in routers:
        town.dev.kill(router)
    await (await town.room()).play(tunes["long"][0])


async def test_a_node_dies_and_the_song_goes_on_elsewhere(town: Town, tunes: Tunes) -> None:
    """The only node of a region is killed: its players go on in the other region, where they were."""
    rooms = [await town.room(region="us-east") for _ in range(3)]
    song = tunes["long"][0]
    for room in rooms:
        await room.play(song)
        await room.shows("us-east-0")
    before = [await room.hears(song) for room in rooms]
    (node,) = (pod.name for pod in town.pods("lavalink-us-east"))
    town.dev.kill(node)
    for room, heard in zip(rooms, before, strict=True):
        await room.shows("eu-central-0")
        await room.discord.reset_sink(room.guild)
        report = await room.hears(song)
        assert report.timecode is not None
        assert heard.timecode is not None
        elapsed_ms = (report.timecode.at_ns - heard.timecode.at_ns) / 1e6
        behind_ms = heard.timecode.position_ms + elapsed_ms - report.timecode.position_ms
        assert -1_000 < behind_ms < 10_000, "it goes on about where it stopped"
    moved = [row.data for room in rooms for row in await town.recorded_eventually(room, "player_moved")]
    assert {(row["source"], row["target"]) for row in moved} == {("us-east-0", "eu-central-0")}


async def test_a_worker_and_its_node_die_together(town: Town, tunes: Tunes) -> None:
    """The spare finds neither the worker's sockets nor the node: the song goes on from what Redis knows."""
    room, song = await _playing(town, tunes)
    owner = await town.owner(0)
    (node,) = (pod.name for pod in town.pods("lavalink-us-east"))
    town.dev.kill(owner.partition("/")[0])
    town.dev.kill(node)
    await _taken_over(town, owner)
    await room.discord.reset_sink(room.guild)
    report = await room.hears(song, 30)
    assert report.timecode is not None
    assert report.timecode.position_ms > 1_000


@pytest.mark.parametrize("seconds", [1.0, 4.0], ids=["a moment", "longer than a lease"])
async def test_redis_hangs_and_the_music_does_not(town: Town, tunes: Tunes, seconds: float) -> None:
    """No gap, no new session; what is asked meanwhile is refused in words or done later, exactly once."""
    room, song = await _playing(town, tunes)
    session, identifies = await town.session(0), await town.identifies()
    sent: list[Interaction] = []
    async with town.away("laptop-redis-0", seconds=seconds):
        for percent in (31, 32, 33):
            sent.append(await room.send("volume", percent=percent))
            await asyncio.sleep(seconds / 4)
    accepted, refused = await _decided(sent)
    await _consistent(town, room, accepted, refused)
    assert await town.session(0) == session
    assert await town.identifies() == identifies
    await room.hears(song)
    report = await room.discord.sink(room.guild)
    assert report.media_gap_count == 0, report.media_gaps
    await room.says("Volume is now 35 %", "volume", percent=35)


async def test_redis_restarts_and_the_music_goes_on(town: Town, tunes: Tunes) -> None:
    """Killed, its last second perhaps lost: no gap, no new session, and commands work again soon."""
    room, song = await _playing(town, tunes)
    session, identifies = await town.session(0), await town.identifies()
    await room.says("Volume is now 60 %", "volume", percent=60)
    restarts = town.restarts("laptop-redis-0")
    town.dev.kill("laptop-redis-0")
    await town.restarted("laptop-redis-0", restarts)

    async def changed() -> bool:
        return "Volume is now" in text_of(await room.ask("volume", percent=61))

    await eventually("changes are taken again", changed)
    await room.says("Volume is 61 %", "volume")
    assert await town.session(0) == session
    assert await town.identifies() == identifies
    await room.hears(song)
    report = await room.discord.sink(room.guild)
    assert report.media_gap_count == 0, report.media_gaps


async def test_a_song_that_ends_without_redis_is_followed_by_the_next(town: Town, tunes: Tunes) -> None:
    """While Redis is away the queue plays on; afterwards the state is written and nothing is played twice."""
    room = await town.room(shard=0)
    short, song, last = tunes["short"][0], *tunes["long"][:2]
    began = time.monotonic()
    await room.play(short)
    await room.queue_up(song, last)
    left_s = short.length_ms / 1000 - (time.monotonic() - began)
    await asyncio.sleep(max(0.0, left_s - 3))  # Redis goes just before the end, and stays away beyond it
    async with town.away("laptop-redis-0", seconds=0):
        await room.hears(song, 30)
    await town.dev.wait_ready(60)

    async def skipped() -> bool:
        return song.title in text_of(await room.ask("skip"))

    await eventually("the queue can be changed again", skipped)
    await room.hears(last)

    async def both_recorded() -> bool:
        rows = await town.store.history(GuildId(room.guild.id))
        return sorted(row.title for row in rows) == sorted((short.title, song.title))

    await eventually("each song is in the history once", both_recorded)


async def test_postgres_goes_and_facts_arrive_later(town: Town, tunes: Tunes) -> None:
    """Hung, then killed: songs and commands go on all the while, and every fact arrives exactly once."""
    room, song = await _playing(town, tunes)
    restarts = town.restarts("laptop-postgres-0")
    sent = []
    async with town.away("laptop-postgres-0", seconds=1):
        newcomers = await town.room(shard=1)
        await newcomers.play(song)  # nobody knows that guild's settings
        for percent in range(20, 25):
            sent.append(await room.send("volume", percent=percent))
            await sent[-1].wait_answer()
    town.dev.kill("laptop-postgres-0")
    for percent in range(25, 30):
        sent.append(await room.send("volume", percent=percent))
        await sent[-1].wait_answer()
    await town.restarted("laptop-postgres-0", restarts)
    await town.applied_once(room, sent)
    await room.hears(song)
    report = await room.discord.sink(room.guild)
    assert report.media_gap_count == 0, report.media_gaps


async def _all_decided(sent: Sequence[Interaction]) -> None:
    undecided: list[str] = []

    async def decided() -> bool:
        undecided[:] = [f"{one.id} {one.stage}" for one in sent if one.stage not in {"answered", "failed"}]
        return not undecided

    try:
        await eventually("every command is answered or has lapsed", decided, 30)
    except pytest.fail.Exception as error:
        pytest.fail(f"{error}: {undecided} of {[one.id for one in sent]}")


async def _decided(sent: Sequence[Interaction]) -> tuple[list[Interaction], list[Interaction]]:
    """Wait for every answer; return those that took effect and those that were refused or lapsed."""
    await _all_decided(sent)
    refused = [one for one in sent if one.stage == "failed" or TRY_AGAIN in text_of(one.answer())]
    return [one for one in sent if one not in refused], refused


async def _consistent(
    town: Town, room: Room, accepted: Sequence[Interaction], refused: Sequence[Interaction]
) -> None:
    await town.applied_once(room, accepted)
    applied = {command for command, _ in await town.applied(room)}
    assert not applied & {str(one.id) for one in refused}
