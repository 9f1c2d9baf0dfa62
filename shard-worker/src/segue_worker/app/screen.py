"""The now-playing message on Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_worker.gateway.calls import GoneError
from segue_worker.gateway.errors import GatewayError
from segue_worker.players.ports import MessageLostError, MessageRefusedError
from segue_worker.ui import render

if TYPE_CHECKING:
    from segue_core.ids import ChannelId, MessageId
    from segue_core.models import MessageRef
    from segue_worker.domain.views import NowPlayingView
    from segue_worker.gateway.rest import DiscordRest


class DiscordScreen:
    """A ``NowPlaying`` over REST."""

    def __init__(self, rest: DiscordRest) -> None:
        self._rest = rest

    async def create(self, channel: ChannelId, view: NowPlayingView, *, nonce: str) -> MessageId:
        """Post it."""
        try:
            return (await self._rest.post(channel, render.now_playing(view), nonce=nonce or None)).message
        except GatewayError as error:
            raise MessageRefusedError(str(error)) from error

    async def edit(self, ref: MessageRef, view: NowPlayingView) -> None:
        """Edit it."""
        try:
            await self._rest.edit(ref, render.now_playing(view))
        except GoneError as error:
            raise MessageLostError(str(error)) from error
        except GatewayError as error:
            raise MessageRefusedError(str(error)) from error
