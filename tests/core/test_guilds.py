"""Guild state on a real Valkey: fenced, versioned, each command once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ResponseError

from segue_core.ids import ChannelId, Epoch, GuildId, OwnerId, ShardId
from segue_core.models import Fence, GuildRecord, VoiceLink
from segue_core.redis.guilds import CommitStatus, FenceRefusedError, GuildStore, JournalEntry
from segue_core.redis.keys import Keys, partition_of

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient

NUM_SHARDS = 4
FAR = 2**52


def fence(epoch: int = 5, shard: int = 0, owner: str = "a/1", expires_at: int = FAR) -> Fence:
    """Return a fence; what it is worth is for the scripts to say."""
    return Fence(shard=ShardId(shard), epoch=Epoch(epoch), owner=OwnerId(owner), expires_at=expires_at)


@pytest.fixture
def guilds(redis: RedisClient, keys: Keys) -> GuildStore:
    """Return this test's guild store."""
    return GuildStore(redis, keys, NUM_SHARDS)


async def test_a_commit_is_read_back_whole(guilds: GuildStore, make: Any) -> None:
    """Snapshot, queue and voice come back as they were, ids beyond 2^53 included, with the new version."""
    guild = make.guild()
    snapshot, queue = make.snapshot(guild), (make.item(), make.item())
    voice = VoiceLink(channel=ChannelId(2**63 - 5), session="s", token="t", endpoint="e")
    outcome = await guilds.commit(fence(), guild, snapshot=snapshot, queue=queue, voice=voice, base_version=0)
    assert (outcome.status, outcome.version) == (CommitStatus.OK, 1)
    expected = GuildRecord(snapshot=replace(snapshot, version=1), queue=queue, voice=voice)
    assert await guilds.load(guild) == expected
    assert guild in await guilds.live(partition_of(guild))


async def test_what_a_commit_leaves_out_stays(guilds: GuildStore, make: Any) -> None:
    """None and UNCHANGED leave what is stored; voice None removes it."""
    guild = make.guild()
    voice = VoiceLink(channel=ChannelId(1))
    await guilds.commit(
        fence(), guild, snapshot=make.snapshot(guild), queue=[make.item()], voice=voice, base_version=0
    )
    await guilds.commit(fence(), guild, snapshot=make.snapshot(guild, volume=7), base_version=1)
    record = await guilds.load(guild)
    assert record is not None
    assert (record.snapshot.volume, len(record.queue), record.voice) == (7, 1, voice)
    await guilds.commit(fence(), guild, queue=[], voice=None, base_version=2)
    record = await guilds.load(guild)
    assert record is not None
    assert (record.snapshot.version, record.queue, record.voice) == (3, (), None)


@pytest.mark.parametrize(
    ("late", "status"),
    [
        (fence(epoch=4), CommitStatus.STALE_EPOCH),
        (fence(epoch=5, owner="b/1"), CommitStatus.STALE_EPOCH),
        (fence(epoch=6, expires_at=1), CommitStatus.EXPIRED),
    ],
    ids=["older epoch", "another owner of the same epoch", "past its expiry"],
)
async def test_a_stale_commit_writes_nothing(
    guilds: GuildStore, make: Any, redis: RedisClient, keys: Keys, late: Fence, status: CommitStatus
) -> None:
    """Refused means that neither state nor command id nor event was written."""
    guild, command = make.guild(), make.command()
    await guilds.commit(fence(), guild, snapshot=make.snapshot(guild), base_version=0)
    before = await guilds.load(guild)
    outcome = await guilds.commit(
        late,
        guild,
        snapshot=make.snapshot(guild, 1),
        base_version=1,
        command=command,
        events=[make.event(guild)],
    )
    assert outcome.status is status
    assert await guilds.load(guild) == before
    assert not await guilds.applied(guild, command)
    assert await redis.execute_command("XLEN", keys.partition_of(guild).events) == 0


async def test_a_stale_holder_cannot_begin_a_guild_either(guilds: GuildStore, make: Any) -> None:
    """Once a shard was opened under a newer epoch, the old one cannot begin a player either."""
    guild = make.guild()
    await guilds.open({ShardId(0): fence(epoch=9, owner="b/1")})
    outcome = await guilds.commit(fence(epoch=8), guild, snapshot=make.snapshot(guild), base_version=0)
    assert outcome.status is CommitStatus.STALE_EPOCH
    assert await guilds.load(guild) is None
    with pytest.raises(FenceRefusedError):
        await guilds.journal(
            fence(epoch=8), guild, JournalEntry(id=make.command(), payload=b"x", received_at=1)
        )


