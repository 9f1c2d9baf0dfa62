"""A guild's now-playing message: only the newest view counts, one request at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from segue_core.logging import get_logger
from segue_worker.domain.messages import Message, Posted
from segue_worker.players.ports import MessageLostError, MessageRefusedError, NowPlaying

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.models import MessageRef
    from segue_worker.domain.effects import ShowNowPlaying

_log = get_logger(__name__)


class Screen:
    """Owns one task while something is to be shown.

    Waiting for Discord's rate limit happens inside the request; meanwhile newer views of the same message
    replace the one that waits. The old message's last view and a new message are two messages: both are
    shown, in the order they were asked for.
    """

    def __init__(
        self, now_playing: NowPlaying, post: Callable[[Message], object], on_quiet: Callable[[], None]
    ) -> None:
        self._now_playing = now_playing
        self._post = post
        self._on_quiet = on_quiet
        self._waiting: dict[MessageRef | None, ShowNowPlaying] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is under way or waits."""
        return self._task is not None

    def show(self, effect: ShowNowPlaying) -> None:
        """Bring the message up to this view, sooner or later."""
        self._waiting[effect.ref] = effect
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Give up what waits."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._perform(self._waiting.pop(next(iter(self._waiting))))
        finally:
            self._task = None
        self._on_quiet()

    async def _perform(self, effect: ShowNowPlaying) -> None:
        if effect.ref is None:
            await self._create(effect)
            return
        try:
            await self._now_playing.edit(effect.ref, effect.view)
        except MessageLostError:
            self._answer(effect, lost=True)
        except MessageRefusedError as error:
            # The next change shows the same again; there is nobody to tell.
            _log.info("now_playing.edit_failed", channel=effect.channel, why=str(error))

    async def _create(self, effect: ShowNowPlaying) -> None:
        try:
            message = await self._now_playing.create(effect.channel, effect.view, nonce=effect.nonce)
        except (MessageRefusedError, MessageLostError) as error:
            self._answer(effect, detail=str(error))
            return
        self._post(Posted(request=effect.request, channel=effect.channel, message=message))

    def _answer(self, effect: ShowNowPlaying, *, lost: bool = False, detail: str = "") -> None:
        self._post(
            Posted(request=effect.request, channel=effect.channel, message=None, lost=lost, detail=detail)
        )
