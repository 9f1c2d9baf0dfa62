"""Finding something to play, from the view of a person with a Discord client."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.e2e.conftest import eventually, text_of

if TYPE_CHECKING:
    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room, Town

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def sound_file(seconds: int) -> bytes:
    """Return a file of so many seconds of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(8_000)
        writer.writeframes(b"\x80" * (8_000 * seconds))
    return file.getvalue()


async def test_a_song_is_chosen_from_what_a_search_found(room: Room, town: Town, tunes: Tunes) -> None:
    """The list is for its asker alone, a choice turns it into the answer, takes effect once and is heard."""
    (song, *_) = tunes["long"]
    offer = await room.ask("search", query=song.title)
    assert offer.message is not None
    assert song.title in offer.message.text
    (menu,) = offer.message.custom_ids
    chosen = await room.person.select(offer.message, menu, ["1"])
    await room.hears(song)

    async def answered() -> bool:
        mine = await room.discord.messages(room.guild.text_channel, room.person)
        return any(
            one.id == offer.message.id and "Playing" in one.text and not one.components  # type: ignore[union-attr]
            for one in mine
        )

    await eventually("the list gives way to the answer", answered)
    await town.applied_once(room, [chosen])


async def test_words_are_completed_while_they_are_typed(room: Room, town: Town, tunes: Tunes) -> None:
    """What is found fits Discord's limits, plays when it is picked, and is proposed as heard afterwards."""
    (song, *_) = tunes["long"]
    found = await room.person.autocomplete(room.guild.text_channel, "play", "query", query=song.title[:-2])
    assert 1 <= len(found) <= 25
    assert found[0].name.startswith(song.title)
    await room.says(song.title, "play", query=found[0].value)
    await room.hears(song)
    await room.says("Skipped", "skip")
    await town.recorded_eventually(room, "track_ended")

    async def proposed() -> bool:
        lately = await room.person.autocomplete(room.guild.text_channel, "playnext", "query", query="")
        return bool(lately) and lately[0].name.startswith(song.title)

    await eventually("the song heard is proposed when nothing is typed", proposed)
    assert not [name for _, name in await town.applied(room) if name not in {"play", "skip"}]


async def test_next_and_now_find_their_place(room: Room, tunes: Tunes) -> None:
    """Next comes before what waits, now in place of what plays; the rest of the queue stays."""
    first, second, third, fourth = tunes["long"][:4]
    await room.play(first)
    await room.queue_up(second)
    await room.says("comes next", "playnext", await room.guest(), query=third.title)
    await room.says("for you", "playnow", await room.guest(), query=fourth.title)
    await room.hears(fourth)
    await room.says("Skipped", "skip")
    await room.hears(third)
    await room.says("Skipped", "skip")
    await room.hears(second)


async def test_a_sent_file_plays_under_its_own_name(room: Room) -> None:
    """Files are taken from Discord's own store, though it is in a private network here: no typed link is."""
    file = await room.person.upload("demotape.wav", sound_file(60), "audio/wav")
    await room.says("demotape", "play", file=file)
    await room.shows("demotape")
    await room.says("I can't play from that address", "play", await room.guest(), query=file.url)


async def test_a_file_that_is_no_music_is_refused_in_words(room: Room) -> None:
    """Its sender is told, and the bot does not stay in the channel for it."""
    file = await room.person.upload("letter.txt", b"Dear all, this is not a song.", "text/plain")
    await room.says("can't be played", "play", file=file)

    async def gone() -> bool:
        return await room.channel_of_bot() is None

    await eventually("the bot leaves again", gone)


async def test_too_many_searches_are_refused_in_words(room: Room, tunes: Tunes) -> None:
    """Many people search for different things at once: some are told to wait; what is known stays free."""
    (song, *_) = tunes["long"]
    await room.play(song)
    guests = [await room.guest(in_voice=False) for _ in range(70)]
    asked = [
        await room.send("search", guest, query=f"{room.guild.id} {number}")
        for number, guest in enumerate(guests)
    ]
    said = [text_of(await one.wait_answer(30)) for one in asked]
    refused = [one for one in said if "Too many searches" in one]
    assert refused
    assert "try again in" in refused[0]
    assert len(refused) < len(said)
    await room.says("Added", "play", query=song.title)


async def test_a_song_is_liked_kept_and_found_again(room: Room, town: Town, tunes: Tunes) -> None:
    """By button and by command, once each however often it is said; the list is one's own."""
    (song, *_) = tunes["long"]
    await room.play(song)
    pressed = await room.press("sg1:like")
    told = await room.discord.wait_message(room.guild.text_channel, lambda one: "You like" in one.text)
    assert told.ephemeral_for == room.person.id
    kept = await room.send("save")
    await kept.wait_answer()
    await town.applied_once(room, [pressed, kept])
    said = await room.says(song.title, "liked")
    assert "❤️📌" in said
    await room.says("have not liked", "liked", await room.guest())
    row = next(one for one in await town.store.songs(1_000) if one.identifier == song.identifier)
    before = row.likes
    await room.says("Taken back", "like", undo="undo")

    async def taken_back() -> bool:
        rows = await town.store.songs(1_000)
        return any(one.identifier == song.identifier and one.likes == before - 1 for one in rows)

    await eventually("the like is counted no more", taken_back)


async def test_a_queue_is_written_to_a_file_and_read_again(room: Room, town: Town, tunes: Tunes) -> None:
    """The file goes to who asks for it alone; read elsewhere it gives the same songs in their order, once."""
    first, second, third = tunes["long"][:3]
    await room.play(first)
    await room.queue_up(second, third)
    written = await room.ask("export")
    assert written.message is not None
    assert "3 songs" in written.message.text
    (attached,) = written.message.raw["attachments"]
    assert attached["filename"] == "queue.json"
    async with aiohttp.ClientSession() as http, http.get(attached["url"]) as response:
        data = await response.read()
    other = await town.room()
    file = await other.person.upload("queue.json", data, "application/json")
    read = await other.send("import", file=file)
    answer = await read.wait_answer(30)
    assert "Added 3 songs" in text_of(answer)
    await other.hears(first)
    queue = await other.ask("queue")
    assert queue.message is not None
    assert queue.message.text.index(second.title) < queue.message.text.index(third.title)
    await town.applied_once(other, [read])


async def test_a_file_that_is_no_queue_is_refused_in_words(room: Room) -> None:
    """What is wrong with it is said, and nothing is played."""
    file = await room.person.upload("queue.json", b'{"items": []}', "application/json")
    await room.says("there is no song", "import", file=file)
    await room.says("The queue is empty", "export")
