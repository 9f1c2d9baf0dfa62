"""A guild's now-playing message: only the newest view counts, one request at a time, at a pace."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from segue_core.logging import get_logger
from segue_worker.domain.messages import Message, Posted
from segue_worker.players.ports import MessageLostError, MessageRefusedError, NowPlaying

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.models import MessageRef
    from segue_worker.domain.effects import ShowNowPlaying

_log = get_logger(__name__)

EDIT_PACE_S: Final = 1.0
"""Between two edits of a message. Discord takes about five in five seconds of one channel."""


class Screen:
    """Owns one task while something is to be shown.

    A view waits while a request is under way and until the pace allows the next one; meanwhile newer views of
    the same message replace it. So a burst of changes is two edits, the first and the last, and nothing waits
    but the newest view of each message. The old message's last view and a new message are two messages: both
    are shown, in the order they were asked for.
    """

    def __init__(
        self,
        now_playing: NowPlaying,
        post: Callable[[Message], object],
        on_quiet: Callable[[], None],
        may_refresh: Callable[[], bool] = lambda: True,
        pace_s: float = EDIT_PACE_S,
    ) -> None:
        self._now_playing = now_playing
        self._post = post
        self._on_quiet = on_quiet
        self._may_refresh = may_refresh
        self._pace_s = pace_s
        self._waiting: dict[MessageRef | None, ShowNowPlaying] = {}
        self._edited_at: dict[MessageRef, float] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is under way or waits."""
        return self._task is not None

    def show(self, effect: ShowNowPlaying) -> None:
        """Bring the message up to this view, sooner or later; a mere refresh only if there is room for it."""
        if effect.refresh and (effect.ref in self._waiting or not self._may_refresh()):
            return
        self._waiting[effect.ref] = effect
        self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def close(self, *, patience: float = 0.0) -> None:
        """Show what waits at once, if ``patience`` seconds are enough for it; give up the rest."""
        self._pace_s = 0.0
        self._news.set()
        if self._task is not None and patience > 0:
            await asyncio.wait({self._task}, timeout=patience)
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None  # one that had not begun could not say so itself

    async def _work(self) -> None:
        try:
            while self._waiting:
                ref, wait = min(((ref, self._wait_of(ref)) for ref in self._waiting), key=lambda one: one[1])
                if wait > 0:
                    await self._pause(wait)
                else:
                    await self._perform(self._waiting.pop(ref))
        finally:
            self._task = None
        self._on_quiet()

    def _wait_of(self, ref: MessageRef | None) -> float:
        """Return how long the message has to wait, seconds; one that does not exist yet has not."""
        edited_at = self._edited_at.get(ref) if ref is not None else None
        if edited_at is None:
            return 0.0
        return max(0.0, edited_at + self._pace_s - asyncio.get_running_loop().time())

    async def _pause(self, seconds: float) -> None:
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _perform(self, effect: ShowNowPlaying) -> None:
        if effect.ref is None:
            await self._create(effect)
            return
        now = asyncio.get_running_loop().time()
        self._edited_at = {ref: at for ref, at in self._edited_at.items() if now - at < self._pace_s}
        self._edited_at[effect.ref] = now
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
