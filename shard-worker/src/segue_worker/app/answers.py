"""How people are answered: over the interaction they sent, as long as its token lives.

A command that changes something was deferred before it was carried out, so its answer is an edit. A
read is answered by the acknowledgement itself; only when it takes unusually long is it deferred too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from segue_core.logging import get_logger
from segue_worker import metrics
from segue_worker.commands.parse import Ack as AckKind
from segue_worker.commands.parse import Origin
from segue_worker.domain.views import ReplyView, Tone
from segue_worker.gateway.calls import Ack, GoneError
from segue_worker.gateway.errors import GatewayError
from segue_worker.ui import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.ids import CommandId, GuildId
    from segue_worker.domain.effects import Reply
    from segue_worker.gateway.rest import DiscordRest
    from segue_worker.search.suggest import Suggestion
    from segue_worker.ui.parts import Rendered

_log = get_logger(__name__)

READ_PATIENCE_S: Final = 1.5
"""A read answered later than this is deferred first: Discord gives up on it after three seconds."""
_REMEMBERED: Final = 20_000


class Stage(StrEnum):
    """What Discord has been told about an interaction so far."""

    UNANSWERED = "unanswered"
    DEFERRED = "deferred"


@dataclass(slots=True)
class _Open:
    """An interaction whose answer is owed."""

    origin: Origin
    ack: AckKind
    stage: Stage = Stage.UNANSWERED
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Answers:
    """A ``Replies``: keeps the interactions whose answers are owed."""

    def __init__(self, rest: DiscordRest) -> None:
        self._rest = rest
        self._open: OrderedDict[CommandId, _Open] = OrderedDict()
        self._known: OrderedDict[CommandId, None] = OrderedDict()
        self._late: dict[CommandId, asyncio.Task[None]] = {}
        self._turned_away: OrderedDict[CommandId, asyncio.Future[bool]] = OrderedDict()

    def knows(self, command: CommandId) -> bool:
        """Whether this very process is at this command, or was."""
        return command in self._known

    def expect(self, origin: Origin, ack: AckKind) -> None:
        """An answer to this interaction will come; it has not been acknowledged yet."""
        self._open[origin.id] = _Open(origin, ack)
        self._known[origin.id] = None
        for remembered in (self._open, self._known):
            while len(remembered) > _REMEMBERED:
                remembered.popitem(last=False)
        if ack in {AckKind.DIRECT, AckKind.DIRECT_UPDATE}:
            task = asyncio.create_task(self._defer_late(origin.id), name="late read")
            self._late[origin.id] = task
            task.add_done_callback(lambda _: self._late.pop(origin.id, None))

    def deferred(self, command: CommandId) -> None:
        """Discord has the acknowledgement; the answer is an edit from now on."""
        open_one = self._open.get(command)
        if open_one is not None:
            open_one.stage = Stage.DEFERRED

    def forget(self, command: CommandId) -> None:
        """Nothing will be done and no answer comes: given it again, we look at it anew."""
        self._open.pop(command, None)
        self._known.pop(command, None)
        late = self._late.pop(command, None)
        if late is not None:
            late.cancel()

    async def acknowledge(self, origin: Origin, ack: AckKind) -> Ack:
        """Send the deferral that fits. GatewayError when Discord did not take it."""
        if ack is AckKind.DEFER_UPDATE:
            return await self._rest.defer_update(origin)
        return await self._rest.defer(origin)

    async def at_once(self, origin: Origin, view: ReplyView) -> None:
        """Answer an interaction that nothing else was done for; not being able to is counted."""
        told = self._turned_away[origin.id] = asyncio.get_running_loop().create_future()
        while len(self._turned_away) > _REMEMBERED:
            self._turned_away.popitem(last=False)
        taken = False
        try:
            outcome = await self._rest.answer(origin, render.reply(view))
            taken = outcome is Ack.ACCEPTED
            metrics.ANSWERS.labels("direct", outcome.value).inc()
        except GatewayError as error:
            metrics.ANSWERS.labels("direct", "failed").inc()
            _log.info("answer.failed", why=str(error))
        finally:
            if not told.done():
                told.set_result(taken)

    async def complete(self, origin: Origin, choices: Sequence[Suggestion]) -> None:
        """Propose what an option that is being typed could be."""
        try:
            outcome = await self._rest.complete(origin, [(one.name, one.value) for one in choices])
            metrics.ANSWERS.labels("completion", outcome.value).inc()
        except GatewayError as error:
            metrics.ANSWERS.labels("completion", "failed").inc()
            _log.info("answer.not_completed", why=str(error))

    async def turned_away(self, command: CommandId) -> bool:
        """Whether this process answered it :meth:`at_once`, and Discord took that for its one answer."""
        told = self._turned_away.get(command)
        return told is not None and await asyncio.shield(told)

    async def reply(self, guild: GuildId, reply: Reply) -> None:
        """Answer a command, once."""
        open_one = self._open.pop(reply.command, None)
        if open_one is None:
            # Its token is gone with the process that had it, or the answer was given.
            _log.info("answer.unreachable", guild=guild, command=reply.command)
            metrics.ANSWERS.labels("edit", "unreachable").inc()
            return
        async with open_one.lock:
            await self._send(open_one, reply)
        late = self._late.pop(reply.command, None)
        if late is not None:
            late.cancel()

    async def close(self) -> None:
        """End what still waits."""
        late = list(self._late.values())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _send(self, open_one: _Open, reply: Reply) -> None:
        origin, kind = open_one.origin, "edit"
        try:
            if open_one.stage is Stage.UNANSWERED:
                kind = "direct"
                outcome = await self._answer_directly(open_one, render.reply(reply.view))
                metrics.ANSWERS.labels(kind, outcome.value).inc()
                return
            if reply.from_button:
                if reply.view.tone is Tone.OK:
                    return  # seen in the message the button sits on
                kind = "follow_up"
                await self._rest.follow_up(origin.token, render.reply(reply.view))
            else:
                await self._rest.edit_original(origin.token, render.reply(reply.view))
            metrics.ANSWERS.labels(kind, "accepted").inc()
        except GoneError:
            metrics.ANSWERS.labels(kind, "expired").inc()
        except GatewayError as error:
            metrics.ANSWERS.labels(kind, "failed").inc()
            _log.info("answer.failed", why=str(error))

    async def _answer_directly(self, open_one: _Open, shown: Rendered) -> Ack:
        if open_one.ack is AckKind.DIRECT_UPDATE:
            return await self._rest.answer_update(open_one.origin, shown)
        return await self._rest.answer(open_one.origin, shown)

    async def _defer_late(self, command: CommandId) -> None:
        await asyncio.sleep(READ_PATIENCE_S)
        open_one = self._open.get(command)
        if open_one is None:
            return
        async with open_one.lock:
            if open_one.stage is not Stage.UNANSWERED or command not in self._open:
                return
            try:
                update = open_one.ack is AckKind.DIRECT_UPDATE
                call = self._rest.defer_update if update else self._rest.defer
                await call(open_one.origin)
                open_one.stage = Stage.DEFERRED
            except GatewayError as error:
                _log.info("answer.not_deferred", why=str(error))
