"""``segue bench commands`` measures what it says, and its answer has the promised shape."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from segue_devkit.bench.commands import run
from segue_devkit.bench.commands_report import Findings, report, table
from segue_devkit.bench.failure import BenchFailedError
from segue_devkit.bench.load import RedisOffset, Sent
from segue_devkit.bench.mix import CYCLE, Step, steps
from segue_devkit.discord.client import SimOverview

RUN_TIMEOUT_S = 240
GENEROUS_MS = 10_000
NS_PER_MS = 1_000_000

pytestmark = pytest.mark.bench


@pytest.mark.timeout(RUN_TIMEOUT_S)
def test_a_short_run_is_sound_and_prints_every_figure() -> None:
    """A few guilds for a few seconds: all is answered and committed, and the JSON is whole."""
    command = [str(Path(sys.executable).parent / "segue"), "bench", "commands"]
    options = ["--seconds", "3", "--rate", "6", "--guilds", "6", "--json"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SEGUE_", "DISCORD_"))}
    done = subprocess.run([*command, *options], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["bench"] == "commands"
    assert found["ok"] is True, found["notes"]
    metrics: dict[str, float] = found["metrics"]
    for name in ("ack", "commit", "answer", "first_audio"):
        p50, p99 = metrics[f"{name}_p50_ms"], metrics[f"{name}_p99_ms"]
        assert 0 < p50 <= p99 <= metrics[f"{name}_max_ms"] < GENEROUS_MS
    assert (metrics["accepted"], metrics["refused"], metrics["lost"]) == (18, 0, 0)
    assert metrics["first_audios"] == 6
    shares = [value for name, value in metrics.items() if name.startswith("share_")]
    assert len(shares) == 7
    assert sum(shares) == pytest.approx(1.0, abs=0.05)
    assert metrics["worker_cpu_ms"] > 0
    assert set(found["targets"]) == {"ack_p99_ms", "commit_p99_ms", "first_audio_p99_ms"}


async def test_a_run_that_cool_downs_would_spoil_is_not_begun() -> None:
    """Too few guilds for the rate: it says how many it takes, and starts nothing."""
    with pytest.raises(BenchFailedError, match="use at least 12 guilds"):
        await run(rate=200.0, guilds=5)


def test_every_change_of_the_mix_takes_effect_wherever_a_guild_begins() -> None:
    """A paused player with one song queued is never asked for what it has already or can't do."""
    guilds = 30
    playing, queued, volume, loop = [False] * guilds, [1] * guilds, [100] * guilds, ["off"] * guilds
    for step in islice(steps(guilds), guilds * len(CYCLE) * 3):
        one = step.stand
        match step.use.name:
            case "pause":
                assert playing[one]
                playing[one] = False
            case "loop":
                mode = str(step.use.options["mode"])
                assert mode != loop[one]
                loop[one] = mode
            case "play":
                queued[one] += 1
            case "skip":
                queued[one] -= 1
                assert queued[one] >= 0
                assert loop[one] == "off", "a looped queue would grow for ever"
                playing[one] = True
            case "volume":
                wanted = step.use.options["percent"]
                assert isinstance(wanted, int)
                assert wanted != volume[one]
                volume[one] = wanted


def test_commit_stamps_are_never_earlier_than_the_commit() -> None:
    """Redis gives whole milliseconds: the end of one is taken."""
    offset = RedisOffset(offset_ns=5 * NS_PER_MS, error_ns=10)
    assert offset.monotonic_ns(105) == 101 * NS_PER_MS


def test_a_command_without_an_answer_makes_a_run_unsound() -> None:
    """What was not answered is counted as lost, and why is told."""
    lost = Sent(_step("skip"), due_ns=0, id="3", sent_ns=2 * NS_PER_MS, trouble="/skip: not answered")
    result = report(_findings([*_sound(), lost]))
    assert not result.ok
    assert result.metrics["lost"] == 1
    assert "/skip: not answered" in result.notes


def test_a_change_that_was_not_committed_makes_a_run_unsound() -> None:
    """An answer alone is no commit: it was a refusal."""
    refused = Sent(_step("pause"), 0, id="3", sent_ns=1, acked_ns=2, answered_ns=3)
    result = report(_findings([*_sound(), refused]))
    assert not result.ok
    assert result.metrics["refused"] == 1
    assert "answered but not committed: pause" in result.notes


def test_a_missed_target_is_no_unsound_run() -> None:
    """Slow, but all there: the run is sound and says which target it missed."""
    slow = _findings(_sound(ack_ms=150))
    result = report(slow)
    assert result.ok
    assert not result.met
    assert not result.targets["ack_p99_ms"]["met"]
    assert result.targets["first_audio_p99_ms"]["met"]
    assert "target ack_p99_ms < 100: missed" in table(result)


def _sound(ack_ms: int = 5) -> list[Sent]:
    return [
        Sent(
            _step("volume"),
            due_ns=number * 10 * NS_PER_MS,
            id=str(number),
            sent_ns=number * 10 * NS_PER_MS,
            acked_ns=(number * 10 + ack_ms) * NS_PER_MS,
            answered_ns=(number * 10 + ack_ms + 20) * NS_PER_MS,
            committed_ns=(number * 10 + ack_ms + 10) * NS_PER_MS,
        )
        for number in range(3)
    ]


def _step(name: str) -> Step:
    return Step(stand=0, cycle=0, use=next(use for use in CYCLE if use.name == name))


def _findings(sent: list[Sent]) -> Findings:
    overview: dict[str, Any] = {
        "bot": {"id": "1", "name": "Segue"},
        "guilds": 1,
        "sessions": 1,
        "rest_calls": 1,
        "rest_invalid": 0,
        "commands": [],
        "voice_endpoints": {},
        "voice_connections": 0,
        "cpu_s": 1.0,
        "loop_lag_p50_ms": 0.0,
        "loop_lag_p99_ms": 1.0,
    }
    return Findings(
        rate=100.0,
        sent=sent,
        first_audio_ms=[80.0, 90.0],
        cpu_s={"bench": 0.5, "x-worker": 1.0, "x-sim-discord": 0.5},
        cluster="x",
        simulator=SimOverview.read(overview),
        restarts=0,
        clock_error_ms=0.01,
    )
