"""The store on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from segue_core.breaker import BreakerState
from segue_core.codec import encode
from segue_core.events import ShardPromoted
from segue_core.ids import Epoch, GuildId, OwnerId, ShardId
from segue_core.store import InvalidSettingError, RawEvent, ServerSettings, Store, StoreUnavailableError
from segue_core.store.connection import pool_of
from segue_core.store.migrate import migrate
from segue_core.store.server_settings import COLUMNS, AutoplayMode
from segue_devkit.embedded.process import free_port

if TYPE_CHECKING:
    from segue_devkit.embedded.postgres import EmbeddedPostgres

GUILD = GuildId(2**62 + 3)


async def test_settings_begin_as_defaults_and_remember_changes(store: Store) -> None:
    """A change keeps everything else, takes texts as people type them, and is read back."""
    assert await store.settings_of(GUILD) == ServerSettings()
    await store.set_settings(GUILD, {"volume_limit": "150", "autoplay_mode": "mixed"})
    await store.set_settings(GUILD, {"dj_role_id": 2**62, "vote_skip_threshold": 0.25})
    settings = await store.settings_of(GUILD)
    assert (settings.volume_limit, settings.autoplay_mode) == (150, AutoplayMode.MIXED)
    assert (settings.dj_role_id, settings.vote_skip_threshold) == (2**62, 0.25)
    assert settings.max_queue_size == ServerSettings().max_queue_size


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"volume_limt": 5}, "volume_limt.*did you mean volume_limit"),
        ({"volume_limit": 0}, "volume_limit: .*greater than or equal to 1"),
        ({"autoplay_mode": "jazz"}, "autoplay_mode: .*'similar'"),
        ({"dj_only_mode": "perhaps"}, "dj_only_mode"),
        ({"vote_skip_threshold": 1.5}, "vote_skip_threshold"),
    ],
)
async def test_a_bad_setting_is_named_and_nothing_changes(
    store: Store, changes: dict[str, Any], words: str
) -> None:
    """Unknown names and impossible values are refused in words, with what would fit."""
    with pytest.raises(InvalidSettingError, match=words):
        await store.set_settings(GUILD, {"max_queue_size": 7} | changes)
    assert await store.settings_of(GUILD) == ServerSettings()


async def test_two_changes_at_once_both_last(store: Store) -> None:
    """Managers who change different settings at the same moment don't undo each other."""
    changes: list[dict[str, Any]] = [
        {"volume_limit": 50},
        {"dj_only_mode": True},
        {"max_queue_size": 9},
        {"autoplay_queue_size": 3},
    ]
    await asyncio.gather(*(store.set_settings(GUILD, change) for change in changes))
    settings = await store.settings_of(GUILD)
    assert (settings.volume_limit, settings.dj_only_mode) == (50, True)
    assert (settings.max_queue_size, settings.autoplay_queue_size) == (9, 3)


