"""Autocomplete, menus, modals and files: what a person's client sends, and what a bot may answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from segue_devkit.discord.client import Choice, SimError

if TYPE_CHECKING:
    from segue_devkit.discord.client import Person, SimClient, SimGuild
    from segue_devkit.discord.simulator import Simulator

QUERY = {"type": 3, "name": "query", "description": "What", "required": True, "autocomplete": True}
PAGE = {"type": 4, "name": "page", "description": "Which", "autocomplete": True}
LIST = {"type": 1, "name": "list", "description": "List", "options": [QUERY, PAGE]}
COMMANDS = [
    {"name": "find", "description": "Find", "options": [LIST]},
    {
        "name": "file",
        "description": "Play a file",
        "options": [{"type": 11, "name": "song", "description": "The file", "required": True}],
    },
]
MENU = {
    "type": 3,
    "custom_id": "pick",
    "max_values": 2,
    "options": [{"label": each, "value": each} for each in ("rain", "sun", "snow")],
}
TEXT_INPUT = {"type": 4, "custom_id": "name", "label": "Name", "style": 1, "max_length": 5}
LABELLED = {
    "type": 18,
    "label": "Mood",
    "component": {"type": 3, "custom_id": "mood", "options": [{"label": "Calm", "value": "calm"}]},
}
MODAL = {
    "custom_id": "save",
    "title": "Save the queue",
    "components": [{"type": 1, "components": [TEXT_INPUT]}, LABELLED],
}


@pytest.fixture
async def guild(discord: SimClient) -> SimGuild:
    """A guild."""
    return await discord.guild("Vinyl Club")


@pytest.fixture
async def ada(discord: SimClient) -> Person:
    """A person."""
    return await discord.person("Ada")


@pytest.fixture
async def gateway(guild: SimGuild, simulator: Simulator, rest: Any, connect: Any) -> Any:
    """An identified socket of a bot with its commands registered."""
    status, body = await rest.call("PUT", f"/applications/{simulator.world.bot.id}/commands", COMMANDS)
    assert status == 200, body
    one = await connect()
    await one.identify()
    await one.until("GUILD_CREATE")
    assert guild.id
    return one


@pytest.fixture
def answer(gateway: Any, rest: Any) -> Any:
    """Take the next interaction and answer it: (its payload, the answer's status and body)."""

    async def run(kind: int, data: Any = None, **query: str) -> Any:
        event = await gateway.until("INTERACTION_CREATE")
        path = f"/interactions/{event['id']}/{event['token']}/callback"
        return event, await rest.call("POST", path, {"type": kind, "data": data}, **query)

    return run


async def test_typing_is_answered_by_choices(guild: SimGuild, ada: Person, answer: Any) -> None:
    """All that is typed so far goes to the bot, one option focused as text, also below a sub-command."""
    typing = await ada.type_into(guild.text_channel, "find list", "page", query="ra", page=1)
    event, (status, _) = await answer(8, {"choices": [{"name": "Page 12", "value": 12}]})
    assert (event["type"], status) == (4, 204)
    assert event["data"]["options"] == [
        {
            "type": 1,
            "name": "list",
            "options": [
                {"type": 3, "name": "query", "value": "ra"},
                {"type": 4, "name": "page", "value": "1", "focused": True},
            ],
        }
    ]
    assert (await typing.wait_answer()).choices == (Choice("Page 12", 12),)


async def test_typing_waits_for_its_choices(guild: SimGuild, ada: Person, answer: Any, tasks: Any) -> None:
    """``autocomplete`` returns what is proposed, here nothing; an empty option is focused as "" too."""
    asked = tasks(ada.autocomplete(guild.text_channel, "find list", "query"))
    event, _ = await answer(8, {"choices": []})
    assert event["data"]["options"][0]["options"] == [
        {"type": 3, "name": "query", "value": "", "focused": True}
    ]
    assert await asked == ()


@pytest.mark.parametrize(
    ("choices", "path"),
    [
        (None, ("data", "choices")),
        ([{"name": "x", "value": "x"}] * 26, ("data", "choices")),
        ([{"name": "x" * 101, "value": "x"}], ("data", "choices", "0", "name")),
        ([{"name": "", "value": "x"}], ("data", "choices", "0", "name")),
        ([{"name": "x", "value": "x" * 101}], ("data", "choices", "0", "value")),
        ([{"name": "x", "value": 5}], ("data", "choices", "0", "value")),
        ([{"name": "x"}], ("data", "choices", "0", "value")),
        (["x"], ("data", "choices", "0")),
    ],
)
async def test_choices_have_limits(
    guild: SimGuild, ada: Person, answer: Any, choices: Any, path: tuple[str, ...]
) -> None:
    """50035 leads to the fault: 25 choices, names of 1 to 100 characters, values of the option's type."""
    typing = await ada.type_into(guild.text_channel, "find list", "query", query="x")
    _, (status, body) = await answer(8, {"choices": choices})
    assert (status, body["code"]) == (400, 50035)
    node = body["errors"]
    for part in path:
        node = node[part]
    assert node["_errors"]
    assert typing.stage == "pending"


async def test_the_client_asks_only_where_an_option_completes(
    guild: SimGuild, ada: Person, gateway: Any
) -> None:
    """No such sub-command, no such option, or one that does not complete: refused before anything is sent."""
    for command, focused in (("find", "query"), ("find best", "query"), ("file", "song")):
        with pytest.raises(SimError):
            await ada.type_into(guild.text_channel, command, focused)
    with pytest.raises(SimError, match="no option q"):
        await ada.type_into(guild.text_channel, "find list", "query", q="x")
    assert "INTERACTION_CREATE" not in gateway.names


async def test_a_menu_is_chosen_from(
    guild: SimGuild, ada: Person, answer: Any, rest: Any, discord: SimClient
) -> None:
    """The values go to the bot in the order chosen; too few, too many, unknown and double ones cannot."""
    rows = [{"type": 1, "components": [MENU]}]
    await rest.call("POST", f"/channels/{guild.text_channel.id}/messages", {"components": rows})
    (message,) = await discord.messages(guild.text_channel)
    for wrong in ([], ["rain", "sun", "snow"], ["hail"], ["rain", "rain"]):
        with pytest.raises(SimError):
            await ada.select(message, "pick", wrong)
    chosen = await ada.select(message, "pick", ["sun", "rain"])
    event, _ = await answer(7, {"content": "sun then", "components": []})
    assert (event["data"]["component_type"], event["data"]["values"]) == (3, ["sun", "rain"])
    seen = (await chosen.wait_answer()).message
    assert seen is not None
    assert (seen.id, seen.content, seen.components) == (message.id, "sun then", ())


async def test_a_user_menu_brings_who_was_chosen(
    guild: SimGuild, ada: Person, answer: Any, rest: Any, discord: SimClient
) -> None:
    """Menus of users resolve their values; somebody who is not in the guild cannot be chosen."""
    rows = [{"type": 1, "components": [{"type": 5, "custom_id": "who"}]}]
    await rest.call("POST", f"/channels/{guild.text_channel.id}/messages", {"components": rows})
    (message,) = await discord.messages(guild.text_channel)
    with pytest.raises(SimError, match="no 1"):
        await ada.select(message, "who", ["1"])
    await ada.select(message, "who", [str(ada.id)])
    event, _ = await answer(6)
    assert event["data"]["resolved"]["users"][str(ada.id)]["username"] == "Ada"


async def test_a_modal_is_filled_in(guild: SimGuild, ada: Person, answer: Any) -> None:
    """A modal is an answer; the form knows its fields; sending it is an interaction of its own."""
    file = await ada.upload("song.mp3", b"x", "audio/mpeg")
    asked = await ada.slash(guild.text_channel, "file", song=file)
    _, (status, body) = await answer(9, MODAL, with_response="true")
    assert (status, body["resource"]) == (200, {"type": 9})
    modal = await asked.wait_modal()
    assert (modal.custom_id, modal.title) == ("save", "Save the queue")
    assert [(one.custom_id, one.label) for one in modal.fields] == [("name", "Name"), ("mood", "Mood")]
    for wrong in (
        {},
        {"name": "x" * 6, "mood": ["calm"]},
        {"name": "mix", "mood": ["wild"]},
        {"nom": "mix", "name": "mix", "mood": ["calm"]},
    ):
        with pytest.raises(SimError):
            await ada.submit(modal, **wrong)
    sent = await ada.submit(modal, name="mix", mood=["calm"])
    event, (status, _) = await answer(4, {"content": "saved", "flags": 64})
    assert (event["type"], event["data"]["custom_id"], status) == (5, "save", 204)
    row, label = event["data"]["components"]
    assert row["components"][0]["value"] == "mix"
    assert label["component"]["values"] == ["calm"]
    assert (await sent.wait_answer()).ephemeral


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"custom_id": None}, ("data", "custom_id")),
        ({"title": "x" * 46}, ("data", "title")),
        ({"components": []}, ("data", "components")),
        ({"components": [{"type": 2}]}, ("data", "components", "0", "type")),
        (
            {"components": [{"type": 1, "components": [{**TEXT_INPUT, "style": 3}]}]},
            ("data", "components", "0", "components", "0", "style"),
        ),
        (
            {"components": [{"type": 1, "components": [{**TEXT_INPUT, "label": "x" * 46}]}]},
            ("data", "components", "0", "components", "0", "label"),
        ),
        (
            {"components": [{"type": 1, "components": [TEXT_INPUT]}] * 2},
            ("data", "components", "1", "components", "0", "custom_id"),
        ),
    ],
)
async def test_modals_have_limits(
    guild: SimGuild, ada: Person, answer: Any, change: dict[str, Any], path: tuple[str, ...]
) -> None:
    """50035 leads to the fault in the form."""
    file = await ada.upload("song.mp3", b"x", "audio/mpeg")
    await ada.slash(guild.text_channel, "file", song=file)
    _, (status, body) = await answer(9, {**MODAL, **change})
    assert (status, body["code"]) == (400, 50035)
    node = body["errors"]
    for part in path:
        node = node[part]
    assert node["_errors"]


