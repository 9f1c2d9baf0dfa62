"""One interaction from a person's side: what came back, and when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segue_devkit.discord.client.errors import SimError
from segue_devkit.discord.client.values import Choice, Modal, SimMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.wire import Payload


_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person sees. ``message`` is None for an autocomplete, a modal or a deleted answer."""

    message: SimMessage | None
    ephemeral: bool
    choices: tuple[Choice, ...] = ()
    modal: Modal | None = None


class Interaction:
    """Followed live. All stamps are the simulator's, in ns of CLOCK_MONOTONIC, taken at its sockets."""

    def __init__(self) -> None:
        self._news: Payload = {}
        self._changed = asyncio.Event()

    def feed(self, news: Payload) -> None:
        """Take in a change (called by the transport)."""
        self._news = news
        self._changed.set()

    @property
    def id(self) -> int:
        """Its id."""
        return int(self._news["id"])

    @property
    def stage(self) -> str:
        """pending, deferred, answered or failed."""
        return str(self._news["stage"])

    @property
    def sent_at(self) -> int | None:
        """When it was written to the bot's gateway socket."""
        stamp: int | None = self._news["sent_ns"]
        return stamp

    @property
    def acked_at(self) -> int | None:
        """When the bot's callback arrived."""
        stamp: int | None = self._news["acked_ns"]
        return stamp

    @property
    def answered_at(self) -> int | None:
        """When the call arrived that made the first visible answer."""
        stamp: int | None = self._news["answered_ns"]
        return stamp

    @property
    def ack_ms(self) -> float:
        """From the socket out to the callback in. ValueError before both happened."""
        if self.sent_at is None or self.acked_at is None:
            raise ValueError("not acknowledged yet")
        return (self.acked_at - self.sent_at) / 1e6

    async def wait_ack(self, timeout_s: float = _WAIT_S) -> int:
        """Wait until the bot acknowledged; returns the stamp.

        Raises:
            SimError: "The application did not respond", or nothing happened within the timeout.
        """
        await self._until(lambda: self._news.get("acked_ns") is not None, timeout_s, "acknowledged")
        return int(self._news["acked_ns"])

    async def wait_answer(self, timeout_s: float = _WAIT_S) -> Answer:
        """Wait for the first answer the person can read.

        Raises:
            SimError: "The application did not respond", or nothing happened within the timeout.
        """
        await self._until(lambda: self._news.get("answered_ns") is not None, timeout_s, "answered")
        return self.answer()

    async def wait_until(self, good: Callable[[Answer], bool], timeout_s: float = _WAIT_S) -> Answer:
        """Wait until the answer, edited as often as it takes, looks as wanted."""

        def holds() -> bool:
            return self._news.get("answered_ns") is not None and good(self.answer())

        await self._until(holds, timeout_s, "answered as expected")
        return self.answer()

    def answer(self) -> Answer:
        """The answer as it is now."""
        raw = self._news["message"]
        message = None if raw is None else SimMessage.read(raw)
        return Answer(
            message=message,
            ephemeral=message is not None and message.ephemeral,
            choices=tuple(Choice(each["name"], each["value"]) for each in self._news["choices"] or ()),
            modal=None if self._news["modal"] is None else Modal.read(self.id, self._news["modal"]),
        )

    async def wait_modal(self, timeout_s: float = _WAIT_S) -> Modal:
        """Wait for the modal that this interaction opens.

        Raises:
            SimError: the bot answered otherwise, did not respond, or not within the timeout.
        """
        modal = (await self.wait_answer(timeout_s)).modal
        if modal is None:
            raise SimError("answered, but not with a modal")
        return modal

    @property
    def followups(self) -> tuple[SimMessage, ...]:
        """The messages that came after the first answer, as they are now; deleted ones are gone."""
        return tuple(SimMessage.read(each) for each in self._news["followups"])

    async def wait_followups(self, count: int = 1, timeout_s: float = _WAIT_S) -> tuple[SimMessage, ...]:
        """Wait until there are this many followups.

        Raises:
            SimError: the bot did not respond, or there are fewer after the timeout.
        """
        await self._until(
            lambda: len(self._news.get("followups", ())) >= count, timeout_s, f"followed up {count} times"
        )
        return self.followups

    async def _until(self, reached: Callable[[], bool], timeout_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not reached():
                    if self._news.get("stage") == "failed":
                        raise SimError("The application did not respond")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise SimError(
                f"not {what} within {timeout_s} s; it is {self._news.get('stage', 'unsent')}"
            ) from None
