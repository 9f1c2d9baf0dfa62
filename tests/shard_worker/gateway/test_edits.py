"""The now-playing message over Discord's own limits: the newest view arrives, nothing piles up behind it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from segue_core.ids import ChannelId
from segue_core.models import LoopMode, MessageRef
from segue_worker.app.screen import DiscordScreen
from segue_worker.domain.effects import ShowNowPlaying
from segue_worker.domain.messages import Message, Posted
from segue_worker.domain.views import NowPlayingView, PlayerPhase
from segue_worker.gateway.rest import DiscordRest
from segue_worker.players.screen import Screen

WINDOW_MS = 2_000
PER_WINDOW = 2
BURST_S = 5.0
VIEW = NowPlayingView(
    phase=PlayerPhase.PLAYING, item=None, position_ms=0, volume=100, loop=LoopMode.OFF, queued=0
)


async def test_a_flood_of_changes_is_a_few_edits_and_ends_with_the_newest(
    discord: Any, notebook: Any
) -> None:
    """Hundreds of changes where Discord takes one edit a second: few are sent, the last is seen."""
    await discord.client.knobs(messages_per_window=PER_WINDOW, messages_window_ms=WINDOW_MS)
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    await discord.shard(bot).start()
    rest = DiscordRest(bot.rest, bot.identity.application, bot.interactions)
    posted: list[Message] = []
    screen = Screen(DiscordScreen(rest), posted.append, lambda: None, pace_s=0)
    channel = ChannelId(guild.text_channel.id)

    def show(number: int, ref: MessageRef | None) -> None:
        view = replace(VIEW, volume=number)
        screen.show(ShowNowPlaying(request=number, channel=channel, ref=ref, view=view, nonce="n"))

    show(1, None)
    await _quiet(screen)
    (made,) = posted
    assert isinstance(made, Posted)
    assert made.message is not None
    ref = MessageRef(channel=channel, message=made.message)
    began = asyncio.get_running_loop().time()
    shown = 1
    while asyncio.get_running_loop().time() - began < BURST_S:
        shown += 1
        show(shown, ref)
        assert len(screen._waiting) <= 1
        await asyncio.sleep(0.01)
    await _quiet(screen)
    took_ms = (asyncio.get_running_loop().time() - began) * 1000
    (message,) = await discord.client.messages(guild.text_channel)
    assert f"{shown}" in message.text
    assert shown > 100
    assert message.edits <= (took_ms // WINDOW_MS + 2) * PER_WINDOW
    assert (await discord.client.overview()).rest_invalid == 0


async def _quiet(screen: Screen) -> None:
    async with asyncio.timeout(20):
        while screen.busy:  # noqa: ASYNC110 - screens tell only their owner
            await asyncio.sleep(0.01)
