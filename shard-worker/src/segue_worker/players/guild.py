"""One guild we play for: messages in order, a decision each, committed, then carried out."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from segue_core.logging import get_logger
from segue_worker.domain.effects import Commit, Reply
from segue_worker.domain.messages import (
    Adopted,
    Command,
    CommitRefusal,
    CommitRefused,
    EndReason,
    Message,
    Progress,
    TrackEndedOn,
    TrackFailedOn,
    TrackStartedOn,
    Verb,
    VoiceClosed,
)
from segue_worker.domain.state import Decision, GuildState, new_guild, restored
from segue_worker.domain.views import Phrase, ReplyView, Tone, Words
from segue_worker.players.commits import Commits, Written
from segue_worker.players.interpreter import Interpreter
from segue_worker.players.mailbox import Mailbox
from segue_worker.shards.lease import LeaseLostError, LeasePhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.ids import GuildId, NodeId
    from segue_core.models import GuildRecord
    from segue_worker.players.tools import ShardTools, Tools

_log = get_logger(__name__)

_NODE_EVENTS: Final = (Progress, TrackStartedOn, TrackEndedOn, TrackFailedOn, VoiceClosed)
_LIMITED: Final = frozenset({Verb.PLAY, Verb.PLAY_NEXT, Verb.PLAY_NOW, Verb.IMPORT, Verb.VOLUME})
"""What a server's settings bound; the others need not wait until they were asked for."""
_GOES_ON_FROZEN: Final = frozenset({EndReason.FINISHED, EndReason.LOAD_FAILED})