async def test_a_modal_opened_by_a_command_has_no_message_to_update(
    guild: SimGuild, ada: Person, answer: Any
) -> None:
    """Such a modal is answered by a message; opened by a button it may also update the button's."""
    file = await ada.upload("song.mp3", b"x", "audio/mpeg")
    asked = await ada.slash(guild.text_channel, "file", song=file)
    await answer(9, MODAL)
    await ada.submit(await asked.wait_modal(), name="mix", mood=["calm"])
    _, (_, body) = await answer(7, {"content": "x"})
    assert body["code"] == 50035


async def test_a_file_goes_with_a_command(
    guild: SimGuild, ada: Person, answer: Any, http: aiohttp.ClientSession
) -> None:
    """The bot gets name, type, size and a signed address that serves the bytes, whole or in part."""
    sound = bytes(range(256)) * 40
    file = await ada.upload("mein lied.mp3", sound, "audio/mpeg")
    await ada.slash(guild.text_channel, "file", song=file)
    event, _ = await answer(5)
    (option,) = event["data"]["options"]
    assert option == {"type": 11, "name": "song", "value": str(file.id)}
    attachment = event["data"]["resolved"]["attachments"][str(file.id)]
    assert (attachment["filename"], attachment["title"]) == ("mein_lied.mp3", "mein lied.mp3")
    assert (attachment["content_type"], attachment["size"]) == ("audio/mpeg", len(sound))
    assert attachment["ephemeral"]
    async with http.get(attachment["url"]) as response:
        assert (response.status, await response.read()) == (200, sound)
        assert response.headers["Accept-Ranges"] == "bytes"
    for asked, part in (
        ("bytes=10-19", sound[10:20]),
        ("bytes=-5", sound[-5:]),
        ("bytes=9000-", sound[9000:]),
    ):
        async with http.get(attachment["url"], headers={"Range": asked}) as response:
            assert (response.status, await response.read()) == (206, part)
    async with http.get(attachment["url"], headers={"Range": "bytes=99999-"}) as response:
        assert response.status == 416
    async with http.get(attachment["url"].replace("hm=", "hm=0")) as response:
        assert response.status == 404


