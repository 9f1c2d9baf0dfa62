"""Clusters of processes: rollouts, scale, what is refused, two at once, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from segue_devkit.processes import ManifestError, ProcessCluster, Programs
from segue_devkit.processes.dns import Dns, UnresolvedNameError

Make = Callable[..., dict[str, Any]]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def _versions(cluster: ProcessCluster) -> set[str]:
    async with aiohttp.ClientSession() as session:
        found = set()
        for pod in cluster.pods():
            async with session.get(f"http://{pod.address}:8080/") as answer:
                found.add(await answer.text())
        return found


async def test_a_changed_template_rolls_without_a_gap(cluster: ProcessCluster, workload: Make) -> None:
    """With maxUnavailable 0 two pods are ready at every moment of a rollout, and all are new after it."""
    rolling = {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
    cluster.apply([workload(replicas=2, spec=rolling)])
    await cluster.wait_ready(20)
    old = {pod.name for pod in cluster.pods()}
    fewest = 2

    async def count() -> None:
        nonlocal fewest
        async for _ in cluster.events():
            fewest = min(fewest, sum(pod.ready for pod in cluster.pods()))

    counting = asyncio.create_task(count())
    cluster.apply([workload(replicas=2, spec=rolling, env={"VERSION": "2"})])
    await cluster.wait_ready(30)
    counting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await counting
    assert fewest == 2
    assert not old & {pod.name for pod in cluster.pods()}
    assert await _versions(cluster) == {"2"}


async def test_a_broken_rollout_stops_at_its_budget(cluster: ProcessCluster, workload: Make) -> None:
    """A template that crashes never takes a working pod away; going back repairs it."""
    good = workload(replicas=2)
    cluster.apply([good])
    await cluster.wait_ready(20)
    kept = {pod.name for pod in cluster.pods()}
    cluster.apply([workload(replicas=2, code="raise SystemExit(1)")])
    await cluster.wait_for(lambda: any(pod.restarts >= 2 for pod in cluster.pods()), 20)
    assert kept <= {pod.name for pod in cluster.pods() if pod.ready}
    cluster.apply([good])
    await cluster.wait_ready(20)
    assert {pod.name for pod in cluster.pods()} == kept


async def test_scaling_and_deleting(cluster: ProcessCluster, workload: Make) -> None:
    """Replicas follow the manifest; a StatefulSet keeps its lowest ordinals, and its addresses."""
    cluster.apply([workload("StatefulSet", replicas=3)])
    await cluster.wait_ready(30)
    addresses = {pod.name: pod.address for pod in cluster.pods()}
    assert sorted(addresses) == ["web-0", "web-1", "web-2"]
    cluster.apply([workload("StatefulSet", replicas=1)])
    await cluster.wait_ready(30)
    assert {pod.name: pod.address for pod in cluster.pods()} == {"web-0": addresses["web-0"]}
    cluster.apply([workload("StatefulSet", replicas=2)])
    await cluster.wait_ready(30)
    assert cluster.address_of("web-1") == addresses["web-1"]
    cluster.delete(("StatefulSet", "default", "web"))
    await cluster.wait_for(lambda: not cluster.pods(), 30)


async def test_a_claim_outlives_its_pod(cluster: ProcessCluster, workload: Make) -> None:
    """What a StatefulSet's pod wrote to its volume is there for its successor of the same name."""
    code = textwrap.dedent("""
        import os, pathlib, time
        count = pathlib.Path(os.environ["DATA"], "starts")
        count.write_text(str(int(count.read_text() if count.exists() else 0) + 1))
        print("start", count.read_text(), flush=True)
        time.sleep(600)
    """)
    claims = {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    container = {"volumeMounts": [{"name": "data", "mountPath": "/var/data"}], "readinessProbe": None}
    for expected, version in enumerate(("1", "2"), start=1):
        env = {"DATA": "/var/data", "VERSION": version}
        cluster.apply([workload("StatefulSet", code=code, env=env, container=container, spec=claims)])
        await cluster.wait_ready(20)
        async with asyncio.timeout(10):
            async for _, line in cluster.follow_logs().follow():
                if line == f"start {expected}":
                    break


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pod": {"hostNetwork": True}}, "spec.template.spec.hostNetwork: is not honoured by processes"),
        ({"container": {"lifecycle": {}}}, "containers.0.lifecycle: is not honoured by processes"),
        ({"spec": {"minReadySeconds": 5}}, "spec.minReadySeconds: is not honoured by processes"),
        (
            {"container": {"image": "somebody/else:1"}},
            "image somebody/else:1: no local program stands for it",
        ),
        ({"container": {"command": ["bash"]}}, "has no such program here"),
        ({"env": {"URL": "http://nobody:80/"}}, "env URL: the name nobody leads to no Service or pod here"),
        ({"env": {"H": "db.default.svc:1"}}, "env H: the name db.default.svc leads to no Service"),
        ({"env": {"H": "127.0.0.1:1,db:2"}}, "env H: the name db leads to no Service"),
        (
            {
                "container": {
                    "env": [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "no", "key": "k"}}}]
                }
            },
            "env S: Secret no is not there",
        ),
        (
            {
                "container": {
                    "env": [{"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
                }
            },
            "env F: fieldRef spec.nodeName is not honoured",
        ),
        (
            {"pod": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}},
            "volumes.0.hostPath: is not honoured",
        ),
        ({"container": {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}}, "there is no volume v"),
    ],
)
async def test_what_cannot_be_honoured_is_refused_by_name(
    cluster: ProcessCluster, workload: Make, change: dict[str, Any], said: str
) -> None:
    """An unknown field, image, name or reference is an error that names it, and nothing is started."""
    with pytest.raises(ManifestError) as caught:
        cluster.apply([workload(), workload(name="odd", **change)])
    assert said in str(caught.value)
    assert cluster.pods() == ()
    assert cluster.settled()