class GuildPlayer:
    """Owned by its shard. Costs no task while nothing happens."""

    def __init__(
        self,
        guild: GuildId,
        tools: Tools,
        shard: ShardTools,
        on_quiet: Callable[[GuildPlayer], None],
        record: GuildRecord | None = None,
    ) -> None:
        self.guild = guild
        self._tools = tools
        self._shard = shard
        self._on_quiet = on_quiet
        self._state = new_guild(guild) if record is None else restored(record)
        self._commits = Commits(guild, tools.store, shard.lease, tools.meter, record)
        self._interpreter = Interpreter(guild, tools, shard, self.post, self._quiet)
        # A guild with a player waits until its node was asked what it plays.
        self._mailbox = Mailbox(self._handle, self._quiet, held=record is not None)
        self._unwritten: deque[Message] = deque()

    def __repr__(self) -> str:
        return f"<GuildPlayer {self.guild} version={self._state.snapshot.version} depth={self.depth}>"

    @property
    def state(self) -> GuildState:
        """What is true now."""
        return self._state

    @property
    def depth(self) -> int:
        """How many messages wait."""
        return self._mailbox.depth + len(self._unwritten)

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost if this object were forgotten."""
        state = self._state
        return not (
            state.live
            or state.loads
            or state.joins
            or self._mailbox.busy
            or self._unwritten
            or self._commits.behind
            or self._interpreter.busy
        )

    def plays_on(self, node: NodeId) -> bool:
        """Whether the guild's player is, or is about to be, on ``node``."""
        return self._state.snapshot.node == node

    def post(self, message: Message) -> bool:
        """Put a message into the mailbox; False when it was not taken."""
        taken = self._mailbox.post(message)
        if taken:
            self._tools.meter.mailbox_depth(self._mailbox.depth)
        else:
            self._tools.meter.message_refused(type(message).__name__)
        return taken

    def adopt(self, message: Adopted) -> None:
        """Begin, with what the guild's node says. Its words from before are part of that answer."""
        self._mailbox.drop_waiting(lambda waiting: isinstance(waiting, _NODE_EVENTS))
        self._mailbox.put_first((message,))
        self._mailbox.release()

    async def close(self, *, patience: float) -> None:
        """Finish the message being handled and, for ``patience`` seconds, what it set off."""
        rest = await self._mailbox.close()
        if rest or self._unwritten:
            _log.info("player.left_unhandled", guild=self.guild, count=len(rest) + len(self._unwritten))
        await self._interpreter.close(patience=patience)

    async def abort(self) -> None:
        """Stop at once: the shard is somebody else's."""
        self._mailbox.abort()
        await self._interpreter.close(patience=0.0)

    async def _handle(self, message: Message) -> None:
        try:
            if isinstance(message, Command) and message.verb in _LIMITED:
                limits = await self._tools.settings.of(self.guild)
                if limits != self._state.settings:
                    await self._turn(limits)
            await self._turn(message)
        except Exception:  # noqa: BLE001 - one guild's defect must not silence its mailbox for good
            _log.exception("player.message_failed", guild=self.guild, message=type(message).__name__)
            if isinstance(message, Command):
                self._apologise(message)

    async def _turn(self, message: Message) -> None:
        """Decide, commit, carry out; decide again when an attempt whose answer got lost is in the way."""
        for _ in range(2):
            now = self._tools.clock.now()
            if self._tools.recorder is not None:
                self._tools.recorder.record(self.guild, message, now)
            decision = self._tools.decide(self._state, message, now)
            commit = decision.effects[0] if decision.effects else None
            if not isinstance(commit, Commit):
                self._adopt(decision)
                return
            base = self._state.snapshot.version
            written = await self._commits.write(commit, base, decision.state, now)
            if written is not Written.REBASED:
                await self._after_commit(written, message, decision, commit, now)
                return
            snapshot = replace(self._state.snapshot, version=self._commits.version)
            self._state = replace(self._state, snapshot=snapshot)
        self._keep_for_later(message)

    async def _after_commit(
        self, written: Written, message: Message, decision: Decision, commit: Commit, now: int
    ) -> None:
        match written:
            case Written.OK:
                self._adopt(decision)
            case Written.DUPLICATE:
                if commit.command is not None:
                    refused = CommitRefused(
                        command=commit.command,
                        reason=CommitRefusal.DUPLICATE,
                        from_button=not isinstance(message, Command) or message.from_button,
                    )
                    await self._turn(refused)
            case Written.STALE:
                lease = self._shard.lease
                _log.warning("player.commit_stale", guild=self.guild, shard=lease.shard, epoch=lease.epoch)
                self._tools.stale(lease.shard, lease.epoch)
            case Written.LATER | Written.REBASED:
                if self._goes_on_frozen(message):
                    self._commits.postpone(commit, now)
                    self._adopt(decision, while_frozen=True)
                    self._write_later()
                else:
                    self._keep_for_later(message)

    def _goes_on_frozen(self, message: Message) -> bool:
        """Redis is away: a song that ended may be followed by the next, nothing else changes."""
        return (
            self._shard.lease.phase is LeasePhase.FROZEN
            and isinstance(message, TrackEndedOn)
            and message.reason in _GOES_ON_FROZEN
        )

    def _adopt(self, decision: Decision, *, while_frozen: bool = False) -> None:
        self._state = decision.state
        for effect in decision.effects:
            if not isinstance(effect, Commit):
                self._interpreter.perform(
                    effect, tier=decision.state.snapshot.tier, while_frozen=while_frozen
                )

    def _keep_for_later(self, message: Message) -> None:
        """Nothing was decided. The message comes again, on whatever is true then, when Redis can be asked."""
        if isinstance(message, Progress):
            return  # the next one says more
        if len(self._unwritten) >= self._tools.limits.unwritten:
            self._tools.meter.message_refused(type(message).__name__)
            if isinstance(message, Command):
                self._apologise(message, Phrase.TRY_AGAIN)
            return
        self._unwritten.append(message)
        self._write_later()

    def _write_later(self) -> None:
        self._interpreter.run_once("write_later", self._retry)

    async def _retry(self) -> None:
        try:
            await asyncio.sleep(self._tools.limits.retry)
            await self._shard.lease.writable()
        except LeaseLostError:
            self._unwritten.clear()
            return
        while self._commits.behind:
            match await self._commits.catch_up(self._state):
                case Written.OK | Written.STALE:
                    break
                case _:
                    await asyncio.sleep(self._tools.limits.retry)
        waiting = tuple(self._unwritten)
        self._unwritten.clear()
        self._mailbox.put_first(waiting)

    def _apologise(self, command: Command, phrase: Phrase = Phrase.INTERNAL) -> None:
        view = ReplyView(tone=Tone.FAILED, words=Words(phrase=phrase))
        reply = Reply(command=command.id, view=view, from_button=command.from_button)
        self._interpreter.perform(reply, tier=self._state.snapshot.tier)

    def _quiet(self) -> None:
        if self.idle:
            self._on_quiet(self)
