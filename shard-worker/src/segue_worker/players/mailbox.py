"""One ordered mailbox a guild. A task exists only while there is something in it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from segue_worker.domain.messages import Command, Message, PeerVoiceState, Progress

CAPACITY: Final = 256
"""Messages from people and nodes beyond this are not taken; answers to our own requests always are."""

_DROPPABLE: Final = (Command, PeerVoiceState, Progress)

Handle = Callable[[Message], Awaitable[None]]


class Mailbox:
    """Hands messages to ``handle`` one at a time, in order.

    ``handle`` must not raise: what goes wrong with one message is its own business. ``on_idle`` is
    called whenever the last message was handled.
    """

    def __init__(
        self, handle: Handle, on_idle: Callable[[], None], *, capacity: int = CAPACITY, held: bool = False
    ) -> None:
        self._handle = handle
        self._on_idle = on_idle
        self._capacity = capacity
        self._messages: deque[Message] = deque()
        self._task: asyncio.Task[None] | None = None
        self._held = held
        self._closed = False

    @property
    def depth(self) -> int:
        """How many messages wait."""
        return len(self._messages)

    @property
    def busy(self) -> bool:
        """Whether a message is being handled or waits."""
        return self._task is not None or bool(self._messages)

    def post(self, message: Message) -> bool:
        """Append ``message``; False when it was not taken: full, or closed."""
        if self._closed or (isinstance(message, _DROPPABLE) and len(self._messages) >= self._capacity):
            return False
        self._messages.append(message)
        self._wake()
        return True

    def put_first(self, messages: Iterable[Message]) -> None:
        """Put ``messages`` before everything that waits, keeping their order."""
        if not self._closed:
            self._messages.extendleft(reversed(list(messages)))
            self._wake()

    def drop_waiting(self, unwanted: Callable[[Message], bool]) -> None:
        """Forget waiting messages that ``unwanted`` names."""
        self._messages = deque(message for message in self._messages if not unwanted(message))

    def release(self) -> None:
        """Begin handling, for a mailbox created ``held``."""
        self._held = False
        self._wake()

    async def close(self) -> tuple[Message, ...]:
        """Stop after the message being handled; return what was not handled."""
        self._closed = True
        rest = tuple(self._messages)
        self._messages.clear()
        task = self._task
        if task is not None and task is not asyncio.current_task():
            await asyncio.wait({task})
        return rest

    def abort(self) -> None:
        """Stop now, in the middle of a message if need be."""
        self._closed = True
        self._messages.clear()
        if self._task is not None:
            self._task.cancel()

    def _wake(self) -> None:
        if self._task is None and self._messages and not self._held and not self._closed:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._messages and not self._held:
                await self._handle(self._messages.popleft())
        finally:
            self._task = None
            self._wake()
        if not self.busy:
            self._on_idle()
