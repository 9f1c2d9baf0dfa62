"""REST beyond messages: channels, members, roles, commands one by one, stages, direct messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from segue_devkit.discord.permissions import Permission

if TYPE_CHECKING:
    from segue_devkit.discord.client import SimClient, SimGuild
    from segue_devkit.discord.simulator import Simulator

EVERYTHING = (1 << 53) - 1


@pytest.fixture
async def guild(discord: SimClient) -> SimGuild:
    """A guild in which the bot may do everything."""
    made = await discord.guild("Vinyl Club", voice_channels=2)
    await discord.bot_permissions(made, EVERYTHING & ~Permission.ADMINISTRATOR)
    return made


async def _messages(rest: Any, guild: SimGuild, count: int) -> list[str]:
    path = f"/channels/{guild.text_channel.id}/messages"
    return [(await rest.call("POST", path, {"content": str(n)}))[1]["id"] for n in range(count)]


async def test_messages_are_listed_newest_first(rest: Any, discord: SimClient, guild: SimGuild) -> None:
    """limit, before, after, around; none without READ_MESSAGE_HISTORY; a wrong limit is 50035."""
    await discord.knobs(messages_per_window=0)
    ids = await _messages(rest, guild, 6)
    path = f"/channels/{guild.text_channel.id}/messages"

    async def listed(**query: str) -> list[str]:
        _, found = await rest.call("GET", path, **query)
        return [each["content"] for each in found]

    assert await listed() == ["5", "4", "3", "2", "1", "0"]
    assert await listed(limit="2") == ["5", "4"]
    assert await listed(before=ids[3], limit="2") == ["2", "1"]
    assert await listed(after=ids[3], limit="2") == ["5", "4"]
    assert await listed(around=ids[3], limit="3") == ["4", "3", "2"]
    assert (await rest.call("GET", path, limit="101"))[1]["code"] == 50035
    await discord.overwrite(guild.text_channel, guild.id, deny=Permission.READ_MESSAGE_HISTORY)
    await discord.bot_permissions(guild, 0)
    assert await listed() == []


async def test_messages_are_deleted_together(
    rest: Any, discord: SimClient, guild: SimGuild, connect: Any
) -> None:
    """2 to 100 of the last two weeks with MANAGE_MESSAGES, told in one event."""
    gateway = await connect()
    await gateway.identify()
    first, second, third = await _messages(rest, guild, 3)
    path = f"/channels/{guild.text_channel.id}/messages/bulk-delete"
    assert (await rest.call("POST", path, {"messages": [first]}))[1]["code"] == 50035
    assert (await rest.call("POST", path, {"messages": ["1", "2"]}))[1]["code"] == 50034
    assert (await rest.call("POST", path, {"messages": [first, second]}))[0] == 204
    assert (await gateway.until("MESSAGE_DELETE_BULK"))["ids"] == [first, second]
    assert [each.id for each in await discord.messages(guild.text_channel)] == [int(third)]
    await discord.bot_permissions(guild, 0)
    assert (await rest.call("POST", path, {"messages": [first, second]}))[1]["code"] == 50013


async def test_channels_are_made_changed_and_deleted(rest: Any, guild: SimGuild, connect: Any) -> None:
    """Each with its event; what a kind of channel does not have is 50024."""
    gateway = await connect()
    await gateway.identify()
    status, made = await rest.call(
        "POST", f"/guilds/{guild.id}/channels", {"name": "Late", "type": 2, "user_limit": 5}
    )
    assert (status, made["user_limit"]) == (201, 5)
    assert (await gateway.until("CHANNEL_CREATE"))["id"] == made["id"]
    path = f"/channels/{made['id']}"
    _, changed = await rest.call("PATCH", path, {"name": "Later", "bitrate": 96_000})
    assert (changed["name"], changed["bitrate"]) == ("Later", 96_000)
    assert (await rest.call("PATCH", path, {"user_limit": 100}))[1]["code"] == 50035
    text = f"/channels/{guild.text_channel.id}"
    assert (await rest.call("PATCH", text, {"user_limit": 5}))[1]["code"] == 50024
    assert (await rest.call("DELETE", path))[0] == 200
    assert (await rest.call("GET", path))[1]["code"] == 10003


async def test_a_channel_out_of_sight_is_refused(rest: Any, discord: SimClient, guild: SimGuild) -> None:
    """50001 wherever VIEW_CHANNEL is denied, whatever else is granted."""
    await discord.overwrite(guild.text_channel, guild.id, deny=Permission.VIEW_CHANNEL)
    path = f"/channels/{guild.text_channel.id}"
    for method, tail, body in (
        ("GET", "", None),
        ("GET", "/messages", None),
        ("POST", "/messages", {"content": "x"}),
        ("POST", "/typing", None),
        ("PATCH", "", {"name": "x"}),
    ):
        status, answer = await rest.call(method, path + tail, body)
        assert (status, answer["code"]) == (403, 50001), (method, tail)


async def test_overwrites_are_set_by_the_bot(rest: Any, discord: SimClient, guild: SimGuild) -> None:
    """Only what the bot has itself (50013); deleting what is not there is 10009."""
    ada = await discord.person("Ada")
    path = f"/channels/{guild.text_channel.id}/permissions/{ada.id}"
    assert (await rest.call("DELETE", path))[1]["code"] == 10009
    body = {"type": 1, "deny": str(int(Permission.SEND_MESSAGES))}
    assert (await rest.call("PUT", path, body))[0] == 204
    _, channel = await rest.call("GET", f"/channels/{guild.text_channel.id}")
    assert channel["permission_overwrites"] == [
        {"id": str(ada.id), "type": 1, "allow": "0", "deny": str(1 << 11)}
    ]
    assert (await rest.call("PUT", path, {"allow": str(int(Permission.ADMINISTRATOR))}))[1]["code"] == 50013
    assert (await rest.call("DELETE", path))[0] == 204


@pytest.mark.parametrize(
    ("role_allow", "role_deny", "member_allow", "member_deny", "everyone_deny", "allowed"),
    [
        (0, 0, 0, 0, 0, True),
        (0, 0, 0, 0, 1, False),
        (1, 0, 0, 0, 1, True),
        (1, 1, 0, 0, 0, True),
        (0, 1, 1, 0, 0, True),
        (1, 0, 0, 1, 0, False),
        (1, 0, 1, 1, 0, True),
    ],
)
async def test_overwrites_of_everyone_roles_and_members_in_that_order(
    discord: SimClient,
    guild: SimGuild,
    rest: Any,
    simulator: Simulator,
    *,
    role_allow: int,
    role_deny: int,
    member_allow: int,
    member_deny: int,
    everyone_deny: int,
    allowed: bool,
) -> None:
    """@everyone's first, then the roles', then the member's own; within each what is allowed wins."""
    await discord.bot_permissions(guild, 0)
    bit = int(Permission.SEND_MESSAGES)
    await discord.overwrite(guild.text_channel, guild.id, deny=bit * everyone_deny)
    role = simulator.world.bot_role(guild.id).id
    await discord.overwrite(guild.text_channel, role, allow=bit * role_allow, deny=bit * role_deny)
    own = simulator.world.bot.id
    await discord.overwrite(guild.text_channel, own, allow=bit * member_allow, deny=bit * member_deny)
    status, _ = await rest.call("POST", f"/channels/{guild.text_channel.id}/messages", {"content": "x"})
    assert status == (200 if allowed else 403)


