"""What cannot or must not be done is refused in friendly words, to one person, and changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import web

from segue_devkit.tunes.encode import Container, write_file
from segue_operator.api import load_file

from .conftest import PATIENCE_S, eventually, running, text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from segue_devkit.discord.client import SimMessage
    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room, Town

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CONNECT, SPEAK = 1 << 20, 1 << 21
VIEW, SEND, EMBED, HISTORY = 1 << 10, 1 << 11, 1 << 14, 1 << 16
TEXT_ONLY = VIEW | SEND | EMBED | HISTORY
NASTY = "**bold** _under_ `code` @everyone <@1> [x](https://example.org) ||no||"


async def _unchanged(room: Room) -> None:
    """Nothing plays, nobody is in voice, and nothing was said for all to read."""
    assert await room.channel_of_bot() is None
    assert await room.shown() == ()
    await room.says("The queue is empty", "queue")


async def test_a_private_link_is_refused(room: Room, town: Town, tunes: Tunes) -> None:
    """Nobody's link reaches our network unless the spec says so: not the tunes' server, not any other."""
    tune = tunes["short"][0]
    for link in (
        f"{town.dev.tunes_url}/tunes/{tune.identifier}.mp3",
        "http://127.0.0.1:2333/version",
        "http://localhost/song.mp3",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/song.mp3",
        "http://10.1.2.3/song.mp3",
    ):
        await room.says("I can't play from that address", "play", await room.guest(), query=link)
    await room.says("can't be played", "play", await room.guest(), query="http://2130706433/song.mp3")
    await eventually_unchanged(room)


async def eventually_unchanged(room: Room) -> None:
    """Wait until the bot, which came along while it looked, has left again."""

    async def left() -> bool:
        return await room.channel_of_bot() is None

    await eventually("the bot leaves again", left)
    await _unchanged(room)


async def test_nobody_in_voice_is_told_to_join(room: Room) -> None:
    """Somebody in no voice channel asks for a song."""
    outsider = await room.guest(in_voice=False)
    await room.says("Join a voice channel first", "play", outsider, query="Lantern Waltz")
    await room.says("Join a voice channel first", "join", outsider)
    await _unchanged(room)


async def test_a_query_that_is_too_long_is_refused(room: Room) -> None:
    """Discord's client stops at 500 characters; a longer one, and one of blanks, is refused in words."""
    await room.says("Give me a title or a link", "play", query="   ")
    longest = "x" * 500
    assert "Playing" in text_of(await room.ask("play", await room.guest(), query=longest))


@pytest.mark.parametrize(
    ("allowed", "named"), [(TEXT_ONLY | SPEAK, "Connect"), (TEXT_ONLY | CONNECT, "Speak")]
)
async def test_a_missing_permission_is_named(room: Room, allowed: int, named: str) -> None:
    """The bot may not connect, or not speak: it says which permission it lacks, and does not come."""
    guild = await room.discord.look(room.guild)
    await room.discord.bot_permissions(guild, allowed)
    await room.discord.overwrite(guild.text_channel, guild.id, deny=CONNECT | SPEAK)
    await room.discord.overwrite(guild.voice_channel, guild.id, deny=CONNECT | SPEAK)
    said = await room.says("I need the permission", "play", query="Lantern Waltz")
    assert named in said
    await _unchanged(room)


async def test_too_much_too_soon_is_slowed_down(room: Room, tunes: Tunes) -> None:
    """The same person asks for two songs at once: the second is refused, and only one is queued."""
    first = await room.send("play", query=tunes["long"][0].title)
    second = await room.send("play", query=tunes["long"][1].title)
    said = [text_of(await one.wait_answer(PATIENCE_S)) for one in (first, second)]
    assert "Playing" in said[0]
    assert "Try that again" in said[1]
    await room.says("Nothing more is queued", "queue")


async def test_a_command_that_comes_too_late_never_takes_effect(town: Town, room: Room, tunes: Tunes) -> None:
    """Discord no longer waits (10062): it is dropped, and not carried out behind the person's back."""
    await room.play(tunes["long"][0])
    await town.discord.knobs(interaction_ack_ms=1)
    try:
        late = await room.send("volume", percent=11)

        async def given_up() -> bool:
            return late.stage == "failed"

        await eventually("Discord gave up on it", given_up)
    finally:
        await town.discord.knobs(interaction_ack_ms=3_000)
    in_time = await room.send("volume", percent=12)
    await in_time.wait_answer(PATIENCE_S)
    await town.applied_once(room, [in_time])
    assert str(late.id) not in {command for command, _ in await town.applied(room)}


