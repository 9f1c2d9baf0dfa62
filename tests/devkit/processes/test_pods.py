"""Pods as processes: environment, files, addresses, probes, restarts and endings."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from segue_devkit.processes import EventKind, PodPhase, ProcessCluster

if TYPE_CHECKING:
    from collections.abc import Callable

DUMP = textwrap.dedent("""
    import json, os, sys, time
    seen = {"env": dict(os.environ), "argv": sys.argv[1:], "file": None}
    if os.environ.get("CONFIG"):
        seen["file"] = open(os.environ["CONFIG"]).read()
    print(json.dumps(seen), flush=True)
    time.sleep(600)
""")
NO_PROBE: dict[str, Any] = {"readinessProbe": None}


async def _printed(cluster: ProcessCluster, workload: str) -> dict[str, Any]:
    await cluster.wait_for(lambda: any(pod.workload == workload and pod.ready for pod in cluster.pods()), 20)
    name = next(pod.name for pod in cluster.pods() if pod.workload == workload)
    async with asyncio.timeout(20):
        async for pod, line in cluster.follow_logs().follow():
            if pod == name and line.startswith("{"):
                return dict(json.loads(line))
    raise AssertionError


async def _get(address: str, path: str = "/") -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}:8080{path}") as answer:
        return answer.status, await answer.text()


async def test_a_pod_becomes_ready_and_answers_on_an_address_of_its_own(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]]
) -> None:
    """Two pods of a Deployment serve the same port at once, each on its own loopback address."""
    cluster.apply([workload(replicas=2)])
    await cluster.wait_ready(20)
    first, second = cluster.pods()
    assert first.address != second.address
    assert first.address.startswith("127.")
    assert await _get(first.address) == (200, "1")
    assert await _get(second.address) == (200, "1")


async def test_environment_arguments_and_files_are_as_the_manifest_says(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]], service: Callable[..., dict[str, Any]]
) -> None:
    """Secrets, ConfigMaps, pod fields, $(VAR), mount paths and names of Services all arrive resolved."""
    container = {
        **NO_PROBE,
        "args": ["--name", "$(POD_NAME)", "--conf", "/etc/app/app.conf", "$$(POD_NAME)"],
        "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "SET_"}],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
            {"name": "CONFIG", "value": "/etc/app/app.conf"},
            {"name": "URL", "value": "http://web.default.svc:8080/x"},
            {"name": "TARGETS", "value": "many:8080"},
        ],
        "volumeMounts": [{"name": "conf", "mountPath": "/etc/app"}],
    }
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"app.conf": "peer=web.default.svc.cluster.local:8080\n", "MODE": "x"},
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys"},
        "stringData": {"password": "hush"},
    }
    pod = {"volumes": [{"name": "conf", "configMap": {"name": "settings"}}]}
    cluster.apply(
        [
            config,
            secret,
            service("web"),
            service("many"),
            workload("StatefulSet", "web"),
            workload(name="many", replicas=2),
            workload(name="dump", code=DUMP, container=container, pod=pod),
        ]
    )
    seen = await _printed(cluster, "dump")
    name = next(pod.name for pod in cluster.pods() if pod.workload == "dump")
    web = cluster.address_of("web")
    assert seen["env"]["POD_NAME"] == name
    assert seen["env"]["POD_IP"] == cluster.address_of(name)
    assert seen["env"]["PASSWORD"] == "hush"
    assert seen["env"]["SET_MODE"] == "x"
    assert seen["env"]["URL"] == f"http://{web}:8080/x"
    assert len(seen["env"]["TARGETS"].split(",")) == 3, "both pods and the one a rollout adds"
    assert seen["argv"][:2] == ["--name", name]
    assert seen["argv"][3] == seen["env"]["CONFIG"]
    assert seen["argv"][4] == "$(POD_NAME)"
    assert seen["file"] == f"peer={web}:8080\n"
    assert Path(seen["env"]["CONFIG"]).stat().st_mode & 0o077 == 0


async def test_nothing_of_the_machine_leaks_into_a_pod(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable of the parent, such as a token, is not inherited."""
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    cluster.apply([workload(name="dump", code=DUMP, container=NO_PROBE)])
    seen = await _printed(cluster, "dump")
    assert "DISCORD_TOKEN" not in seen["env"]


async def test_a_killed_container_is_restarted_in_its_pod(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]]
) -> None:
    """SIGKILL: the same pod at the same address, ready again, with one restart more."""
    cluster.apply([workload()])
    await cluster.wait_ready(20)
    before = cluster.pods()[0]
    cluster.kill(before.name)
    await cluster.wait_for(lambda: cluster.pods()[0].restarts == 1 and cluster.pods()[0].ready, 20)
    after = cluster.pods()[0]
    assert (after.name, after.address) == (before.name, before.address)
    assert after.pid != before.pid


async def test_a_container_that_keeps_crashing_backs_off(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]]
) -> None:
    """The first restart is immediate, the next waits, and the pod says CrashLoopBackOff."""
    cluster.apply([workload(code="import sys; sys.exit(3)", container=NO_PROBE)])
    await cluster.wait_for(lambda: any(pod.phase is PodPhase.BACK_OFF for pod in cluster.pods()), 20)
    assert "exited with 3" in cluster.pods()[0].message
    kinds = [event.kind for event in cluster.history]
    assert kinds.index(EventKind.BACK_OFF) > kinds.index(EventKind.EXITED) + 1
    assert kinds.count(EventKind.STARTED) >= 2


