"""Steering, the queue and filters, judged by the sound: its timecode says which song, and where in it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from segue_core.ids import ShardId
from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_core.redis.script import text
from tests.e2e.conftest import NS_PER_MS, eventually, text_of

if TYPE_CHECKING:
    from segue_devkit.processes import PodStatus
    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room, Town

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

EARLY_MS = 1_500
"""How much less than asked for may be heard: what was on its way when somebody asked."""
LATE_MS = 6_000
"""How much more: answering, seeking and reading a second of sound, on a busy machine."""


async def place_in(room: Room, tune: Tune) -> float:
    """Return where in the song the listener is now, by the newest sound, milliseconds."""
    report = await room.hears(tune)
    assert report.timecode is not None
    return report.timecode.position_ms + (report.now_ns - report.timecode.at_ns) / NS_PER_MS


async def is_at(room: Room, tune: Tune, expected_ms: float) -> None:
    """Wait until the song is heard within reach of ``expected_ms``, which was true when this was called."""
    began = time.monotonic()
    off = 0.0

    async def there() -> bool:
        nonlocal off
        off = await place_in(room, tune) - expected_ms - (time.monotonic() - began) * 1000
        return -LATE_MS <= off <= EARLY_MS

    await eventually(f"“{tune.title}” is heard at {expected_ms:.0f} ms (off by {off:.0f} ms)", there)


async def nodes_players(town: Town, room: Room) -> list[dict[str, Any]]:
    """Return the guild's players as the nodes themselves describe them."""
    redis = connect(town.dev.redis_url, "e2e-music")
    try:
        keys = Keys(town.dev.cluster.name)
        shard = ShardId(town.shard_of(room.guild))
        sessions = await redis.hgetall(keys.lavalink(shard))
    finally:
        await redis.aclose()
    found: list[dict[str, Any]] = []
    headers = {"Authorization": town.dev.lavalink_password}
    async with aiohttp.ClientSession(headers=headers) as http:
        for node, session in sessions.items():
            address = _pod_of(town, text(node)).address
            url = f"http://{address}:2333/v4/sessions/{text(session)}/players/{room.guild.id}"
            async with http.get(url) as response:
                if response.status == 200:
                    found.append(await response.json())
    return found


def _pod_of(town: Town, node: str) -> PodStatus:
    return next(pod for pod in town.dev.pods() if pod.name.endswith(f"-{node}"))


async def test_a_song_is_wound_to_any_time(room: Room, tunes: Tunes) -> None:
    """Clock, seconds and units, on and back, and from the beginning: heard where it was asked for."""
    song = tunes["long"][0]
    await room.play(song)
    await room.says("On we go from 2:00", "seek", time="2:00")
    await is_at(room, song, 120_000)
    await room.says("On we go from 0:45", "seek", time="45s")
    await is_at(room, song, 45_000)
    before = await place_in(room, song)
    await room.says("On we go", "forward", time="1m")
    await is_at(room, song, before + 60_000)
    before = await place_in(room, song)
    await room.says("On we go", "rewind", time="30")
    await is_at(room, song, before - 30_000)
    await room.says("from the beginning", "replay")
    await is_at(room, song, 0)
    await room.says("don't understand that time", "seek", time="soon")
    await room.says("The song is only", "seek", time="59:59")
    await is_at(room, song, 0)


async def test_going_back_and_ahead_in_the_queue(room: Room, tunes: Tunes) -> None:
    """Skip to, previous by command and by button, and the queue in the order it should have."""
    first, second, third, fourth = tunes["long"][:4]
    await room.play(first)
    await room.queue_up(second, third, fourth)
    await room.says("There is no number 9", "skipto", position=9)
    await room.says(third.title, "skipto", position=2)
    await room.hears(third)
    await room.says(first.title, "previous")
    await room.hears(first)
    said = await room.says(third.title, "queue")
    assert said.index(third.title) < said.index(fourth.title)
    assert second.title not in said, "it was skipped over"
    await room.press("sg1:skip")
    await room.hears(third)
    await room.press("sg1:previous")
    await room.hears(first)


