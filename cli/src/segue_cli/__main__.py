"""The ``segue`` command.

Exit codes, for every command: 0 done; 1 it could not be done (something can't be reached, or refused);
2 what was asked for is wrong (a spec, an option); 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

import cyclopts

from segue_cli import data, drains, leases, nodes, spec
from segue_cli.output import EXIT_WRONG, fail
from segue_cli.plugins import load_plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_INTERRUPTED = 130

HELP = """Run and look after Segue, a Discord music bot that does not stop the music.

Exit codes: 0 done, 1 it could not be done, 2 what was asked for is wrong, 130 interrupted.
"""


def build_app() -> cyclopts.App:
    """Return the command with everything that is installed plugged in."""
    release = installed_version("segue-cli")
    app = cyclopts.App(
        name="segue",
        help=HELP,
        version=release,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )

    def version() -> int:
        """Print the release that is installed."""
        sys.stdout.write(f"{release}\n")
        return 0

    app.command(version)
    for part in (spec, data, leases, nodes, drains):
        part.register(app)
    load_plugins(app)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = build_app()(tokens, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        return fail(str(error), EXIT_WRONG)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return result if isinstance(result, int) else 0


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run())


if __name__ == "__main__":
    main()