async def test_addresses_of_files_run_out(
    guild: SimGuild, ada: Person, discord: SimClient, http: aiohttp.ClientSession
) -> None:
    """After its time an address answers 404, as an old link does."""
    assert guild.id
    await discord.knobs(attachment_url_ms=0)
    file = await ada.upload("song.mp3", b"x", "audio/mpeg")
    issued = int(file.url.partition("is=")[2].partition("&")[0], 16)
    assert int(file.url.partition("ex=")[2].partition("&")[0], 16) == issued

    async def status() -> int:
        async with http.get(file.url) as response:
            return response.status

    while (code := await status()) == 200:  # until the second in which it runs out is over
        pass
    assert code == 404


async def test_files_have_a_size_limit_and_an_owner(
    guild: SimGuild, ada: Person, discord: SimClient, gateway: Any
) -> None:
    """Too large a file cannot be chosen, and nobody can send another person's upload."""
    assert gateway.names
    file = await ada.upload("song.mp3", b"xx", "audio/mpeg")
    eve = await discord.person("Eve")
    with pytest.raises(SimError, match="attachment"):
        await eve.slash(guild.text_channel, "file", song=file)
    await discord.knobs(attachment_size_limit=1)
    with pytest.raises(SimError, match="too large"):
        await ada.upload("song.mp3", b"xx", "audio/mpeg")


