"""A whole cluster with the page, and Chromium to use it with."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from segue_devkit.demo.world import DemoWorld
from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import SimConfig
from segue_devkit.discord.simulator import Simulator
from tests.browser.bot import Bot
from tests.browser.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
START_S = 150.0
STOP_S = 60.0
WAIT_MS = 30_000
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
INSTALL = "the browser tests need Chromium: sudo apt-get install chromium (or set SEGUE_CHROMIUM)"

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return where Chromium is."""
    found = os.environ.get("SEGUE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    if not os.access(found, os.X_OK):
        pytest.fail(INSTALL, pytrace=False)
    return found


@dataclass
class Demo:
    """A running ``segue demo``."""

    process: subprocess.Popen[str]
    said: list[str]
    opened: threading.Event

    @property
    def url(self) -> str:
        """The page's address, as the command printed it."""
        return next(word for line in self.said for word in line.split() if word.startswith("http://"))


@pytest.fixture(scope="session")
def demo(chromium: str) -> Iterator[Demo]:
    """Run the demo as a person would; at the end Ctrl-C ends it, with nothing left and exit code 0."""
    assert chromium
    command = (str(Path(sys.executable).with_name("segue")), "demo", "--port", "0")
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    running = Demo(process, [], threading.Event())
    reader = threading.Thread(target=_read, args=(running,), daemon=True)
    reader.start()
    try:
        running.opened.wait(START_S)
        if not any("open http://" in line for line in running.said):
            pytest.fail("the demo did not start: " + "".join(running.said)[-2000:], pytrace=False)
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        reader.join(STOP_S)
    assert code == 0, "".join(running.said)[-2000:]


def _read(running: Demo) -> None:
    assert running.process.stderr is not None
    for line in running.process.stderr:
        running.said.append(line)
        if "open http://" in line:
            running.opened.set()
    running.opened.set()


def _refused(text: str, errors: list[str]) -> None:
    """What the page's own policy forbids is an error of ours."""
    if "Content Security Policy" in text or "TrustedHTML" in text:
        errors.append(text)


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A simulator in this process."""
    knobs: dict[str, object] = {"identify_window_ms": 0}
    async with Simulator(SimConfig(tls_dir=tmp_path / "tls", knobs=knobs)) as running:
        yield running


@pytest.fixture
async def site(simulator: Simulator) -> AsyncIterator[Site]:
    """Serve the page of a simulator without a bot, in this process."""
    async with SimClient(simulator.url) as discord:
        running = await Site.open(await DemoWorld.build(discord, ("us-east",)))
        try:
            yield running
        finally:
            await running.stop()


@pytest.fixture
async def bot(simulator: Simulator, site: Site) -> AsyncIterator[Bot]:
    """A bot that answers with menus, forms and proposals, in the site's servers."""
    assert site.world.guilds
    async with Bot(f"{simulator.url}/api/v10") as running:
        yield running


@pytest.fixture
async def open_page(chromium: str) -> AsyncIterator[Callable[..., Awaitable[Page]]]:
    """Open an address in a fresh context (options as Playwright's); a script error fails the test."""
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))

        async def opened(url: str, **options: Any) -> Page:
            context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
            context.set_default_timeout(WAIT_MS)
            page = await context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: _refused(line.text, errors))
            await page.goto(url)
            return page

        try:
            yield opened
        finally:
            await browser.close()
    assert errors == []
