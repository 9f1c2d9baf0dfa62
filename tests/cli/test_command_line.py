"""The command line: what it prints, to whom, and with which exit code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from segue_cli.__main__ import run
from segue_core.events import CommandApplied, DomainEvent, TrackEnded
from segue_core.ids import CommandId, EventId, GuildId, OwnerId, UserId
from segue_core.models import Track
from segue_core.redis.cache import Cache, CacheKind
from segue_core.redis.leases import LeasePlane, WorkerBeat

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_core.store import Store

ROOT = Path(__file__).resolve().parents[2]
LAPTOP = str(ROOT / "examples" / "01-laptop.yaml")
GUILD = GuildId(1 << 60)
NOWHERE_PG, NOWHERE_REDIS = "postgresql://u:hidden@127.0.0.1:1/x", "redis://:hidden@127.0.0.1:1"


def _segue(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("SEGUE_")}
    command = [sys.executable, "-m", "segue_cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


def test_examples_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    """Every example in examples/ is a valid MusicCluster."""
    files = sorted((ROOT / "examples").glob("*.yaml"))
    assert files
    for file in files:
        assert run(["validate", "-f", str(file)]) == 0
    assert "laptop is a valid MusicCluster" in capsys.readouterr().out


def test_a_wrong_spec_is_exit_code_2_with_a_line_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Problems go to standard error for a person, and are JSON for a program."""
    file = tmp_path / "music.yaml"
    wrong = Path(LAPTOP).read_text(encoding="utf-8").replace("hotSpares: 1", "hotSpare: -1")
    file.write_text(wrong, encoding="utf-8")
    for command in ("validate", "plan"):
        assert run([command, "-f", str(file)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert f"{file}:13: spec.workers.hotSpare: is not a field; did you mean hotSpares?" in captured.err
    assert run(["validate", "-f", str(file), "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert said["problems"][0]["path"] == "spec.workers.hotSpare"
    assert said["problems"][0]["line"] == 13


def test_a_plan_says_what_would_be_created_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    """Each object with its reason; no password is made up, or shown."""
    assert run(["plan", "-f", LAPTOP, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    workers = next(action for action in plan["actions"] if action["name"] == "laptop-worker")
    assert workers["verb"] == "create"
    assert workers["message"] == "3 pods: 2 for 2 shards at 1 each, 1 hot spare"
    assert workers["manifest"]["kind"] == "Deployment"
    assert all(action["manifest"] is None for action in plan["actions"] if action["kind"] == "Secret")
    assert plan["topology"]["num_shards"] == 2
    assert run(["plan", "-f", LAPTOP]) == 0
    assert "publishes topology generation 1: 2 shards, 2 regions, 2 nodes" in capsys.readouterr().out


def test_the_command_is_installed_with_the_devkits_commands() -> None:
    """`segue --help` lists its own commands and those that plug in; `segue version` is a release."""
    shown = _segue("--help")
    assert shown.returncode == 0
    for command in [
        "validate",
        "plan",
        "settings",
        "history",
        "audit",
        "events",
        "songs",
        "leases",
        "nodes",
        "dev",
        "bench",
    ]:
        assert command in shown.stdout
    assert _segue("version").stdout.strip().count(".") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("validate",), 2, "file"),
        (("nonsense",), 2, "nonsense"),
        (("validate", "-f", "/none"), 2, "can't be read"),
        (("history", "x", "--postgres", NOWHERE_PG), 2, "int"),
        (("history", "0", "--postgres", NOWHERE_PG), 2, "GUILD"),
        (("songs", "--postgres", NOWHERE_PG), 1, "PostgreSQL can't be asked"),
        (("settings", "get", "1", "--postgres", NOWHERE_PG), 1, "PostgreSQL can't be asked"),
        (("settings", "set", "1", "volume", "--postgres", NOWHERE_PG), 2, "NAME=VALUE"),
        (("songs", "--postgres", "nonsense"), 1, "SEGUE_POSTGRES_DSN"),
        (("leases", "--redis", NOWHERE_REDIS), 1, "Redis can't be asked"),
        (("leases", "--redis", "http://x"), 2, "scheme"),
        (("leases", "--redis", NOWHERE_REDIS, "--cluster", "No!"), 2, "--cluster"),
    ],
)
def test_what_fails_is_said_in_a_line_without_traceback_or_password(
    arguments: tuple[str, ...],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit code 1: it could not be done; 2: what was asked for is wrong. One sentence on standard error."""
    for variable in ("SEGUE_POSTGRES_DSN", "SEGUE_REDIS_URL", "SEGUE_CLUSTER"):
        monkeypatch.delenv(variable, raising=False)
    assert run(arguments) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert "hidden" not in printed.err
    assert printed.out == ""


async def _filled(store: Store) -> None:
    track = Track(
        encoded="e", identifier="i", title="[bold]Song", author="A", length_ms=187_000, source="catalogue"
    )
    user = UserId(5)
    ended = TrackEnded(
        track=track, requester=user, channel=None, started_at=0, played_ms=61_000, reason="skipped"
    )
    applied = CommandApplied(user=user, command=CommandId("1"), name="skip", summary="skipped a song")
    await store.append_events(
        [
            DomainEvent(id=EventId("a" * 32), guild=GUILD, at=1_700_000_000_000, data=ended),
            DomainEvent(id=EventId("b" * 32), guild=GUILD, at=1_700_000_000_001, data=applied),
        ]
    )


async def test_what_postgres_keeps_is_shown(store: Store, postgres_dsn: str) -> None:
    """History, audit log and events of a server, as JSON with ids as text, and as tables."""
    await _filled(store)

    def shown(*arguments: str) -> Any:
        ended = _segue(*arguments, "--postgres", postgres_dsn, "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    history = shown("history", str(GUILD))
    assert [(row["title"], row["guild"], row["played_ms"]) for row in history] == [
        ("[bold]Song", str(GUILD), 61_000)
    ]
    assert shown("audit", str(GUILD))[0]["summary"] == "skipped a song"
    assert [row["kind"] for row in shown("events")] == ["track_ended", "command_applied"]
    assert [row["kind"] for row in shown("events", "--kind", "command_applied")] == ["command_applied"]
    table = _segue("history", str(GUILD), "--postgres", postgres_dsn).stdout
    assert "[bold]Song" in table
    assert "1:01 of 3:07" in table
    assert "no song was played yet" in _segue("songs", "--postgres", postgres_dsn).stdout


async def test_settings_are_changed_and_the_bot_is_told(
    postgres_dsn: str, store: Store, redis: RedisClient, keys: Keys, valkey_url: str
) -> None:
    """All given settings or none; a cached copy in Redis is forgotten."""
    cache = Cache(redis, keys)
    await cache.set(CacheKind.SETTINGS, str(GUILD), b"old")
    where = ("--postgres", postgres_dsn)
    told = ("--redis", valkey_url.replace("redis://", "redis+cluster://"), "--cluster", keys.cluster)
    ended = _segue("settings", "set", str(GUILD), "volume_limit=150", "dj_only_mode=true", *where, *told)
    assert ended.returncode == 0, ended.stderr
    assert (await store.settings_of(GUILD)).volume_limit == 150
    assert await cache.get(CacheKind.SETTINGS, str(GUILD)) is None
    refused = _segue("settings", "set", str(GUILD), "volume_limit=90", "volume=1", *where)
    assert refused.returncode == 2
    assert "did you mean" in refused.stderr
    read = json.loads(_segue("settings", "get", str(GUILD), *where, "--json").stdout)
    assert read["volume_limit"] == 150
    assert read["dj_only_mode"] is True


async def test_leases_show_who_holds_what(redis: RedisClient, keys: Keys, valkey_url: str) -> None:
    """Shards with owner and epoch, and the workers with what they hold."""
    plane = LeasePlane(redis, keys)
    owner = OwnerId("worker-0/boot")
    await plane.renew(WorkerBeat(owner=owner, capacity=2, zone="z"), {}, 500)
    held: set[int] = set()
    async with asyncio.timeout(15):
        while len(held) < 2:  # a plane that is new holds off for a while
            claims = await plane.claim(owner, 2, 2, 1, 500, 2)
            held |= {claimed.fence.shard for claimed in claims.claimed}
            await asyncio.sleep(0.02)
    arguments = ("leases", "--redis", valkey_url, "--cluster", keys.cluster)
    said = json.loads(_segue(*arguments, "--json").stdout)
    assert {lease["owner"] for lease in said["leases"]} == {owner}
    assert said["workers"][0]["capacity"] == 2
    assert "worker-0/boot" in _segue(*arguments).stdout


def test_ctrl_c_is_exit_code_130() -> None:
    """A command that is interrupted says so with the shell's own code."""
    code = "import segue_cli.__main__ as m, segue_cli.spec as s, os, signal\n"
    # Whoever runs the tests in the background of a shell leaves SIGINT ignored.
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "def stop(_): os.kill(os.getpid(), signal.SIGINT)\n"
    code += f"s.load_file = stop\nraise SystemExit(m.run(['validate', '-f', {LAPTOP!r}]))\n"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode in {130, -signal.SIGINT}, ended.stderr
