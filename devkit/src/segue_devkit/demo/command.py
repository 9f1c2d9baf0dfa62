"""``segue demo``: everything from one spec, a page to use it on, or a check without a person."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts

from segue_devkit.demo.check import CheckResult, check
from segue_devkit.demo.cluster import ClusterSight
from segue_devkit.demo.server import DemoServer
from segue_devkit.demo.world import DemoWorld
from segue_devkit.dev.cluster import DevCluster
from segue_devkit.dev.options import DevError, DevOptions
from segue_devkit.discord.client import SimClient
from segue_devkit.processes import ManifestError
from segue_operator.api import SpecError, load_file

if TYPE_CHECKING:
    from segue_devkit.tunes.catalogue import Tune
    from segue_operator.api import MusicCluster

SPEC = Path("examples/01-laptop.yaml")
HOST = "127.0.0.1"
START_TIMEOUT_S = 180.0
OK, FAILED, BAD_SPEC = 0, 1, 2


def demo(
    *,
    file: Annotated[Path, cyclopts.Parameter(name=["--file", "-f"])] = SPEC,
    port: int = 8000,
    check: bool = False,
    json: bool = False,
) -> int:
    """Run a whole cluster on this machine, with a page on which to ask for songs and hear them.

    Exit codes: 0 it worked, 1 it did not, 2 the spec is wrong.

    Args:
        file: the MusicCluster to run.
        port: of the page; 0 takes a free one.
        check: no page: act as a person, listen, print the figures, and end.
        json: with --check, print the figures as one JSON object.
    """
    return run_demo(file, port, check_only=check, as_json=json)


def register(app: cyclopts.App) -> None:
    """Add the command."""
    app.command(demo)


def run_demo(file: Path, port: int, *, check_only: bool, as_json: bool) -> int:
    """Run until told to stop, or until checked; return the exit code."""
    try:
        cluster = load_file(file)
        options = DevOptions.from_environment()
    except (SpecError, DevError) as error:
        _say(str(error))
        return BAD_SPEC if isinstance(error, SpecError) else FAILED
    if options.discord_token is not None:
        _say("the demo needs the simulator: unset SEGUE_DISCORD_TOKEN and DISCORD_TOKEN, or use `segue dev`")
        return FAILED
    if options.lavalink_command:
        # A real node has no catalogue: it plays the same tunes by link, from this machine.
        cluster = _playing_from_here(cluster)
    dev = DevCluster(cluster, options)
    work = _checked(dev, as_json=as_json) if check_only else _shown(dev, port)
    return asyncio.run(_until_told(work))


async def _until_told(work: Any) -> int:
    running: asyncio.Task[int] = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    try:
        return await running
    except asyncio.CancelledError:
        return OK
    except (DevError, ManifestError, TimeoutError) as error:
        _say(str(error))
        return FAILED


async def _checked(dev: DevCluster, *, as_json: bool) -> int:
    async with dev:
        await _started(dev)
        async with SimClient(dev.sim_url) as discord:
            result = await check(discord, _regions(dev), _ask(dev), _say)
    if as_json:
        sys.stdout.write(json.dumps(asdict(result)) + "\n")
    else:
        _print(result)
    return OK if result.ok else FAILED


async def _shown(dev: DevCluster, port: int) -> int:
    async with dev:
        await _started(dev)
        async with SimClient(dev.sim_url) as discord:
            world = await DemoWorld.build(discord, _regions(dev))
            names = {guild.id: guild.name for guild in world.guilds.values()}
            async with ClusterSight(dev, names) as sight:
                await _served(dev, DemoServer(world, sight, (dev.tunes_url, dev.sim_url)), port)
    return OK


async def _served(dev: DevCluster, server: DemoServer, port: int) -> None:
    try:
        url = await _listen(server, port)
        _say(f"\n  open {url}\n  type /play and a few words, then press Listen. Ctrl-C ends it.\n")
        _say(f"  in another terminal: . {dev.write_environment()} && .venv/bin/segue nodes\n")
        await asyncio.Event().wait()
    finally:
        await server.close()


async def _listen(server: DemoServer, port: int) -> str:
    try:
        return await server.start(HOST, port)
    except OSError as error:
        raise DevError(f"port {port} is taken ({error.strerror}): choose another with --port") from error


async def _started(dev: DevCluster) -> None:
    _say(f"starting {len(dev.pods())} pods of {dev.wanted.name} …")
    ready = asyncio.create_task(dev.wait_ready(START_TIMEOUT_S))
    try:
        seen = ""
        while not ready.done():
            pods = dev.pods()
            line = f"  {sum(pod.ready for pod in pods)} of {len(pods)} pods are ready"
            if line != seen:
                _say(line)
                seen = line
            await asyncio.wait({ready}, timeout=0.5)
        await ready
    finally:
        ready.cancel()


def _regions(dev: DevCluster) -> tuple[str, ...]:
    return tuple(region.name for region in dev.cluster.spec.regions)


def _ask(dev: DevCluster) -> Any:
    if not dev.options.lavalink_command:
        return lambda tune: tune.title

    def link(tune: Tune) -> str:
        return f"{dev.tunes_url}/tunes/{tune.identifier}.wav"

    return link


def _playing_from_here(cluster: MusicCluster) -> MusicCluster:
    media = cluster.spec.media.model_copy(update={"allowed_private_networks": ("127.0.0.0/8",)})
    return cluster.model_copy(update={"spec": cluster.spec.model_copy(update={"media": media})})


def _print(result: CheckResult) -> None:
    for name, value in asdict(result).items():
        if value != "":
            shown = ", ".join(value) if isinstance(value, tuple) else value
            sys.stdout.write(f"{name:<18} {shown}\n")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
