"""``segue leases``: which worker holds which shard."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from segue_cli.options import ClusterName, Json, RedisUrl  # noqa: TC001 - cyclopts reads them at run time
from segue_cli.output import EXIT_OK, EXIT_WRONG, fail, print_json, print_table
from segue_core.codec import MalformedValueError
from segue_core.redis.connection import RedisUrlError, connect
from segue_core.redis.keys import Keys
from segue_core.redis.leases import LeaseInfo, LeasePlane, WorkerBeat

if TYPE_CHECKING:
    import cyclopts


def register(app: cyclopts.App) -> None:
    """Add the command."""
    app.command(leases)


def leases(*, redis: RedisUrl, cluster: ClusterName = "segue", as_json: Json = False) -> int:
    """Show which worker holds which shard, and which workers are there.

    Args:
        redis: URL of Redis.
        cluster: Name of the MusicCluster.
        as_json: Print JSON for programs.
    """
    try:
        held, workers = asyncio.run(_read(redis, Keys(cluster)))
    except RedisUrlError as error:
        return fail(f"--redis: {error}", EXIT_WRONG)
    except ValueError as error:
        return fail(f"--cluster: {error}", EXIT_WRONG)
    except (RedisError, OSError, MalformedValueError) as error:
        return fail(f"Redis can't be asked: {error} (check --redis or SEGUE_REDIS_URL)")
    if as_json:
        print_json({"leases": [asdict(one) for one in held], "workers": [asdict(one) for one in workers]})
        return EXIT_OK
    rows = [(one.shard, one.state.value, one.owner, one.epoch, one.zone or None) for one in held]
    print_table(("shard", "state", "owner", "epoch", "zone"), rows, f"cluster {cluster} has no shards yet")
    shown = [(one.owner, one.held, one.capacity, one.zone or None, one.version) for one in workers]
    print_table(("worker", "holds", "of", "zone", "version"), shown, "no worker is there")
    return EXIT_OK


async def _read(url: str, keys: Keys) -> tuple[tuple[LeaseInfo, ...], tuple[WorkerBeat, ...]]:
    client = connect(url, "segue-cli")
    try:
        plane = LeasePlane(client, keys)
        return await plane.overview(), await plane.workers()
    finally:
        await client.aclose()
