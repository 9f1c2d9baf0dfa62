"""What a run of ``segue bench commands`` found, summed up. Times are milliseconds, CPU is seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from segue_devkit.bench.costs import ITSELF
from segue_devkit.bench.load import Sent
from segue_devkit.discord.client import SimOverview
from segue_devkit.figures import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable


ACK_P99_MS = 100.0
COMMIT_P99_MS = 250.0
FIRST_AUDIO_P99_MS = 1000.0
KEPT_PACE = 0.95
"""A run that sent less than this share of its rate measured the machine, not the worker."""
_SHOWN_TROUBLES = 3
_PERCENTILES = {"p50": 0.50, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsBench:
    """``ok``: the pace was kept, every command was answered, and what changes something was committed.

    Whether the targets were met is another question.
    """

    bench: str = "commands"
    ok: bool
    metrics: dict[str, float]
    targets: dict[str, dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether every target was met."""
        return all(bool(target["met"]) for target in self.targets.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The raw material. ``cpu_s`` is by workload, during the load alone."""

    rate: float
    sent: Sequence[Sent]
    first_audio_ms: Sequence[float]
    cpu_s: Mapping[str, float]
    cluster: str
    simulator: SimOverview
    restarts: int
    clock_error_ms: float

    def cpu_of(self, part: str) -> float:
        """Return the CPU seconds of a part of the cluster; ``part`` follows the cluster's name."""
        prefix = f"{self.cluster}-{part}"
        return sum(value for name, value in self.cpu_s.items() if name.startswith(prefix))


def report(found: Findings) -> CommandsBench:
    """Sum up a run."""
    counts, pace = _counts(found), _pace(found.sent)
    metrics = {
        **_distribution("ack", (one.ack_ms for one in found.sent)),
        **_distribution("commit", (one.commit_ms for one in found.sent)),
        **_distribution("answer", (one.answer_ms for one in found.sent)),
        **_distribution("first_audio", found.first_audio_ms),
        "commands_per_s": pace,
        **counts,
        **_shares(found),
        "simulator_loop_lag_p50_ms": found.simulator.loop_lag_p50_ms,
        "simulator_loop_lag_p99_ms": found.simulator.loop_lag_p99_ms,
        "sent_late_p99_ms": percentile([_late_ms(one) for one in found.sent], 0.99),
        "first_audios": float(len(found.first_audio_ms)),
    }
    kept = pace >= KEPT_PACE * found.rate
    return CommandsBench(
        ok=kept and not counts["lost"] and not counts["refused"] and not found.restarts,
        metrics={name: round(value, 3) for name, value in metrics.items()},
        targets={
            name: {"below": below, "met": 0.0 < metrics[name] < below}
            for name, below in (
                ("ack_p99_ms", ACK_P99_MS),
                ("commit_p99_ms", COMMIT_P99_MS),
                ("first_audio_p99_ms", FIRST_AUDIO_P99_MS),
            )
        },
        notes=_notes(found, pace, kept=kept),
    )


def table(result: CommandsBench) -> str:
    """Return a run for people to read."""
    lines = [f"{name:<30}{value:>12.3f}" for name, value in result.metrics.items()]
    for name, target in result.targets.items():
        lines.append(f"target {name} < {target['below']:g}: {'met' if target['met'] else 'missed'}")
    return "\n".join([*lines, *result.notes, "the run was sound" if result.ok else "the run was NOT sound"])


def _distribution(name: str, values: Iterable[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    return {f"{name}_{label}_ms": percentile(known, share) for label, share in _PERCENTILES.items()}


def _counts(found: Findings) -> dict[str, float]:
    """Count: accepted took effect or was read; refused was answered otherwise; lost has no (whole) answer."""
    accepted = refused = lost = 0
    for one in found.sent:
        if one.acked_ns is None or one.answered_ns is None:
            lost += 1
        elif one.step.use.changes and one.committed_ns is None:
            refused += 1
        else:
            accepted += 1
    return {"accepted": float(accepted), "refused": float(refused), "lost": float(lost)}


def _pace(sent: Sequence[Sent]) -> float:
    """Return how many commands a second reached the worker's gateway socket."""
    stamps = [one.sent_ns for one in sent if one.sent_ns is not None]
    took_s = (max(stamps) - min(stamps)) / 1e9 if stamps else 0.0
    return (len(stamps) - 1) / took_s if took_s else 0.0


def _shares(found: Findings) -> dict[str, float]:
    """Return CPU a command, and whose part of all CPU spent it was."""
    total = sum(found.cpu_s.values()) or 1.0
    commands = max(1, len(found.sent))
    parts = {
        "worker": found.cpu_of("worker"),
        "router": found.cpu_of("router"),
        "redis": found.cpu_of("redis"),
        "postgres": found.cpu_of("postgres"),
        "simulator": found.cpu_of("sim-"),
        "stand_in": found.cpu_of("lavalink"),
        "bench": found.cpu_s.get(ITSELF, 0.0),
    }
    shares = {f"share_{name}": value / total for name, value in parts.items()}
    return {"worker_cpu_ms": parts["worker"] / commands * 1000, "cpu_ms": total / commands * 1000, **shares}


def _late_ms(one: Sent) -> float:
    return 0.0 if one.sent_ns is None else max(0.0, (one.sent_ns - one.due_ns) / 1e6)


def _notes(found: Findings, pace: float, *, kept: bool) -> list[str]:
    notes = [
        "the simulator's limits on message edits are lifted; answers to interactions have none anyway",
        "its one worker holds several shards: each may send 120 times a minute, and a join is a send",
        "players are paused, but for the second between /skip and /pause of the mix",
        f"commits are stamped in whole ms, to their end; clocks agree to {found.clock_error_ms:.2f} ms",
        "shares are of the CPU that all processes of the run spent during the load",
    ]
    notes += list(dict.fromkeys(one.trouble for one in found.sent if one.trouble))[:_SHOWN_TROUBLES]
    uncommitted = [
        one.step.use.name
        for one in found.sent
        if one.answered_ns is not None and one.step.use.changes and one.committed_ns is None
    ]
    if uncommitted:
        notes.append(f"answered but not committed: {', '.join(sorted(set(uncommitted)))}")
    if not kept:
        notes.append(
            f"only {pace:.0f} commands/s of {found.rate:.0f}: the machine was busy with other things"
        )
    if found.restarts:
        notes.append(f"{found.restarts} restarts of processes during the run")
    return notes
