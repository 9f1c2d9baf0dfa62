"""Every command and every button, from the view of a person with a Discord client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_song_is_asked_for_steered_and_stopped_by_commands(room: Room, tunes: Tunes) -> None:
    """Play, pause, resume, skip, stop and leave are heard; each answer is for its sender alone."""
    first, second = tunes["long"][:2]
    await room.play(first)
    assert first.title in (await room.shows(first.title)).text
    await room.queue_up(second)
    await room.says("Paused", "pause")
    await room.silence()
    await room.says("paused already", "pause")
    await room.says("On we go", "resume")
    await room.hears(first)
    await room.says("not paused", "resume")
    await room.says(first.title, "skip")
    await room.hears(second)
    await room.says("Stopped", "stop")
    await room.silence()
    await room.says("Nothing is playing", "skip")
    assert await room.channel_of_bot() == room.guild.voice_channel.id
    await room.says("Bye", "leave")
    assert await room.channel_of_bot() is None


async def test_a_song_is_steered_by_the_buttons_alone(room: Room, tunes: Tunes) -> None:
    """Pause, resume, quieter, louder, skip, stop: each does what its command does, without a word."""
    first, second = tunes["long"][:2]
    await room.play(first)
    await room.queue_up(second)
    await room.shows(second.title)
    await room.press("sg1:pause")
    await room.silence()
    await room.shows("Paused")
    await room.press("sg1:resume")
    await room.hears(first)
    await room.press("sg1:volume:down")
    await room.shows("volume 90 %")
    await room.press("sg1:volume:up")
    await room.shows("volume 100 %")
    await room.press("sg1:skip")
    await room.hears(second)
    await room.press("sg1:stop")
    await room.silence()
    for_me = [
        one for one in await room.discord.messages(room.guild.text_channel, room.person) if one.ephemeral
    ]
    assert for_me == [], "a button that worked says nothing beside its message"
    stopped = await room.shows("Stopped by")
    assert stopped.custom_ids == (), "what ended has no button to press"


async def test_a_pressed_button_that_may_not_is_answered_to_its_person_alone(
    room: Room, tunes: Tunes
) -> None:
    """Somebody outside the voice channel presses: the music goes on, and they are told why."""
    (song, *_) = tunes["long"]
    await room.play(song)
    outsider = await room.guest(in_voice=False)
    await room.press("sg1:stop", outsider)
    told = await room.discord.wait_message(
        room.guild.text_channel, lambda one: "Join a voice channel first" in one.text
    )
    assert told.ephemeral_for == outsider.id
    await room.hears(song)


async def test_the_queue_is_paged_and_read_without_an_entry(room: Room, tunes: Tunes) -> None:
    """Ten songs a page, turned by buttons; a page that is not there is the last; the position counts on."""
    song = tunes["long"][0]
    await room.says("The queue is empty", "queue")
    await room.play(song)
    await room.queue_up(*[song] * 12)
    first = await room.ask("queue")
    assert first.message is not None
    assert "page 1 of 2 · 12 songs" in first.message.text
    assert "`1.`" in first.message.text
    assert "`10.`" in first.message.text
    assert "`11.`" not in first.message.text
    (turn,) = first.message.custom_ids
    pressed = await room.person.click(first.message, turn)
    await pressed.wait_ack()
    second = await room.discord.messages(room.guild.text_channel, room.person)
    turned = next(one for one in second if one.id == first.message.id)
    assert "page 2 of 2" in turned.text
    assert "`12.`" in turned.text
    await room.says("page 2 of 2", "queue", page=99)
    from_button = await room.person.click(await room.now_playing(), "sg1:queue")
    answer = await from_button.wait_answer()
    assert answer.ephemeral
    assert answer.message is not None
    assert "page 1 of 2" in answer.message.text


async def test_volume_has_limits_and_they_are_the_servers_own(room: Room, tunes: Tunes) -> None:
    """Beyond the limit is refused with the limit named, and nothing changes; reading says what is."""
    await room.says("Volume is 100 %", "volume")
    await room.says("I am not in a voice channel", "volume", percent=50)
    await room.play(tunes["long"][0])
    await room.says("Volume is now 30 %", "volume", percent=30)
    said = await room.says("Volume goes from 0 to", "volume", percent=1000)
    limit = int(said.split()[5])
    await room.says("Volume is 30 %", "volume")
    await room.says(f"Volume is now {limit} %", "volume", percent=limit)
    await room.shows(f"volume {limit} %")


async def test_the_bot_comes_and_goes_when_told(room: Room) -> None:
    """Join leads it into the person's channel, a second one changes nothing, leave leads it out."""
    await room.says("Here I am", "join")
    assert await room.channel_of_bot() == room.guild.voice_channel.id
    await room.says("already with you", "join", await room.guest())
    await room.says("Nothing is playing", "pause")
    await room.says("Bye", "leave")
    assert await room.channel_of_bot() is None
    await room.says("I am not in a voice channel", "leave")


async def test_skip_to_the_end(room: Room, tunes: Tunes) -> None:
    """Skipping the last song ends the music, and the answer says that it was the last."""
    song = tunes["long"][0]
    await room.play(song)
    await room.says("That was the last song", "skip")
    await room.silence()
    await room.says("Nothing is playing", "nowplaying")


async def test_reading_is_answered_at_once(room: Room, tunes: Tunes) -> None:
    """Now playing names the song and where in it we are; ping says how long it took."""
    song = tunes["long"][0]
    await room.says("Nothing is playing", "nowplaying")
    await room.play(song)
    said = await room.says(song.title, "nowplaying")
    assert song.author in said
    assert "/ " in said
    await room.says("Pong!", "ping")


async def test_a_song_that_ends_is_followed_by_the_next(room: Room, tunes: Tunes) -> None:
    """The next song begins when the first is over, the last one leaves silence and a message without use."""
    short, song = tunes["short"][0], tunes["long"][0]
    await room.play(short)
    await room.queue_up(song)
    await room.hears(song, timeout_s=short.length_ms / 1000 + 20)
    await room.shows(song.title)


async def test_one_message_shows_what_plays_however_much_changes(room: Room, tunes: Tunes) -> None:
    """Volume, pause, skip and more songs edit one message: never a second one."""
    first, second, third = tunes["long"][:3]
    await room.play(first)
    await room.queue_up(second, third)
    message = await room.now_playing()
    for percent in (10, 20, 30, 40, 50):
        await room.says(f"{percent} %", "volume", percent=percent)
    await room.says("Paused", "pause")
    await room.says("On we go", "resume")
    await room.says(first.title, "skip")
    await room.hears(second)
    shown = await room.shows("volume 50 %")
    assert [one.id for one in await room.shown()] == [shown.id]
    assert shown.id == message.id
    assert second.title in (await room.shows(second.title)).text


async def test_two_who_ask_at_once_are_served_in_order(room: Room, tunes: Tunes) -> None:
    """Commands of a guild take effect in the order in which they were sent, however they overlap."""
    wanted = tunes["long"][:5]
    guests = [await room.guest() for _ in wanted]
    sent = [
        await room.send("play", guest, query=tune.title) for guest, tune in zip(guests, wanted, strict=True)
    ]
    for one in sent:
        await one.wait_answer()
    await room.hears(wanted[0])
    said = await room.says("page 1 of 1", "queue")
    places = [said.index(f"`{number}.` {tune.title}") for number, tune in enumerate(wanted[1:], start=1)]
    assert places == sorted(places)
