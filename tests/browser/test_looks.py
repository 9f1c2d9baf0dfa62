"""The page looks right: desktop and phone, light and dark, with and without motion."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.async_api import Page, expect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
READABLE = 4.5
PAIRS = (
    ("ink", "panel"),
    ("ink", "bg"),
    ("dim", "panel"),
    ("dim", "bg"),
    ("dim", "soft"),
    ("dim", "tint"),
    ("dim", "field"),
    ("accent-ink", "accent"),
    ("mention", "soft"),
    ("mention", "tint"),
    ("ok", "bg"),
    ("bad", "bg"),
    ("ink", "warn"),
)
CONTRAST = """([front, back]) => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const [r, g, b] = style.getPropertyValue(`--${name}`).trim().slice(1).match(/../g)
      .map((two) => parseInt(two, 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [more, less] = [light(front), light(back)].sort((a, b) => b - a);
  return (more + 0.05) / (less + 0.05);
}"""
UNNAMED = """() => [...document.querySelectorAll('button, select, input, a')]
  .filter((one) => !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length))
  .map((one) => one.outerHTML)"""


async def _ask(page: Page, text: str) -> None:
    box = page.get_by_role("combobox")
    await box.fill(text)
    await box.press("Enter")
    await expect(box).to_have_value("")


async def _play(page: Page) -> None:
    """Have a song playing, another one waiting, and the switch on."""
    messages = page.locator("#messages")
    await expect(page.locator("#pods tr").first).to_be_attached()
    if "Now playing" not in await messages.inner_text():
        await _ask(page, "/play lantern waltz")
        await expect(page.locator("#sink dd").first).to_have_text("Lantern Waltz")
    if "Up next" not in await messages.inner_text():
        await _ask(page, "/play cinnamon street")
    await expect(messages).to_contain_text("Up next")
    await page.wait_for_function("document.querySelector('img.thumb')?.naturalWidth > 0")
    await page.get_by_role("switch", name="Listen").click()
    await page.wait_for_function("window.segueSound.played > 4 * 48000")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "options"), [("desktop", DESKTOP), ("phone", PHONE)])
async def test_nothing_overflows_and_everything_can_be_read(
    demo: Any,
    open_page: Callable[..., Awaitable[Page]],
    tmp_path: Path,
    device: str,
    options: dict[str, Any],
    scheme: Literal["light", "dark"],
) -> None:
    """No sideways scrolling, names for all controls, contrast of WCAG AA; a picture is kept.

    ``SEGUE_SCREENSHOTS`` names the folder for the pictures, as docs/images was made.
    """
    page = await open_page(demo.url, color_scheme=scheme, **options)
    await _play(page)
    size = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert size[0] <= size[1]
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(light.removeprefix("rgb(").split(",")[0]) > 128) is (scheme == "light")
    for pair in PAIRS:
        assert await page.evaluate(CONTRAST, pair) >= READABLE, pair
    assert await page.evaluate(UNNAMED) == []
    for control in ("Pause", "Skip", "Stop", "Leave voice", "Send"):
        await expect(page.get_by_role("button", name=control)).to_be_in_viewport()
    await expect(page.get_by_role("switch", name="Listen")).to_be_in_viewport()
    folder = Path(os.environ.get("SEGUE_SCREENSHOTS") or tmp_path)
    picture = folder / f"demo-{device}-{scheme}.png"
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(path=picture)
    assert picture.stat().st_size < 300_000


@pytest.mark.parametrize("width", [320, 360, 700, 901])
async def test_no_width_scrolls_sideways(
    demo: Any, open_page: Callable[..., Awaitable[Page]], width: int
) -> None:
    """Small phones, tablets and the narrowest desktop layout hold what they show."""
    page = await open_page(demo.url, viewport={"width": width, "height": 720})
    await expect(page.locator("#pods tr").first).to_be_attached()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.get_by_role("combobox").fill("/")
    await expect(page.get_by_role("option").first).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_without_motion_nothing_moves(demo: Any, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Who asked for less motion gets no animation and a meter that is one bar."""
    page = await open_page(demo.url, reduced_motion="reduce")
    await expect(page.locator("#voice-members li").first).to_be_attached()
    moving = "() => document.getAnimations().length"
    assert await page.evaluate(moving) == 0
    assert await page.locator(".knob").evaluate("one => getComputedStyle(one).transitionProperty") == "none"
