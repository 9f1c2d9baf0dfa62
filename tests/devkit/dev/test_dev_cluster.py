"""The whole system on this machine: from one file, with real servers, and nothing left at the end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from segue_core.redis import topology
from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_core.store import Store
from segue_devkit.dev import DevCluster, DevError, DevOptions
from segue_devkit.dev.programs import postgres_arguments
from segue_devkit.discord.client.sim import SimClient
from segue_operator.api import MusicCluster, load_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[3]
READY_S = 90


@pytest.fixture
def small() -> MusicCluster:
    """Return the first example with a single worker, router and region."""
    cluster = load_file(ROOT / "examples" / "01-laptop.yaml")
    spec = cluster.spec
    return cluster.with_spec(
        shards=1,
        workers=spec.workers.model_copy(update={"hot_spares": 0}),
        router=spec.router.model_copy(update={"replicas": 1}),
        regions=(spec.regions[0].model_copy(update={"distances": {}}),),
    )


async def test_everything_runs_from_one_spec_and_follows_it(small: MusicCluster) -> None:
    """Start, topology with addresses, data through each server, a kill, a change, a refusal, the end."""
    async with DevCluster(small, DevOptions()) as dev:
        await dev.wait_ready(READY_S)
        root, pids = dev.processes.logs.parent, [pod.pid for pod in dev.pods()]
        redis = connect(dev.redis_url, "test")
        try:
            published = await topology.read(redis, Keys(small.name))
            assert published is not None
            node = published.nodes[0]
            assert node.address == f"{dev.processes.address_of('laptop-lavalink-us-east-0')}:2333"
            assert "127.80.1." in published.regions[0].voice_prefixes
            async with await Store.open(dev.postgres_dsn) as store:
                assert await store.songs() == ()
            async with SimClient(dev.sim_url) as sim:
                assert (await sim.guild("Test")).text_channels

            before = next(pod for pod in dev.pods() if pod.workload == "laptop-lavalink-us-east")
            dev.kill(before.name)
            await dev.processes.wait_for(lambda: _restarts(dev, before.name) == 1, READY_S)
            await dev.wait_ready(READY_S)

            with pytest.raises(DevError, match="keeps its name"):
                await dev.update(small.model_copy(update={"metadata": _renamed(small)}))
            two = small.with_spec(regions=(small.spec.regions[0].model_copy(update={"nodes": 2}),))
            plan = await dev.update(two)
            assert [str(step.ref) for step in plan.changes] == ["StatefulSet/laptop-lavalink-us-east"]
            await dev.wait_ready(READY_S)
            again = await topology.read(redis, Keys(small.name))
            assert again is not None
            assert (again.generation, len(again.nodes)) == (2, 2)
        finally:
            await redis.aclose()
    assert not root.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids if pid is not None)


def _restarts(dev: DevCluster, name: str) -> int:
    return next(pod.restarts for pod in dev.pods() if pod.name == name)


def _renamed(cluster: MusicCluster) -> Any:
    return cluster.metadata.model_copy(update={"name": "other"})


async def _events(output: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    while line := await output.readline():
        yield json.loads(line)


async def test_segue_dev_follows_its_file_until_told_to_stop(small: MusicCluster, tmp_path: Path) -> None:
    """An invalid change is an error that changes nothing, a valid one is reconciled, Ctrl-C is exit 0."""
    file = tmp_path / "music.yaml"
    document = small.document()
    file.write_text(json.dumps(document), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "segue_cli", "dev", "-f", str(file), "--json-lines"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        said: list[str] = []
        async with asyncio.timeout(READY_S):
            async for event in _events(process.stdout):
                if event["event"] == "pod":
                    continue
                said.append(event["event"])
                if event["event"] == "ready":
                    assert "SEGUE_REDIS_URL" in Path(event["env"]).read_text(encoding="utf-8")
                    document["spec"]["shards"] = 0
                    file.write_text(json.dumps(document), encoding="utf-8")
                elif event["event"] == "error":
                    assert "spec.shards: must be at least 1 (got 0)" in event["message"]
                    document["spec"]["shards"] = 1
                    document["spec"]["router"]["replicas"] = 2
                    file.write_text(json.dumps(document), encoding="utf-8")
                elif event["event"] == "reconciled":
                    # The workers' list of routers is longer now.
                    assert {one["object"] for one in event["changes"]} == {"Deployment/laptop-router"}
                    process.send_signal(signal.SIGINT)
        assert said == ["starting", "ready", "error", "reconciled"]
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_database_that_only_a_cluster_has_is_asked_for(small: MusicCluster) -> None:
    """A spec that references a Secret for Redis runs here only when the environment says where Redis is."""
    document = small.document()
    document["spec"]["redis"] = {"urlSecretRef": {"name": "redis", "key": "url"}}
    referenced = MusicCluster.model_validate(document)
    with pytest.raises(DevError, match=r"spec\.redis\.urlSecretRef names a Secret .*SEGUE_REDIS_URL"):
        async with DevCluster(referenced, DevOptions()):
            pass


def test_options_come_from_the_environment() -> None:
    """A token replaces the simulator, a command line the stand-in; secrets are not shown."""
    env = {"DISCORD_TOKEN": "hush", "SEGUE_LAVALINK_COMMAND": "java -jar 'my node.jar'"}
    options = DevOptions.from_environment(env)
    assert options.discord_token == "hush"
    assert options.lavalink_command == ("java", "-jar", "my node.jar")
    assert "hush" not in repr(options)
    with pytest.raises(DevError, match="not a command line"):
        DevOptions.from_environment({"SEGUE_LAVALINK_COMMAND": "java 'x"})


def test_postgres_options_are_translated() -> None:
    """What the image takes as -c name=value, the embedded launcher takes in its own words."""
    args = ("-c", "listen_addresses=127.0.0.1", "-c", "port=5432", "-c", "fsync=off")
    assert postgres_arguments(args) == ("--host", "127.0.0.1", "--port", "5432", "--set", "fsync=off")
