"""Commands of other packages: each entry point of group ``segue.commands`` is called with the app."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cyclopts

GROUP = "segue.commands"


def load_plugins(app: cyclopts.App) -> None:
    """Add the commands of every installed plugin. One that is broken is named, and costs only itself."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            register = entry.load()
        except ImportError as error:
            sys.stderr.write(f"segue: the commands of {entry.name} are missing: {error}\n")
            continue
        register(app)