async def test_other_kinds_and_other_ports_are_refused(
    cluster: ProcessCluster, workload: Make, service: Make
) -> None:
    """A kind this backend does not know, and a Service that changes the port, are named."""
    with pytest.raises(ManifestError, match="Job/x: this kind is not honoured"):
        cluster.apply([{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}}])
    moved = service()
    moved["spec"]["ports"] = [{"port": 80, "targetPort": "http"}]
    with pytest.raises(ManifestError, match="80 leads to http of the pods"):
        cluster.apply([workload(), moved])


def test_names_are_replaced_only_where_names_stand() -> None:
    """Longer names are not cut, words stay, lists become a pod each, several pods are no address."""
    dns = Dns(
        {
            "web": ("127.1.1.1",),
            "web.default.svc": ("127.1.1.1",),
            "db-0.db.default.svc": ("127.1.1.2",),
            "many": ("127.1.1.3", "127.1.1.4"),
        }
    )
    assert dns.resolve("http://web/ web web:80 my-web:x web.example.org") == (
        "http://127.1.1.1/ web 127.1.1.1:80 my-web:x web.example.org"
    )
    assert dns.resolve("redis://:p@db-0.db.default.svc:6379/0") == "redis://:p@127.1.1.2:6379/0"
    assert dns.resolve("many:1,web:2") == "127.1.1.3:1,127.1.1.4:1,127.1.1.1:2"
    assert dns.resolve("postgresql://user:pw@127.0.0.1:5432/web") == "postgresql://user:pw@127.0.0.1:5432/web"
    for text in ("http://many:80/", "xweb.default.svc", "http://other", "web.other.svc.cluster.local"):
        with pytest.raises(UnresolvedNameError):
            dns.resolve(text)


async def test_two_clusters_never_share_an_address(programs: Programs, workload: Make) -> None:
    """The same manifests run twice at once, on the same ports."""
    async with ProcessCluster("one", programs) as one, ProcessCluster("two", programs) as two:
        for cluster in (one, two):
            cluster.apply([workload(replicas=2)])
        await one.wait_ready(20)
        await two.wait_ready(20)
        addresses = [pod.address for cluster in (one, two) for pod in cluster.pods()]
    assert len(set(addresses)) == 4


@pytest.mark.parametrize("failing", [False, True], ids=["orderly", "exception"])
async def test_nothing_is_left_behind(programs: Programs, workload: Make, failing: bool) -> None:
    """At the end, exception or not, a cluster's processes and its folder are gone, stopped ones too."""
    with pytest.raises(RuntimeError) if failing else contextlib.nullcontext():
        async with ProcessCluster("brief", programs) as cluster:
            cluster.apply([workload(replicas=2)])
            await cluster.wait_ready(20)
            pids = [pod.pid for pod in cluster.pods() if pod.pid is not None]
            folder = cluster.logs.parent
            cluster.kill(cluster.pods()[0].name, signal.SIGSTOP)
            if failing:
                raise RuntimeError
    assert len(pids) == 2
    assert not any(_alive(pid) for pid in pids)
    assert not folder.exists()


async def test_pods_die_with_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL of the process that runs the cluster ends every pod."""
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent("""
            import asyncio, json, sys
            from pathlib import Path
            SLEEP = "import time; time.sleep(600)"
            from segue_devkit.processes import ProcessCluster, Program, Programs
            async def main():
                programs = Programs({"x": Program(executables={"python": (sys.executable,)})})
                main = {"name": "m", "image": "x", "command": ["python", "-c", SLEEP]}
                template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [main]}}
                spec = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template}
                body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
                body["spec"] = spec
                async with ProcessCluster("x", programs, root=Path(sys.argv[1])) as cluster:
                    cluster.apply([body])
                    await cluster.wait_ready(20)
                    print(json.dumps([pod.pid for pod in cluster.pods()]), flush=True)
                    await asyncio.sleep(600)
            asyncio.run(main())
        """)
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(tmp_path / "root"), stdout=subprocess.PIPE
    )
    try:
        assert parent.stdout is not None
        pids = json.loads(await asyncio.wait_for(parent.stdout.readline(), 30))
        assert all(_alive(pid) for pid in pids)
    finally:
        parent.kill()
        await parent.wait()
    async with asyncio.timeout(10):
        while any(_alive(pid) for pid in pids):  # noqa: ASYNC110 - the end of somebody else's child has no event
            await asyncio.sleep(0.05)


async def test_a_failure_of_the_cluster_itself_reaches_whoever_waits(
    cluster: ProcessCluster, workload: Make, tmp_path: Path
) -> None:
    """A disk that takes no pod's folder is an error of `wait_ready`, not a wait without end."""
    (tmp_path / "cluster" / "pods").write_text("a file where a folder should be")
    cluster.apply([workload()])
    with pytest.raises(OSError, match="pods"):
        await cluster.wait_ready(20)
