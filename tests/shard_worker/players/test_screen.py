"""The now-playing message: never two requests at once, never an old view after a newer one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from segue_core.ids import ChannelId, MessageId
from segue_core.models import LoopMode, MessageRef
from segue_worker.domain.effects import ShowNowPlaying
from segue_worker.domain.messages import Message, Posted
from segue_worker.domain.views import NowPlayingView, PlayerPhase
from segue_worker.players.ports import MessageLostError, MessageRefusedError
from segue_worker.players.refreshes import Refreshes
from segue_worker.players.screen import Screen

CHANNEL = ChannelId(5)
REF = MessageRef(channel=CHANNEL, message=MessageId(9))
VIEW = NowPlayingView(
    phase=PlayerPhase.PLAYING, item=None, position_ms=0, volume=100, loop=LoopMode.OFF, queued=0
)


class Channel:
    """A channel whose requests take as long as the test wants."""

    def __init__(self) -> None:
        self.edits: list[int] = []
        self.created: list[str] = []
        self.fails: Exception | None = None
        self.in_flight = 0
        self.most_in_flight = 0
        self.gate = asyncio.Event()

    async def create(self, channel: ChannelId, view: NowPlayingView, *, nonce: str) -> MessageId:
        assert (channel, view.phase) == (CHANNEL, PlayerPhase.PLAYING)
        await self._request()
        self.created.append(nonce)
        return MessageId(10)

    async def edit(self, ref: MessageRef, view: NowPlayingView) -> None:
        assert ref == REF
        await self._request()
        self.edits.append(view.position_ms)

    async def _request(self) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await self.gate.wait()
        self.in_flight -= 1
        if self.fails is not None:
            raise self.fails


def show(position: int, ref: MessageRef | None = REF) -> ShowNowPlaying:
    """Return a view of a song at this position."""
    view = replace(VIEW, position_ms=position)
    return ShowNowPlaying(request=position, channel=CHANNEL, ref=ref, view=view, nonce="n")


async def quiet(screen: Screen) -> None:
    """Wait until nothing is to be shown any more."""
    async with asyncio.timeout(5):
        while screen.busy:  # noqa: ASYNC110 - screens tell only their owner
            await asyncio.sleep(0)


async def test_only_the_newest_view_is_shown() -> None:
    """While one edit is under way, a burst of views becomes one more edit."""
    channel = Channel()
    posted: list[Message] = []
    screen = Screen(channel, posted.append, lambda: None, pace_s=0)
    for position in range(50):
        screen.show(show(position))
        await asyncio.sleep(0)
    channel.gate.set()
    await quiet(screen)
    assert channel.edits == [0, 49]
    assert channel.most_in_flight == 1
    assert posted == []


async def test_old_message_is_retired_and_the_new_one_posted() -> None:
    """Two messages are two requests: the last view of the old one is not lost to the new one."""
    channel = Channel()
    posted: list[Message] = []
    channel.gate.set()
    screen = Screen(channel, posted.append, lambda: None, pace_s=0)
    screen.show(show(1))
    screen.show(show(2, None))
    await quiet(screen)
    assert channel.edits == [1]
    assert posted == [Posted(request=2, channel=CHANNEL, message=MessageId(10))]


async def test_lost_message_and_refused_post_are_told() -> None:
    """An edit that finds no message, and a post that fails, are told the guild; a failed edit is not."""
    channel = Channel()
    posted: list[Message] = []
    channel.gate.set()
    screen = Screen(channel, posted.append, lambda: None, pace_s=0)
    channel.fails = MessageLostError()
    screen.show(show(1))
    await quiet(screen)
    channel.fails = MessageRefusedError("missing permission")
    screen.show(show(2, None))
    await quiet(screen)
    screen.show(show(3))
    await quiet(screen)
    assert posted == [
        Posted(request=1, channel=CHANNEL, message=None, lost=True),
        Posted(request=2, channel=CHANNEL, message=None, detail="missing permission"),
    ]


async def test_edits_keep_a_pace_and_the_newest_view_wins() -> None:
    """A burst is two edits, the first at once and the last when the pace allows; a new post need not wait."""
    channel = Channel()
    posted: list[Message] = []
    channel.gate.set()
    screen = Screen(channel, posted.append, lambda: None, pace_s=0.2)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for position in range(20):
        screen.show(show(position))
        await asyncio.sleep(0)
    screen.show(show(99, None))
    async with asyncio.timeout(5):
        while not posted:  # noqa: ASYNC110 - screens tell only their owner
            await asyncio.sleep(0)
    assert (channel.edits, loop.time() - began < 0.2) == ([0], True)
    await quiet(screen)
    assert channel.edits == [0, 19]
    assert loop.time() - began >= 0.2


async def test_closing_shows_what_waits_if_there_is_time() -> None:
    """A planned end does not leave an old view standing; an end at once asks for nothing more."""
    for patience, expected in ((5.0, [1, 2]), (0.0, [1])):
        channel = Channel()
        channel.gate.set()
        screen = Screen(channel, lambda _message: None, lambda: None, pace_s=60)
        screen.show(show(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        screen.show(show(2))
        await screen.close(patience=patience)
        assert channel.edits == expected
        assert not screen.busy


async def test_a_refresh_gives_way() -> None:
    """It is left out when there is no room for it, and never replaces a view that says more."""
    channel = Channel()
    channel.gate.set()
    room = Refreshes(per_s=0.0, burst=1.0)
    screen = Screen(channel, lambda _message: None, lambda: None, room.take, pace_s=0)
    for position in (1, 2):
        screen.show(replace(show(position), refresh=True))
        await quiet(screen)
    assert channel.edits == [1]
    screen.show(show(3))
    screen.show(replace(show(4), refresh=True))
    await quiet(screen)
    assert channel.edits == [1, 3]


def test_refreshes_are_so_many_a_second() -> None:
    """However many guilds ask: the process's share, and a little more after a quiet while."""
    now = 100.0
    room = Refreshes(per_s=2.0, burst=4.0, clock=lambda: now)
    assert [room.take() for _ in range(5)] == [True] * 4 + [False]
    now += 1.0
    assert [room.take() for _ in range(3)] == [True, True, False]
    now += 3600
    assert sum(room.take() for _ in range(100)) == 4