async def test_the_queue_is_edited(room: Room, tunes: Tunes) -> None:
    """Moved, bumped, removed, deduplicated, shuffled and cleared, while the song plays on."""
    first, *others = tunes["long"][:6]
    await room.play(first)
    await room.queue_up(*others)

    async def order() -> list[str]:
        said = await room.says("page 1 of 1", "queue")
        places = {said.find(f"{number}.` {tune.title}"): tune.title for number in range(9) for tune in others}
        return [title for at, title in sorted(places.items()) if at >= 0]

    titles = [tune.title for tune in others]
    assert await order() == titles
    await room.says("number 4", "move", None, **{"from": 1, "to": 4})
    titles.insert(3, titles.pop(0))
    assert await order() == titles
    await room.says("number 1", "bump", position=5)
    titles.insert(0, titles.pop(4))
    assert await order() == titles
    await room.says(f"Removed **{titles[1]}**", "remove", position=2)
    del titles[1]
    assert await order() == titles
    await room.queue_up(next(tune for tune in others if tune.title == titles[0]))
    await room.says("Removed 1", "dedupe")
    assert await order() == titles
    await room.press("sg1:shuffle")
    assert sorted(await order()) == sorted(titles)
    await room.says("Nothing in the queue is yours", "remove-mine")
    await room.says("The queue is clear", "clear")
    await room.says("The queue is empty", "clear")
    await room.hears(first)


async def test_whose_songs_go_with_them(room: Room, tunes: Tunes) -> None:
    """One's own by wish; those of somebody who left by anybody's."""
    first, mine, theirs = tunes["long"][:3]
    friend = await room.guest()
    await room.play(first)
    await room.says("Added", "play", query=mine.title)
    await room.says("Added", "play", friend, query=theirs.title)
    await room.says("Everybody with a song", "remove-gone")
    await friend.leave()

    async def gone() -> bool:
        return "Removed 1" in await room.says("", "remove-gone")

    await eventually("the song of who left is removed", gone)
    await room.says("The queue is clear", "remove-mine")


