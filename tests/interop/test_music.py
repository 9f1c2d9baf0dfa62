"""Two popular JavaScript clients play on the stand-in: the simulator's listeners hear the right song."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_devkit.discord.client import SimClient, SimGuild, SinkReport
    from segue_devkit.peers import PeerBot

BOTS = ("lavalink-client.mjs", "shoukaku.mjs")
PATIENCE_S = 30.0
KITE, KITE_MS = "kite-weather", 27_000
KITE_ID = 9
BELLS, BELLS_ID = "bicycle-bells", 19
BANDS = [{"band": 0, "gain": 0.25}, {"band": 1, "gain": -0.25}]
NEUTRAL = {"speed": 1, "pitch": 1, "rate": 1}


class Scene:
    """A bot that is ready for its node, a guild, and two songs as links."""

    def __init__(
        self,
        bot: PeerBot,
        node: Any,
        discord: SimClient,
        guild: SimGuild,
        links: Callable[[str], str],
        *,
        session: str,
    ) -> None:
        self.bot = bot
        self.node = node
        self.discord = discord
        self.guild = guild
        self.session = session
        self._links = links

    async def play(self, *names: str) -> list[str]:
        """Play songs one after another; their titles."""
        channel = str(self.guild.voice_channel.id)
        links = [self._links(name) for name in names]
        titles: list[str] = await self.do("play", channel=channel, links=links)
        return titles

    async def do(self, action: str, **arguments: object) -> Any:
        """Have the bot do something in the guild."""
        return await self.bot.do(action, guild=str(self.guild.id), **arguments)

    async def hears(self, song: int, from_ms: float = 0, timeout_s: float = PATIENCE_S) -> None:
        """Wait until a song is heard, at a position or after it."""
        await self.discord.reset_sink(self.guild)
        report = None
        try:
            async with asyncio.timeout(timeout_s):
                while report is None or not _heard(report, song, from_ms):
                    await asyncio.sleep(0.05)
                    report = await self.discord.sink(self.guild)
        except TimeoutError:
            raise AssertionError(f"song {song} from {from_ms} ms on was not heard: {report}") from None
        assert report.decrypt_failures == 0

    async def quiet(self) -> None:
        """Wait until nothing was heard for half a second."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                report = await self.discord.sink(self.guild, timecode=False)
                if report.last_sound_ns is not None and report.now_ns - report.last_sound_ns > 500_000_000:
                    return
                await asyncio.sleep(0.05)

    async def cut(self) -> None:
        """Reset the bot's node socket, its own end only after the node has parked the session."""
        self.node.wire.cut_at_node()
        async with asyncio.timeout(PATIENCE_S):
            while await self.node.status(f"/v4/sessions/{self.session}/players") != 404:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        self.node.wire.cut_at_client()


def _heard(report: SinkReport, song: int, from_ms: float) -> bool:
    mark = report.timecode
    return mark is not None and mark.song_id == song and mark.position_ms >= from_ms


@pytest.fixture(params=BOTS)
async def scene(
    request: pytest.FixtureRequest,
    start_bot: Callable[..., Awaitable[PeerBot]],
    node: Any,
    discord: SimClient,
    tune_link: Callable[[str], str],
) -> Scene:
    """Each bot in turn."""
    guild = await discord.guild("Vinyl Club", region="eu-west")
    bot = await start_bot(request.param, **node.settings)
    ready = await bot.wait("node-ready")
    return Scene(bot, node, discord, guild, tune_link, session=ready["session"])


async def test_a_song_is_heard_and_steered(scene: Scene) -> None:
    """Play, pause, resume, volume, seek, filters, leave: heard where it can be, echoed by the node else."""
    assert await scene.play(KITE) == ["Kite Weather"]
    started = await scene.bot.wait("start")
    assert started["title"] == "Kite Weather"
    await scene.hears(KITE_ID)
    await scene.do("pause")
    await scene.quiet()
    assert (await scene.do("seen"))["paused"]
    await scene.do("resume")
    await scene.do("seek", ms=20_000)
    await scene.hears(KITE_ID, from_ms=20_000, timeout_s=14)
    await scene.do("volume", percent=50)
    await scene.do("filters", speed=1.25, bands=BANDS)
    seen = await scene.do("seen")
    assert (seen["paused"], seen["volume"]) == (False, 50)
    assert seen["track"]["info"]["title"] == "Kite Weather"
    assert seen["filters"]["timescale"]["speed"] == 1.25
    shaped = {band["band"]: band["gain"] for band in seen["filters"]["equalizer"]}
    assert (shaped[0], shaped[1]) == (0.25, -0.25)
    await scene.do("clearFilters")
    assert (await scene.do("seen"))["filters"].get("timescale") in ({}, None, NEUTRAL)
    await scene.do("leave")
    await scene.quiet()
    assert (await scene.discord.look(scene.guild)).voice_states == ()
    player = f"/v4/sessions/{scene.session}/players/{scene.guild.id}"
    assert await scene.node.status(player) == 404
    assert scene.bot.told("track-error") == []


async def test_the_next_song_follows(scene: Scene) -> None:
    """A song that ends is followed by the next; a skipped one too."""
    assert await scene.play(KITE, BELLS, KITE) == ["Kite Weather", "Bicycle Bells", "Kite Weather"]
    await scene.hears(KITE_ID)
    await scene.do("seek", ms=KITE_MS - 2_000)
    ended = await scene.bot.wait("end")
    assert (ended["title"], ended["reason"]) == ("Kite Weather", "finished")
    await scene.hears(BELLS_ID)
    await scene.do("skip")
    await scene.hears(KITE_ID)
    titles = [told["title"] for told in scene.bot.told("start")]
    assert titles == ["Kite Weather", "Bicycle Bells", "Kite Weather"]


async def test_a_session_is_resumed(scene: Scene) -> None:
    """A cut node socket: the music goes on without a gap, the session is taken up again, the player obeys."""
    await scene.play(KITE)
    await scene.hears(KITE_ID)
    await scene.cut()
    scene.node.wire.mend()
    resumed = await scene.bot.wait("node-resumed")
    assert resumed["session"] == scene.session
    heard = (await scene.discord.sink(scene.guild)).packets
    async with asyncio.timeout(PATIENCE_S):
        while (report := await scene.discord.sink(scene.guild)).packets < heard + 100:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert report.timecode is not None
    assert (report.timecode.song_id, report.media_gap_count) == (KITE_ID, 0)
    await scene.do("volume", percent=30)
    assert (await scene.do("seen"))["volume"] == 30
    assert scene.bot.told("end") == []


async def test_what_ended_meanwhile_is_told(scene: Scene) -> None:
    """A song that ends while the socket is cut: its end is told on resume, and the next song follows."""
    await scene.play(KITE, BELLS)
    await scene.hears(KITE_ID)
    await scene.do("seek", ms=KITE_MS - 3_000)
    await scene.cut()
    await scene.quiet()
    assert scene.bot.told("end") == []
    scene.node.wire.mend()
    await scene.bot.wait("node-resumed")
    ended = await scene.bot.wait("end")
    assert (ended["title"], ended["reason"]) == ("Kite Weather", "finished")
    await scene.hears(BELLS_ID)


async def test_a_search_finds(scene: Scene) -> None:
    """Search results are read by the client as such."""
    found = await scene.do("search", words="kite weather")
    assert found["type"] == "search"
    assert found["titles"][0] == "Kite Weather"
