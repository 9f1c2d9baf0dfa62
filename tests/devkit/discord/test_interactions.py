"""Interactions: two clocks, one acknowledgement, and a client that refuses what Discord's would refuse."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from segue_devkit.discord.client import SimClient, SimGuild
    from segue_devkit.discord.simulator import Simulator

BUTTONS = [
    {
        "type": 1,
        "components": [
            {"type": 2, "style": 1, "label": "Pause", "custom_id": "pause"},
            {"type": 2, "style": 1, "label": "Stop", "custom_id": "stop", "disabled": True},
        ],
    }
]


@pytest.fixture
async def guild(discord: SimClient) -> SimGuild:
    """A guild."""
    return await discord.guild("Vinyl Club")


@pytest.fixture
async def gateway(guild: SimGuild, play_command: dict[str, Any], connect: Any) -> Any:
    """An identified socket of a bot with /play registered."""
    one = await connect()
    await one.identify()
    await one.until("GUILD_CREATE")
    assert guild.id
    assert play_command["id"]
    return one


async def _asked(discord: SimClient, guild: SimGuild, gateway: Any) -> tuple[Any, dict[str, Any]]:
    """A person's /play, on both sides."""
    ada = await discord.person("Ada")
    interaction = await ada.slash(guild.text_channel, "play", query="rain")
    return interaction, await gateway.until("INTERACTION_CREATE")


def _callback(event: dict[str, Any]) -> str:
    return f"/interactions/{event['id']}/{event['token']}/callback"


def _original(event: dict[str, Any]) -> str:
    return f"/webhooks/{event['application_id']}/{event['token']}/messages/@original"


async def test_the_payload_is_discords(discord: SimClient, guild: SimGuild, gateway: Any) -> None:
    """Command, options, member with permissions, the bot's own permissions, guild and channel."""
    interaction, event = await _asked(discord, guild, gateway)
    assert event["type"] == 2
    assert event["data"]["name"] == "play"
    assert event["data"]["options"] == [{"type": 3, "name": "query", "value": "rain"}]
    assert event["member"]["user"]["username"] == "Ada"
    assert int(event["member"]["permissions"]) & 1 << 20
    assert int(event["app_permissions"]) & 1 << 21
    assert (event["guild_id"], event["channel_id"]) == (str(guild.id), str(guild.text_channel.id))
    assert interaction.stage == "pending"


async def test_defer_then_edit(discord: SimClient, guild: SimGuild, gateway: Any, rest: Any) -> None:
    """Ephemeral deferral, then the answer as an edit: ephemeral for good, seen by one, stamps in order."""
    interaction, event = await _asked(discord, guild, gateway)
    status, body = await rest.call(
        "POST", _callback(event), {"type": 5, "data": {"flags": 64}}, with_response="true"
    )
    assert status == 200
    assert body["interaction"]["response_message_loading"]
    assert body["interaction"]["response_message_ephemeral"]
    assert body["resource"]["message"]["flags"] == 64 | 128
    await interaction.wait_ack()
    status, message = await rest.call("PATCH", _original(event), {"content": "done", "flags": 0})
    assert (status, message["flags"]) == (200, 64)
    answer = await interaction.wait_answer()
    assert answer.ephemeral
    assert answer.message is not None
    assert (answer.message.content, answer.message.edits) == ("done", 0)
    assert interaction.sent_at < interaction.acked_at < interaction.answered_at
    await rest.call("PATCH", _original(event), {"content": "again"})
    later = await interaction.wait_until(lambda one: one.message.content == "again")
    assert later.message.edits == 1


async def test_acknowledged_once(discord: SimClient, guild: SimGuild, gateway: Any, rest: Any) -> None:
    """The second callback is 40060, a wrong token 10062, a webhook call before any callback 10015."""
    _, event = await _asked(discord, guild, gateway)
    assert (await rest.call("PATCH", _original(event), {"content": "x"}))[1]["code"] == 10015
    assert (await rest.call("POST", f"/interactions/{event['id']}/x/callback", {"type": 5}))[1][
        "code"
    ] == 10062
    assert (await rest.call("POST", _callback(event), {"type": 5}))[0] == 204
    assert (await rest.call("POST", _callback(event), {"type": 5}))[1]["code"] == 40060


async def test_three_seconds(discord: SimClient, guild: SimGuild, gateway: Any, rest: Any) -> None:
    """Too late is 10062, and the person reads that the application did not respond."""
    await discord.knobs(interaction_ack_ms=20)
    interaction, event = await _asked(discord, guild, gateway)
    with pytest.raises(SimError, match="did not respond"):
        await interaction.wait_ack()
    assert (await rest.call("POST", _callback(event), {"type": 5}))[1]["code"] == 10062


async def test_fifteen_minutes(discord: SimClient, guild: SimGuild, gateway: Any, rest: Any) -> None:
    """After its time the token is worth nothing: 50027."""
    interaction, event = await _asked(discord, guild, gateway)
    await rest.call("POST", _callback(event), {"type": 5})
    await interaction.wait_ack()
    await discord.knobs(interaction_token_ms=0)
    assert (await rest.call("PATCH", _original(event), {"content": "x"}))[1]["code"] == 50027


