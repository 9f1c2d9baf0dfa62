"""``python -m segue_router``: run the audio router; ``--check-config`` only judges its environment."""

from __future__ import annotations

import argparse
import sys

import uvloop

from segue_core import garbage, logging
from segue_core.settings import BadSettingsError, load
from segue_router.app import serve
from segue_router.settings import RouterSettings

CONFIG_ERROR = 2


def main() -> int:
    """Run until asked to stop; 2 when the environment cannot be used, 1 when it cannot listen."""
    parser = argparse.ArgumentParser(
        prog="segue-router", description="Decides which node plays for which guild."
    )
    parser.add_argument("--check-config", action="store_true", help="judge the environment and exit")
    arguments = parser.parse_args()
    try:
        settings = load(RouterSettings)
    except BadSettingsError as error:
        sys.stderr.write(f"the router cannot start:\n{error}\n")
        return CONFIG_ERROR
    if arguments.check_config:
        sys.stdout.write("the configuration is valid\n")
        return 0
    logging.configure(settings)
    garbage.settle()
    try:
        uvloop.run(serve(settings))
    except (OSError, RuntimeError) as error:
        logging.get_logger(__name__).error("the router cannot listen", error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