async def test_roles_of_people_count(
    rest: Any, discord: SimClient, guild: SimGuild, simulator: Simulator
) -> None:
    """A role's permissions reach who has it; the bot sees roles, members and their roles."""
    ada = await discord.person("Ada")
    role = await discord.role(guild, "DJ", int(Permission.MANAGE_GUILD))
    await discord.give_roles(guild, ada, [role])
    _, roles = await rest.call("GET", f"/guilds/{guild.id}/roles")
    assert "DJ" in {each["name"] for each in roles}
    assert (await rest.call("GET", f"/guilds/{guild.id}/roles/{role}"))[1]["permissions"] == str(1 << 5)
    assert (await rest.call("GET", f"/guilds/{guild.id}/roles/1"))[1]["code"] == 10011
    _, member = await rest.call("GET", f"/guilds/{guild.id}/members/{ada.id}")
    assert member["roles"] == [str(role)]
    command = {"name": "admin", "description": "x", "default_member_permissions": "32"}
    await rest.call("PUT", f"/applications/{simulator.world.bot.id}/commands", [command])
    bob = await discord.person("Bob")
    assert [len(await one.commands(guild.text_channel)) for one in (ada, bob)] == [1, 0]


async def test_members_are_found_and_changed(rest: Any, discord: SimClient, guild: SimGuild) -> None:
    """Search by name; the list needs its intent; nick, roles, mute and moves need their permission."""
    ada = await discord.person("Ada")
    await ada.join(guild.voice_channel)
    members = f"/guilds/{guild.id}/members"
    assert (await rest.call("GET", members))[1]["code"] == 50001
    await discord.knobs(allowed_privileged_intents=1 << 1)
    assert len((await rest.call("GET", members, limit="10"))[1]) == 3
    _, found = await rest.call("GET", f"{members}/search", query="ad", limit="5")
    assert [each["user"]["username"] for each in found] == ["Ada"]
    path = f"{members}/{ada.id}"
    status, member = await rest.call("PATCH", path, {"nick": "DJ Ada", "mute": True})
    assert (status, member["nick"]) == (200, "DJ Ada")
    other = guild.voice_channels[1]
    assert (await rest.call("PATCH", path, {"channel_id": str(other.id)}))[0] == 200
    (state,) = (await discord.look(guild)).voice_states
    assert state.channel_id == other.id
    assert (await rest.call("GET", f"/guilds/{guild.id}/voice-states/{ada.id}"))[1]["mute"]
    assert (await rest.call("PATCH", path, {"channel_id": None}))[0] == 200
    assert (await rest.call("PATCH", path, {"channel_id": str(other.id)}))[1]["code"] == 40032
    await discord.bot_permissions(guild, 0)
    assert (await rest.call("PATCH", path, {"nick": "x"}))[1]["code"] == 50013
    assert (await rest.call("PATCH", f"{members}/@me", {"nick": "Jukebox"}))[1]["nick"] == "Jukebox"