async def test_followups_and_deletion(discord: SimClient, guild: SimGuild, gateway: Any, rest: Any) -> None:
    """The first followup after a deferral fills the original in, the next is a message of its own."""
    interaction, event = await _asked(discord, guild, gateway)
    await rest.call("POST", _callback(event), {"type": 5})
    webhook = f"/webhooks/{event['application_id']}/{event['token']}"
    await rest.call("POST", webhook, {"content": "first"})
    _, second = await rest.call("POST", webhook, {"content": "second"})
    assert [one.content for one in await discord.messages(guild.text_channel)] == ["first", "second"]
    assert (await rest.call("GET", _original(event)))[1]["content"] == "first"
    assert (await rest.call("DELETE", f"{webhook}/messages/{second['id']}"))[0] == 204
    assert (await rest.call("DELETE", _original(event)))[0] == 204
    assert (await rest.call("GET", _original(event)))[1]["code"] == 10008
    assert interaction.stage == "answered"


async def test_buttons(discord: SimClient, guild: SimGuild, gateway: Any, rest: Any) -> None:
    """A click carries its message; a deferred update edits it in place; a disabled one cannot be clicked."""
    path = f"/channels/{guild.text_channel.id}/messages"
    _, made = await rest.call("POST", path, {"content": "playing", "components": BUTTONS})
    (message,) = await discord.messages(guild.text_channel)
    assert message.custom_ids == ("pause",)
    ada = await discord.person("Ada")
    click = await ada.click(message, "pause")
    event = await gateway.until("INTERACTION_CREATE")
    assert (event["type"], event["data"]["custom_id"], event["message"]["id"]) == (3, "pause", made["id"])
    assert (await rest.call("POST", _callback(event), {"type": 6}))[0] == 204
    assert (await rest.call("PATCH", _original(event), {"content": "paused"}))[1]["id"] == made["id"]
    answer = await click.wait_answer()
    assert answer.message is not None
    assert answer.message.content == "paused"
    for wrong in ("stop", "nothing"):
        with pytest.raises(SimError):
            await ada.click(message, wrong)


async def test_wrong_callback_types(discord: SimClient, guild: SimGuild, gateway: Any, rest: Any) -> None:
    """A command cannot be answered as a component: 50035, and it can still be answered rightly."""
    _, event = await _asked(discord, guild, gateway)
    for wrong in (6, 7, 8, 77, None):
        assert (await rest.call("POST", _callback(event), {"type": wrong}))[1]["code"] == 50035
    assert (await rest.call("POST", _callback(event), {"type": 4, "data": {}}))[1]["code"] == 50006
    for data in ([1], {"content": "x", "flags": "64"}, {"embeds": [5]}):
        assert (await rest.call("POST", _callback(event), {"type": 4, "data": data}))[1]["code"] == 50035
    assert (await rest.call("POST", _callback(event), {"type": 4, "data": {"content": "x"}}))[0] == 204


async def test_the_client_sends_only_what_discord_would(
    discord: SimClient, guild: SimGuild, gateway: Any, rest: Any, simulator: Simulator
) -> None:
    """Unknown command, missing or overlong option, no permission: refused before anything is sent."""
    ada = await discord.person("Ada")
    for name, options in (("nope", {}), ("play", {}), ("play", {"query": "x" * 101}), ("play", {"q": "x"})):
        with pytest.raises(SimError):
            await ada.slash(guild.text_channel, name, **options)
    await discord.overwrite(guild.text_channel, ada.id, deny=1 << 31)
    with pytest.raises(SimError, match="USE_APPLICATION_COMMANDS"):
        await ada.slash(guild.text_channel, "play", query="x")
    hidden = {"name": "admin", "description": "x", "default_member_permissions": "32"}
    await rest.call("PUT", f"/applications/{simulator.world.bot.id}/commands", [hidden])
    bob = await discord.person("Bob")
    assert await bob.commands(guild.text_channel) == ()
    assert "INTERACTION_CREATE" not in gateway.names


async def test_interactions_wait_for_a_resume(
    discord: SimClient, guild: SimGuild, gateway: Any, connect: Any, rest: Any
) -> None:
    """An interaction while the bot is away is replayed to who resumes, and can be answered in time."""
    (session,) = (await discord.gateway()).sessions
    await gateway.socket.close(code=4900)
    ada = await discord.person("Ada")
    interaction = await ada.slash(guild.text_channel, "play", query="rain")
    again = await connect()
    await again.resume(session.session_id, gateway.seq)
    event = await again.until("INTERACTION_CREATE")
    assert (await rest.call("POST", _callback(event), {"type": 5}))[0] == 204
    await interaction.wait_ack()


async def test_messages_can_be_followed(discord: SimClient, guild: SimGuild, rest: Any) -> None:
    """Server-Sent Events tell of each message and edit; a person's view leaves out what others see alone."""
    ada = await discord.person("Ada")
    seen: list[tuple[str, str]] = []
    path = f"/channels/{guild.text_channel.id}/messages"

    async def follow() -> None:
        async for name, message in discord.follow(guild.text_channel, viewer=ada):
            seen.append((name, message.content))
            if name == "MESSAGE_UPDATE":
                return

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(follow())
        while not seen:
            await rest.call("POST", path, {"content": "one"})
            await asyncio.sleep(0.01)
        (first, *_) = await discord.messages(guild.text_channel)
        await rest.call("PATCH", f"{path}/{first.id}", {"content": "two"})
    assert seen[0] == ("MESSAGE_CREATE", "one")
    assert seen[-1] == ("MESSAGE_UPDATE", "two")
