"""A discord.js bot on the simulator: sessions, commands, every kind of answer, limits and refusals."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from segue_devkit.discord.config import DEFAULT_TOKEN
from segue_devkit.peers import PeerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from segue_devkit.discord.client import SimClient, SimGuild
    from segue_devkit.peers import PeerBot, Told

SEND_MESSAGES = 1 << 11


@pytest.fixture
async def guild(discord: SimClient) -> SimGuild:
    """A guild with the bot in it."""
    return await discord.guild("Vinyl Club")


@pytest.fixture
async def bot(start_bot: Callable[..., Awaitable[PeerBot]], guild: SimGuild) -> AsyncIterator[PeerBot]:  # noqa: ARG001 - must exist first
    """The bot, ready, with its commands registered."""
    running = await start_bot("discordjs.mjs")
    await running.do("register")
    yield running
    assert running.told("error") == []


async def test_it_registers_and_knows_its_guild(bot: PeerBot, discord: SimClient, guild: SimGuild) -> None:
    """Commands are registered and fetched alike; guild, channels, own member and permissions are cached."""
    names = ["now", "later", "song", "panel", "ask", "file"]
    assert await bot.do("registered") == names
    assert sorted((await discord.overview()).commands) == sorted(names)
    assert (await bot.wait("ready"))["guilds"] == [str(guild.id)]
    cached = await bot.do("cached", guild=str(guild.id))
    assert cached["name"] == "Vinyl Club"
    assert sorted(cached["channels"]) == sorted([guild.text_channel.name, guild.voice_channel.name])
    assert cached["me"] == str((await discord.overview()).bot_id)
    assert cached["mayConnect"]


async def test_it_resumes_and_misses_nothing(bot: PeerBot, discord: SimClient, guild: SimGuild) -> None:
    """Through RECONNECT and a cut socket no message is lost or doubled, and no IDENTIFY is spent."""
    ada = await discord.person("Ada")
    (session,) = (await discord.gateway()).sessions
    said: list[str] = []
    for trouble in (discord.reconnect_session, discord.abort_session):
        before = len(bot.events)
        await trouble(session.session_id)
        said += [str((await ada.say(guild.text_channel, f"message {number}")).id) for number in range(10)]
        await bot.wait("resumed", since=before)
        await bot.wait("message", _is(said[-1]))
    assert [told["id"] for told in bot.told("message")] == said
    overview = await discord.gateway()
    assert len(overview.identifies) == 1
    assert [(one.session_id, one.resumes) for one in overview.sessions] == [(session.session_id, 2)]


async def test_it_sees_people_come_and_go(bot: PeerBot, discord: SimClient, guild: SimGuild) -> None:
    """VOICE_STATE_UPDATE of somebody who joins and leaves."""
    ada = await discord.person("Ada")
    await ada.join(guild.voice_channel)
    joined = await bot.wait("voice", lambda told: told["to"] == str(guild.voice_channel.id))
    assert (joined["member"], joined["from"]) == (str(ada.id), None)
    await ada.leave(guild)
    left = await bot.wait("voice", lambda told: told["to"] is None)
    assert left["from"] == str(guild.voice_channel.id)


@pytest.mark.usefixtures("bot")
async def test_it_answers_at_once(discord: SimClient, guild: SimGuild) -> None:
    """An ephemeral answer is seen by the one who asked, and by nobody else."""
    ada, eve = await discord.person("Ada"), await discord.person("Eve")
    answer = await (await ada.slash(guild.text_channel, "now")).wait_answer()
    assert answer.ephemeral
    assert answer.message is not None
    assert answer.message.content == "at once"
    assert await discord.messages(guild.text_channel, viewer=eve) == ()


async def test_it_thinks_answers_and_follows_up(bot: PeerBot, discord: SimClient, guild: SimGuild) -> None:
    """Deferred, edited, followed up twice; a person among the options arrives as one, resolved."""
    ada, eve = await discord.person("Ada"), await discord.person("Eve")
    await eve.join(guild.voice_channel)
    asked = await ada.slash(guild.text_channel, "later", times=2, friend=str(eve.id))
    answer = await asked.wait_answer()
    assert answer.message is not None
    assert answer.message.content == "hello Eve"
    shown = await bot.wait("reply")
    assert (shown["id"], shown["content"]) == (str(answer.message.id), "hello Eve")
    contents = [message.content for message in await discord.messages(guild.text_channel)]
    assert contents == ["hello Eve", "once more (1)", "once more (2)"]


@pytest.mark.usefixtures("bot")
async def test_it_completes_what_is_typed(discord: SimClient, guild: SimGuild) -> None:
    """Autocomplete in an option of a sub-command, then the command with what was proposed."""
    ada = await discord.person("Ada")
    choices = await ada.autocomplete(guild.text_channel, "song pick", "title", title="ha")
    assert [choice.name for choice in choices] == ["Harbour Fog", "Half Past Midnight"]
    picked = await ada.slash(guild.text_channel, "song pick", title=choices[0].value)
    answer = await picked.wait_answer()
    assert answer.message is not None
    assert answer.message.content == "picked Harbour Fog"


async def test_buttons_and_a_menu_update_their_message(
    bot: PeerBot, discord: SimClient, guild: SimGuild
) -> None:
    """A menu's choices, a deferred and an immediate update: one message throughout, edited in place."""
    ada = await discord.person("Ada")
    answer = await (await ada.slash(guild.text_channel, "panel")).wait_answer()
    panel = answer.message
    assert panel is not None
    assert (await bot.wait("panel"))["message"] == str(panel.id)
    chosen = await (await ada.select(panel, "choose", ["Kite Weather", "Harbour Fog"])).wait_answer()
    assert chosen.message is not None
    assert chosen.message.content == "chosen: Kite Weather, Harbour Fog"
    slow = await (await ada.click(panel, "slow")).wait_until(_reads("slowly done"))
    paused = await (await ada.click(panel, "pause")).wait_until(_reads("paused"))
    assert {one.message.id for one in (chosen, slow, paused) if one.message} == {panel.id}
    (left,) = await discord.messages(guild.text_channel)
    assert (left.content, left.custom_ids) == ("paused", ())
    assert "state" in left.text, "what an update does not name stays"


