"""REST: Discord's answers to right and wrong calls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from segue_devkit.discord.client import SimClient
    from segue_devkit.discord.simulator import Simulator

OPTION = {"type": 3, "name": "query", "description": "What"}
COMMAND = {"name": "play", "description": "Play something"}


async def test_errors_have_discords_bodies(rest: Any, discord: SimClient) -> None:
    """Wrong token 401, unknown path 404, unknown things with their own code, no snowflake 50035."""
    wrong = replace(rest, token="x")
    assert await wrong.call("GET", "/users/@me") == (401, {"message": "401: Unauthorized", "code": 0})
    assert await rest.call("GET", "/nothing") == (404, {"message": "404: Not Found", "code": 0})
    assert (await rest.call("GET", "/channels/1"))[1]["code"] == 10003
    assert (await rest.call("GET", "/guilds/1"))[1]["code"] == 10004
    assert (await rest.call("GET", "/users/1"))[1]["code"] == 10013
    assert (await rest.call("GET", "/guilds/x"))[1]["code"] == 50035
    guild = await discord.guild("Vinyl Club")
    path = f"/channels/{guild.text_channel.id}/messages"
    assert (await rest.call("GET", f"{path}/1"))[1]["code"] == 10008
    assert (await rest.call("POST", path, {}))[1]["code"] == 50006
    assert (await rest.call("DELETE", "/users/@me"))[0] == 405


async def test_a_person_s_voice_state(rest: Any, discord: SimClient) -> None:
    """GET voice-states answers where a person is, 10065 when in no voice channel."""
    guild = await discord.guild("Vinyl Club")
    ada = await discord.person("Ada")
    path = f"/guilds/{guild.id}/voice-states/{ada.id}"
    assert (await rest.call("GET", path))[1]["code"] == 10065
    await ada.join(guild.voice_channel)
    status, state = await rest.call("GET", path)
    assert (status, state["channel_id"]) == (200, str(guild.voice_channel.id))


async def test_messages_live_and_die(rest: Any, discord: SimClient) -> None:
    """Create, get, edit, delete; people see the edit counted."""
    guild = await discord.guild("Vinyl Club")
    path = f"/channels/{guild.text_channel.id}/messages"
    _, made = await rest.call("POST", path, {"content": "one", "embeds": [{"title": "t"}]})
    status, edited = await rest.call("PATCH", f"{path}/{made['id']}", {"content": "two"})
    assert (status, edited["content"], edited["embeds"][0]["title"]) == (200, "two", "t")
    (seen,) = await discord.messages(guild.text_channel)
    assert (seen.text, seen.edits) == ("two\nt", 1)
    assert (await rest.call("DELETE", f"{path}/{made['id']}"))[0] == 204
    assert await discord.messages(guild.text_channel) == ()


async def test_an_enforced_nonce_makes_one_message(rest: Any, discord: SimClient) -> None:
    """The same nonce of the last minutes with enforce_nonce answers the message that is there; else not."""
    guild = await discord.guild("Vinyl Club", text_channels=2)
    path, other = (f"/channels/{channel.id}/messages" for channel in guild.text_channels)
    once = {"content": "x", "nonce": "now-playing-1", "enforce_nonce": True}
    _, first = await rest.call("POST", path, once)
    _, again = await rest.call("POST", path, {**once, "content": "y"})
    assert (again["id"], again["content"]) == (first["id"], "x")
    _, without = await rest.call("POST", path, {**once, "enforce_nonce": False})
    _, elsewhere = await rest.call("POST", other, once)
    assert len({first["id"], without["id"], elsewhere["id"]}) == 3
    assert len(await discord.messages(guild.text_channel)) == 2
    _, anew = await rest.call("POST", path, {**once, "nonce": 17})
    assert anew["id"] not in {first["id"], without["id"]}
    bad_ones: tuple[object, ...] = ("n" * 26, True, {})
    for bad in bad_ones:
        assert (await rest.call("POST", other, {**once, "nonce": bad}))[1]["code"] == 50035


async def test_permissions_of_the_bot_count(rest: Any, discord: SimClient, simulator: Simulator) -> None:
    """Not allowed to send 50013, not allowed to see 50001, somebody else's message 50005."""
    guild = await discord.guild("Vinyl Club")
    ada = await discord.person("Ada")
    said = await ada.say(guild.text_channel, "mine")
    path = f"/channels/{guild.text_channel.id}/messages"
    assert (await rest.call("PATCH", f"{path}/{said.id}", {"content": "x"}))[1]["code"] == 50005
    me = simulator.world.bot.id
    for bit, code, body in ((11, 50013, {"content": "x"}), (14, 50013, {"embeds": [{"title": "x"}]})):
        await discord.overwrite(guild.text_channel, me, deny=1 << bit)
        assert (await rest.call("POST", path, body))[1]["code"] == code
    await discord.overwrite(guild.text_channel, me, deny=1 << 10)
    assert (await rest.call("POST", path, {"content": "x"}))[1]["code"] == 50001


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"content": "x" * 2001}, ("content",)),
        ({"content": 5}, ("content",)),
        ({"embeds": [{"title": "x" * 257}]}, ("embeds", "0", "title")),
        ({"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, ("embeds",)),
        ({"embeds": [{"fields": [{"name": "n", "value": ""}]}]}, ("embeds", "0", "fields", "0", "value")),
        ({"embeds": [{"title": "t", "url": "javascript:x"}]}, ("embeds", "0", "url")),
        ({"embeds": [{"title": "t", "color": -1}]}, ("embeds", "0", "color")),
        ({"embeds": [{"footer": "text"}]}, ("embeds", "0", "footer")),
        ({"embeds": [{"fields": ["text"]}]}, ("embeds", "0", "fields")),
        ({"embeds": "text"}, ("embeds",)),
        ({"content": "x", "flags": "64"}, ("flags",)),
        ({"components": [{"type": 1, "components": ["x"]}]}, ("components", "0", "components")),
        ({"components": [{"type": 2}]}, ("components", "0", "type")),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x"}]}]},
            ("components", "0", "components", "0", "custom_id"),
        ),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "a"}]}]},
            ("components", "0", "components", "0"),
        ),
        (
            {
                "components": [
                    {
                        "type": 1,
                        "components": [{"type": 2, "style": 1, "custom_id": "a", "label": "x"}] * 2,
                    }
                ]
            },
            ("components", "0", "components", "1", "custom_id"),
        ),
    ],
)
async def test_bad_messages_are_refused_where_they_are_bad(
    rest: Any, discord: SimClient, body: dict[str, Any], path: tuple[str, ...]
) -> None:
    """50035 with a tree that leads to the field."""
    guild = await discord.guild("Vinyl Club")
    status, answer = await rest.call("POST", f"/channels/{guild.text_channel.id}/messages", body)
    assert (status, answer["code"]) == (400, 50035)
    node = answer["errors"]
    for part in path:
        node = node[part]
    assert node["_errors"][0]["code"]


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ({"description": "x"}, ("0", "name")),
        ({**COMMAND, "name": "Play"}, ("0", "name")),
        ({**COMMAND, "name": "p" * 33}, ("0", "name")),
        ({"name": "play"}, ("0", "description")),
        ({**COMMAND, "description": "x" * 101}, ("0", "description")),
        ({**COMMAND, "type": 9}, ("0", "type")),
        ({**COMMAND, "options": [{**OPTION, "type": 99}]}, ("0", "options", "0", "type")),
        ({**COMMAND, "options": [OPTION, OPTION]}, ("0", "options", "1", "name")),
        (
            {**COMMAND, "options": [OPTION, {**OPTION, "name": "two", "required": True}]},
            ("0", "options", "1"),
        ),
        (
            {**COMMAND, "options": [{**OPTION, "choices": [{"name": "n", "value": 5}]}]},
            ("0", "options", "0", "choices", "0", "value"),
        ),
        ({**COMMAND, "options": [{**OPTION, "min_value": 1}]}, ("0", "options", "0", "min_value")),
        (
            {
                **COMMAND,
                "options": [{**OPTION, "autocomplete": True, "choices": [{"name": "n", "value": "v"}]}],
            },
            ("0", "options", "0", "autocomplete"),
        ),
        (
            {**COMMAND, "options": [OPTION, {"type": 1, "name": "sub", "description": "x"}]},
            ("0", "options"),
        ),
    ],
)
async def test_commands_are_validated_at_registration(
    rest: Any, simulator: Simulator, command: dict[str, Any], path: tuple[str, ...]
) -> None:
    """A command that breaks a rule is refused with the path to the fault, and nothing is registered."""
    status, answer = await rest.call("PUT", f"/applications/{simulator.world.bot.id}/commands", [command])
    assert (status, answer["code"]) == (400, 50035)
    node = answer["errors"]
    for part in path:
        node = node[part]
    assert node["_errors"][0]["code"]
    assert simulator.world.global_commands == []


async def test_bulk_overwrite_keeps_ids_by_name(rest: Any, simulator: Simulator, discord: SimClient) -> None:
    """The same name keeps its id, what is not listed is gone; guild commands are a list of their own."""
    path = f"/applications/{simulator.world.bot.id}/commands"
    _, first = await rest.call("PUT", path, [COMMAND, {**COMMAND, "name": "stop"}])
    _, second = await rest.call("PUT", path, [{**COMMAND, "description": "Other"}])
    assert [each["id"] for each in second] == [first[0]["id"]]
    assert (await rest.call("GET", path))[1] == second
    guild = await discord.guild("Vinyl Club")
    own = f"/applications/{simulator.world.bot.id}/guilds/{guild.id}/commands"
    _, of_guild = await rest.call("PUT", own, [COMMAND])
    assert of_guild[0]["guild_id"] == str(guild.id)
    assert (await rest.call("PUT", "/applications/1/commands", []))[1]["code"] == 20012
