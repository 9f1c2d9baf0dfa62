"""What a run of ``segue bench soak`` found. Growth is fitted to what was sampled after the warm-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segue_devkit.bench.soak.crowd import Tally
from segue_devkit.bench.soak.fit import slope
from segue_devkit.bench.soak.sample import ProcessFigures, Sample, Wrongs
from segue_devkit.bench.svg import Panel, Series, chart

WARM_UP = 1 / 3
"""This share of a run is not fitted: caches fill, and code is met for the first time."""
LEAST_SAMPLES = 10
MIB = 1024 * 1024
HOUR_S = 3600.0
RSS_GROWTH_MIB_PER_H = 40.0
"""Of all workers and routers together: a pod of 1 GiB then lasts for days even if it never levelled off."""
SIMULATORS_MIB_PER_H = 300.0
"""Bounded, but slow to fill: events to replay, interactions of 15 minutes, messages, frames of songs."""
TASKS_GROWTH = 20.0
SOCKETS_GROWTH = 20.0
REDIS_KEYS_GROWTH = 40.0
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakBench:
    """``ok``: the cluster ran through, and nothing went wrong or unanswered. Growth is for the targets."""

    bench: str = "soak"
    ok: bool
    metrics: dict[str, float]
    targets: dict[str, dict[str, Any]]
    processes: dict[str, dict[str, float]]
    notes: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether every target was met."""
        return all(bool(target["met"]) for target in self.targets.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The raw material.

    ``databases`` begins the names of pods whose memory is their own business, ``own`` those of Segue's.
    """

    seconds: float
    guilds: int
    samples: Sequence[Sample]
    wrongs: Wrongs
    tally: Tally
    databases: tuple[str, ...]
    own: tuple[str, ...]
    new_keys: Mapping[str, int]

    @property
    def fitted(self) -> Sequence[Sample]:
        """The samples after the warm-up."""
        return [one for one in self.samples if one.at_s >= self.seconds * WARM_UP]

    @property
    def services(self) -> list[str]:
        """The pods that are no databases: Segue's, and the simulators."""
        names = {name for one in self.samples for name in one.processes}
        return sorted(name for name in names if not name.startswith(self.databases))


def report(found: Findings) -> SoakBench:
    """Sum up a run."""
    services = found.services
    own = [name for name in services if name.startswith(found.own)]
    others = [name for name in services if name not in own]
    unanswered = len(found.tally.troubles)
    restarts = found.samples[-1].restarts - found.samples[0].restarts if found.samples else 0
    errors = found.wrongs.total + unanswered + restarts
    enough = len(found.fitted) >= LEAST_SAMPLES
    metrics = {
        "rss_growth_mib_per_h": _per_s(found, lambda one: _rss(one, own)) * HOUR_S / MIB,
        "simulators_rss_growth_mib_per_h": _per_s(found, lambda one: _rss(one, others)) * HOUR_S / MIB,
        "tasks_growth": _growth(found, lambda one: sum(each.tasks or 0 for each in one.processes.values())),
        "fds_growth": _growth(found, lambda one: _sum(one, services, lambda each: each.fds)),
        "sockets_growth": _growth(found, lambda one: _sum(one, services, lambda each: each.sockets)),
        "redis_keys_growth": _growth(found, lambda one: one.redis_keys),
        "redis_growth_mib_per_h": _per_s(found, lambda one: one.redis_bytes) * HOUR_S / MIB,
        "errors": float(errors),
        "unanswered": float(unanswered),
        "restarts": float(restarts),
        "minutes": found.seconds / 60,
        "guilds": float(found.guilds),
        "acts": float(found.tally.done.total()),
        "samples": float(len(found.samples)),
    }
    return SoakBench(
        ok=enough and not errors,
        metrics={name: round(value, 3) for name, value in metrics.items()},
        targets={
            name: {"below": below, "met": metrics[name] < below}
            for name, below in (
                ("rss_growth_mib_per_h", RSS_GROWTH_MIB_PER_H),
                ("simulators_rss_growth_mib_per_h", SIMULATORS_MIB_PER_H),
                ("tasks_growth", TASKS_GROWTH),
                ("sockets_growth", SOCKETS_GROWTH),
                ("redis_keys_growth", REDIS_KEYS_GROWTH),
                ("errors", 1.0),
            )
        },
        processes={name: _process(found, name) for name in sorted(_names(found))},
        notes=_notes(found, enough=enough),
    )


def table(result: SoakBench) -> str:
    """Return a run for people to read."""
    lines = [f"{name:<28}{value:>12.3f}" for name, value in result.metrics.items()]
    columns = ("rss_start_mib", "rss_end_mib", "rss_mib_per_h", "fds_end", "sockets_end", "tasks_end")
    lines.append(f"{'process':<34}" + "".join(f"{one:>15}" for one in columns))
    for name, figures in result.processes.items():
        cells = (f"{figures[one]:>15.1f}" if one in figures else f"{'':>15}" for one in columns)
        lines.append(f"{name:<34}" + "".join(cells))
    for name, target in result.targets.items():
        lines.append(f"target {name} < {target['below']:g}: {'met' if target['met'] else 'missed'}")
    return "\n".join([*lines, *result.notes, "the run was sound" if result.ok else "the run was NOT sound"])


def plot(found: Findings) -> str:
    """Return the run as an SVG document: memory, tasks, sockets, and keys over minutes."""
    services = found.services

    def lines(names: Sequence[str], value: Callable[[ProcessFigures], float]) -> list[Series]:
        return [Series(_short(name, services), _over_minutes(found, name, value)) for name in names]

    telling = [
        name
        for name in services
        if any(name in one.processes and one.processes[name].tasks is not None for one in found.samples)
    ]
    keys = Series("keys", [(one.at_s / 60, float(one.redis_keys)) for one in found.samples])
    memory = Series("memory", [(one.at_s / 60, one.redis_bytes / MIB) for one in found.samples])
    title = f"{found.guilds} servers in ordinary use for {found.seconds / 60:g} minutes"
    return chart(
        title,
        "min",
        [
            Panel("Resident memory of each process", "MiB", lines(services, lambda one: one.rss_bytes / MIB)),
            Panel("Asyncio tasks", "tasks", lines(telling, lambda one: float(one.tasks or 0))),
            Panel("Open sockets", "sockets", lines(services, lambda one: float(one.sockets))),
            Panel("Redis keys", "keys", [keys]),
            Panel("Redis memory", "MiB", [memory]),
        ],
        mark_x=found.seconds * WARM_UP / 60,
    )


def _names(found: Findings) -> set[str]:
    return {name for one in found.samples for name in one.processes}


def _short(name: str, all_of: Sequence[str]) -> str:
    """Leave out what all names begin with."""
    head = name.split("-", 1)[0] + "-"
    return name.removeprefix(head) if all(one.startswith(head) for one in all_of) else name


def _over_minutes(
    found: Findings, name: str, value: Callable[[ProcessFigures], float]
) -> list[tuple[float, float]]:
    return [(one.at_s / 60, value(one.processes[name])) for one in found.samples if name in one.processes]


def _rss(sample: Sample, names: Sequence[str]) -> float:
    return _sum(sample, names, lambda each: each.rss_bytes)


def _sum(sample: Sample, names: Sequence[str], value: Callable[[ProcessFigures], float]) -> float:
    return sum(value(sample.processes[name]) for name in names if name in sample.processes)


def _per_s(found: Findings, value: Callable[[Sample], float]) -> float:
    return slope([(one.at_s, value(one)) for one in found.fitted])


def _growth(found: Findings, value: Callable[[Sample], float]) -> float:
    """Return the fitted growth over the time that was fitted."""
    if not found.fitted:
        return 0.0
    return _per_s(found, value) * (found.fitted[-1].at_s - found.fitted[0].at_s)


def _process(found: Findings, name: str) -> dict[str, float]:
    mine = [one.processes[name] for one in found.fitted if name in one.processes]
    if not mine:
        return {}
    per_s = slope(
        [(one.at_s, one.processes[name].rss_bytes) for one in found.fitted if name in one.processes]
    )
    first, last = mine[0], mine[-1]
    figures = {
        "rss_start_mib": first.rss_bytes / MIB,
        "rss_end_mib": last.rss_bytes / MIB,
        "rss_mib_per_h": per_s * HOUR_S / MIB,
        "fds_start": first.fds,
        "fds_end": last.fds,
        "sockets_start": first.sockets,
        "sockets_end": last.sockets,
    }
    if first.tasks is not None and last.tasks is not None:
        figures |= {"tasks_start": first.tasks, "tasks_end": last.tasks}
    return {key: round(float(value), 3) for key, value in figures.items()}


def _notes(found: Findings, *, enough: bool) -> list[str]:
    notes = [
        f"growth is fitted (Theil-Sen) after {WARM_UP:.0%} of the run; of tasks, sockets, keys over the rest",
        "rss_growth_mib_per_h is of workers and routers; redis_growth_mib_per_h is what Redis itself says",
    ]
    if not enough:
        notes.append(f"only {len(found.fitted)} samples after the warm-up: run it for longer")
    wrong = [*found.wrongs.lines.most_common(), *found.wrongs.counted.most_common()]
    notes += [f"{count} times {what}" for what, count in wrong[:_SHOWN]]
    notes += [f"not answered: {one}" for one in found.tally.troubles[:_SHOWN]]
    grown = sorted(((count, kind) for kind, count in found.new_keys.items() if count), reverse=True)
    notes += [f"keys since the warm-up: {count:+d} {kind}" for count, kind in grown[:_SHOWN]]
    return notes