async def test_the_bot_lists_and_leaves_guilds(rest: Any, discord: SimClient, guild: SimGuild) -> None:
    """GET and DELETE /users/@me/guilds; the guild is gone afterwards."""
    second = await discord.guild("Tape Club")
    _, mine = await rest.call("GET", "/users/@me/guilds", after=str(guild.id))
    assert [each["id"] for each in mine] == [str(second.id)]
    assert (await rest.call("DELETE", f"/users/@me/guilds/{guild.id}"))[0] == 204
    assert (await rest.call("GET", f"/guilds/{guild.id}"))[1]["code"] == 10004


async def test_commands_one_by_one(rest: Any, simulator: Simulator, discord: SimClient) -> None:
    """Create (201, again 200 with the same id), get, change a part, delete; 10063, faults as of one body."""
    base = f"/applications/{simulator.world.bot.id}/commands"
    status, made = await rest.call("POST", base, {"name": "play", "description": "Play"})
    assert status == 201
    status, again = await rest.call("POST", base, {"name": "play", "description": "Play it"})
    assert (status, again["id"]) == (200, made["id"])
    one = f"{base}/{made['id']}"
    _, changed = await rest.call("PATCH", one, {"name": "start"})
    assert (changed["name"], changed["description"], changed["id"]) == ("start", "Play it", made["id"])
    assert (await rest.call("GET", one))[1] == changed
    _, refused = await rest.call("PATCH", one, {"name": "Start"})
    assert refused["errors"]["name"]["_errors"][0]["code"] == "APPLICATION_COMMAND_INVALID_NAME"
    assert (await rest.call("DELETE", one))[0] == 204
    assert (await rest.call("GET", one))[1]["code"] == 10063
    await discord.knobs(command_creates_per_day=1)
    assert (await rest.call("POST", base, {"name": "stop", "description": "Stop"}))[1]["code"] == 30034


async def test_direct_messages(rest: Any, discord: SimClient, connect: Any, guild: SimGuild) -> None:
    """The bot writes to a person, who answers: without guild, with its own intent, at shard 0."""
    assert guild.id
    ada = await discord.person("Ada")
    channel = await ada.direct()
    _, opened = await rest.call("POST", "/users/@me/channels", {"recipient_id": str(ada.id)})
    assert (opened["id"], opened["type"]) == (str(channel.id), 1)
    assert opened["recipients"][0]["username"] == "Ada"
    gateway, deaf = await connect(), await connect()
    await gateway.identify(intents=1 << 12)
    await deaf.identify(intents=1 << 9)
    status, made = await rest.call("POST", f"/channels/{channel.id}/messages", {"content": "hello"})
    assert status == 200
    event = await gateway.until("MESSAGE_CREATE")
    assert event["id"] == made["id"]
    assert "guild_id" not in event
    await ada.say(channel, "hi")
    assert (await gateway.until("MESSAGE_CREATE"))["content"] == "hi"
    await ada.say(guild.text_channel, "in public")
    await deaf.until("MESSAGE_CREATE")
    assert deaf.names.count("MESSAGE_CREATE") == 1
    _, refused = await rest.call("POST", "/users/@me/channels", {"recipient_id": "1"})
    assert refused["code"] == 10013


