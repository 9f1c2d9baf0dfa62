"""The page's server says what is wrong in words, and shows all pages the same, looked up once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from segue_devkit.demo.people import MAX_FILE_BYTES
from segue_devkit.demo.server import DemoServer
from segue_devkit.demo.world import GUILDS, PEOPLE, DemoWorld
from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import SimConfig
from segue_devkit.discord.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 10.0


@pytest.fixture
def seat(world: DemoWorld) -> str:
    """The path of the first person in the first guild."""
    return seat_path(world)


def seat_path(world: DemoWorld, person: int = 0) -> str:
    """Return the path of a person in the first guild."""
    seat = world.seats[person]
    return f"/api/guilds/{seat.guild.id}/as/{seat.person.id}"


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
    for part in ("app.js", "theme.js", "style/tokens.css", "icon.svg"):
        assert f"/static/{part}" in text
        async with page.get(f"/static/{part}") as answer:
            assert answer.status == 200
    async with page.get("/api/world") as answer:
        world = await answer.json()
    assert [one["name"] for one in world["guilds"]] == list(GUILDS)
    assert [one["name"] for one in world["people"]] == list(PEOPLE)
    assert len(world["tunes"]) == 3
    assert world["cluster"] is False


async def test_browsers_are_told_to_load_nothing_from_elsewhere(page: aiohttp.ClientSession) -> None:
    """Every answer, refusals included, carries a policy without inline code and without other origins."""
    for path, status in (("/", 200), ("/static/app.js", 200), ("/api/guilds/1/as/1/live", 404)):
        async with page.get(path) as answer:
            assert answer.status == status
            policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "img-src 'self' http://pictures.example;" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("what", "body", "status", "words"),
    [
        ("say", {"text": "  "}, 409, "nothing to send"),
        ("say", {"text": "/play x"}, 409, "none yet"),
        ("say", {}, 409, "nothing to send"),
        ("say", {"text": "hello", "files": ["1"]}, 409, "Files go to commands"),
        ("say", {"text": "/play", "files": ["1"]}, 409, "no longer there"),
        ("say", {"text": "/play", "files": "x"}, 409, "files is a list"),
        ("say", {"text": "/play", "picks": ["x"]}, 400, "named by their option"),
        ("say", ["/stop"], 400, "JSON object"),
        ("complete", {"text": "/play x"}, 409, "none yet"),
        ("complete", {"text": "hello"}, 409, "slash commands"),
        ("click", {}, 409, "no buttons"),
        ("click", {"message": "٣", "custom_id": "x"}, 409, "no buttons"),
        ("click", {"message": "1", "values": "x"}, 409, "values is a list"),
        ("click", {"message": "1", "custom_id": "x"}, 409, "gone"),
        ("submit", {"form": "1", "values": {}}, 409, "no longer open"),
        ("submit", {"form": "1", "values": []}, 400, "named"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(
    page: aiohttp.ClientSession, seat: str, what: str, body: object, status: int, words: str
) -> None:
    """Every refusal is a JSON error that a person can read."""
    found, error = await _post(page, f"{seat}/{what}", body)
    assert (found, words in error) == (status, True), error


@pytest.mark.parametrize(
    ("name", "size", "status", "words"),
    [
        ("", 1, 409, "1 to 100 characters"),
        ("x" * 101, 1, 409, "1 to 100 characters"),
        ("a.ogg", 0, 409, "a.ogg is empty"),
        ("a.ogg", MAX_FILE_BYTES + 1, 413, ""),
    ],
)
async def test_files_that_discord_would_not_take_are_refused(
    page: aiohttp.ClientSession, seat: str, name: str, size: int, status: int, words: str
) -> None:
    """No name, nothing in it, or more than 10 MiB."""
    async with page.post(f"{seat}/files", params={"name": name}, data=bytes(size)) as answer:
        assert answer.status == status
        assert words in (await answer.json())["error"]


async def test_a_file_is_taken(page: aiohttp.ClientSession, seat: str) -> None:
    """A file is named by an id that a command can be given."""
    async with page.post(f"{seat}/files", params={"name": "a tune.ogg"}, data=b"OggS") as answer:
        assert answer.status == 200
        taken = await answer.json()
    assert taken["file"].isdigit()
    assert taken["bytes"] == 4


async def test_without_a_cluster_pods_cannot_be_told_anything(page: aiohttp.ClientSession) -> None:
    """A page of a simulator alone says so."""
    assert await _post(page, "/api/pods/x", {"action": "kill"}) == (
        409,
        "There is no cluster behind this page.",
    )


async def test_nonsense_for_a_body_is_refused(page: aiohttp.ClientSession, seat: str) -> None:
    """A body that is no JSON is a bad request and not a crash."""
    async with page.post(f"{seat}/say", data=b"\xff{") as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "A JSON object is wanted.")


@pytest.mark.parametrize("name", ["1", "x", "٣", "-1"])
async def test_servers_and_people_that_are_not_there_are_not_found(
    page: aiohttp.ClientSession, world: DemoWorld, name: str
) -> None:
    """Only the demo's own guilds are shown, listened to and acted in, by its own people."""
    guild, person = next(iter(world.guilds)), next(iter(world.people))
    for path in (f"/api/guilds/{name}/as/{person}", f"/api/guilds/{guild}/as/{name}"):
        assert await _post(page, f"{path}/say", {"text": "/stop"}) == (
            404,
            "There is no such server or person.",
        )
        for stream in ("live", "listen"):
            async with page.get(f"{path}/{stream}") as answer:
                assert answer.status == 404


