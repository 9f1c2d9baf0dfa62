"""discord.js's gateway and REST packages by themselves, with each compression they know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_devkit.discord.client import SimClient, SimGuild
    from segue_devkit.peers import PeerBot, Told


def _is(message: str) -> Callable[[Told], bool]:
    return lambda told: bool(told["id"] == message)


async def _say(discord: SimClient, guild: SimGuild, count: int) -> list[str]:
    ada = await discord.person("Ada")
    return [str((await ada.say(guild.text_channel, f"message {number}")).id) for number in range(count)]


# Payloads are compressed because IDENTIFY says so; a RESUME says nothing.
@pytest.mark.parametrize(
    ("compression", "after_resume"), [("zlib-stream", "zlib-stream"), ("identify", "none"), ("none", "none")]
)
async def test_it_resumes_and_misses_nothing(
    start_bot: Callable[..., Awaitable[PeerBot]], discord: SimClient, compression: str, after_resume: str
) -> None:
    """Through RECONNECT and a cut socket: every message once and in order, one IDENTIFY, two RESUMEs."""
    guild = await discord.guild("Vinyl Club · ünïcode ♫")
    bot = await start_bot("gateway.mjs", PEER_COMPRESSION=compression)
    assert (await bot.wait("guild"))["name"] == "Vinyl Club · ünïcode ♫"
    (session,) = (await discord.gateway()).sessions
    assert session.compression == compression
    said = await _say(discord, guild, 20)
    for trouble in (discord.reconnect_session, discord.abort_session):
        before = len(bot.events)
        await trouble(session.session_id)
        said += await _say(discord, guild, 20)
        await bot.wait("resumed", since=before)
        await bot.wait("message", _is(said[-1]))
    assert [told["id"] for told in bot.told("message")] == said
    assert len(bot.told("ready")) == 1
    overview = await discord.gateway()
    assert len(overview.identifies) == 1
    seen = [(one.session_id, one.resumes, one.compression) for one in overview.sessions]
    assert seen == [(session.session_id, 2, after_resume)]


async def test_an_ended_session_is_identified_anew(
    start_bot: Callable[..., Awaitable[PeerBot]], discord: SimClient
) -> None:
    """INVALID_SESSION that can't be resumed: the client identifies again and hears what is said after."""
    guild = await discord.guild("Vinyl Club")
    bot = await start_bot("gateway.mjs", PEER_COMPRESSION="zlib-stream")
    (session,) = (await discord.gateway()).sessions
    await discord.invalidate_session(session.session_id)
    await bot.wait("ready", since=1)
    (said,) = await _say(discord, guild, 1)
    await bot.wait("message", _is(said))
    overview = await discord.gateway()
    assert [one.accepted for one in overview.identifies] == [True, True]
    assert session.session_id not in [one.session_id for one in overview.sessions]
