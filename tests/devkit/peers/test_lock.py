"""The lock file of the JavaScript clients."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from segue_devkit.peers import versions
from segue_devkit.peers.lock import without_addresses
from segue_devkit.peers.toolchain import PROJECT


@pytest.fixture
def lock() -> dict[str, Any]:
    """The committed lock file."""
    found: dict[str, Any] = json.loads((PROJECT / "package-lock.json").read_text())
    return found


def test_it_agrees_with_package_json(lock: dict[str, Any]) -> None:
    """Every dependency is pinned to one version, and that version is the locked one."""
    pinned = versions()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned.values()), pinned
    assert lock["packages"][""]["dependencies"] == pinned
    assert {name: lock["packages"][f"node_modules/{name}"]["version"] for name in pinned} == pinned


def test_the_documentation_names_these_versions() -> None:
    """The page about independent clients has a row for each, with the version that is tested."""
    page = (PROJECT.parents[1] / "docs" / "reference" / "clients.md").read_text()
    rows = dict(re.findall(r"^\| (\S+) \| ([\d.]+) \|", page, re.MULTILINE))
    assert {name: rows.get(name) for name in versions()} == versions()


def test_every_package_is_hashed(lock: dict[str, Any]) -> None:
    """Each package that npm installs is checked against a SHA-512, and none asks to run something."""
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert len(packages) > len(versions())
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert [path for path, package in packages.items() if package.get("hasInstallScript")] == []


def test_no_address_is_in_it(lock: dict[str, Any]) -> None:
    """Where packages are fetched is npm's setting: neither file names a host."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        assert "://" not in (PROJECT / name).read_text(), name
    assert without_addresses(lock) == lock


def test_addresses_are_taken_out() -> None:
    """What npm writes of addresses goes, all else stays."""
    package = {"version": "1.0.0", "integrity": "sha512-x", "engines": {"node": ">=20"}}
    addressed = {
        **package,
        "resolved": "https://mirror.example/a.tgz",
        "funding": {"url": "https://a.example"},
    }
    lock = {"name": "x", "lockfileVersion": 3, "packages": {"": {"name": "x"}, "node_modules/a": addressed}}
    expected = {**lock, "packages": {"": {"name": "x"}, "node_modules/a": package}}
    assert without_addresses(lock) == expected
