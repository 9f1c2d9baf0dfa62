"""Writes a guild's decisions to Redis, fenced, and knows what is stored."""

from __future__ import annotations

import time
import uuid
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from segue_core.events import DomainEvent, TrackStarted
from segue_core.ids import EventId
from segue_core.logging import get_logger
from segue_core.models import GuildRecord
from segue_core.redis.connection import UNREACHABLE
from segue_core.redis.guilds import UNCHANGED, CommitStatus

if TYPE_CHECKING:
    from segue_core.ids import CommandId, GuildId
    from segue_core.redis.guilds import CommitOutcome, GuildStore
    from segue_worker.domain.effects import Commit
    from segue_worker.domain.state import GuildState
    from segue_worker.players.ports import Meter
    from segue_worker.shards.lease import LeaseView

_log = get_logger(__name__)

_EVENT_NAMES: Final = uuid.UUID("5e60e6e0-7c1a-4b57-9d0b-6f0d5c8f2a11")


class Written(StrEnum):
    """How an attempt to write ended, and what follows."""

    OK = "ok"
    """Adopt the decision."""
    DUPLICATE = "duplicate"
    """A predecessor applied the command."""
    REBASED = "rebased"
    """An attempt of ours whose answer got lost is stored: decide again on its :attr:`Commits.version`."""
    STALE = "stale"
    """The shard is somebody else's."""
    LATER = "later"
    """Redis can't be asked, or we may not write now: try again when we may."""


class Commits:
    """One guild's. What an unanswered call did is found out by the next one.

    ``behind``: memory is ahead of Redis (a song that followed another while Redis was away).
    """

    def __init__(
        self, guild: GuildId, store: GuildStore, lease: LeaseView, meter: Meter, stored: GuildRecord | None
    ) -> None:
        self._guild = guild
        self._store = store
        self._lease = lease
        self._meter = meter
        self._stored = stored
        self._uncertain: set[CommandId] = set()
        self._owed: list[DomainEvent] = []
        self.behind = False
        self.version = 0

    async def write(self, commit: Commit, base_version: int, after: GuildState, now: int) -> Written:
        """Write ``commit``, of which ``after`` is the state, decided on ``base_version``."""
        fence = self._lease.fence()
        if fence is None:
            return Written.LATER
        command = None if commit.command in self._uncertain else commit.command
        started = time.monotonic()
        # Unless we know what is stored, everything is written.
        known = self._stored
        queue_changed = known is None or known.queue != after.queue
        voice_changed = known is None or known.voice != after.voice
        try:
            outcome = await self._store.commit(
                fence,
                self._guild,
                snapshot=after.snapshot,
                queue=after.queue if queue_changed else None,
                voice=after.voice if voice_changed else UNCHANGED,
                base_version=base_version,
                command=command,
                events=(*self._owed, *self.events(commit, now)),
                closes=commit.closes,
            )
        except (RedisError, *UNREACHABLE) as error:
            if commit.command is not None:
                self._uncertain.add(commit.command)
            self._stored = None
            self._measure("unreachable", started)
            _log.warning("player.commit_unreachable", guild=self._guild, error=type(error).__name__)
            return Written.LATER
        self._measure(outcome.status.value, started)
        return self._judge(outcome, commit, after)

    async def catch_up(self, state: GuildState) -> Written:
        """Write what was decided while Redis was away."""
        fence = self._lease.fence()
        if fence is None:
            return Written.LATER
        record = GuildRecord(snapshot=state.snapshot, queue=state.queue, voice=state.voice)
        try:
            outcome = await self._store.restore(fence, self._guild, record, events=tuple(self._owed))
        except (RedisError, *UNREACHABLE):
            return Written.LATER
        match outcome.status:
            case CommitStatus.STALE_EPOCH:
                return Written.STALE
            case CommitStatus.EXPIRED:
                return Written.LATER
            case _:
                self._wrote(record)
                return Written.OK

    def postpone(self, commit: Commit, now: int) -> None:
        """The decision is carried out unwritten; :meth:`catch_up` writes it."""
        self._owed.extend(self.events(commit, now))
        self._count(commit)
        self._stored = None
        self.behind = True

    def events(self, commit: Commit, now: int) -> tuple[DomainEvent, ...]:
        """Return the commit's facts with their ids: the same for a command however often it is tried."""
        return tuple(
            DomainEvent(id=_event_id(commit.command, index), guild=self._guild, at=now, data=data)
            for index, data in enumerate(commit.events)
        )

    def _judge(self, outcome: CommitOutcome, commit: Commit, after: GuildState) -> Written:
        match outcome.status:
            case CommitStatus.OK:
                self._wrote(GuildRecord(snapshot=after.snapshot, queue=after.queue, voice=after.voice))
                self._count(commit)
                if outcome.events_refused:
                    _log.warning("player.events_refused", guild=self._guild, count=outcome.events_refused)
                return Written.OK
            case CommitStatus.DUPLICATE:
                return Written.DUPLICATE
            case CommitStatus.STALE_EPOCH:
                return Written.STALE
            case CommitStatus.EXPIRED:
                return Written.LATER
            case CommitStatus.VERSION_CONFLICT:
                # Only the holder writes, so this is what an unanswered commit of ours left there.
                _log.info("player.commit_rebased", guild=self._guild, command=commit.command)
                self.version = outcome.version
                self._stored = None
                return Written.REBASED

    def _wrote(self, record: GuildRecord) -> None:
        self._stored = record
        self._owed.clear()
        self.behind = False

    def _count(self, commit: Commit) -> None:
        for data in commit.events:
            if isinstance(data, TrackStarted):
                self._meter.track_started()

    def _measure(self, outcome: str, started: float) -> None:
        self._meter.committed(outcome, time.monotonic() - started)


def _event_id(command: CommandId | None, index: int) -> EventId:
    if command is None:
        return EventId(uuid.uuid4().hex)
    return EventId(uuid.uuid5(_EVENT_NAMES, f"{command}/{index}").hex)