@pytest.mark.usefixtures("bot")
async def test_a_modal_is_asked_and_answered(discord: SimClient, guild: SimGuild) -> None:
    """A command opens a modal; what is filled in comes back under its custom id."""
    ada = await discord.person("Ada")
    modal = await (await ada.slash(guild.text_channel, "ask")).wait_modal()
    assert (modal.title, [field.label for field in modal.fields]) == ("Ask for a song", ["Which song"])
    answer = await (await ada.submit(modal, title="Tin Parade")).wait_answer()
    assert answer.message is not None
    assert answer.message.content == "asked for Tin Parade"


async def test_files_go_both_ways(bot: PeerBot, discord: SimClient, guild: SimGuild) -> None:
    """A file given to an option is fetched by its link; the same bytes come back as an attachment."""
    ada = await discord.person("Ada")
    data = bytes(range(256)) * 40
    file = await ada.upload("tune.bin", data, "application/octet-stream")
    answer = await (await ada.slash(guild.text_channel, "file", sound=file)).wait_answer()
    got = await bot.wait("file")
    assert (got["name"], got["size"], got["sum"]) == ("tune.bin", len(data), hashlib.sha256(data).hexdigest())
    assert answer.message is not None
    (attached,) = answer.message.raw["attachments"]
    assert (attached["filename"], attached["size"]) == ("back.bin", len(data))


async def test_it_waits_where_headers_say_so(bot: PeerBot, discord: SimClient, guild: SimGuild) -> None:
    """Twelve messages at once into a channel that takes five a second: all arrive, and none met a 429."""
    await discord.knobs(messages_window_ms=1_000)
    before = (await discord.overview()).rest_invalid
    contents = [f"number {number}" for number in range(12)]
    await bot.do("send", channel=str(guild.text_channel.id), contents=contents)
    assert [one.content for one in await discord.messages(guild.text_channel)] == contents
    assert (await discord.overview()).rest_invalid == before
    waits = bot.told("rate-limited")
    assert waits
    assert {(told["global"], told["limit"]) for told in waits} == {(False, 5)}


async def test_it_obeys_a_429(bot: PeerBot, discord: SimClient, guild: SimGuild) -> None:
    """A bucket that somebody else with the same token emptied: one refusal, then the wait."""
    await discord.knobs(messages_window_ms=4_000, bucket_window="fixed")
    channel = str(guild.text_channel.id)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {DEFAULT_TOKEN}"}) as http:
        for number in range(5):
            url = f"{discord.api_url}/channels/{channel}/messages"
            async with http.post(url, json={"content": f"other {number}"}) as response:
                assert response.status == 200
    await bot.do("send", channel=channel, contents=["mine"])
    assert [(told["method"], told["status"]) for told in bot.told("refused")] == [("POST", 429)], "once"
    assert (await discord.messages(guild.text_channel))[-1].content == "mine"


async def test_it_obeys_the_global_limit(bot: PeerBot, discord: SimClient) -> None:
    """Eight channels at once where the bot may call three times a second: all arrive, with few refusals."""
    crowded = await discord.guild("Many Rooms", text_channels=8)
    await bot.wait("guild", lambda told: told["guild"] == str(crowded.id))
    await discord.knobs(rest_per_second=3)
    sends = [
        bot.do("send", channel=str(channel.id), contents=[channel.name]) for channel in crowded.text_channels
    ]
    await asyncio.gather(*sends)
    for channel in crowded.text_channels:
        assert [one.content for one in await discord.messages(channel)] == [channel.name]
    refused = bot.told("refused")
    assert refused
    assert {told["status"] for told in refused} == {429}
    assert len(refused) <= 3 * len(sends), "each waits before it asks again"


async def test_refusals_are_read(bot: PeerBot, discord: SimClient, guild: SimGuild) -> None:
    """Discord's codes reach the client as its own errors: 50035 with its tree, 10008, 50013."""
    channel = str(guild.text_channel.id)
    error = await _refused(bot, "send", channel=channel, contents=["x" * 2001])
    assert (error["code"], error["status"]) == (50035, 400)
    assert "content[BASE_TYPE_MAX_LENGTH]" in error["message"]
    error = await _refused(bot, "edit", channel=channel, message="1", content="x")
    assert (error["code"], error["status"]) == (10008, 404)
    (sent,) = await bot.do("send", channel=channel, contents=["here"])
    assert await bot.do("edit", channel=channel, message=sent, content="there") == "there"
    await bot.do("remove", channel=channel, message=sent)
    assert await discord.messages(guild.text_channel) == ()
    await discord.overwrite(guild.text_channel, (await discord.overview()).bot_id, deny=SEND_MESSAGES)
    error = await _refused(bot, "send", channel=channel, contents=["not allowed"])
    assert (error["code"], error["status"]) == (50013, 403)


def _is(message: str) -> Callable[[Told], bool]:
    return lambda told: bool(told["id"] == message)


def _reads(content: str) -> Callable[[Any], bool]:
    return lambda answer: answer.message is not None and answer.message.content == content


async def _refused(bot: PeerBot, action: str, **arguments: object) -> dict[str, Any]:
    with pytest.raises(PeerError) as caught:
        await bot.do(action, **arguments)
    found: dict[str, Any] = json.loads(str(caught.value))
    return found