async def test_a_looped_song_begins_again(room: Room, tunes: Tunes) -> None:
    """Over and over, one message all the while, until the loop is off and the next song comes."""
    song, after = tunes["short"][0], tunes["long"][0]
    await room.play(song)
    await room.queue_up(after)
    await room.press("sg1:loop")
    await room.shows("looping this song")
    await room.says("again and again", "loop")
    for _ in range(2):
        await room.says("On we go", "seek", time=str(song.length_ms // 1000 - 3))
        await is_at(room, song, song.length_ms - 3_000)
        await is_at(room, song, -2_000)
    await room.says("Nothing is played again", "loop", mode="off")
    await room.says("On we go", "seek", time=str(song.length_ms // 1000 - 2))
    await room.hears(after)
    assert len(await room.shown()) == 1


async def test_a_looped_queue_comes_around(room: Room, tunes: Tunes) -> None:
    """What was played stands at the end of the queue again."""
    first, second = tunes["long"][:2]
    await room.play(first)
    await room.queue_up(second)
    await room.says("The whole queue", "loop", mode="queue")
    await room.shows("looping the queue")
    await room.says(first.title, "skip")
    await room.hears(second)
    await room.says(first.title, "queue")
    await room.says(second.title, "skip")
    await room.hears(first)


async def test_nightcore_changes_the_pace(room: Room, tunes: Tunes) -> None:
    """The last twenty seconds of a song are over in sixteen; the next one is heard by then, and as fast."""
    song, after = tunes["long"][:2]
    await room.play(song)
    await room.queue_up(after)
    await room.says("Nightcore is on", "filters", preset="nightcore")
    await room.shows("Nightcore")
    await room.says("On we go", "seek", time=str(song.length_ms // 1000 - 20))
    began = time.monotonic()
    await room.shows(f"1.` {after.title}")

    async def ended() -> bool:
        return song.title not in (await room.shown())[0].text

    await eventually("the song is over", ended)
    took = time.monotonic() - began
    assert 20 / 1.25 - 3 < took < 20, f"20 s of song were over in {took:.1f} s"
    await asyncio.sleep(4)
    await room.says("All filters are off", "filters", preset="off")
    heard = (time.monotonic() - began - took) * 1250
    assert abs(await place_in(room, after) - heard) < LATE_MS


async def test_filters_reach_the_node_and_survive_it_all(town: Town, room: Room, tunes: Tunes) -> None:
    """Worker killed, then the node: filters, loop, volume and queue are what they were, on the node too."""
    song, after = tunes["long"][:2]
    await room.play(song)
    await room.queue_up(after)
    await room.says("8D is on", "filters", preset="8d")
    await room.says("Rock is on", "equalizer", preset="rock")
    await room.says("Volume is now 60 %", "volume", percent=60)
    await room.says("The whole queue", "loop", mode="queue")

    async def on_the_node() -> bool:
        for player in await nodes_players(town, room):
            named = player["filters"]
            if named.get("rotation", {}).get("rotationHz") == 0.2 and len(named.get("equalizer", ())) == 15:
                return bool(player["volume"] == 60)
        return False

    await eventually("the node has the filters", on_the_node)
    owner = await town.owner(town.shard_of(room.guild))
    town.dev.kill(owner.partition("/")[0])

    async def taken_over() -> bool:
        return await town.owner(town.shard_of(room.guild)) != owner

    await eventually("another worker has the shard", taken_over)
    await room.says("8D", "filters")
    await room.says("Volume is 60 %", "volume")
    await room.says("The whole queue", "loop")
    here = await room.says(" on ", "nowplaying")
    town.dev.kill(next(pod.name for pod in town.pods("lavalink-us-east") if "us-east" in here))
    await room.discord.reset_sink(room.guild)
    await room.hears(song)
    await eventually("the next node has the filters", on_the_node)
    await room.says(after.title, "queue")


async def test_the_past_and_the_cluster_are_told(town: Town, room: Room, tunes: Tunes) -> None:
    """History from PostgreSQL, the node and the shard by name, counts of the cluster, and help for all."""
    first, second = tunes["long"][:2]
    await room.says("Nothing was played here yet", "history")
    await room.says("No node plays for you yet", "node")
    await room.play(first)
    await room.queue_up(second)
    await room.says(first.title, "skip")

    async def recorded() -> bool:
        said = text_of(await room.ask("history"))
        return first.title in said and "skipped" in said

    await eventually("the history names the song", recorded)
    assert "us-east-0" in await room.says("Region", "node")
    shard = town.shard_of(room.guild)
    said = await room.says(f"This server is on shard {shard}", "shard")
    assert await town.holder(shard) in said
    said = await room.says("Workers", "stats")
    assert f"{town.shards} of {town.shards}" in said
    page = await room.ask("help")
    assert page.message is not None
    assert "/play" in page.message.text
    turned = await room.person.click(page.message, "sg1:help:2")
    answer = await turned.wait_answer()
    assert answer.message is not None
    assert "/seek" in answer.message.text
    await room.says("1:23", "help", command="/seek")
    await room.says("Did you mean", "help", command="sek")


async def test_what_people_write_does_no_harm(room: Room, tunes: Tunes) -> None:
    """However it comes back to them, nothing they wrote is a mention or markup in an answer of ours."""
    hostile = "@everyone <@1> **x** [y](http://z)"
    await room.play(tunes["long"][0])
    for command, option in (("play", "query"), ("seek", "time"), ("help", "command")):
        longest = {"play": 500, "seek": 20, "help": 33}[command]
        said = text_of(await room.ask(command, await room.guest(), **{option: hostile[:longest]}))
        assert said
        assert "@everyone" not in said
        assert "<@1>" not in said
