"""The committed stubs are what the sources say, and the tool that promises it notices when not."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segue_protos.router.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "protos" / "generate.py"


@pytest.fixture(name="tool", scope="module")
def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("segue_protos_generate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="package")
def _package(tmp_path: Path) -> Path:
    """Return a copy of the committed package that a test may damage."""
    copy = tmp_path / "segue_protos"
    shutil.copytree(ROOT / "protos" / "src" / "segue_protos", copy)
    return copy


def test_committed_stubs_match_the_sources(tool: ModuleType) -> None:
    """Who edits a .proto and forgets to generate is told so before it is merged."""
    assert tool.drift(tool.PACKAGE) == []


def test_check_fails_and_names_a_stale_file(package: Path) -> None:
    """--check exits 1, names the stale file and the command that mends it, and writes nothing."""
    stale = package / "router" / "v1" / "router_pb2.py"
    stale.write_text("# edited by hand\n")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check", "--package", str(package)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "stale: router/v1/router_pb2.py" in done.stderr
    assert "python protos/generate.py" in done.stderr
    assert stale.read_text() == "# edited by hand\n"


def test_drift_names_what_is_missing_and_what_is_left_over(tool: ModuleType, package: Path) -> None:
    """A deleted stub and the stub of a deleted source are both drift."""
    (package / "router" / "v1" / "router_pb2_grpc.pyi").unlink()
    (package / "router" / "v1" / "gone_pb2.py").write_text("")
    assert tool.drift(package) == [
        "missing: router/v1/router_pb2_grpc.pyi",
        "left over: router/v1/gone_pb2.py",
    ]


def test_write_mends_the_package(tool: ModuleType, package: Path) -> None:
    """One command makes the package right again, whatever was damaged."""
    (package / "router" / "v1" / "router_pb2.pyi").write_text("nonsense")
    (package / "router" / "v1" / "gone_pb2_grpc.py").write_text("")
    tool.write(package)
    assert tool.drift(package) == []


def test_stubs_speak_of_the_published_package_and_service() -> None:
    """The wire names do not follow the Python package's name: every language sees segue.router.v1."""
    assert router_pb2.DESCRIPTOR.package == "segue.router.v1"
    service = router_pb2.DESCRIPTOR.services_by_name["AudioRouter"]
    placing = {"Place", "Replace", "Release", "Watch", "ListNodes"}
    assert {method.name for method in service.methods} == {*placing, "Cordon", "Uncordon", "Drain"}
    assert hasattr(router_pb2_grpc, "AudioRouterStub")
