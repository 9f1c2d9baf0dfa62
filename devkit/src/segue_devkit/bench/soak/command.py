"""``segue bench soak``: the whole cluster of a laptop, and the people of some servers in ordinary use.

Two workers and a spare, two routers, a node in each of two regions, Redis, PostgreSQL, the simulator and
the stand-in. What people do is seeded; Discord's limits are on. Times are seconds, sizes bytes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - cyclopts reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import uvloop
from cyclopts import Parameter

from segue_devkit.bench.failure import BenchFailedError
from segue_devkit.bench.scene import PEOPLE, Stand, until_registered
from segue_devkit.bench.soak.crowd import Tally, live
from segue_devkit.bench.soak.report import WARM_UP, Findings, SoakBench, plot, report, table
from segue_devkit.bench.soak.sample import UNREACHABLE, Sampler, redis_kinds
from segue_devkit.dev.cluster import DevCluster
from segue_devkit.dev.options import DevError, DevOptions
from segue_devkit.discord.client import SimClient, SimError
from segue_devkit.processes import ManifestError
from segue_operator.api.load import validate
from segue_operator.specs import Names

if TYPE_CHECKING:
    from collections.abc import Callable

    import cyclopts

    from segue_operator.api import MusicCluster

REGIONS = ("us-east", "eu-central")
START_TIMEOUT_S = 180.0
LONGEST_BETWEEN_SAMPLES_S = 10.0
SAMPLES = 180
"""A run takes so many, or more when they would be too far apart."""


async def run(
    *,
    minutes: float = 30.0,
    guilds: int = 20,
    seed: int = 1,
    say: Callable[[str], None] = lambda _: None,
    options: DevOptions | None = None,
) -> Findings:
    """Let the people of ``guilds`` live with the bot for ``minutes``; return what was seen.

    Raises:
        BenchFailedError: when something did not start, or ended in the middle.
    """
    if minutes <= 0 or guilds <= 0:
        raise BenchFailedError("minutes and guilds must be more than 0")
    try:
        async with DevCluster(_cluster(), DevOptions() if options is None else options) as dev:
            say("starting the cluster of a laptop")
            await dev.wait_ready(START_TIMEOUT_S)
            async with SimClient(dev.sim_url) as discord:
                stands = [await _stand(discord, number) for number in range(guilds)]
                await until_registered(stands[0])
                say(f"{guilds} servers are there; their people use the bot for {minutes:g} minutes")
                return await _soak(dev, discord, stands, seconds=minutes * 60, seed=seed)
    except ExceptionGroup as errors:
        raise BenchFailedError(_first_words(errors)) from errors
    except (DevError, ManifestError, SimError, *UNREACHABLE) as error:
        raise BenchFailedError(str(error) or type(error).__name__) from error


async def _soak(
    dev: DevCluster, discord: SimClient, stands: list[Stand], *, seconds: float, seed: int
) -> Findings:
    tally = Tally()
    async with Sampler(dev) as sampler:
        async with asyncio.TaskGroup() as group:
            sampling = group.create_task(sampler.run(min(LONGEST_BETWEEN_SAMPLES_S, seconds / SAMPLES)))
            async with asyncio.TaskGroup() as people:
                counting = people.create_task(_keys_after(dev, seconds * WARM_UP))
                for number, stand in enumerate(stands):
                    people.create_task(live(discord, stand, f"{seed}/{number}", seconds, tally))
            sampling.cancel()
        keys = await redis_kinds(dev.redis_url)
        keys.subtract(counting.result())
        names = Names.of(dev.cluster)
        return Findings(
            seconds=seconds,
            guilds=len(stands),
            samples=sampler.samples,
            wrongs=sampler.wrongs,
            tally=tally,
            databases=(names.redis, names.postgres),
            own=(names.worker, names.router),
            new_keys=keys,
        )


async def _keys_after(dev: DevCluster, seconds: float) -> dict[str, int]:
    await asyncio.sleep(seconds)
    return await redis_kinds(dev.redis_url)


async def _stand(discord: SimClient, number: int) -> Stand:
    guild = await discord.guild(f"Server {number}", region=REGIONS[number % len(REGIONS)])
    people = [await discord.person(f"Person {number}.{one}") for one in range(PEOPLE)]
    # In once and out again: who was never there is no member, and can't type a command.
    for person in people:
        await person.join(guild.voice_channel)
        await person.leave(guild)
    return Stand(guild, tuple(people))


def _cluster() -> MusicCluster:
    far = {REGIONS[0]: {REGIONS[1]: 90}, REGIONS[1]: {REGIONS[0]: 90}}
    spec: dict[str, Any] = {
        "discord": {"tokenSecretRef": {"name": "discord-token"}},
        "shards": 2,
        "workers": {"shardsPerWorker": 1, "hotSpares": 1},
        "router": {"replicas": 2},
        "regions": [
            {"name": name, "nodes": 1, "voicePrefixes": [name], "distances": far[name]} for name in REGIONS
        ],
        "tiers": [{"name": "free"}],
    }
    return validate(
        {
            "apiVersion": "segue.dev/v1alpha1",
            "kind": "MusicCluster",
            "metadata": {"name": "soak"},
            "spec": spec,
        }
    )


def _first_words(errors: ExceptionGroup[Exception]) -> str:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first) or type(first).__name__


def register(app: cyclopts.App) -> None:
    """Add ``soak`` to the ``bench`` commands."""
    app.command(soak, name="soak")


def soak(
    *,
    minutes: float = 30.0,
    guilds: int = 20,
    seed: int = 1,
    out: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    enforce: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Let people use a whole cluster for a while, and see what grows: memory, tasks, sockets, keys.

    Args:
        minutes: How long; a third of it is warm-up.
        guilds: How many servers.
        seed: The same seed does the same things.
        out: File for a plot of the run, SVG.
        as_json: Print JSON for programs.
        enforce: Fail when a target is missed.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(run(minutes=minutes, guilds=guilds, seed=seed, say=_say))
    except BenchFailedError as error:
        _say(str(error))
        return 1
    if out is not None:
        out.write_text(plot(found), encoding="utf-8")
    result: SoakBench = report(found)
    sys.stdout.write((json.dumps(asdict(result)) if as_json else table(result)) + "\n")
    return int(not result.ok or (enforce and not result.met))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