async def test_no_other_name_leads_to_it(page: aiohttp.ClientSession) -> None:
    """A name that a stranger points at this machine is refused, so that no site can be its own origin."""
    async with page.get("/api/world", headers={"Host": "rebound.example"}) as answer:
        assert answer.status == 403


async def test_other_sites_may_not_use_it(page: aiohttp.ClientSession, seat: str) -> None:
    """A page of another origin gets nothing, by form or by socket; our own does."""
    headers = {"Origin": "http://elsewhere.example"}
    async with page.post(f"{seat}/voice", json={"join": False}, headers=headers) as answer:
        assert answer.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await page.ws_connect(f"{seat}/live", headers=headers)
    own = str(page._base_url).rstrip("/")
    async with page.ws_connect(f"{seat}/live", headers={"Origin": own}) as socket:
        await _until(socket, "trouble:messages", lambda failing: failing == [])


async def test_voice_is_left_and_entered_and_every_page_sees_it(
    page: aiohttp.ClientSession, seat: str
) -> None:
    """Two pages on a guild are told of the same change."""
    path = f"{seat}/live"
    async with page.ws_connect(path) as one, page.ws_connect(path) as other:
        for socket in (one, other):
            await _until(socket, "voice", lambda members: [each["name"] for each in members] == ["You"])
        await _post(page, f"{seat}/voice", {"join": False})
        for socket in (one, other):
            await _until(socket, "voice", lambda members: members == [])
        await _post(page, f"{seat}/voice", {"join": True})
        await _until(one, "voice", lambda members: len(members) == 1)


async def test_messages_are_shown_when_they_are_written(
    page: aiohttp.ClientSession, world: DemoWorld, seat: str
) -> None:
    """A message arrives by the simulator's own events, sooner than the page would look again."""
    async with page.ws_connect(f"{seat}/live") as socket:
        await _until(socket, "messages", lambda seen: seen == [])
        await world.seats[0].person.say(world.seats[0].guild.text_channel, "good evening")
        seen = await _until(socket, "messages", bool)
    assert seen[0]["content"] == "good evening"


async def test_words_without_a_slash_are_talk(page: aiohttp.ClientSession, world: DemoWorld) -> None:
    """Everybody in the channel sees what a person writes, under that person's name."""
    ada = world.seats[1]
    async with page.ws_connect(f"{seat_path(world)}/live") as socket:
        assert await _post(page, f"{seat_path(world, 1)}/say", {"text": "good evening"}) == (200, "")
        seen = await _until(socket, "messages", bool)
    assert (seen[0]["content"], seen[0]["author"]["username"]) == ("good evening", ada.person.name)


async def test_a_simulator_that_is_gone_is_trouble_and_words(tmp_path: Path) -> None:
    """Pages stay open and are told; what is sent meanwhile is answered with a sentence."""
    async with contextlib.AsyncExitStack() as stack:
        until_it_goes = await stack.enter_async_context(contextlib.AsyncExitStack())
        simulator = await until_it_goes.enter_async_context(Simulator(SimConfig(tls_dir=tmp_path / "tls")))
        discord = await stack.enter_async_context(SimClient(simulator.url))
        world = await DemoWorld.build(discord, ("us-east",))
        seat = seat_path(world)
        server = DemoServer(world)
        stack.push_async_callback(server.close)
        page = await stack.enter_async_context(
            aiohttp.ClientSession(await server.start("127.0.0.1", 0)),
        )
        async with page.ws_connect(f"{seat}/live") as socket:
            await _until(socket, "voice", bool)
            await until_it_goes.aclose()
            await _until(socket, "trouble:voice", bool)
        status, words = await _post(page, f"{seat}/say", {"text": "/play x"})
        assert (status, words) == (503, "The simulated Discord does not answer right now.")


async def test_closing_ends_what_is_open(world: DemoWorld, seat: str) -> None:
    """The server stops at once although pages and listeners are connected."""
    server = DemoServer(world)
    url = await server.start("127.0.0.1", 0)
    async with (
        aiohttp.ClientSession(url) as session,
        session.ws_connect(f"{seat}/live") as live,
        session.ws_connect(f"{seat}/listen") as listen,
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
