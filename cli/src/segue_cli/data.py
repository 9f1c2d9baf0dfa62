"""What Segue keeps in PostgreSQL, to look at and, as far as settings go, to change."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import cyclopts
from asyncpg import PostgresError
from cyclopts import Parameter
from redis.exceptions import RedisError

from segue_cli.options import (
    ClusterName,  # noqa: TC001 - cyclopts reads it at run time
    Guild,  # noqa: TC001 - cyclopts reads it at run time
    Json,  # noqa: TC001 - cyclopts reads it at run time
    Limit,  # noqa: TC001 - cyclopts reads it at run time
    OptionalRedisUrl,  # noqa: TC001 - cyclopts reads it at run time
    PostgresDsn,  # noqa: TC001 - cyclopts reads it at run time
)
from segue_cli.output import (
    EXIT_OK,
    EXIT_WRONG,
    duration,
    fail,
    print_json,
    print_pairs,
    print_table,
    rows_as_json,
)
from segue_core.ids import GuildId
from segue_core.redis.cache import Cache, CacheKind
from segue_core.redis.connection import RedisUrlError, connect
from segue_core.redis.keys import Keys
from segue_core.store import InvalidSettingError, Store, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_NO_STORE = "PostgreSQL can't be asked"
_HINT = "check --postgres or SEGUE_POSTGRES_DSN"


class _AskFailedError(Exception):
    """PostgreSQL could not answer; the text is what a person is told."""


def register(app: cyclopts.App) -> None:
    """Add the commands."""
    settings = cyclopts.App(name="settings", help="Show and change a server's settings.")
    settings.command(get)
    settings.command(set_, name="set")
    app.command(settings)
    for command in (history, audit, events, songs):
        app.command(command)


def get(guild: Guild, *, postgres: PostgresDsn, as_json: Json = False) -> int:
    """Show a server's settings.

    Args:
        guild: Id of the Discord server.
        postgres: DSN of PostgreSQL.
        as_json: Print JSON for programs.
    """
    try:
        found = _ask(postgres, lambda store: store.settings_of(GuildId(guild)))
    except _AskFailedError as error:
        return fail(str(error))
    _show_settings(asdict(found), as_json=as_json)
    return EXIT_OK


def set_(
    guild: Guild,
    changes: Annotated[list[str], Parameter(allow_leading_hyphen=False)],
    *,
    postgres: PostgresDsn,
    redis: OptionalRedisUrl = None,
    cluster: ClusterName = "segue",
    as_json: Json = False,
) -> int:
    """Change a server's settings, such as ``volume_limit=150 dj_only_mode=true``.

    Args:
        guild: Id of the Discord server.
        changes: NAME=VALUE, one or more; all of them or none take effect.
        postgres: DSN of PostgreSQL.
        redis: URL of Redis; with it the bot notices at once, without it when its cache expires (1 h).
        cluster: Name of the MusicCluster, for Redis.
        as_json: Print JSON for programs.
    """
    wrong = [change for change in changes if not change.partition("=")[1]]
    if wrong or not changes:
        return fail(f"settings are given as NAME=VALUE (got {wrong[0] if wrong else 'none'})", EXIT_WRONG)
    wanted = {name: value for name, _, value in (change.partition("=") for change in changes)}
    try:
        found = _ask(postgres, lambda store: store.set_settings(GuildId(guild), wanted))
        if redis is not None:
            asyncio.run(_forget(redis, cluster, guild))
    except InvalidSettingError as error:
        return fail(str(error), EXIT_WRONG)
    except _AskFailedError as error:
        return fail(str(error))
    except (RedisError, RedisUrlError, OSError) as error:
        return fail(f"stored, but the bot notices only when its cache expires: Redis can't be asked: {error}")
    _show_settings(asdict(found), as_json=as_json)
    return EXIT_OK


def history(guild: Guild, *, postgres: PostgresDsn, limit: Limit = 20, as_json: Json = False) -> int:
    """Show what a server played, the newest first.

    Args:
        guild: Id of the Discord server.
        postgres: DSN of PostgreSQL.
        limit: How many at most.
        as_json: Print JSON for programs.
    """
    try:
        rows = _ask(postgres, lambda store: store.history(GuildId(guild), limit))
    except _AskFailedError as error:
        return fail(str(error))
    if as_json:
        rows_as_json(rows)
        return EXIT_OK
    shown = [
        (
            row.played_at,
            row.title,
            row.artist,
            f"{duration(row.played_ms)} of {duration(row.duration_ms)}",
            row.user,
            "played to its end" if row.played_fully else row.skip_reason,
        )
        for row in rows
    ]
    print_table(("when", "title", "artist", "played", "for", "end"), shown, "nothing was played yet")
    return EXIT_OK


def audit(
    guild: Guild | None = None, *, postgres: PostgresDsn, limit: Limit = 20, as_json: Json = False
) -> int:
    """Show who did what, the newest first.

    Args:
        guild: Id of a Discord server; left out: the whole cluster.
        postgres: DSN of PostgreSQL.
        limit: How many at most.
        as_json: Print JSON for programs.
    """
    wanted = None if guild is None else GuildId(guild)
    try:
        rows = _ask(postgres, lambda store: store.audit(wanted, limit))
    except _AskFailedError as error:
        return fail(str(error))
    if as_json:
        rows_as_json(rows)
        return EXIT_OK
    shown = [(row.at, row.guild, row.user, row.action, row.summary) for row in rows]
    print_table(("when", "server", "who", "action", "what"), shown, "nothing was done yet")
    return EXIT_OK


def events(
    *,
    postgres: PostgresDsn,
    after: int = 0,
    guild: Guild | None = None,
    kind: str | None = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> int:
    """Show the stored facts in order.

    Args:
        postgres: DSN of PostgreSQL.
        after: Only those behind this position.
        guild: Only those of this Discord server.
        kind: Only those of this kind, such as track_ended.
        limit: How many at most.
        as_json: Print JSON for programs.
    """
    wanted = None if guild is None else GuildId(guild)
    try:
        rows = _ask(postgres, lambda store: store.events(after, limit, guild=wanted, kind=kind))
    except _AskFailedError as error:
        return fail(str(error))
    if as_json:
        rows_as_json(rows)
        return EXIT_OK
    shown = [(row.position, row.at, row.kind, f"{row.aggregate_type} {row.aggregate_id}") for row in rows]
    print_table(("position", "when", "kind", "about"), shown, "no event is stored behind that position")
    return EXIT_OK


def songs(*, postgres: PostgresDsn, limit: Limit = 20, as_json: Json = False) -> int:
    """Show the songs that were played most.

    Args:
        postgres: DSN of PostgreSQL.
        limit: How many at most.
        as_json: Print JSON for programs.
    """
    try:
        rows = _ask(postgres, lambda store: store.songs(limit))
    except _AskFailedError as error:
        return fail(str(error))
    if as_json:
        rows_as_json(rows)
        return EXIT_OK
    shown = [
        (row.plays, row.title, row.author, duration(row.duration_ms), row.source, row.last_played_at)
        for row in rows
    ]
    print_table(("plays", "title", "author", "length", "source", "last"), shown, "no song was played yet")
    return EXIT_OK


def _ask(dsn: str, question: Callable[[Store], Awaitable[T]]) -> T:
    """Return the store's answer.

    Raises:
        _AskFailedError: it gave none; says what to check, and nothing of the DSN.
    """

    async def asked() -> T:
        async with await Store.open(dsn) as store:
            return await question(store)

    try:
        return asyncio.run(asked())
    except StoreUnavailableError as error:
        raise _AskFailedError(f"{_NO_STORE}: {error} ({_HINT})") from error
    except PostgresError as error:
        raise _AskFailedError(f"{_NO_STORE}: {error} ({_HINT})") from error
    except InvalidSettingError:
        raise
    except ValueError as error:
        raise _AskFailedError(
            f"the DSN is not of the form postgresql://user:password@host/db ({_HINT})"
        ) from error


async def _forget(url: str, cluster: str, guild: int) -> None:
    """Have the bot read a server's settings anew."""
    client = connect(url, "segue-cli")
    try:
        await Cache(client, Keys(cluster)).invalidate(CacheKind.SETTINGS, str(guild))
    finally:
        await client.aclose()


def _show_settings(settings: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(settings)
    else:
        print_pairs(settings)
