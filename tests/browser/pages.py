"""What the tests of the page share: waiting, and going where a thing is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Page

WAIT_S = 30.0
LOOK_MS = 50
NOTICE, BOX = "document.getElementById('notice')", "document.getElementById('composer-input')"


async def until(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's own wait evaluates text inside the page, which the page's policy forbids.
    """
    try:
        async with asyncio.timeout(WAIT_S):
            while not await page.evaluate(f"Boolean({expression})"):
                await page.wait_for_timeout(LOOK_MS)
    except TimeoutError:
        raise AssertionError(f"not within {WAIT_S:.0f} s: {expression}") from None


async def show(page: Page, view: str) -> None:
    """On a phone, go to one of the views; on a desktop all of them are there."""
    tab = page.locator(f"#views [data-view={view}]")
    if await tab.is_visible():
        await tab.click()


async def ready(page: Page) -> None:
    """Wait until the page knows the bot's commands: it is opened before the bot has registered them."""
    await show(page, "chat")
    await page.get_by_role("combobox", name="Message").fill("/")
    await until(page, "document.querySelector('#suggestions [role=option]')")


async def ask(page: Page, text: str) -> None:
    """Type a command and send it, again if the bot could not take it; wait until the box is empty."""
    await ready(page)
    box = page.get_by_role("combobox", name="Message")
    await box.fill(text)
    async with asyncio.timeout(WAIT_S):
        while await box.input_value():
            await box.press("Enter")
            await until(page, f"!{NOTICE}.hidden || !{BOX}.value")


async def play(page: Page, song: str, title: str) -> None:
    """Have a song playing here, asked for again if that was too soon after the last command."""
    async with asyncio.timeout(WAIT_S):
        while title not in await page.locator("#sink").inner_text():
            known = await page.locator(".message.ephemeral").count()
            await ask(page, f"/play {song}")
            await until(page, f"document.querySelectorAll('.message.ephemeral .embed').length > {known}")
            if "Try that again" in await page.locator(".message.ephemeral").last.inner_text():
                await page.wait_for_timeout(1000)
                continue
            await until(page, f"document.getElementById('sink').textContent.includes({title!r})")
