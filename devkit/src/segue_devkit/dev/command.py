"""``segue dev``: runs a MusicCluster file until Ctrl-C, and follows it when it changes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

from segue_devkit.dev.cluster import DevCluster
from segue_devkit.dev.options import DevError, DevOptions
from segue_devkit.dev.table import pod_table
from segue_devkit.processes import ManifestError
from segue_operator.api import SpecError, load_file

if TYPE_CHECKING:
    from pathlib import Path

    from segue_operator.plan import Plan

_LOOK_S = 0.5

EXIT_OK, EXIT_FAILED, EXIT_BAD_SPEC = 0, 1, 2


@dataclass(slots=True)
class _View:
    """What a person or a machine is told."""

    json_lines: bool
    logs: bool
    console: Console = field(default_factory=Console)
    note: str = "Ctrl-C ends it and removes everything"

    def say(self, kind: str, message: str, **more: Any) -> None:
        if self.json_lines:
            print(json.dumps({"event": kind, "message": message, **more}), flush=True)  # noqa: T201 - its output
        elif self.logs:
            self.console.print(f"[bold]segue[/] {message}", highlight=False)
        else:
            self.note = message

    def problem(self, message: str) -> None:
        if self.json_lines:
            self.say("error", message)
        else:
            self.console.print(f"[red]{message}[/]", highlight=False)
            self.note = message


def run_dev(file: Path, *, json_lines: bool, logs: bool) -> int:
    """Run until Ctrl-C or SIGTERM and return the exit code: 0, 1 (can't run here) or 2 (bad spec)."""
    view = _View(json_lines, logs)
    try:
        cluster = load_file(file)
        options = DevOptions.from_environment()
    except SpecError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's last words
        return EXIT_BAD_SPEC
    except DevError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's last words
        return EXIT_FAILED
    return asyncio.run(_until_told(file, DevCluster(cluster, options), view))


async def _until_told(file: Path, dev: DevCluster, view: _View) -> int:
    """Run the cluster until a signal; whatever happens, its processes are ended."""
    running = asyncio.create_task(_serve(file, dev, view))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return EXIT_OK
    except (DevError, ManifestError, TimeoutError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's last words
        return EXIT_FAILED
    return EXIT_OK


async def _serve(file: Path, dev: DevCluster, view: _View) -> None:
    view.say("starting", f"starting {dev.wanted.name}")
    async with dev, asyncio.TaskGroup() as group:
        group.create_task(_show(dev, view))
        group.create_task(_tell_ready(dev, view))
        group.create_task(_follow(file, dev, view))


async def _show(dev: DevCluster, view: _View) -> None:
    if view.json_lines:
        async for event in dev.processes.events():
            print(json.dumps({"event": "pod", **asdict(event)}), flush=True)  # noqa: T201 - its output
    elif view.logs:
        async for pod, line in dev.processes.follow_logs().follow():
            view.console.print(f"[cyan]{pod}[/] ", end="")
            view.console.print(line, markup=False, highlight=False)
    else:
        with Live(console=view.console, auto_refresh=False) as live:
            while True:
                live.update(pod_table(dev.pods(), dev.wanted.name, view.note), refresh=True)
                await asyncio.sleep(_LOOK_S)


async def _tell_ready(dev: DevCluster, view: _View) -> None:
    """Say where everything is once it runs."""
    await dev.processes.wait_for(dev.processes.settled, timeout_s=float("inf"))
    where = {"logs": str(dev.processes.logs), "env": str(dev.write_environment()), "tunes": dev.tunes_url}
    if dev.simulates_discord:
        where["discord"] = dev.sim_url
    said = ", ".join(f"{name} {url}" for name, url in where.items() if name != "env")
    view.say("ready", f"ready: {said}; `. {where['env']}` lets `segue leases` and others find it", **where)


async def _follow(file: Path, dev: DevCluster, view: _View) -> None:
    """Reconcile whenever the file's content changes; an invalid change is shown and left out."""
    seen = _content(file)
    while True:
        await asyncio.sleep(_LOOK_S)
        content = _content(file)
        if content is None or content == seen:
            continue
        seen = content
        try:
            plan = await dev.update(load_file(file))
        except (SpecError, DevError, ManifestError) as error:
            view.problem(f"{error}\nnothing was changed")
        else:
            view.say("reconciled", f"reconciled: {_summary(plan)}", changes=_changes(plan))


def _content(file: Path) -> bytes | None:
    """Return a file's bytes, None while an editor is replacing it."""
    try:
        return file.read_bytes()
    except OSError:
        return None


def _changes(plan: Plan) -> list[dict[str, str]]:
    return [
        {
            "verb": action.verb.value,
            "object": str(action.ref),
            "reason": action.reason,
            "message": action.message,
        }
        for action in plan.changes
    ]


def _summary(plan: Plan) -> str:
    if not plan.changes:
        return "nothing to do"
    return "; ".join(f"{action.verb} {action.ref}: {action.message}" for action in plan.changes)
