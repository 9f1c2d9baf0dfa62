"""`python -m segue_devkit.lavalink`: a node that reads the configuration of a real one."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import Final

import uvloop

from segue_devkit.lavalink.config import ConfigError, NodeConfig, load
from segue_devkit.lavalink.node import Node

_SWITCH_S: Final = 0.0005
"""How long a thread may keep the interpreter from the sender, whose packets are due every 20 ms."""


async def _run(config: NodeConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    node = Node(config)
    try:
        await node.start()
        logging.getLogger("segue.lavalink").info("listening on %s:%s", config.address, node.port)
        await stop.wait()
    finally:
        await node.close()


def main() -> int:
    """Run until SIGTERM or SIGINT; 1 and one line if the configuration or the port can't be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.setswitchinterval(_SWITCH_S)
    try:
        config = load()
        uvloop.run(_run(config))
    except (ConfigError, OSError) as error:
        print(f"lavalink: {error}", file=sys.stderr)  # noqa: T201 - a command's last words
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
