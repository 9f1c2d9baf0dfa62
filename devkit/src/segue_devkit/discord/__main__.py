"""``python -m segue_devkit.discord``: one simulator until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import uvloop
import yaml

from segue_devkit.discord.config import DEFAULT_REGIONS, DEFAULT_TOKEN, SimConfig
from segue_devkit.discord.simulator import Simulator


def _arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m segue_devkit.discord", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address of REST, gateway and /sim")
    parser.add_argument("--port", type=int, default=8300, help="0 takes a free one")
    parser.add_argument(
        "--tls-dir", type=Path, help="where ca.pem and truststore.p12 of the voice servers go"
    )
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="the bot token to accept")
    parser.add_argument("--bot-name", default="Segue")
    parser.add_argument("--voice-port", type=int, default=0, help="of every region; 0 takes free ones")
    parser.add_argument(
        "--region",
        action="append",
        metavar="NAME=ADDRESS",
        help="a voice region and its loopback address; given at least once, it replaces the defaults",
    )
    parser.add_argument("--config", type=Path, help="YAML with a map of knobs")
    return parser.parse_args(argv)


def _config(arguments: argparse.Namespace) -> SimConfig:
    """Raises ValueError naming what is wrong."""
    regions = dict(DEFAULT_REGIONS)
    if arguments.region:
        pairs = [each.partition("=") for each in arguments.region]
        if any(not name or not address for name, _, address in pairs):
            raise ValueError("--region wants NAME=ADDRESS")
        regions = {name: address for name, _, address in pairs}
    knobs: dict[str, object] = {}
    if arguments.config is not None:
        knobs = yaml.safe_load(arguments.config.read_text()) or {}
        if not isinstance(knobs, dict):
            raise ValueError(f"{arguments.config} must hold a map of knobs")
    return SimConfig(
        host=arguments.host,
        port=arguments.port,
        tls_dir=arguments.tls_dir,
        token=arguments.token,
        bot_name=arguments.bot_name,
        regions=regions,
        voice_port=arguments.voice_port,
        knobs=knobs,
    )


async def _run(config: SimConfig) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with Simulator(config) as simulator:
        print(f"discord simulator: {simulator.url}", flush=True)  # noqa: T201 - who starts it waits for this line
        for region, endpoint in simulator.voice.endpoints().items():
            print(f"voice region {region}: {endpoint}", flush=True)  # noqa: T201
        await stopped.wait()


def main() -> int:
    """Run until told to stop; 2 for a configuration that cannot work."""
    try:
        uvloop.run(_run(_config(_arguments())))
    except (ValueError, OSError) as error:
        print(f"discord simulator: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
