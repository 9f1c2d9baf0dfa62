"""Tracks under way, with time passed in: stuck, finished, failed, cleaned up, counted."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from segue_devkit.lavalink.audio.library import Library
from segue_devkit.lavalink.errors import TrackError
from segue_devkit.lavalink.playback import Happening, Limits, Playback
from segue_devkit.lavalink.player import Player, PlayerParts
from segue_devkit.lavalink.sources import Sources
from segue_devkit.lavalink.voice.connection import VoiceClient
from segue_devkit.lavalink.voice.port import UdpPort
from segue_devkit.lavalink.voice.sender import Later, Sender
from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = Limits(buffer_frames=250, stuck_s=1.0)


class Pages:
    """A book whose frames the test writes."""

    def __init__(self) -> None:
        self.frames: dict[int, bytes] = {}
        self.end: int | None = None
        self.error: TrackError | None = None
        self.may_stall = False
        self.wanted: list[int] = []

    def frame(self, number: int) -> bytes | None:
        return self.frames.get(number)

    def want(self, number: int, _deadline: float) -> None:
        self.wanted.append(number)


class Told:
    """A playback with what it told."""

    def __init__(self, start: int = 0, speed: float = 1.0) -> None:
        self.book = Pages()
        self.said: list[Happening] = []
        self.playback = Playback(
            self.book,  # type: ignore[arg-type]
            start,
            speed,
            LIMITS,
            lambda _, happening: self.said.append(happening),
        )


def test_stuck_is_told_once_and_again_after_a_frame() -> None:
    """A frame that does not come within the threshold is one event; a frame starts the count anew."""
    told = Told()
    assert told.playback.next(10.0) is Later.WAIT
    assert told.playback.next(10.9) is Later.WAIT
    assert told.said == []
    told.playback.next(11.1)
    told.playback.next(12.0)
    assert told.said == [Happening.STUCK]
    told.book.frames[0] = b"x"
    assert told.playback.next(12.1) == b"x"
    told.playback.next(13.0)
    assert told.said == [Happening.STUCK]
    told.playback.next(13.2)
    assert told.said == [Happening.STUCK, Happening.STUCK]


def test_the_end_of_the_book_finishes_once() -> None:
    """Past the last frame nothing is to be heard."""
    told = Told(start=5)
    told.book.end = 5
    assert told.playback.next(0.0) is None
    assert told.playback.next(0.02) is None
    assert told.said == [Happening.FINISHED]


def test_an_error_is_told_when_the_frames_before_it_are_played() -> None:
    """What was decoded before a source broke is still heard."""
    told = Told()
    told.book.frames[0] = b"x"
    told.book.error = TrackError("m", "fault", "c")
    assert told.playback.next(0.0) == b"x"
    assert told.said == []
    assert told.playback.next(0.02) is None
    assert told.said == [Happening.FAILED]


def test_speed_moves_the_position() -> None:
    """A frame is 20 ms of what is heard, and 20 ms times the speed of the track."""
    told = Told(start=Playback.frame_at(3000, 1.5), speed=1.5)
    assert told.playback.position_ms == 3000
    told.book.frames[100] = b"x"
    told.playback.next(0.0)
    assert told.playback.position_ms == 3030


def test_what_comes_next_is_asked_for_as_far_ahead_as_was_heard() -> None:
    """At the start a second, and more the longer it plays, up to the buffer: a skipped song costs little."""
    told = Told()
    told.playback.prepare(0.0)
    assert told.book.wanted == [0, 25]
    for number in range(400):
        told.book.frames[number] = b"x"
        told.playback.next(number / 50)
        assert max(told.book.wanted) <= max(25, min(2 * number + 50, number + LIMITS.buffer_frames))
    assert max(told.book.wanted) == 390 + LIMITS.buffer_frames


def test_what_may_stall_is_read_a_whole_buffer_ahead() -> None:
    """As a real node does, so that a link may be silent for as long."""
    told = Told()
    told.book.may_stall = True
    told.playback.prepare(0.0)
    assert max(told.book.wanted) == LIMITS.buffer_frames - 25
    told.book.frames[0] = b"x"
    told.playback.next(0.0)
    assert LIMITS.buffer_frames in told.book.wanted


@pytest.fixture
async def parts() -> AsyncIterator[PlayerParts]:
    """What players of a node share."""
    library = Library(Sources(http=False, local=False, tunes_url=None))
    voice = VoiceClient(aiohttp.ClientSession(), UdpPort(), Sender(), 20)
    yield PlayerParts(library, voice, LIMITS, 60_000, 1000)
    await voice.close()
    library.close()


async def test_a_track_that_nobody_asks_frames_of_is_cleaned_up(parts: PlayerParts) -> None:
    """Without voice a track ends with `cleanup` after a minute, and not before."""
    said: list[dict[str, Any]] = []
    player = Player(parts, "1", 2, said.append)
    track = Sources(http=False, local=False, tunes_url=None).load(catalogue.tunes()[0].identifier).track
    assert track is not None
    player.play(track, {}, 0, None)
    now = time.monotonic()
    player.clean_up(now + 59)
    assert "TrackEndEvent" not in {message.get("type") for message in said}
    player.clean_up(now + 61)
    ends = [message for message in said if message.get("type") == "TrackEndEvent"]
    assert [end["reason"] for end in ends] == ["cleanup"]
    assert player.track is None


async def test_frames_are_counted_over_a_full_minute(parts: PlayerParts) -> None:
    """Figures exist only after a minute in which frames were sent."""
    player = Player(parts, "1", 2, lambda _: None)
    track = Sources(http=False, local=False, tunes_url=None).load(catalogue.tunes()[0].identifier).track
    assert track is not None
    player.play(track, {}, 0, None)
    now = time.monotonic()
    async with asyncio.timeout(20):
        while not isinstance(player.provide(now), bytes):  # noqa: ASYNC110 - encoded on a thread
            await asyncio.sleep(0.01)
    assert [player.last_minute] == [None]
    player.provide(now + 61)
    assert player.last_minute is not None
    assert (player.last_minute.sent, player.last_minute.nulled) == (1, 0)
    player.destroy()
