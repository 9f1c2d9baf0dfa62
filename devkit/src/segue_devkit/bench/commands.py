"""``segue bench commands``: from a person's command to its acknowledgement, its commit, and its sound.

The whole system from one MusicCluster: one worker that holds all shards, one router, Redis, Postgres,
the simulator and the stand-in. Commands are sent open-loop, and stamped by the simulator at its
sockets, by Redis in the commit, and by the kernel at the voice server. Times are milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import uvloop
from cyclopts import Parameter
from redis.exceptions import RedisError

from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_devkit.bench.commands_report import CommandsBench, Findings, report, table
from segue_devkit.bench.costs import cpu_by_workload, spent
from segue_devkit.bench.failure import BenchFailedError
from segue_devkit.bench.load import Load, RedisOffset
from segue_devkit.bench.mix import CYCLE
from segue_devkit.bench.scene import PEOPLE, prepare
from segue_devkit.dev.cluster import DevCluster
from segue_devkit.dev.options import DevError, DevOptions
from segue_devkit.discord.client import SimClient, SimError
from segue_devkit.processes import ManifestError
from segue_operator.api.load import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    import cyclopts

    from segue_operator.api import MusicCluster

REGION = "us-east"
START_TIMEOUT_S = 180.0
FIRST_AUDIO_GUILDS = 40
GUILDS_A_SHARD = 80
"""A shard may send 120 times a minute to Discord's gateway; so many joins leave room for the rest."""
PLAYS_A_SECOND = 0.9
"""At most so many ``/play`` a person: their cool-down is a second."""
WARM_UP_S = 3.0
ACKNOWLEDGED_WITHIN_MS = 3_000
PREPARED_WITHIN_MS = 30_000
"""A machine that is busy while guilds are prepared makes them late, and the measurement no worse."""
KNOBS = {"rest_per_second": 0, "messages_per_window": 0, "max_concurrency": 16}


async def run(
    *,
    seconds: float = 20.0,
    rate: float = 200.0,
    guilds: int = 200,
    say: Callable[[str], None] = lambda _: None,
    options: DevOptions | None = None,
) -> CommandsBench:
    """Measure ``seconds`` of ``rate`` commands a second over ``guilds``.

    Raises:
        BenchFailedError: when something did not start, or the guilds could not be prepared.
    """
    _check(seconds, rate, guilds)
    options = DevOptions() if options is None else options
    options = replace(options, knobs={**options.knobs, **KNOBS})
    try:
        async with DevCluster(_cluster(guilds), options) as dev:
            say("starting one worker, one router, Redis, Postgres, the simulator and the stand-in")
            await dev.wait_ready(START_TIMEOUT_S)
            async with contextlib.AsyncExitStack() as stack:
                discord = await stack.enter_async_context(SimClient(dev.sim_url))
                return await _measure(dev, discord, seconds=seconds, rate=rate, guilds=guilds, say=say)
    except (DevError, ManifestError, SimError, RedisError, OSError) as error:
        raise BenchFailedError(str(error)) from error


async def _measure(
    dev: DevCluster,
    discord: SimClient,
    *,
    seconds: float,
    rate: float,
    guilds: int,
    say: Callable[[str], None],
) -> CommandsBench:
    measured = min(guilds, FIRST_AUDIO_GUILDS)
    await discord.knobs(interaction_ack_ms=PREPARED_WITHIN_MS)
    scene = await prepare(discord, REGION, guilds=guilds, measured=measured, say=say)
    await discord.knobs(interaction_ack_ms=ACKNOWLEDGED_WITHIN_MS)
    redis = connect(dev.redis_url, "segue-bench")
    try:
        load = Load(scene.stands)
        await load.run(rate=min(rate, guilds / WARM_UP_S), seconds=WARM_UP_S)
        say(f"{rate:.0f} commands a second for {seconds:.0f} s")
        offset = await RedisOffset.measure(redis)
        before = cpu_by_workload(dev.pods())
        await load.run(rate=rate, seconds=seconds)
        used = spent(before, cpu_by_workload(dev.pods()))
        await load.read_commits(redis, Keys(dev.cluster.name), offset)
    finally:
        await redis.aclose()
    return report(
        Findings(
            rate=rate,
            sent=load.sent,
            first_audio_ms=scene.first_audio_ms,
            cpu_s=used,
            cluster=dev.cluster.name,
            simulator=await discord.overview(),
            restarts=sum(pod.restarts for pod in dev.pods()),
            clock_error_ms=offset.error_ns / 1e6,
        )
    )


def _check(seconds: float, rate: float, guilds: int) -> None:
    if seconds <= 0 or rate <= 0 or guilds <= 0:
        raise BenchFailedError("seconds, rate and guilds must be more than 0")
    plays = sum(use.name == "play" for use in CYCLE)
    if (most := rate / guilds * plays / len(CYCLE) / PEOPLE) > PLAYS_A_SECOND:
        fix = f"use at least {-(-guilds * most // PLAYS_A_SECOND):.0f} guilds"
        raise BenchFailedError(f"{rate:.0f}/s over {guilds} guilds would run into people's cool-downs: {fix}")


def _cluster(guilds: int) -> MusicCluster:
    shards = -(-guilds // GUILDS_A_SHARD)
    spec: dict[str, Any] = {
        "discord": {"tokenSecretRef": {"name": "discord-token"}},
        "shards": shards,
        "workers": {"shardsPerWorker": shards, "hotSpares": 0},
        "router": {"replicas": 1},
        "regions": [{"name": REGION, "nodes": 1, "voicePrefixes": [REGION]}],
        "tiers": [{"name": "free"}],
    }
    return validate(
        {
            "apiVersion": "segue.dev/v1alpha1",
            "kind": "MusicCluster",
            "metadata": {"name": "bench"},
            "spec": spec,
        }
    )


def register(app: cyclopts.App) -> None:
    """Add ``commands`` to the ``bench`` commands."""
    app.command(commands, name="commands")


def commands(
    *,
    seconds: float = 20.0,
    rate: float = 200.0,
    guilds: int = 200,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    enforce: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Measure commands on one worker: acknowledged, committed, and how soon a first song is heard.

    Args:
        seconds: How long commands are sent.
        rate: Commands a second, sent whether or not earlier ones were answered.
        guilds: How many guilds they come from.
        as_json: Print JSON for programs.
        enforce: Fail when a target is missed.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(run(seconds=seconds, rate=rate, guilds=guilds, say=_say))
    except BenchFailedError as error:
        _say(str(error))
        return 1
    except TimeoutError as error:
        _say(f"the cluster did not become ready: {error}")
        return 1
    sys.stdout.write((json.dumps(asdict(result)) if as_json else table(result)) + "\n")
    return int(not result.ok or (enforce and not result.met))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