async def test_a_command_takes_effect_once(guilds: GuildStore, make: Any) -> None:
    """The same command id is refused, by its own holder and by the next."""
    guild, command = make.guild(), make.command()
    first = await guilds.commit(
        fence(), guild, snapshot=make.snapshot(guild), base_version=0, command=command
    )
    assert first.ok
    for later in (fence(), fence(epoch=6, owner="b/1")):
        again = await guilds.commit(
            later, guild, snapshot=make.snapshot(guild, 3), base_version=1, command=command
        )
        assert (again.status, again.version) == (CommitStatus.DUPLICATE, 1)
    assert await guilds.applied(guild, command)


async def test_a_version_we_do_not_know_of_is_a_conflict(guilds: GuildStore, make: Any) -> None:
    """A decision made on an older state than the stored one is refused; the stored version is told."""
    guild = make.guild()
    for base in range(3):
        await guilds.commit(fence(), guild, snapshot=make.snapshot(guild), base_version=base)
    outcome = await guilds.commit(fence(), guild, snapshot=make.snapshot(guild), base_version=1)
    assert (outcome.status, outcome.version) == (CommitStatus.VERSION_CONFLICT, 3)


async def test_racing_commits_of_one_base_win_once(guilds: GuildStore, make: Any) -> None:
    """Of ten commits decided on the same state, sent at once, exactly one is written."""
    guild = make.guild()
    outcomes = await asyncio.gather(
        *(
            guilds.commit(fence(), guild, snapshot=make.snapshot(guild, n), base_version=0)
            for n in range(1, 11)
        )
    )
    assert sum(outcome.ok for outcome in outcomes) == 1


async def test_open_stamps_and_returns_the_shards_live_guilds(guilds: GuildStore, make: Any) -> None:
    """A claim gets all live guilds of its shards with their queues, no others, and shuts the old out."""
    mine = [make.guild(0) for _ in range(20)] + [make.guild(2) for _ in range(20)]
    for guild in [*mine, make.guild(1)]:
        shard = (guild >> 22) % NUM_SHARDS
        await guilds.commit(
            fence(shard=shard), guild, snapshot=make.snapshot(guild), queue=[make.item()], base_version=0
        )
    new = {ShardId(n): fence(epoch=6, shard=n, owner="b/1") for n in (0, 2)}
    opened = await guilds.open(new)
    assert set(opened) == set(mine)
    assert all(len(record.queue) == 1 and record.snapshot.version == 1 for record in opened.values())
    stale = await guilds.commit(fence(), mine[0], snapshot=make.snapshot(mine[0]), base_version=1)
    assert stale.status is CommitStatus.STALE_EPOCH
    assert await guilds.open({ShardId(0): fence(epoch=5)}) == {}


async def test_closing_removes_the_player(guilds: GuildStore, make: Any) -> None:
    """After closing nothing of the player is left, and the next one begins at version 0."""
    guild = make.guild()
    await guilds.commit(
        fence(),
        guild,
        snapshot=make.snapshot(guild),
        queue=[make.item()],
        voice=VoiceLink(channel=ChannelId(1)),
        base_version=0,
    )
    outcome = await guilds.commit(fence(), guild, base_version=1, closes=True)
    assert (outcome.status, outcome.version) == (CommitStatus.OK, 0)
    assert await guilds.load(guild) is None
    assert guild not in await guilds.live(partition_of(guild))
    again = await guilds.commit(fence(), guild, snapshot=make.snapshot(guild), base_version=0)
    assert again.version == 1


async def test_the_journal_keeps_a_command_until_it_is_settled(guilds: GuildStore, make: Any) -> None:
    """Journaled once, found by the shard's next holder in order of receipt, gone when settled."""
    guild = make.guild(3)
    held = fence(shard=3)
    late, early = make.command(), make.command()
    assert await guilds.journal(held, guild, JournalEntry(id=late, payload=b"\x00 2", received_at=20))
    assert await guilds.journal(held, guild, JournalEntry(id=early, payload=b"1", received_at=10))
    assert not await guilds.journal(held, guild, JournalEntry(id=early, payload=b"1", received_at=10))
    found = await guilds.journaled([ShardId(3)])
    assert [(entry.id, entry.payload) for entry in found[guild]] == [(early, b"1"), (late, b"\x00 2")]
    assert await guilds.journaled([ShardId(0), ShardId(1), ShardId(2)]) == {}
    heir = fence(epoch=6, shard=3, owner="b/1")
    assert await guilds.settle([(heir, guild, early)]) == 1
    assert await guilds.settle([(held, guild, late)]) == 0
    assert [entry.id for entry in (await guilds.journaled([ShardId(3)]))[guild]] == [late]
    assert await guilds.settle([(heir, guild, late), (heir, guild, early)]) == 2
    assert await guilds.journaled([ShardId(3)]) == {}


