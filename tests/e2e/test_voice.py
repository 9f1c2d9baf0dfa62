"""What moderators and Discord do to the bot's voice connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room, Town

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_kicked_bot_stops_and_says_so(room: Room, tunes: Tunes) -> None:
    """Disconnected by a moderator: the music ends, the message says why, and /play calls it back."""
    song = tunes["long"][0]
    await room.play(song)
    await room.discord.kick_bot(room.guild)
    await room.silence()
    message = await room.shows("I was disconnected")
    assert message.custom_ids == ()
    await room.says("Nothing is playing", "nowplaying")
    await room.says("not in a voice channel", "skip")
    await room.play(song)


async def test_a_moved_bot_plays_on_where_it_was_put(town: Town, tunes: Tunes) -> None:
    """Dragged into another channel: the music goes on there, and those there may steer it."""
    room = await town.room(voice_channels=2)
    song = tunes["long"][0]
    await room.play(song)
    there = room.guild.voice_channels[1]
    await room.discord.move_bot(room.guild, there)
    assert await room.channel_of_bot() == there.id
    await room.says("Join me there", "skip")
    await room.person.join(there)
    await room.says("Paused", "pause")
    await room.silence()
    await room.says("On we go", "resume")
    await room.hears(song)
    assert await room.channel_of_bot() == there.id


@pytest.mark.parametrize("outage_ms", [0, 700], ids=["at once", "after an outage"])
async def test_a_moved_voice_server_does_not_end_the_music(room: Room, tunes: Tunes, outage_ms: int) -> None:
    """Discord gives the guild another voice server, at once or after none at all: the song goes on."""
    song = tunes["long"][0]
    await room.play(song)
    other = "eu-central"
    await room.discord.move_voice_server(room.guild, other, outage_ms=outage_ms)
    await room.discord.reset_sink(room.guild)
    report = await room.hears(song)
    assert (await room.discord.look(room.guild)).region == other
    assert report.timecode is not None
    assert report.timecode.position_ms > 500, "it goes on, and does not begin again"
    await room.says(song.title, "nowplaying")


@pytest.mark.parametrize("code", [4006, 4009, 4014])
async def test_a_closed_voice_connection_is_made_again(room: Room, tunes: Tunes, code: int) -> None:
    """The voice server closes on the node (invalid, timed out, disconnected): the song is heard again."""
    song = tunes["long"][0]
    await room.play(song)
    await room.discord.close_voice(room.guild, code)
    await room.discord.reset_sink(room.guild)
    await room.hears(song)
    assert await room.channel_of_bot() == room.guild.voice_channel.id


async def test_both_orders_of_voice_events_lead_to_music(town: Town, tunes: Tunes) -> None:
    """Voice server first, or voice state first: nobody promises an order."""
    knobs = await town.discord.knobs()
    try:
        await town.discord.knobs(voice_event_order="server_first", voice_server_delay_ms=200)
        await (await town.room()).play(tunes["long"][0])
        await town.discord.knobs(voice_event_order="state_first")
        await (await town.room()).play(tunes["long"][0])
    finally:
        await town.discord.knobs(
            **{name: knobs[name] for name in ("voice_event_order", "voice_server_delay_ms")}
        )