async def test_a_program_that_cannot_be_executed_backs_off_too(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]]
) -> None:
    """A missing file is a crash with a message, not the end of the cluster."""
    cluster.apply([workload(container={**NO_PROBE, "command": ["nothing"]})])
    await cluster.wait_for(lambda: any(pod.phase is PodPhase.BACK_OFF for pod in cluster.pods()), 20)
    assert any("can't be executed" in event.message for event in cluster.history)


async def test_readiness_follows_the_probe_both_ways(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """A pod that answers 503 is taken out, and back in when it answers 200; it is not restarted."""
    cluster.apply([workload()])
    await cluster.wait_ready(20)
    name = cluster.pods()[0].name
    flag = tmp_path / "cluster" / "pods" / name / "work" / "sick-ready"
    flag.touch()
    await cluster.wait_for(lambda: not cluster.pods()[0].ready, 20)
    flag.unlink()
    await cluster.wait_for(lambda: cluster.pods()[0].ready, 20)
    assert cluster.pods()[0].restarts == 0


async def test_a_failing_liveness_probe_restarts_the_container(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """A container whose liveness probe fails up to its threshold is ended and started again."""
    probe = {"httpGet": {"path": "/live", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    cluster.apply(
        [workload(container={"livenessProbe": probe, "startupProbe": {**probe, "failureThreshold": 20}})]
    )
    await cluster.wait_ready(20)
    flag = tmp_path / "cluster" / "pods" / cluster.pods()[0].name / "work" / "sick-live"
    flag.touch()
    await cluster.wait_for(lambda: cluster.pods()[0].restarts > 0, 20)
    flag.unlink()
    assert any(event.kind is EventKind.UNHEALTHY and "503" in event.message for event in cluster.history)
    await cluster.wait_for(lambda: cluster.pods()[0].ready, 20)


@pytest.mark.parametrize(
    "probe",
    [
        {"tcpSocket": {"port": 8080}},
        {"exec": {"command": ["python", "-c", "import os; assert os.environ['POD_IP']"]}},
    ],
    ids=["tcp", "exec"],
)
async def test_other_probes(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]], probe: dict[str, Any]
) -> None:
    """A port that accepts, and a command that exits with 0, make a pod ready."""
    cluster.apply(
        [workload(container={"readinessProbe": {**probe, "periodSeconds": 1, "timeoutSeconds": 5}})]
    )
    await cluster.wait_ready(20)


async def test_a_grpc_probe_asks_the_health_service(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]]
) -> None:
    """A pod whose grpc.health.v1 service answers SERVING is ready."""
    code = textwrap.dedent("""
        import os, concurrent.futures, grpc
        from grpc_health.v1 import health, health_pb2, health_pb2_grpc
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        servicer = health.HealthServicer()
        servicer.set("music", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        server.add_insecure_port(os.environ["POD_IP"] + ":50051")
        server.start()
        server.wait_for_termination()
    """)
    probe = {"grpc": {"port": 50051, "service": "music"}, "periodSeconds": 1}
    cluster.apply([workload(code=code, container={"readinessProbe": probe})])
    await cluster.wait_ready(30)


async def test_init_containers_come_first_and_are_retried(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]]
) -> None:
    """The main container starts only after the init container succeeded, at its second attempt."""
    init = {
        "name": "init",
        "image": "test/python",
        "command": [
            "python",
            "-c",
            "import pathlib, sys; p = pathlib.Path('tried'); b = p.exists(); p.touch(); sys.exit(not b)",
        ],
    }
    cluster.apply([workload(pod={"initContainers": [init]})])
    await cluster.wait_ready(20)
    started = [event.message.split()[0] for event in cluster.history if event.kind is EventKind.STARTED]
    assert started == ["init", "init", "main"]


async def test_the_grace_period_is_given_and_ends(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]]
) -> None:
    """SIGTERM lets a program say goodbye; one that ignores it is killed when the grace period is over."""
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('{}', flush=True); time.sleep(600)"
    )
    cluster.apply(
        [
            workload(),
            workload(
                name="stubborn", code=stubborn, container=NO_PROBE, pod={"terminationGracePeriodSeconds": 1}
            ),
        ]
    )
    await _printed(cluster, "stubborn")
    await cluster.wait_ready(20)
    names = {pod.workload: pod.name for pod in cluster.pods()}
    cluster.delete()
    await cluster.wait_for(lambda: not cluster.pods(), 20)
    assert "bye" in cluster.tail(names["web"])
    endings = {event.pod: event.message for event in cluster.history if event.kind is EventKind.EXITED}
    assert endings[names["web"]].endswith("exited with 0")
    assert endings[names["stubborn"]].endswith("SIGKILL")


async def test_what_a_pod_started_ends_with_it(
    cluster: ProcessCluster, workload: Callable[..., dict[str, Any]]
) -> None:
    """A grandchild that stayed in the group is gone when its pod is killed."""
    code = (
        "import subprocess, sys, json, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(json.dumps({'grandchild': p.pid}), flush=True); time.sleep(600)"
    )
    cluster.apply([workload(name="parent", code=code, container=NO_PROBE)])
    grandchild = int((await _printed(cluster, "parent"))["grandchild"])
    os.kill(next(pod.pid for pod in cluster.pods() if pod.pid is not None), signal.SIGKILL)
    await cluster.wait_for(lambda: cluster.pods()[0].restarts == 1, 20)
    stat = Path(f"/proc/{grandchild}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
