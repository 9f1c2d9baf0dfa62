"""Pictures of the page for the documentation, from a running cluster.

``make pictures`` keeps them in docs/images; without SEGUE_SCREENSHOTS they go to the test's own folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages import ask, play, show, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
MOST_BYTES = 300_000
PATH = "document.querySelectorAll('#path b')"


async def _set_the_scene(page: Page) -> None:
    """Music in two servers, somebody else in voice, and a shard that has just changed hands."""
    await page.get_by_role("button", name="Night Drive").click()
    await play(page, "motorway stars", "Motorway Stars")
    await page.get_by_role("button", name="Vinyl Club").click()
    await page.get_by_role("combobox", name="You are").select_option("Ada")
    await page.get_by_role("button", name="Join voice").click()
    await expect(page.locator("#voice-members")).to_contain_text("Ada")
    await page.get_by_role("combobox", name="You are").select_option("You")
    await play(page, "lantern waltz", "Lantern Waltz")
    await page.get_by_role("combobox", name="You are").select_option("Ada")
    await ask(page, "/play cinnamon street")
    await expect(page.locator("#messages")).to_contain_text("Up next")
    await page.get_by_role("combobox", name="You are").select_option("You")
    await until(page, f"/-\\d/.test({PATH}[1].textContent)")
    worker = await page.locator("#path b").nth(1).inner_text()
    await page.get_by_role("button", name=f"Kill worker-{worker}", exact=True).click()
    await expect(page.locator("#lately")).to_contain_text("resumed in")
    await expect(page.locator("#lately")).to_contain_text(f"worker-{worker} ready")


@pytest.mark.timeout(300)
async def test_pictures_are_taken_and_small(
    demo: Any, open_page: Callable[..., Awaitable[Page]], tmp_path: Path
) -> None:
    """Desktop and phone, light and dark, each small enough to be kept with the documentation."""
    folder = Path(os.environ.get("SEGUE_SCREENSHOTS") or tmp_path)
    first = await open_page(demo.url, **DESKTOP)
    await _set_the_scene(first)
    await first.context.close()
    for scheme in ("dark", "light"):
        page = await open_page(demo.url, color_scheme=scheme, **DESKTOP)
        await page.get_by_role("switch", name="Listen").click()
        await until(page, "window.segueSound.played > 4 * 48000")
        await _picture(page, folder / f"demo-desktop-{scheme}.png")
        await page.context.close()
        page = await open_page(demo.url, color_scheme=scheme, **PHONE)
        await expect(page.locator("#messages")).to_contain_text("Now playing")
        await _picture(page, folder / f"demo-phone-{scheme}.png")
        await show(page, "cluster")
        await until(page, "document.querySelectorAll('#lately time').length > 2")
        await _picture(page, folder / f"demo-phone-cluster-{scheme}.png")
        await page.context.close()


async def _picture(page: Page, file: Path) -> None:
    await until(page, "[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(path=file)
    assert file.stat().st_size < MOST_BYTES
