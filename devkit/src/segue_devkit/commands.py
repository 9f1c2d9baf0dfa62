"""What devkit adds to the ``segue`` command: the entry point of group ``segue.commands``."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path  # noqa: TC003 - cyclopts reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import cyclopts

if TYPE_CHECKING:
    from collections.abc import Callable

_BENCHMARKS = (
    "segue_devkit.bench.commands",
    "segue_devkit.bench.router",
    "segue_devkit.bench.router_failover",
    "segue_devkit.bench.soak",
)
"""Modules whose ``register(bench)`` adds a benchmark."""

_DEMO = "segue_devkit.demo.command"
"""Module whose ``register(app)`` adds the demo."""


def dev(
    *,
    file: Annotated[Path, cyclopts.Parameter(name=["--file", "-f"])],
    json_lines: bool = False,
    logs: bool = False,
) -> int:
    """Run a MusicCluster on this machine until Ctrl-C, and follow its file when it changes.

    Exit codes: 0 ended as asked, 1 it can't run here, 2 the spec is wrong.

    Args:
        file: YAML file with one MusicCluster.
        json_lines: print one JSON object an event instead of the live table.
        logs: print what the pods print, each line with its pod's name, instead of the live table.
    """
    from segue_devkit.dev.command import run_dev  # noqa: PLC0415 - `segue --help` needs none of it

    return run_dev(file, json_lines=json_lines, logs=logs)


def register(app: cyclopts.App) -> None:
    """Add devkit's commands to the ``segue`` command."""
    app.command(dev)
    bench = cyclopts.App(name="bench", help="Measure Segue on this machine, with the whole distribution.")
    for module in _BENCHMARKS:
        _plug(module, bench)
    app.command(bench)
    _plug(_DEMO, app)


def _plug(module: str, app: cyclopts.App) -> None:
    if find_spec(module) is not None:
        register_with: Callable[[cyclopts.App], None] = import_module(module).register
        register_with(app)