async def test_a_voice_channel_s_status(rest: Any, discord: SimClient, guild: SimGuild, connect: Any) -> None:
    """Set by who is in the channel or manages it, told by an event; not for text channels."""
    gateway = await connect()
    await gateway.identify()
    path = f"/channels/{guild.voice_channel.id}/voice-status"
    assert (await rest.call("PUT", path, {"status": "Rain"}))[0] == 204
    assert (await gateway.until("VOICE_CHANNEL_STATUS_UPDATE"))["status"] == "Rain"
    text = f"/channels/{guild.text_channel.id}/voice-status"
    assert (await rest.call("PUT", text, {"status": "Rain"}))[1]["code"] == 50024
    await discord.bot_permissions(guild, Permission.SET_VOICE_CHANNEL_STATUS)
    assert (await rest.call("PUT", path, {"status": "Sun"}))[1]["code"] == 50013
    body = {"guild_id": str(guild.id), "channel_id": str(guild.voice_channel.id)}
    await gateway.send(4, {**body, "self_mute": False, "self_deaf": True})
    await gateway.until("VOICE_SERVER_UPDATE")
    assert (await rest.call("PUT", path, {"status": "Sun"}))[0] == 204


async def test_a_stage_is_entered_in_the_audience(
    rest: Any, discord: SimClient, guild: SimGuild, connect: Any
) -> None:
    """Suppressed until a moderator lets speak; a request to speak is told; moving away ends both."""
    stage = await discord.channel(guild, "Concert", "stage")
    gateway = await connect()
    await gateway.identify()
    await gateway.send(4, {"guild_id": str(guild.id), "channel_id": str(stage.id), "self_deaf": True})
    assert (await gateway.until("VOICE_STATE_UPDATE"))["suppress"]
    own = f"/guilds/{guild.id}/voice-states/@me"
    await discord.bot_permissions(guild, 0)
    body = {"channel_id": str(stage.id), "suppress": False}
    assert (await rest.call("PATCH", own, body))[1]["code"] == 50013
    wish = {"channel_id": str(stage.id), "request_to_speak_timestamp": "2031-01-01T00:00:00+00:00"}
    assert (await rest.call("PATCH", own, wish))[0] == 204
    assert (await gateway.until("VOICE_STATE_UPDATE"))["request_to_speak_timestamp"]
    await discord.bot_permissions(guild, Permission.MUTE_MEMBERS)
    assert (await rest.call("PATCH", own, body))[0] == 204
    assert not (await gateway.until("VOICE_STATE_UPDATE"))["suppress"]
    elsewhere = {"channel_id": str(guild.voice_channel.id), "suppress": True}
    assert (await rest.call("PATCH", own, elsewhere))[1]["code"] == 50024
    ada = await discord.person("Ada")
    await ada.join(stage)
    others = f"/guilds/{guild.id}/voice-states/{ada.id}"
    assert (await rest.call("PATCH", others, {"channel_id": str(stage.id), "suppress": False}))[0] == 204
    _, invited = await rest.call("GET", others)
    assert invited["suppress"], "a person is invited first"
    assert invited["request_to_speak_timestamp"]


async def test_stage_instances(rest: Any, discord: SimClient, guild: SimGuild, connect: Any) -> None:
    """Opened once (150006), changed and closed by a moderator, with events; 10067 when none is on."""
    stage = await discord.channel(guild, "Concert", "stage")
    gateway = await connect()
    await gateway.identify()
    one = f"/stage-instances/{stage.id}"
    assert (await rest.call("GET", one))[1]["code"] == 10067
    body = {"channel_id": str(stage.id), "topic": "Rain"}
    assert (await rest.call("POST", "/stage-instances", body))[0] == 200
    assert (await rest.call("POST", "/stage-instances", body))[1]["code"] == 150006
    assert (await gateway.until("STAGE_INSTANCE_CREATE"))["topic"] == "Rain"
    assert (await rest.call("PATCH", one, {"topic": "Sun"}))[1]["topic"] == "Sun"
    assert (await rest.call("DELETE", one))[0] == 204
    await gateway.until("STAGE_INSTANCE_DELETE")
    await discord.bot_permissions(guild, 0)
    assert (await rest.call("POST", "/stage-instances", body))[1]["code"] == 50013


async def test_regions_are_those_of_the_voice_servers(rest: Any) -> None:
    """GET /voice/regions."""
    _, regions = await rest.call("GET", "/voice/regions")
    assert {"us-east", "eu-west"} <= {each["id"] for each in regions}
