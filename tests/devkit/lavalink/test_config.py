"""The configuration: what a real node reads, and one clear line for what can't be used."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from segue_devkit.lavalink.config import ConfigError, load

if TYPE_CHECKING:
    from pathlib import Path

FULL = """
server: {port: 2444, address: 127.0.0.1}
lavalink:
  plugins: []
  server:
    password: "${NODE_PASSWORD:fallback}"
    sources: {youtube: false, http: false, local: true}
    filters: {karaoke: false}
    bufferDurationMs: 200
    frameBufferDurationMs: 1000
    playerUpdateInterval: 1
    trackStuckThresholdMs: 1500
"""


def test_reads_the_file_a_real_node_reads(tmp_path: Path) -> None:
    """Every honoured key, with a placeholder's default."""
    (tmp_path / "application.yml").write_text(FULL)
    config = load({}, tmp_path)
    assert (config.address, config.port, config.password) == ("127.0.0.1", 2444, "fallback")
    assert (config.http, config.local) == (False, True)
    assert (config.buffer_ms, config.frame_buffer_ms) == (200, 1000)
    assert (config.player_update_ms, config.stuck_ms) == (1000, 1500)
    assert config.disabled_filters == {"karaoke"}


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    """SERVER_PORT, SERVER_ADDRESS and LAVALINK_SERVER_PASSWORD win; SPRING_CONFIG_LOCATION names the file."""
    path = tmp_path / "other.yml"
    path.write_text(FULL)
    env = {
        "SPRING_CONFIG_LOCATION": f"file:{path}",
        "SERVER_PORT": "3000",
        "SERVER_ADDRESS": "127.1.2.3",
        "LAVALINK_SERVER_PASSWORD": "secret",
    }
    config = load(env, tmp_path)
    assert (config.address, config.port, config.password) == ("127.1.2.3", 3000, "secret")
    assert "secret" not in repr(config)


def test_defaults_are_a_real_nodes(tmp_path: Path) -> None:
    """Without a file, a password is enough."""
    config = load({"LAVALINK_SERVER_PASSWORD": "x"}, tmp_path)
    assert (config.port, config.buffer_ms, config.frame_buffer_ms) == (2333, 400, 5000)
    assert (config.player_update_ms, config.stuck_ms) == (5000, 10_000)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lavalink: {server: {password: x, bufferDurationMs: much}}", "bufferDurationMs is 'much'"),
        ("lavalink: {server: {password: x, sources: {http: maybe}}}", "neither true nor false"),
        ("server: {port: 70000}\nlavalink: {server: {password: x}}", "no port"),
        ("lavalink: {server: {password: '${NOWHERE}'}}", "NOWHERE"),
        ("lavalink: {server: {password: {a: b}}}", "a single value is wanted"),
        ("lavalink: {server: {}}", "lavalink.server.password is missing"),
        ("lavalink: [", "not valid YAML"),
        ("- a list", "a mapping is wanted"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    """The line names the place."""
    (tmp_path / "application.yml").write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load({}, tmp_path)
    assert complaint in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_location_that_is_not_there_is_refused_unless_optional(tmp_path: Path) -> None:
    """As Spring does."""
    with pytest.raises(ConfigError, match="does not exist"):
        load({"SPRING_CONFIG_LOCATION": str(tmp_path / "none.yml")}, tmp_path)
    env = {"SPRING_CONFIG_LOCATION": "optional:file:/none.yml", "LAVALINK_SERVER_PASSWORD": "x"}
    assert load(env, tmp_path).port == 2333


def test_an_additional_location_adds_to_the_usual_file(tmp_path: Path) -> None:
    """Its keys win, the others stay; the name of a missing file comes with the variable that named it."""
    (tmp_path / "application.yml").write_text(FULL)
    more = tmp_path / "more.yml"
    more.write_text("server: {port: 4000}")
    config = load({"SPRING_CONFIG_ADDITIONAL_LOCATION": f"file:{more}"}, tmp_path)
    assert (config.port, config.password) == (4000, "fallback")
    with pytest.raises(ConfigError, match="SPRING_CONFIG_ADDITIONAL_LOCATION"):
        load({"SPRING_CONFIG_ADDITIONAL_LOCATION": str(tmp_path / "none.yml")}, tmp_path)


def test_the_process_ends_with_that_line(tmp_path: Path) -> None:
    """Exit code 1 and one line, no traceback."""
    (tmp_path / "application.yml").write_text("lavalink: {server: {}}")
    run = subprocess.run(
        [sys.executable, "-m", "segue_devkit.lavalink"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "lavalink.server.password is missing" in run.stderr
