"""Discord's gateway as it behaves on bad days: music and commands go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import eventually

if TYPE_CHECKING:
    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room, Town

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

NEW_SESSION_S = 60.0
"""A new session waits for the identify gate: one in five seconds; these tests lose one after another."""


LATE_ACK_MS = 20_000


async def _resumed(town: Town, shard: int, session: str, resumes: int) -> None:
    async def again() -> bool:
        sessions = (await town.discord.gateway()).of_shard(shard)
        return any(one.session_id == session and one.connected and one.resumes > resumes for one in sessions)

    await eventually(f"the session of shard {shard} is resumed", again)


async def _resumes(town: Town, shard: int, session: str) -> int:
    sessions = (await town.discord.gateway()).of_shard(shard)
    return next(one.resumes for one in sessions if one.session_id == session)


async def _playing(town: Town, tunes: Tunes) -> tuple[Room, Tune]:
    room = await town.room(shard=0)
    song = tunes["long"][0]
    await room.play(song)
    await room.discord.reset_sink(room.guild)
    return room, song


@pytest.mark.parametrize("trouble", ["reconnect", "close 4000", "abort", "invalid, resumable"])
async def test_a_session_that_can_be_resumed_is(town: Town, tunes: Tunes, trouble: str) -> None:
    """RECONNECT, a closed or cut socket: resumed without an IDENTIFY, no sound is missed, no command lost."""
    room, _ = await _playing(town, tunes)
    session, identifies = await town.session(0), await town.identifies()
    resumes = await _resumes(town, 0, session)
    match trouble:
        case "reconnect":
            await town.discord.reconnect_session(session)
        case "abort":
            await town.discord.abort_session(session)
        case "invalid, resumable":
            await town.discord.invalidate_session(session, resumable=True)
        case _:
            await town.discord.close_session(session, int(trouble.split()[1]))
    # One loss follows the other here, and the third wait in a row may be longer than Discord's three seconds.
    await town.discord.knobs(interaction_ack_ms=LATE_ACK_MS)
    try:
        asked = await room.send("volume", percent=40)
        answer = await asked.wait_until(lambda one: one.message is not None and "40 %" in one.message.text)
    finally:
        await town.discord.knobs(interaction_ack_ms=3_000)
    assert answer.ephemeral
    await _resumed(town, 0, session, resumes)
    assert await town.identifies() == identifies
    await room.never_silent(lambda: room.shows("volume 40 %"), 10)
    await town.applied_once(room, [asked])


@pytest.mark.parametrize("trouble", ["invalid", "timed out", "ended"])
async def test_a_session_that_is_lost_is_replaced(town: Town, tunes: Tunes, trouble: str) -> None:
    """INVALID_SESSION, close 4009, a session forgotten: one IDENTIFY, the bot rejoins, music goes on."""
    room, song = await _playing(town, tunes)
    session, identifies = await town.session(0), await town.identifies()
    if trouble == "invalid":
        await town.discord.invalidate_session(session, resumable=False)
    elif trouble == "timed out":
        await town.discord.close_session(session, 4009)
    else:
        await town.discord.end_session(session)

    async def replaced() -> bool:
        return await town.session(0) != session

    await eventually("there is a new session", replaced, NEW_SESSION_S)
    assert await town.identifies() == identifies + 1
    await room.discord.reset_sink(room.guild)
    await room.hears(song)
    assert await room.channel_of_bot() == room.guild.voice_channel.id
    await room.says("Volume is now 40 %", "volume", percent=40)
