"""``segue bench soak``: two minutes of ordinary use leave nothing behind, and what would is seen."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.bench.soak.crowd import Tally
from segue_devkit.bench.soak.fit import slope
from segue_devkit.bench.soak.people import QUEUE_FULL_ENOUGH, Doing, Room, next_act
from segue_devkit.bench.soak.report import MIB, Findings, plot, report, table
from segue_devkit.bench.soak.sample import ProcessFigures, Sample, Wrongs, error_said, kinds
from segue_devkit.bench.svg import ticks

RUN_TIMEOUT_S = 420
# A run this short is mostly warm-up: bounds that only a leak with every command would break.
RSS_MIB_PER_H = 3000
TASKS = 150
KEYS = 400
SVG = "{http://www.w3.org/2000/svg}"

pytestmark = pytest.mark.bench


@pytest.mark.timeout(RUN_TIMEOUT_S)
def test_two_minutes_of_ordinary_use_go_wrong_nowhere(tmp_path: Path) -> None:
    """Twenty servers on a whole cluster: everybody is answered, nothing says error, nothing runs away."""
    drawn = tmp_path / "soak.svg"
    command = [str(Path(sys.executable).parent / "segue"), "bench", "soak", "--minutes", "2", "--json"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SEGUE_", "DISCORD_"))}
    done = subprocess.run(
        [*command, "--out", str(drawn)], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["bench"] == "soak"
    assert found["ok"] is True, found["notes"]
    metrics: dict[str, float] = found["metrics"]
    assert metrics["errors"] == 0
    assert metrics["acts"] > 20
    assert metrics["rss_growth_mib_per_h"] < RSS_MIB_PER_H
    assert metrics["tasks_growth"] < TASKS
    assert metrics["redis_keys_growth"] < KEYS
    processes: dict[str, dict[str, float]] = found["processes"]
    workers = [figures for name, figures in processes.items() if "-worker-" in name]
    assert len(workers) == 3
    for figures in workers:
        assert figures["tasks_end"] > 0
        assert figures["rss_end_mib"] > 0
        assert figures["sockets_end"] > 0
    assert ET.parse(drawn).getroot().tag == f"{SVG}svg"  # noqa: S314 - written by us just now


@given(st.integers(min_value=-50, max_value=50), st.integers(min_value=0, max_value=9), st.randoms())
def test_a_fit_is_not_moved_by_a_few_wild_samples(true: int, wild: int, chance: random.Random) -> None:
    """Up to a fifth of the samples may be anything; the slope is that of the rest."""
    points = [(float(x), float(true * x)) for x in range(50)]
    for place in chance.sample(range(50), wild):
        points[place] = (points[place][0], chance.choice((-1e6, 1e6)))
    assert slope(points) == pytest.approx(true, abs=1e-6)


def test_a_fit_of_too_few_samples_claims_nothing() -> None:
    """No samples, one, or two at the same moment: no growth."""
    assert slope([]) == slope([(1.0, 2.0)]) == slope([(1.0, 2.0), (1.0, 9.0)]) == 0.0


def test_the_same_seed_does_the_same_and_all_of_it_occurs() -> None:
    """A run can be repeated; in the long run people do everything they can do."""
    assert _acts(7) == _acts(7)
    names = {name for seed in range(20) for name, _ in _acts(seed)}
    assert {
        "play",
        "skip",
        "pause",
        "resume",
        "volume",
        "queue",
        "nowplaying",
        "go",
        "come",
        "press",
    } <= names


def test_nobody_skips_what_is_not_there_or_fills_a_queue_without_end() -> None:
    """What people know stays sensible: never fewer than no songs, never more than enough."""
    room, chance = Room(), random.Random(3)
    for _ in range(2000):
        _, room = next_act(room, chance)
        assert 0 <= room.songs <= QUEUE_FULL_ENOUGH


def test_a_leak_is_told_from_a_plateau() -> None:
    """A worker that grows by a MiB a minute is found, and which; one that stays is not blamed."""
    result = report(_findings(leak=MIB))
    assert result.metrics["rss_growth_mib_per_h"] == pytest.approx(60, abs=1)
    assert result.processes["x-worker-a"]["rss_mib_per_h"] == pytest.approx(60, abs=1)
    assert result.processes["x-router-a"]["rss_mib_per_h"] == pytest.approx(0, abs=1)
    assert result.ok
    assert not result.met
    assert "target rss_growth_mib_per_h < 40: missed" in table(result)
    assert report(_findings(leak=0)).met


def test_what_went_wrong_makes_a_run_unsound_and_is_named() -> None:
    """A line of level error, a command without an answer: counted, shown, and the run is not ok."""
    found = _findings(leak=0)
    found.wrongs.lines["x-worker-a: it broke"] += 2
    found.tally.troubles.append("Server 1: play: timed out")
    result = report(found)
    assert not result.ok
    assert result.metrics["errors"] == 3
    assert "2 times x-worker-a: it broke" in result.notes
    assert "not answered: Server 1: play: timed out" in result.notes


def test_the_memory_of_databases_is_shown_and_not_summed() -> None:
    """Postgres fills its shared buffers, each process counting them: no growth of ours."""
    result = report(_findings(leak=0, database_leak=MIB))
    assert result.processes["x-postgres-0"]["rss_mib_per_h"] == pytest.approx(60, abs=1)
    assert result.metrics["rss_growth_mib_per_h"] == pytest.approx(0, abs=1)


def test_the_memory_of_simulators_is_a_figure_of_its_own() -> None:
    """What grows beside Segue is told, and not mistaken for Segue."""
    result = report(_findings(leak=0, sim_leak=MIB))
    assert result.metrics["rss_growth_mib_per_h"] == pytest.approx(0, abs=1)
    assert result.metrics["simulators_rss_growth_mib_per_h"] == pytest.approx(60, abs=1)


def test_only_errors_are_errors() -> None:
    """Warnings and what is no JSON are passed over; an error's event is told."""
    assert error_said('{"level": "error", "event": "it broke"}') == "it broke"
    assert error_said('{"level": "warning", "event": "hm"}') is None
    assert error_said('{"level": "err') is None
    assert error_said("[1]") is None
    assert error_said("plain words") is None


