"""What a guild is listening to: committed in one fenced script, reopened by the next holder.

A commit is refused past the fence's expiry (Redis TIME), under an older epoch or another owner than
the guild's or its shard's newest, on a version its writer does not know of, and when its command
took effect before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.events import DomainEvent
from segue_core.ids import CommandId, GuildId, ShardId, shard_of
from segue_core.logging import get_logger
from segue_core.models import Fence, GuildRecord, PlayerSnapshot, QueueItem, VoiceLink
from segue_core.redis.keys import PARTITIONS, Keys, partition_of
from segue_core.redis.script import Argument, Call, Script, text

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient

log = get_logger(__name__)

COMMAND_MEMORY_MS = 900_000
"""As long as Discord lets an interaction be answered; later it cannot come again."""
JOURNAL_LIFETIME_MS = 900_000
STREAM_BYTES = 64 * 1024 * 1024
"""Bound of one partition's event stream. 128 partitions at the benchmark's rate for 24 h use less."""


class Unchanged(Enum):
    """The type of :data:`UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""Leave what is stored. Distinct from None, which removes it."""


class CommitStatus(StrEnum):
    """How a commit ended. Only ``OK`` wrote anything."""

    OK = "ok"
    STALE_EPOCH = "stale_epoch"
    EXPIRED = "expired"
    DUPLICATE = "duplicate"
    VERSION_CONFLICT = "version_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitOutcome:
    """How a commit ended and the version stored now (0: no player).

    ``events_refused`` counts the events that found their stream full.
    """

    status: CommitStatus
    version: int
    events_refused: int = 0

    @property
    def ok(self) -> bool:
        """Whether it was written."""
        return self.status is CommitStatus.OK


class FenceRefusedError(Exception):
    """Redis does not accept this fence: another holder has the shard, or the lease has run out."""

    def __init__(self, fence: Fence, status: CommitStatus) -> None:
        super().__init__(f"shard {fence.shard}, epoch {fence.epoch}: {status.value}")
        self.fence = fence
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A command as it was received: ``payload`` is the interaction, opaque here, with its token."""

    id: CommandId
    payload: bytes = field(repr=False)
    received_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a commit writes. None and UNCHANGED leave what is stored."""

    snapshot: PlayerSnapshot | None = None
    queue: Sequence[QueueItem] | None = None
    voice: VoiceLink | Literal[Unchanged.UNCHANGED] | None = UNCHANGED
    events: Sequence[DomainEvent] = ()
    closes: bool = False


class GuildStore:
    """The guild state of one cluster.

    Every method raises :class:`redis.exceptions.RedisError` when Redis cannot be asked; whether the
    call took effect is then unknown.
    """

    _open = Script("partition", "open")
    _commit = Script("partition", "commit")
    _journal = Script("partition", "journal")
    _journaled = Script("partition", "journaled")

    def __init__(
        self, redis: RedisClient, keys: Keys, num_shards: int, stream_bytes: int = STREAM_BYTES
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._num_shards = num_shards
        self._stream_bytes = stream_bytes

    async def open(self, fences: Mapping[ShardId, Fence]) -> dict[GuildId, GuildRecord]:
        """Stamp the live guilds of these shards with the new epochs and return them.

        One round trip. A guild that a newer epoch has opened is left out: its holder has it. So is one
        whose record nobody can read, with an error in the log.
        """
        if not fences:
            return {}
        arguments: list[Argument] = [self._num_shards]
        for shard, fence in fences.items():
            arguments += [self._owner_field(shard), shard, fence.epoch, fence.owner, fence.expires_at]
        calls = [
            Call((self._keys.partition(number).prefix,), tuple(arguments)) for number in range(PARTITIONS)
        ]
        replies = await self._open.many(self._redis, calls)
        records: dict[GuildId, GuildRecord] = {}
        for guild, data, version, queue, voice in (row for reply in replies for row in reply):
            try:
                records[GuildId(int(guild))] = _record(GuildId(int(guild)), data, int(version), queue, voice)
            except MalformedValueError as error:
                # One guild's defect must not keep a shard's other guilds from being taken over.
                log.error(  # noqa: TRY400 - the words say it all
                    "a guild's record can't be read", guild=int(guild), why=str(error)
                )
        return records

    async def commit(  # noqa: PLR0913 - the parts of one atomic change, each by keyword
        self,
        fence: Fence,
        guild: GuildId,
        *,
        snapshot: PlayerSnapshot | None = None,
        queue: Sequence[QueueItem] | None = None,
        voice: VoiceLink | Literal[Unchanged.UNCHANGED] | None = UNCHANGED,
        base_version: int,
        command: CommandId | None = None,
        events: Sequence[DomainEvent] = (),
        closes: bool = False,
    ) -> CommitOutcome:
        """Write a change in one step: all of it, or (any other status than OK) nothing.

        ``base_version`` is the version the change was decided on; what is written has the next one,
        in the snapshot too. A commit that only remembers a command or appends events leaves the version
        as it is. ``closes`` removes the player; versions begin again at 0.
        """
        change = Change(snapshot=snapshot, queue=queue, voice=voice, events=events, closes=closes)
        commands = () if command is None else (command,)
        return await self._write("commit", fence, guild, base_version, change, commands)

    async def restore(
        self,
        fence: Fence,
        guild: GuildId,
        record: GuildRecord | None,
        *,
        commands: Sequence[CommandId] = (),
        events: Sequence[DomainEvent] = (),
    ) -> CommitOutcome:
        """Rewrite from memory what Redis may have lost of the last seconds. May be repeated.

        The record is written only where the stored version is below its own. Commands are
        remembered as applied and events appended again (the store keeps each once).
        """
        version = 0 if record is None else record.snapshot.version
        change = Change(events=events)
        if record is not None:
            change = replace(change, snapshot=record.snapshot, queue=record.queue, voice=record.voice)
        return await self._write("restore", fence, guild, version, change, commands)

    async def journal(self, fence: Fence, guild: GuildId, entry: JournalEntry) -> bool:
        """Note a received command before it is acknowledged. False: it is in the journal already.

        Raises:
            FenceRefusedError: when the shard is no longer ours; it must not be acknowledged then.
        """
        stored = f"{entry.received_at} ".encode() + entry.payload
        call = self._journal_call("add", fence, guild, entry.id, stored)
        answer = text(await self._journal(self._redis, call.keys, call.arguments))
        if answer in {CommitStatus.STALE_EPOCH, CommitStatus.EXPIRED}:
            raise FenceRefusedError(fence, CommitStatus(answer))
        return answer == "new"

    async def settle(self, finished: Sequence[tuple[Fence, GuildId, CommandId]]) -> int:
        """Strike commands off the journal, in one round trip: they are finished and answered.

        Return how many were; those of a shard that is no longer ours stay for its next holder.
        """
        calls = [self._journal_call("settle", *one, b"") for one in finished]
        return sum(text(answer) == "settled" for answer in await self._journal.many(self._redis, calls))

    async def journaled(self, shards: Iterable[ShardId]) -> dict[GuildId, tuple[JournalEntry, ...]]:
        """Return the commands of these shards that are not settled, in order of receipt."""
        arguments: tuple[Argument, ...] = (self._num_shards, *shards)
        calls = [Call((self._keys.partition(number).prefix,), arguments) for number in range(PARTITIONS)]
        found: dict[GuildId, tuple[JournalEntry, ...]] = {}
        for reply in await self._journaled.many(self._redis, calls):
            for guild, flat in reply:
                entries = (_entry(name, value) for name, value in zip(flat[::2], flat[1::2], strict=True))
                ordered = sorted(entries, key=lambda entry: (entry.received_at, entry.id))
                found[GuildId(int(guild))] = tuple(ordered)
        return found

    async def applied(self, guild: GuildId, command: CommandId) -> bool:
        """Return whether this command took effect within the last 15 minutes."""
        key = self._keys.partition_of(guild).applied(guild)
        return await self._redis.execute_command("ZSCORE", key, command) is not None

    async def load(self, guild: GuildId) -> GuildRecord | None:
        """Return what is stored of a guild's player; None when it has none. Asks for no fence."""
        keys = self._keys.partition_of(guild)
        pipeline: Any = self._redis.pipeline(transaction=False)
        pipeline.hmget(keys.snapshot(guild), "data", "version")
        pipeline.get(keys.queue(guild))
        pipeline.get(keys.voice(guild))
        (data, version), queue, voice = await pipeline.execute()
        if version is None:
            return None
        return _record(guild, data, int(version), queue, voice)

    async def live(self, partition: int) -> tuple[GuildId, ...]:
        """Return the guilds of a partition that have a player."""
        members = await self._redis.execute_command("ZRANGE", self._keys.partition(partition).live, 0, -1)
        return tuple(GuildId(int(member)) for member in members)

    async def players(self) -> dict[GuildId, PlayerSnapshot]:
        """Return every player, for an onlooker: no queue, no credentials, two round trips.

        One that ends between the two, or cannot be read, is left out.
        """
        numbers = range(PARTITIONS)
        pipeline: Any = self._redis.pipeline(transaction=False)
        for number in numbers:
            pipeline.zrange(self._keys.partition(number).live, 0, -1)
        guilds = [GuildId(int(member)) for members in await pipeline.execute() for member in members]
        pipeline = self._redis.pipeline(transaction=False)
        for guild in guilds:
            pipeline.hget(self._keys.partition_of(guild).snapshot(guild), "data")
        found: dict[GuildId, PlayerSnapshot] = {}
        for guild, data in zip(guilds, await pipeline.execute(), strict=True):
            if data:
                with contextlib.suppress(MalformedValueError):  # its holder says so, in its log
                    found[guild] = decode(PlayerSnapshot, data)
        return found

    def _owner_field(self, shard: ShardId) -> str:
        return f"{self._num_shards}/{shard}"

    def _fenced(self, fence: Fence, guild: GuildId) -> list[Argument]:
        if shard_of(guild, self._num_shards) != fence.shard:
            raise ValueError(f"guild {guild} is not of shard {fence.shard} of {self._num_shards}")
        return [self._owner_field(fence.shard), fence.epoch, fence.owner, fence.expires_at]

    async def _write(
        self,
        mode: str,
        fence: Fence,
        guild: GuildId,
        version: int,
        change: Change,
        commands: Sequence[CommandId],
    ) -> CommitOutcome:
        written = version if mode == "restore" else version + 1
        snapshot = None if change.snapshot is None else replace(change.snapshot, version=written)
        arguments: list[Argument] = [
            *self._fenced(fence, guild),
            guild,
            guild >> 22,
            version,
            mode,
            int(change.closes),
            b"" if snapshot is None else encode(snapshot),
            0 if snapshot is None else snapshot.schema,
            b"" if change.queue is None else _encode_queue(change.queue),
            _encode_voice(change.voice),
            COMMAND_MEMORY_MS,
            self._stream_bytes,
            len(commands),
            *commands,
            *(encode(event) for event in change.events),
        ]
        prefix = self._keys.partition(partition_of(guild)).prefix
        status, stored, refused = await self._commit(self._redis, [prefix], arguments)
        return CommitOutcome(
            status=CommitStatus(text(status)), version=int(stored), events_refused=int(refused)
        )

    def _journal_call(
        self, action: str, fence: Fence, guild: GuildId, command: CommandId, entry: bytes
    ) -> Call:
        fenced = self._fenced(fence, guild)
        arguments = (action, *fenced, guild, guild >> 22, command, entry, JOURNAL_LIFETIME_MS)
        return Call((self._keys.partition(partition_of(guild)).prefix,), arguments)


def _encode_queue(queue: Sequence[QueueItem]) -> bytes:
    return b"[" + b",".join(encode(item) for item in queue) + b"]"


def _encode_voice(voice: VoiceLink | Literal[Unchanged.UNCHANGED] | None) -> bytes:
    if voice is UNCHANGED:
        return b"="
    return b"" if voice is None else encode(voice)


def _record(
    guild: GuildId, data: bytes | None, version: int, queue: bytes | None, voice: bytes | None
) -> GuildRecord:
    """Return what the stored parts say; raises MalformedValueError naming the guild."""
    try:
        snapshot = decode(PlayerSnapshot, data) if data else PlayerSnapshot(guild=guild)
        return GuildRecord(
            snapshot=replace(snapshot, version=version),
            queue=decode(tuple[QueueItem, ...], queue) if queue else (),
            voice=decode(VoiceLink, voice) if voice else None,
        )
    except MalformedValueError as error:
        raise MalformedValueError(f"guild {guild}: {error}") from error


def _entry(name: bytes, value: bytes) -> JournalEntry:
    received, _, payload = value.partition(b" ")
    return JournalEntry(id=CommandId(text(name)), payload=payload, received_at=int(received))
