"""The page's server says what is wrong in words, and shows all pages the same, looked up once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from segue_devkit.demo.server import DemoServer
from segue_devkit.demo.world import GUILDS, DemoWorld
from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import SimConfig
from segue_devkit.discord.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 10.0


@pytest.fixture
def guild(world: DemoWorld) -> int:
    """The first guild."""
    return next(iter(world.entrances))


async def _post(page: aiohttp.ClientSession, path: str, body: object) -> tuple[int, str]:
    async with page.post(path, json=body) as answer:
        return answer.status, str((await answer.json()).get("error", ""))


async def _until(socket: aiohttp.ClientWebSocketResponse, name: str, good: Any) -> Any:
    """Read news until one of this name is as wanted."""
    async with asyncio.timeout(WAIT_S):
        while True:
            news = json.loads(await socket.receive_str())
            if news["name"] == name and good(news["data"]):
                return news["data"]


async def test_the_page_and_its_parts_are_served(page: aiohttp.ClientSession) -> None:
    """Every file that the page names is there, and none is kept by the browser unasked."""
    async with page.get("/") as answer:
        text = await answer.text()
        assert answer.headers["Cache-Control"] == "no-cache"
    for part in ("app.js", "style.css", "icon.svg"):
        assert f"/static/{part}" in text
        async with page.get(f"/static/{part}") as answer:
            assert answer.status == 200
    async with page.get("/api/world") as answer:
        world = await answer.json()
    assert [one["name"] for one in world["guilds"]] == list(GUILDS)
    assert len(world["tunes"]) == 3


@pytest.mark.parametrize(
    ("what", "body", "status", "words"),
    [
        ("say", {"text": "hello"}, 409, "slash commands"),
        ("say", {"text": "/play x"}, 409, "none yet"),
        ("say", {}, 409, "slash commands"),
        ("say", ["/stop"], 400, "JSON object"),
        ("click", {}, 409, "no buttons"),
        ("click", {"message": "٣", "custom_id": "x"}, 409, "no buttons"),
        ("click", {"message": "1", "values": "x"}, 409, "no buttons"),
        ("click", {"message": "1", "custom_id": "x"}, 409, "gone"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(
    page: aiohttp.ClientSession, guild: int, what: str, body: object, status: int, words: str
) -> None:
    """Every refusal is a JSON error that a person can read."""
    found, error = await _post(page, f"/api/guilds/{guild}/{what}", body)
    assert found == status
    assert words in error


async def test_nonsense_for_a_body_is_refused(page: aiohttp.ClientSession, guild: int) -> None:
    """A body that is no JSON is a bad request and not a crash."""
    async with page.post(f"/api/guilds/{guild}/say", data=b"\xff{") as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "A JSON object is wanted.")


@pytest.mark.parametrize("name", ["1", "x", "٣", "-1"])
async def test_servers_that_are_not_there_are_not_found(page: aiohttp.ClientSession, name: str) -> None:
    """Only the demo's own guilds are shown, listened to and acted in."""
    assert await _post(page, f"/api/guilds/{name}/say", {"text": "/stop"}) == (
        404,
        "There is no such server.",
    )
    for stream in ("live", "listen"):
        async with page.get(f"/api/guilds/{name}/{stream}") as answer:
            assert answer.status == 404


async def test_other_sites_may_not_use_it(page: aiohttp.ClientSession, guild: int) -> None:
    """A page of another origin gets nothing, by form or by socket; our own does."""
    headers = {"Origin": "http://elsewhere.example"}
    async with page.post(f"/api/guilds/{guild}/voice", json={"join": False}, headers=headers) as answer:
        assert answer.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await page.ws_connect(f"/api/guilds/{guild}/live", headers=headers)
    own = str(page._base_url).rstrip("/")
    async with page.ws_connect(f"/api/guilds/{guild}/live", headers={"Origin": own}) as socket:
        await _until(socket, "trouble", lambda yes: not yes)


async def test_voice_is_left_and_entered_and_every_page_sees_it(
    page: aiohttp.ClientSession, guild: int
) -> None:
    """Two pages on a guild are told of the same change."""
    path = f"/api/guilds/{guild}/live"
    async with page.ws_connect(path) as one, page.ws_connect(path) as other:
        for socket in (one, other):
            await _until(socket, "voice", lambda members: [each["you"] for each in members] == [True])
        await _post(page, f"/api/guilds/{guild}/voice", {"join": False})
        for socket in (one, other):
            await _until(socket, "voice", lambda members: members == [])
        await _post(page, f"/api/guilds/{guild}/voice", {"join": True})
        await _until(one, "voice", lambda members: len(members) == 1)


async def test_messages_are_shown_when_they_are_written(
    page: aiohttp.ClientSession, world: DemoWorld, guild: int
) -> None:
    """A message arrives by the simulator's own events, sooner than the page would look again."""
    entrance = world.entrances[guild]
    async with page.ws_connect(f"/api/guilds/{guild}/live") as socket:
        await _until(socket, "messages", lambda seen: seen == [])
        await entrance.visitor.say(entrance.guild.text_channel, "good evening")
        seen = await _until(socket, "messages", bool)
    assert seen[0]["content"] == "good evening"


async def test_a_simulator_that_is_gone_is_trouble_and_words(tmp_path: Path) -> None:
    """Pages stay open and are told; what is sent meanwhile is answered with a sentence."""
    async with contextlib.AsyncExitStack() as stack:
        until_it_goes = await stack.enter_async_context(contextlib.AsyncExitStack())
        simulator = await until_it_goes.enter_async_context(Simulator(SimConfig(tls_dir=tmp_path / "tls")))
        discord = await stack.enter_async_context(SimClient(simulator.url))
        world = await DemoWorld.build(discord, ("us-east",))
        guild = next(iter(world.entrances))
        server = DemoServer(world, list)
        stack.push_async_callback(server.close)
        page = await stack.enter_async_context(
            aiohttp.ClientSession(await server.start("127.0.0.1", 0)),
        )
        async with page.ws_connect(f"/api/guilds/{guild}/live") as socket:
            await _until(socket, "voice", bool)
            await until_it_goes.aclose()
            await _until(socket, "trouble", bool)
        status, words = await _post(page, f"/api/guilds/{guild}/say", {"text": "/play x"})
        assert (status, words) == (503, "The simulated Discord does not answer right now.")


async def test_closing_ends_what_is_open(world: DemoWorld, guild: int) -> None:
    """The server stops at once although pages and listeners are connected."""
    server = DemoServer(world, list)
    url = await server.start("127.0.0.1", 0)
    async with (
        aiohttp.ClientSession(url) as session,
        session.ws_connect(f"/api/guilds/{guild}/live") as live,
        session.ws_connect(f"/api/guilds/{guild}/listen") as listen,
    ):
        await _until(live, "voice", bool)
        async with asyncio.timeout(WAIT_S):
            await server.close()
            async for _ in live:
                pass
            async for _ in listen:
                pass
        assert live.closed
        assert listen.closed