async def test_a_bot_s_picture_is_shown_in_its_embed(
    guild: SimGuild, rest: Any, discord: SimClient, http: aiohttp.ClientSession
) -> None:
    """``attachment://name`` in an embed becomes the address of the file, which is then not listed again."""
    body = '{"embeds": [{"title": "t", "image": {"url": "attachment://a.png"}}]}'
    path = f"/channels/{guild.text_channel.id}/messages"
    status, refused = await rest.call("POST", path, _form(body))
    assert (status, refused["code"]) == (403, 50013)
    await discord.bot_permissions(guild, (1 << 53) - 1)
    status, made = await rest.call("POST", path, _form(body))
    assert status == 200
    assert [each["filename"] for each in made["attachments"]] == ["b.txt"]
    async with http.get(made["embeds"][0]["image"]["url"]) as response:
        assert await response.read() == b"picture"
    kept = [{"id": made["attachments"][0]["id"]}]
    _, edited = await rest.call("PATCH", f"{path}/{made['id']}", {"attachments": kept})
    assert len(edited["attachments"]) == 1
    _, edited = await rest.call("PATCH", f"{path}/{made['id']}", {"attachments": []})
    assert edited["attachments"] == []


def _form(body: str) -> aiohttp.FormData:
    """Two files; a form is used up by sending it."""
    form = aiohttp.FormData()
    form.add_field("payload_json", body, content_type="application/json")
    form.add_field("files[0]", b"picture", filename="a.png", content_type="image/png")
    form.add_field("files[1]", b"words", filename="b.txt", content_type="text/plain")
    return form


async def test_followups_may_be_for_one_person_only(
    guild: SimGuild, ada: Person, answer: Any, rest: Any, discord: SimClient
) -> None:
    """A public answer, then a followup only the person sees; editing and deleting it reaches them too."""
    file = await ada.upload("song.mp3", b"x", "audio/mpeg")
    asked = await ada.slash(guild.text_channel, "file", song=file)
    event, _ = await answer(4, {"content": "playing"})
    webhook = f"/webhooks/{event['application_id']}/{event['token']}"
    status, made = await rest.call("POST", webhook, {"content": "psst", "flags": 64})
    assert (status, made["flags"] & 64) == (200, 64)
    (seen,) = await asked.wait_followups()
    assert (seen.content, seen.ephemeral, seen.id) == ("psst", True, int(made["id"]))
    assert not asked.answer().ephemeral
    eve = await discord.person("Eve")
    assert [one.content for one in await discord.messages(guild.text_channel, viewer=eve)] == ["playing"]
    await rest.call("PATCH", f"{webhook}/messages/{made['id']}", {"content": "forget it"})
    await asked.wait_until(lambda _: asked.followups[0].content == "forget it")
    await rest.call("DELETE", f"{webhook}/messages/{made['id']}")
    await asked.wait_until(lambda _: asked.followups == ())
