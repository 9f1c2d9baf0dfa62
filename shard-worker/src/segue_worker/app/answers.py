"""How people are answered: over the interaction they sent, as long as its token lives.

A command that changes something was deferred before it was carried out, so its answer is an edit. A
read is answered by the acknowledgement itself; only when it takes unusually long is it deferred too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.ids import ChannelId
from segue_core.logging import get_logger
from segue_worker import metrics
from segue_worker.commands.parse import Ack as AckKind
from segue_worker.commands.parse import Origin, Wish, parse_interaction
from segue_worker.domain.views import ReplyView, Tone
from segue_worker.gateway.rest import Ack, DiscordRest, GoneError, RestError
from segue_worker.ui import render

if TYPE_CHECKING:
    from segue_core.ids import CommandId, GuildId
    from segue_core.redis.guilds import JournalEntry
    from segue_worker.domain.effects import Reply
    from segue_worker.domain.messages import Command
    from segue_worker.ui.render import Rendered

_log = get_logger(__name__)

READ_PATIENCE_S: Final = 1.5
"""A read answered later than this is deferred first: Discord gives up on it after three seconds."""
_REMEMBERED: Final = 20_000


class Stage(StrEnum):
    """What Discord has been told about an interaction so far."""

    UNANSWERED = "unanswered"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journaled:
    """What the journal keeps of a command: the interaction, and where its person was."""

    payload: dict[str, Any] = field(repr=False)
    voice_channel: ChannelId | None = None

    def stored(self) -> bytes:
        """Return it as the journal's opaque payload."""
        return encode(self)


@dataclass(slots=True)
class _Open:
    """An interaction whose answer is owed."""

    origin: Origin
    ack: AckKind
    stage: Stage
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Answers:
    """A ``Replies`` and a ``Recovery``: keeps the interactions whose answers are owed."""

    def __init__(self, rest: DiscordRest) -> None:
        self._rest = rest
        self._open: OrderedDict[CommandId, _Open] = OrderedDict()
        self._late: dict[CommandId, asyncio.Task[None]] = {}

    def owes(self, command: CommandId) -> bool:
        """Whether this very process is at this command already."""
        return command in self._open

    def expect(self, origin: Origin, ack: AckKind) -> None:
        """An answer to this interaction will come; it has not been acknowledged yet."""
        self._remember(origin, ack, Stage.UNANSWERED)
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
        """No answer will come."""
        self._open.pop(command, None)
        late = self._late.pop(command, None)
        if late is not None:
            late.cancel()

    async def acknowledge(self, origin: Origin, ack: AckKind) -> Ack:
        """Send the deferral that fits. RestError when Discord did not take it."""
        if ack is AckKind.DEFER_UPDATE:
            return await self._rest.defer_update(origin)
        return await self._rest.defer(origin)

    async def at_once(self, origin: Origin, view: ReplyView) -> None:
        """Answer an interaction that nothing else was done for; not being able to is counted."""
        try:
            outcome = await self._rest.answer(origin, render.reply(view))
            metrics.ANSWERS.labels("direct", outcome.value).inc()
        except RestError as error:
            metrics.ANSWERS.labels("direct", "failed").inc()
            _log.info("answer.failed", why=str(error))

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

    def command(self, guild: GuildId, entry: JournalEntry) -> Command | None:
        """Return a predecessor's journaled command, its answer reachable again."""
        try:
            written = decode(Journaled, entry.payload)
        except MalformedValueError as error:
            _log.warning("journal.unreadable", guild=guild, why=str(error))
            return None
        wish = parse_interaction(written.payload)
        if not isinstance(wish, Wish):
            return None
        self._remember(wish.origin, wish.ack, Stage.DEFERRED)
        return replace(wish.command, voice_channel=written.voice_channel, replayed=True)

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
        except RestError as error:
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
            except RestError as error:
                _log.info("answer.not_deferred", why=str(error))

    def _remember(self, origin: Origin, ack: AckKind, stage: Stage) -> None:
        self._open[origin.id] = _Open(origin, ack, stage)
        while len(self._open) > _REMEMBERED:
            self._open.popitem(last=False)
