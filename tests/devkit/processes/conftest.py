"""Small real programs as pods, and a cluster to run them in."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from segue_devkit.processes import Backoff, ProcessCluster, Program, Programs
from segue_devkit.processes.programs import PYTHON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

SERVER = textwrap.dedent("""
    import http.server, os, signal, sys, threading, pathlib
    address, version = os.environ["POD_IP"], os.environ.get("VERSION", "1")
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            flag = pathlib.Path("sick" + self.path.replace("/", "-"))
            self.send_response(503 if flag.exists() else 200)
            self.end_headers()
            self.wfile.write(version.encode())
        def log_message(self, *_): pass
    server = http.server.ThreadingHTTPServer((address, 8080), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print("listening", os.environ.get("POD_NAME"), flush=True)
    server.serve_forever()
    print("bye", flush=True)
""")

Manifest = dict[str, Any]


class MakeWorkload(Protocol):
    """Builds a workload manifest."""

    def __call__(
        self,
        kind: str = "Deployment",
        name: str = "web",
        *,
        replicas: int = 1,
        code: str = SERVER,
        env: Mapping[str, str] | None = None,
        container: Mapping[str, Any] | None = None,
        pod: Mapping[str, Any] | None = None,
        spec: Mapping[str, Any] | None = None,
    ) -> Manifest: ...


@pytest.fixture(scope="session")
def workload() -> MakeWorkload:
    """Return a builder of Deployments and StatefulSets that run a Python program."""

    def build(
        kind: str = "Deployment",
        name: str = "web",
        *,
        replicas: int = 1,
        code: str = SERVER,
        env: Mapping[str, str] | None = None,
        container: Mapping[str, Any] | None = None,
        pod: Mapping[str, Any] | None = None,
        spec: Mapping[str, Any] | None = None,
    ) -> Manifest:
        variables: list[dict[str, Any]] = [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            *({"name": key, "value": value} for key, value in (env or {}).items()),
        ]
        probe = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
        main = {
            "name": "main",
            "image": "registry.example/test/python:3",
            "command": ["python", "-c", code],
            "env": variables,
            "ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": probe,
            **(container or {}),
        }
        more = {"serviceName": name} if kind == "StatefulSet" else {}
        return {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [main], "terminationGracePeriodSeconds": 5, **(pod or {})},
                },
                **more,
                **(spec or {}),
            },
        }

    return build


@pytest.fixture(scope="session")
def service() -> Callable[..., Manifest]:
    """Return a builder of Services."""

    def build(name: str = "web", app: str | None = None, port: int = 8080) -> Manifest:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": {"app": app or name}, "ports": [{"port": port}]},
        }

    return build


@pytest.fixture(scope="session")
def programs() -> Programs:
    """Return a table in which one image stands for this Python."""
    return Programs({"test/python": Program(executables={"python": PYTHON, "nothing": ("/nonexistent",)})})


@pytest.fixture
async def cluster(programs: Programs, tmp_path: Path) -> AsyncIterator[ProcessCluster]:
    """Return a cluster that is gone after the test."""
    backoff = Backoff(initial_s=0.3, longest_s=1.0)
    async with ProcessCluster("test", programs, root=tmp_path / "cluster", backoff=backoff) as running:
        yield running
