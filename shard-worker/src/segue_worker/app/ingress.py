"""From an interaction to a command in a guild's mailbox: journaled, acknowledged, then posted.

Acknowledged means that it will take effect exactly once, or that its person is told why not. What
could not be journaled is refused in words; what Discord no longer waits for is dropped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from redis.exceptions import RedisError

from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE
from segue_core.redis.guilds import FenceRefusedError, JournalEntry
from segue_worker import metrics
from segue_worker.app.journal import Journaled, People, at_place, refusal
from segue_worker.commands.parse import Ack as AckKind
from segue_worker.commands.parse import Ignored, Refused, Typing, Wish, parse_interaction
from segue_worker.domain.effects import Reply
from segue_worker.domain.views import Phrase
from segue_worker.gateway.calls import Ack
from segue_worker.gateway.errors import DiscordUnreachableError, GatewayError
from segue_worker.gateway.voice_states import Unknown
from segue_worker.shards.lease import LeasePhase, LeaseView

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from segue_core.ids import ChannelId, GuildId, UserId
    from segue_worker.app.answers import Answers
    from segue_worker.commands.cooldown import Cooldowns
    from segue_worker.domain.messages import Command, Message
    from segue_worker.gateway.events import Interaction
    from segue_worker.players.journaling import CommandJournal
    from segue_worker.players.ports import Clock
    from segue_worker.search.suggest import Suggestion

_log = get_logger(__name__)

JOURNAL_PATIENCE_S: Final = 0.8
"""Discord waits three seconds in all; longer than this, and it is better to say so."""
PREDECESSOR_PATIENCE_S: Final = 2.5
UNDER_WAY_LIMIT: Final = 400
"""Interactions being journaled and acknowledged at once. More would all miss their three seconds, and
starve the loop whose turning keeps the shards ours; those beyond it are asked to try again."""
_ACK_ATTEMPTS: Final = 2


class WhereIsWho(People, Protocol):
    """Also says what it knows without asking anybody."""

    def known_channel(self, guild: GuildId, user: UserId) -> ChannelId | Unknown | None:
        """Return it, Unknown when nobody ever told."""


class Completer(Protocol):
    """Proposes what an option that is being typed could be."""

    async def suggest(self, guild: GuildId, user: UserId, words: str) -> Sequence[Suggestion]:
        """Return choices, soon. Never raises."""


class Ingress:
    """One worker's. Commands of a guild reach its mailbox in the order in which they came.

    ``may_begin``: whether there is room for a guild's commands, should it have no player yet.
    """

    def __init__(  # noqa: PLR0913 - its ports, each by keyword
        self,
        *,
        journal: CommandJournal,
        answers: Answers,
        people: WhereIsWho,
        lease_of: Callable[[GuildId], LeaseView | None],
        post: Callable[[GuildId, Message], bool],
        cooldowns: Cooldowns,
        clock: Clock,
        completer: Completer,
        may_begin: Callable[[GuildId], bool] = lambda _: True,
    ) -> None:
        self._may_begin = may_begin
        self._journal = journal
        self._answers = answers
        self._people = people
        self._lease_of = lease_of
        self._post = post
        self._cooldowns = cooldowns
        self._clock = clock
        self._completer = completer
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[GuildId, asyncio.Task[None]] = {}

    def take(self, interaction: Interaction, handled: Callable[[], None]) -> None:
        """Take an interaction and return at once."""
        if self._answers.knows(interaction.id):
            handled()  # a RESUME replayed what we are at, or did
            return
        match parse_interaction(interaction.payload):
            case Ignored(reason=reason):
                _log.debug("interaction.ignored", reason=reason)
                handled()
            case Refused(origin=origin, view=view):
                handled()
                self._run(self._answers.at_once(origin, view))
            case Typing() as typing:
                handled()
                if len(self._tasks) < UNDER_WAY_LIMIT and self._lease_of(typing.guild) is not None:
                    self._run(self._suggest(typing))
            case Wish() as wish:
                self._take_wish(wish, interaction.payload, handled)

    async def close(self) -> None:
        """Let what is being acknowledged finish."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=PREDECESSOR_PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _take_wish(self, wish: Wish, payload: Mapping[str, Any], handled: Callable[[], None]) -> None:
        metrics.COMMANDS.labels(wish.command.verb.value).inc()
        wait = self._cooldowns.use(wish.command.user, wish.command.verb, wish.cooldown_ms, self._clock.now())
        lease = self._lease_of(wish.guild)
        if wait or lease is None or lease.phase is LeasePhase.LOST:
            handled()
            # Without a lease a successor is given the event again; two answers would be one too many.
            if wait and lease is not None:
                self._run(self._answers.at_once(wish.origin, refusal(Phrase.SLOW_DOWN)))
            return
        if len(self._tasks) >= UNDER_WAY_LIMIT:
            handled()
            metrics.COMMANDS_REFUSED.labels("overloaded").inc()
            if len(self._tasks) < 2 * UNDER_WAY_LIMIT:
                self._run(self._answers.at_once(wish.origin, refusal(Phrase.TRY_AGAIN)))
            return
        reads = wish.ack in {AckKind.DIRECT, AckKind.DIRECT_UPDATE}
        if not reads and not self._may_begin(wish.guild):
            handled()
            metrics.COMMANDS_REFUSED.labels("no_room").inc()
            self._run(self._answers.at_once(wish.origin, refusal(Phrase.NO_ROOM)))
            return
        self._answers.expect(wish.origin, wish.ack)
        if reads:
            handled()
            self._in_order(wish.guild, self._read(wish))
        elif lease.phase is LeasePhase.HELD:
            before = self._last.get(wish.guild)
            self._in_order(wish.guild, self._change(wish, payload, lease, handled, before))
        else:
            handled()
            self._answers.forget(wish.origin.id)
            metrics.COMMANDS_REFUSED.labels("frozen").inc()
            self._run(self._answers.at_once(wish.origin, refusal(Phrase.TRY_AGAIN)))

    async def _suggest(self, typing: Typing) -> None:
        """A late completion is worth nothing: neither journaled nor tried again."""
        choices = await self._completer.suggest(typing.guild, typing.user, typing.words)
        await self._answers.complete(typing.origin, choices)

    async def _read(self, wish: Wish) -> None:
        await self._hand_over(wish, wish.command, None)

    async def _change(
        self,
        wish: Wish,
        payload: Mapping[str, Any],
        lease: LeaseView,
        handled: Callable[[], None],
        before: asyncio.Task[None] | None,
    ) -> None:
        known = await self._note(wish, payload, lease)
        if known is None:
            handled()
            return
        handled()
        where = asyncio.create_task(self._people.voice_channel_of(wish.guild, wish.command.user))
        # Asked beside the acknowledgement; when that fails, nobody wants to know any more.
        where.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            if not await self._acknowledged(wish, known=known):
                self._journal.finished(lease, wish.guild, wish.command.id)
                return
            command = at_place(wish.command, payload, await where)
        except DiscordUnreachableError as error:
            _log.info("command.person_not_located", guild=wish.guild, why=str(error))
            await self._refuse(wish, lease, Phrase.TRY_AGAIN)
            return
        finally:
            where.cancel()
        if before is not None:
            await asyncio.wait({before}, timeout=PREDECESSOR_PATIENCE_S)
        await self._hand_over(wish, command, lease)

    async def _note(self, wish: Wish, payload: Mapping[str, Any], lease: LeaseView) -> bool | None:
        """Write it down; return whether a predecessor already had, None when it is not to be done."""
        fence = lease.fence()
        known = self._people.known_channel(wish.guild, wish.command.user)
        located = not isinstance(known, Unknown)
        channel = None if isinstance(known, Unknown) else known
        written = Journaled(payload=dict(payload), voice_channel=channel, located=located)
        entry = JournalEntry(id=wish.command.id, payload=written.stored(), received_at=self._clock.now())
        try:
            if fence is not None:
                async with asyncio.timeout(JOURNAL_PATIENCE_S):
                    return not await self._journal.note(fence, wish.guild, entry)
        except FenceRefusedError:
            # Its next holder is given this interaction too, and answers it.
            self._answers.forget(wish.origin.id)
            return None
        except (RedisError, *UNREACHABLE) as error:
            _log.info("command.not_journaled", guild=wish.guild, error=type(error).__name__)
        self._answers.forget(wish.origin.id)
        metrics.COMMANDS_REFUSED.labels("not_journaled").inc()
        await self._answers.at_once(wish.origin, refusal(Phrase.TRY_AGAIN))
        return None

    async def _acknowledged(self, wish: Wish, *, known: bool) -> bool:
        outcome = await self._acknowledge(wish, tried=known)
        if outcome is None:
            # Discord may have taken it, and then its person waits: tell them, if they can be reached.
            self._answers.deferred(wish.command.id)
            metrics.ACKNOWLEDGEMENTS.labels("unanswered").inc()
            await self._refuse(wish, None, Phrase.TRY_AGAIN)
            return False
        metrics.ACKNOWLEDGEMENTS.labels(outcome.value).inc()
        if outcome is Ack.ACCEPTED:
            self._answers.deferred(wish.command.id)
            return True
        self._answers.forget(wish.command.id)
        return False

    async def _acknowledge(self, wish: Wish, *, tried: bool) -> Ack | None:
        """Tell Discord, twice if need be. None: it can't be learnt whether it took it.

        40060 after a try of ours whose answer got lost, or with a predecessor's entry: it was accepted
        there. Without either a frozen holder refused it in words, and that was its one answer.
        """
        for _ in range(_ACK_ATTEMPTS):
            try:
                outcome = await self._answers.acknowledge(wish.origin, wish.ack)
            except GatewayError as error:
                _log.info("command.not_acknowledged", guild=wish.guild, why=str(error))
                tried = True
                continue
            if outcome is Ack.ALREADY and tried and not await self._answers.turned_away(wish.command.id):
                return Ack.ACCEPTED
            return outcome
        return None

    async def _hand_over(self, wish: Wish, command: Command, lease: LeaseView | None) -> None:
        if not self._post(wish.guild, command):
            await self._refuse(wish, lease, Phrase.TRY_AGAIN)

    async def _refuse(self, wish: Wish, lease: LeaseView | None, phrase: Phrase) -> None:
        metrics.COMMANDS_REFUSED.labels("not_taken").inc()
        reply = Reply(command=wish.command.id, view=refusal(phrase), from_button=wish.command.from_button)
        await self._answers.reply(wish.guild, reply)
        if lease is not None:
            self._journal.finished(lease, wish.guild, wish.command.id)

    def _in_order(self, guild: GuildId, work: Coroutine[None, None, None]) -> None:
        task = self._begin(work)
        self._last[guild] = task
        task.add_done_callback(lambda done: self._done(guild, done))

    def _done(self, guild: GuildId, task: asyncio.Task[None]) -> None:
        if self._last.get(guild) is task:
            del self._last[guild]

    def _run(self, work: Coroutine[None, None, None]) -> None:
        self._begin(work)  # type: ignore[unused-awaitable]  # owned by self._tasks

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="interaction")
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            metrics.COMMANDS_REFUSED.labels("failed").inc()
            _log.error("interaction.failed", exc_info=error)
