"""``python -m segue_worker``: run a shard worker; ``--check-config`` only judges its environment."""

from __future__ import annotations

import argparse
import sys

import uvloop

from segue_core import garbage, logging
from segue_core.settings import BadSettingsError, load
from segue_worker.app.worker import serve
from segue_worker.gateway.errors import FatalGatewayError
from segue_worker.settings import WorkerSettings

CONFIG_ERROR = 2
REFUSED = 3


def main() -> int:
    """Run until asked to stop.

    Returns 2 when the environment cannot be used, 3 when Discord refuses the bot, 1 when the
    health address cannot be listened on.
    """
    parser = argparse.ArgumentParser(prog="segue-worker", description="Holds gateway shards and plays.")
    parser.add_argument("--check-config", action="store_true", help="judge the environment and exit")
    arguments = parser.parse_args()
    try:
        settings = load(WorkerSettings)
    except BadSettingsError as error:
        sys.stderr.write(f"the worker cannot start:\n{error}\n")
        return CONFIG_ERROR
    if arguments.check_config:
        sys.stdout.write("the configuration is valid\n")
        return 0
    logging.configure(settings)
    log = logging.get_logger(__name__)
    garbage.settle()
    try:
        uvloop.run(serve(settings))
    except FatalGatewayError as error:
        log.error("the worker stops", why=str(error))  # noqa: TRY400 - the words say it, a traceback would hide them
        return REFUSED
    except OSError as error:
        log.error("the worker cannot listen", why=str(error))  # noqa: TRY400 - as above
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
