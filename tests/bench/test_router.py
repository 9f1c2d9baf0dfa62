"""``segue bench router`` measures what it says, and its answer has the promised shape."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN_TIMEOUT_S = 120
GENEROUS_MS = 10_000

pytestmark = pytest.mark.bench


@pytest.mark.timeout(RUN_TIMEOUT_S)
def test_a_short_run_is_sound_and_prints_every_figure() -> None:
    """A gentle second of calls: all are answered, and the JSON is whole."""
    command = [str(Path(sys.executable).parent / "segue"), "bench", "router"]
    options = ["--seconds", "1", "--rate", "40", "--json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["bench"] == "router"
    assert found["ok"] is True, found["notes"]
    metrics: dict[str, float] = found["metrics"]
    assert 0 < metrics["place_p50_ms"] <= metrics["place_p99_ms"] < GENEROUS_MS
    assert 0 < metrics["echo_p50_ms"] <= metrics["echo_p99_ms"] < GENEROUS_MS
    assert metrics["ratio_to_echo"] > 0
    assert metrics["places"] == 40
    assert metrics["errors"] == 0
    assert set(found["targets"]) == {"place_p99_ms"}


@pytest.mark.timeout(RUN_TIMEOUT_S)
def test_losing_a_node_breaks_no_bound() -> None:
    """Two rounds: everybody has a place, at home, and Redis itself says that no bound was broken."""
    command = [str(Path(sys.executable).parent / "segue"), "bench", "router-failover"]
    options = ["--players", "400", "--rounds", "2", "--json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["bench"] == "router-failover"
    assert found["ok"] is True, found["notes"]
    metrics: dict[str, float] = found["metrics"]
    assert 0 < metrics["batch_p50_ms"] <= metrics["batch_p99_ms"] < GENEROUS_MS
    assert 0 < metrics["one_batch_p50_ms"] <= metrics["one_batch_p99_ms"] < GENEROUS_MS
    assert metrics["players_lost"] == 40
    assert metrics["batches"] == 32
    for broken in ("bounds_broken", "capacities_broken", "on_the_lost_node", "off_region", "unplaced"):
        assert metrics[broken] == 0, broken
    assert found["targets"]["broken"]["met"] is True