async def test_an_answer_whose_time_is_over_harms_nobody(town: Town, room: Room, tunes: Tunes) -> None:
    """The token of an interaction expires before the answer: the command took effect, the music plays."""
    await town.discord.knobs(interaction_token_ms=1)
    try:
        sent = await room.send("play", query=tunes["long"][0].title)
        await sent.wait_ack()
        await room.hears(tunes["long"][0])
    finally:
        await town.discord.knobs(interaction_token_ms=900_000)
    await town.applied_once(room, [sent])
    await room.says(tunes["long"][0].title, "nowplaying")


class Shelf:
    """Serves files and oddities over HTTP on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/inside", self._inside),
                web.get("/file-scheme", self._file_scheme),
                web.get("/round", self._round),
                web.get("/page", self._page),
                web.static("/files", self.folder),
            ]
        )
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def close(self) -> None:
        """Stop."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _inside(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("http://10.1.2.3/secret.mp3")

    async def _file_scheme(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("file:///etc/passwd")

    async def _round(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/round")

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text="<html>no music here</html>", content_type="text/html")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def open_town(example: Path) -> AsyncIterator[Town]:
    """Run a small cluster whose spec allows links to loopback."""
    cluster = load_file(example)
    spec = cluster.spec
    small = cluster.with_spec(
        shards=1,
        workers=spec.workers.model_copy(update={"hot_spares": 0}),
        router=spec.router.model_copy(update={"replicas": 1}),
        regions=(spec.regions[0].model_copy(update={"distances": {}}),),
        media=spec.media.model_copy(update={"allowed_private_networks": ("127.0.0.0/8",)}),
    )
    async with running(small) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    """Serve a folder of this test's own."""
    shelf = Shelf(tmp_path)
    await shelf.start()
    yield shelf
    await shelf.close()


async def test_an_allowed_private_link_plays(open_town: Town, tunes: Tunes) -> None:
    """spec.media.allowedPrivateNetworks lists the network: a link into it is played like any other."""
    room = await open_town.room()
    tune = tunes["short"][0]
    link = f"{open_town.dev.tunes_url}/tunes/{tune.identifier}.mp3"
    await room.says(tune.title, "play", query=link)
    await room.hears(tune)


async def test_links_that_lead_nowhere_are_refused(open_town: Town, shelf: Shelf) -> None:
    """Not found, no music, nobody there, round in circles: each is said, and the bot leaves again."""
    room = await open_town.room()
    links = (
        f"{shelf.url}/files/none.mp3",
        f"{shelf.url}/page",
        f"{shelf.url}/round",
        "http://127.0.0.1:9/dead.mp3",
    )
    for link in links:
        said = text_of(await room.ask("play", await room.guest(), query=link))
        assert any(words in said for words in ("can't be played", "I found nothing")), f"{link}: {said}"
    await eventually_unchanged(room)


async def test_a_redirect_into_a_private_network_is_refused(open_town: Town, shelf: Shelf) -> None:
    """An allowed link that redirects to an address that is not, or to a file of ours, is not followed."""
    room = await open_town.room()
    inside, local = f"{shelf.url}/inside", f"{shelf.url}/file-scheme"
    await room.says("I can't play from that address", "play", await room.guest(), query=inside)
    await room.says("can't be played", "play", await room.guest(), query=local)
    await eventually_unchanged(room)


async def test_a_title_can_do_nothing_but_be_read(open_town: Town, shelf: Shelf, tunes: Tunes) -> None:
    """Markdown, mentions and links in a title are shown as they are, and nobody is mentioned."""
    room = await open_town.room()
    tune = replace(tunes["short"][0], title=NASTY, author="@here **loud**")
    await asyncio.to_thread(write_file, tune, shelf.folder / "nasty.mp3", Container.MP3)
    await room.says(r"\*\*bold\*\*", "play", query=f"{shelf.url}/files/nasty.mp3")
    await room.hears(tunes["short"][0])
    message = await room.now_playing()
    for text in (message.text, text_of(await room.ask("nowplaying")), text_of(await room.ask("queue"))):
        assert r"\*\*bold" in text
        for live in ("**bold**", " `code`", "[x](https", "||no||", " <@1>", " @everyone"):
            assert live not in text, f"{live} in {text}"
    assert _mentioned(message) == []


def _mentioned(message: SimMessage) -> list[object]:
    return [*message.raw.get("mentions", []), *message.raw.get("mention_roles", [])]