async def test_restore_writes_only_what_redis_lost(guilds: GuildStore, make: Any, redis: RedisClient) -> None:
    """A holder rewrites what it remembers: below its own version it lands, else it changes nothing."""
    guild, command = make.guild(), make.command()
    record = GuildRecord(snapshot=replace(make.snapshot(guild), version=7), queue=(make.item(),))
    restored = await guilds.restore(fence(), guild, record, commands=[command], events=[make.event(guild)])
    assert (restored.status, restored.version) == (CommitStatus.OK, 7)
    assert await guilds.load(guild) == record
    assert await guilds.applied(guild, command)
    older = GuildRecord(snapshot=replace(record.snapshot, version=6, volume=1))
    assert (await guilds.restore(fence(), guild, older)).version == 7
    assert await guilds.load(guild) == record
    stale = await guilds.restore(fence(epoch=1), guild, record)
    assert stale.status is CommitStatus.STALE_EPOCH
    assert await redis.execute_command("PING")


async def test_a_full_stream_refuses_history_never_playback(
    redis: RedisClient, keys: Keys, make: Any
) -> None:
    """At the byte bound events are refused and counted; the commit itself goes through."""
    guilds, guild = GuildStore(redis, keys, NUM_SHARDS, stream_bytes=400), make.guild()
    events = [make.event(guild) for _ in range(4)]
    outcome = await guilds.commit(
        fence(), guild, snapshot=make.snapshot(guild), base_version=0, events=events
    )
    assert outcome.ok
    assert 0 < outcome.events_refused < 4
    part = keys.partition_of(guild)
    assert await redis.execute_command("XLEN", part.events) == 4 - outcome.events_refused
    assert int(await redis.execute_command("HGET", part.meter, "refused")) == outcome.events_refused


async def test_a_fence_of_another_shard_is_a_programming_error(guilds: GuildStore, make: Any) -> None:
    """A guild can only be written under its own shard's fence."""
    with pytest.raises(ValueError, match="not of shard 1"):
        await guilds.commit(fence(shard=1), make.guild(0), base_version=0)


async def test_a_script_over_two_slots_fails_here(redis: RedisClient, keys: Keys) -> None:
    """The tests' Valkey refuses what Redis Cluster would: so every script of ours keeps to one slot."""
    one, two = keys.partition(0).live, keys.partition(1).live
    with pytest.raises(ResponseError, match=r"(?i)slot"):
        await redis.execute_command("EVAL", "return redis.call('EXISTS', KEYS[1])", 2, one, two)
    with pytest.raises(ResponseError, match=r"(?i)slot"):
        await redis.execute_command(
            "EVAL", f"#!lua\nreturn redis.call('EXISTS', KEYS[1]) + redis.call('EXISTS', '{two}')", 1, one
        )
    assert GuildStore._commit.source.startswith("#!lua\n")


async def test_all_keys_of_a_guild_share_its_partition_s_slot(redis: RedisClient, keys: Keys) -> None:
    """Whatever a guild is called, its keys lie in the slot of its partition."""
    guild = GuildId(2**63 - 1)
    part = keys.partition_of(guild)
    names = [
        part.live,
        part.owners,
        part.events,
        part.meter,
        part.drain,
        part.journals,
        part.snapshot(guild),
        part.queue(guild),
        part.voice(guild),
        part.applied(guild),
        part.journal(guild),
    ]
    slots = {await redis.execute_command("CLUSTER", "KEYSLOT", name) for name in names}
    assert len(slots) == 1


async def test_the_cluster_client_works_too(valkey_url: str, keys: Keys, make: Any) -> None:
    """The same code runs through a Redis Cluster client, pipelines included."""
    from segue_core.redis.connection import connect, ping  # noqa: PLC0415 - the one test that needs it

    client = connect(valkey_url.replace("redis://", "redis+cluster://"), "test")
    try:
        await ping(client)
        guilds, guild = GuildStore(client, keys, NUM_SHARDS), make.guild()
        assert (await guilds.commit(fence(), guild, snapshot=make.snapshot(guild), base_version=0)).ok
        assert set(await guilds.open({ShardId(0): fence(epoch=6)})) == {guild}
    finally:
        await client.aclose()


async def test_an_onlooker_sees_every_player(guilds: GuildStore, make: Any) -> None:
    """All snapshots, of all partitions, and none of those that ended."""
    here, gone = make.guild(), make.guild()
    for guild in (here, gone):
        await guilds.commit(
            fence(), guild, snapshot=make.snapshot(guild, volume=7), queue=[make.item()], base_version=0
        )
    await guilds.commit(fence(), gone, base_version=1, closes=True)
    players = await guilds.players()
    assert here in players
    assert gone not in players
    assert players[here].volume == 7
