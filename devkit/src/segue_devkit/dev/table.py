"""The live table of pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from segue_devkit.processes import PodPhase

if TYPE_CHECKING:
    from segue_devkit.processes import PodStatus

_MINUTE, _HOUR = 60, 3600
_COLOURS = {
    PodPhase.PENDING: "yellow",
    PodPhase.RUNNING: "green",
    PodPhase.BACK_OFF: "red",
    PodPhase.TERMINATING: "magenta",
}


def pod_table(pods: tuple[PodStatus, ...], title: str, note: str = "") -> Table:
    """Return a table of pods as they are now."""
    table = Table(title=title, caption=note or None, title_justify="left", caption_justify="left")
    for name, justify in (
        ("pod", "left"),
        ("ready", "left"),
        ("phase", "left"),
        ("restarts", "right"),
        ("address", "left"),
        ("age", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=bool(name))
    for pod in pods:
        colour = "yellow" if pod.phase is PodPhase.RUNNING and not pod.ready else _COLOURS[pod.phase]
        table.add_row(
            pod.name,
            "yes" if pod.ready else "no",
            f"[{colour}]{pod.phase}[/]",
            str(pod.restarts),
            pod.address,
            age(pod.age_s),
            pod.message,
        )
    return table


def age(seconds: float) -> str:
    """Return an age as kubectl writes it: ``42s``, ``5m``, ``3h``."""
    if seconds < _MINUTE * 2:
        return f"{int(seconds)}s"
    return f"{int(seconds // _MINUTE)}m" if seconds < _HOUR * 2 else f"{int(seconds // _HOUR)}h"