def test_keys_are_counted_by_kind() -> None:
    """Names differ in ids only: numbers are taken out, so that a growing kind is seen at once."""
    found = kinds([b"seg:{p1}:g:123:queue", b"seg:{p2}:g:456:queue", b"seg:topology"])
    assert found == Counter({"seg:#:g:#:queue": 2, "seg:topology": 1})


def test_a_plot_has_a_line_for_every_process() -> None:
    """Every service's memory is drawn; names are text that no name can break out of."""
    root = ET.fromstring(plot(_findings(leak=0)))  # noqa: S314 - written by us just now
    words = [each.text for each in root.iter(f"{SVG}text")]
    assert "worker-a" in words
    assert "router-a" in words
    assert "postgres-0" not in words


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_are_few_and_span_the_data(low: float, size: float) -> None:
    """An axis covers its values with a handful of round numbers, however flat they are."""
    marks = ticks(low, low + size)
    assert 2 <= len(marks) <= 8
    assert marks[0] <= low + 1e-3
    assert marks[-1] >= low + size - 1e-3


def _acts(seed: int) -> list[tuple[str, float]]:
    room, chance, done = Room(), random.Random(seed), []
    for _ in range(300):
        act, room = next_act(room, chance)
        done.append((act.name if act.doing is Doing.COMMAND else act.doing.value, act.pause_s))
    return done


def _findings(*, leak: float, database_leak: float = 0, sim_leak: float = 0) -> Findings:
    samples = [
        Sample(
            at_s=minute * 60.0,
            processes={
                "x-worker-a": ProcessFigures(int(100 * MIB + minute * leak), 20, 10, 50 + minute % 3),
                "x-router-a": ProcessFigures(60 * MIB, 20, 10, 9),
                "x-sim-discord-0": ProcessFigures(int(90 * MIB + minute * sim_leak), 30, 8),
                "x-postgres-0": ProcessFigures(int(50 * MIB + minute * database_leak), 30, 8),
            },
            redis_keys=300,
            redis_bytes=5 * MIB,
            restarts=0,
        )
        for minute in range(31)
    ]
    return Findings(
        seconds=1800,
        guilds=20,
        samples=samples,
        wrongs=Wrongs(),
        tally=Tally(),
        databases=("x-redis", "x-postgres"),
        own=("x-worker", "x-router"),
        new_keys={},
    )
