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
    screen = Screen(channel, posted.append, lambda: None)
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
    screen = Screen(channel, posted.append, lambda: None)
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
    screen = Screen(channel, posted.append, lambda: None)
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