async def test_defaults_in_the_table_are_those_of_the_model(store: Store, postgres_dsn: str) -> None:
    """A row written by hand reads like a server that changed nothing."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO server_configuration (guild_id) VALUES (%s)", (GUILD,))
        columns = {
            row[0]
            for row in connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = 'server_configuration'"
            )
        }
    assert await store.settings_of(GUILD) == ServerSettings()
    assert columns - set(COLUMNS) == {"id", "guild_id", "created_at", "updated_at"}


async def test_an_event_is_stored_once(store: Store, make: Any) -> None:
    """The same events again, in the same batch or later or at the same time, add nothing."""
    events = [make.event(GUILD), make.ended(GUILD), make.started(GUILD, make.track())]
    assert await store.append_events([*events, events[0]]) == 3
    assert await store.append_events(events) == 0
    fresh = [make.event(GUILD) for _ in range(20)]
    counts = await asyncio.gather(*(store.append_events(fresh) for _ in range(4)))
    assert sum(counts) == 20
    assert len(await store.history(GUILD)) == 1
    assert [song.plays for song in await store.songs()] == [1]
    assert len(await store.audit(GUILD, 100)) == 21


async def test_positions_and_versions_have_no_gaps(store: Store, make: Any) -> None:
    """Global positions count from 1 without a gap, versions so within each guild, writers racing."""
    guilds = [GuildId(1), GuildId(2)]
    batches = [[make.event(guilds[n % 2]) for n in range(5)] for _ in range(6)]
    await asyncio.gather(*(store.append_events(batch) for batch in batches))
    events = await store.events(limit=1000)
    assert [event.position for event in events] == list(range(1, 31))
    for guild, count in zip(guilds, (18, 12), strict=True):
        mine = await store.events(guild=guild)
        assert [event.aggregate_version for event in mine] == list(range(1, count + 1))
    assert [event.position for event in await store.events(after=28)] == [29, 30]
    assert await store.events(kind="track_ended") == ()


async def test_what_events_mean_can_be_read(store: Store, make: Any) -> None:
    """History, audit and songs show what the events said, titles with any character included."""
    track = make.track("Null \x00 and 🎵")
    skipped = make.ended(GUILD, "skipped", "Null \x00 and 🎵")
    promoted = make.event(
        None,
        ShardPromoted(
            shard=ShardId(3), previous=OwnerId("a/1"), owner=OwnerId("b/2"), epoch=Epoch(9), reason="crash"
        ),
    )
    await store.append_events(
        [skipped, make.started(GUILD, track), make.started(GUILD, track), promoted, make.event(GUILD)]
    )
    (played,) = await store.history(GUILD)
    assert (played.title, played.played_fully, played.skip_reason) == ("Null \ufffd and 🎵", False, "skipped")
    assert (played.duration_ms, played.played_ms) == (180_000, 1000)
    assert [(song.identifier, song.plays) for song in await store.songs()] == [(track.identifier, 2)]
    assert {row.action for row in await store.audit()} == {"play", "shard_promoted"}
    assert [row.action for row in await store.audit(GUILD)] == ["play"]
    (shard,) = await store.events(kind="shard_promoted")
    assert (shard.aggregate_type, shard.aggregate_id, shard.data["epoch"]) == ("shard", "3", 9)


async def test_an_unknown_kind_is_stored_as_it_came(store: Store, make: Any) -> None:
    """A newer release's event, and even rubbish, is kept; nothing else in the batch suffers."""
    newer = encode(make.event(GUILD)).replace(b"command_applied", b"from_the_future")
    batch = [
        RawEvent.parse(newer, "x/1"),
        RawEvent.parse(b"\x00rubbish", "x/2"),
        RawEvent.of(make.event(GUILD)),
    ]
    assert await store.append_events(batch) == 3
    assert [event.kind for event in await store.events()] == [
        "from_the_future",
        "unreadable",
        "command_applied",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event_store_event SET event_type = 'x'",
        "DELETE FROM event_store_event",
        "TRUNCATE event_store_event CASCADE",
    ],
)
async def test_the_event_store_is_append_only(
    store: Store, make: Any, postgres_dsn: str, statement: str
) -> None:
    """Nobody changes or removes a fact, not even the tables' owner by accident."""
    await store.append_events([make.event(GUILD)])
    with (
        psycopg.connect(postgres_dsn) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
    ):
        connection.execute(statement)
    assert len(await store.events()) == 1


async def test_without_postgres_there_is_one_typed_error() -> None:
    """A store opens while PostgreSQL is away; asking it says so and leaks no password."""
    dsn = f"postgresql://segue:topsecret@127.0.0.1:{free_port()}/segue"
    async with await Store.open(dsn) as away:
        with pytest.raises(StoreUnavailableError) as caught:
            await away.settings_of(GUILD)
    assert "topsecret" not in str(caught.value)


async def test_migrations_may_run_at_once(postgres_server: EmbeddedPostgres) -> None:
    """Pods that start together apply each migration once."""
    with psycopg.connect(postgres_server.dsn_of("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE migrated_at_once")
    dsn = postgres_server.dsn_of("migrated_at_once")
    applied = await asyncio.gather(*(asyncio.to_thread(migrate, dsn) for _ in range(3)))
    assert sorted(map(len, applied)) == [0, 0, 4]


async def test_a_store_that_keeps_failing_is_left_alone_for_a_while(postgres_dsn: str) -> None:
    """After three failures nobody waits for a connection; one question finds out that it is back."""
    now = 0.0
    away = f"postgresql://segue:topsecret@127.0.0.1:{free_port()}/segue"
    gone = Store(await pool_of(away), lambda: now)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError, match="Connect"):
            await gone.ping()
    with pytest.raises(StoreUnavailableError, match="asked again in 2"):
        await gone.ping()
    assert gone.breaker.state is BreakerState.OPEN
    await gone.close()
    back = Store(await pool_of(postgres_dsn), lambda: now)
    try:
        for _ in range(3):
            back.breaker.failed()
        with pytest.raises(StoreUnavailableError, match="kept failing"):
            await back.ping()
        now = 2.5
        await back.ping()
        assert back.breaker.state is BreakerState.CLOSED
    finally:
        await back.close()


async def test_a_wrong_question_is_no_outage(store: Store) -> None:
    """PostgreSQL answered: however often something is asked wrongly, others go on being answered."""
    for _ in range(5):
        with pytest.raises(InvalidSettingError):
            await store.set_settings(GUILD, {"volume_limit": 0})
    assert store.breaker.state is BreakerState.CLOSED
    await store.ping()
