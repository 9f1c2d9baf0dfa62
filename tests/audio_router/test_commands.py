"""What people type: ``segue nodes``, ``segue bench router``, ``python -m segue_router``."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import cyclopts
import pytest

from segue_cli import nodes as nodes_command
from segue_devkit.bench import router as bench
from segue_devkit.embedded.process import free_port
from segue_protos.router.v1 import router_pb2


def run_cli(*words: str) -> int:
    """Run a command line that has ``nodes`` alone, and return its exit code."""
    app = cyclopts.App(name="segue")
    nodes_command.register(app)
    with pytest.raises(SystemExit) as ended:
        app(list(words))
    return int(ended.value.code or 0)


async def test_nodes_shows_a_table_and_json(
    routers: Any, fake_node: Any, publish_nodes: Any, states: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same facts for people and for programs; a router that is away is passed over."""
    node = await fake_node()
    node.players = 4
    router = await routers.start()
    await publish_nodes({"us-east-0": node.address, "rotterdam-0": "127.0.0.1:1"}, capacity=50)
    await states(router, us_east_0="READY", rotterdam_0="DEAD")
    targets = f"127.0.0.1:{free_port('127.0.0.1')},{router.target}"
    assert await asyncio.to_thread(run_cli, "nodes", "--router", targets, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["topology_generation"] == 1
    assert [one["id"] for one in shown["nodes"]] == ["rotterdam-0", "us-east-0"]
    assert shown["nodes"][1] | {"state": "ready", "players": 4, "capacity": 50} == shown["nodes"][1]
    assert shown["nodes"][0]["probe_ms"] is None
    assert await asyncio.to_thread(run_cli, "nodes", "--router", router.target, "--region", "us-east") == 0
    table = capsys.readouterr().out
    assert "us-east-0" in table
    assert "rotterdam-0" not in table
    assert await asyncio.to_thread(run_cli, "nodes", "--router", router.target, "--region", "mars") == 1
    assert "none of the topology's regions" in capsys.readouterr().err


def test_nodes_says_why_no_router_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each router asked, exit code 1, no traceback."""
    target = f"127.0.0.1:{free_port('127.0.0.1')}"
    assert run_cli("nodes", "--router", target) == 1
    assert capsys.readouterr().err.startswith(f"{target}: ")


def test_a_state_of_a_newer_release_is_shown_as_unknown() -> None:
    """An enum value this release does not know is passed over, not fatal."""
    assert nodes_command.row(router_pb2.Node(id="x", state=99)).state == "unknown"  # type: ignore[arg-type]


def check_config(**env: str) -> subprocess.CompletedProcess[str]:
    """Judge an environment as an initContainer would."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    return subprocess.run(
        [sys.executable, "-m", "segue_router", "--check-config"],
        env={**clean, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_config_accepts_and_refuses() -> None:
    """A usable environment passes; a bad one names each variable, and shows no secret."""
    assert check_config(SEGUE_LAVALINK_PASSWORD="pa55").returncode == 0
    bad = check_config(SEGUE_GRPC_PORT="99999", SEGUE_REDIS_URL="http://user:pa55@host")
    assert bad.returncode == 2
    for name in ("SEGUE_LAVALINK_PASSWORD", "SEGUE_GRPC_PORT", "SEGUE_REDIS_URL"):
        assert name in bad.stderr
    assert "pa55" not in bad.stderr


async def test_the_bench_measures_a_sound_run() -> None:
    """A short run at a modest rate is answered in full, and says whose time it was."""
    result = await bench.run(seconds=1.0, rate=40.0, nodes=3)
    assert result.metrics["errors"] == 0
    assert result.metrics["places"] == 40
    assert result.metrics["place_p99_ms"] >= result.metrics["place_p50_ms"] > 0
    assert result.metrics["redis_mean_ms"] > 0
    assert result.metrics["router_own_mean_ms"] > 0
    assert result.metrics["ratio_to_echo"] > 0
    assert result.metrics["router_cpu_ms"] >= 0
    assert result.bench == "router"
