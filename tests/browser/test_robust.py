"""The page when things go wrong, on a simulator without a bot: words, and back again by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from playwright.async_api import Page, expect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.browser.site import Site

COMMANDS = [
    {
        "name": "play",
        "description": "Play",
        "options": [
            {"name": "query", "type": 3, "description": "Words", "required": True},
            {"name": "next", "type": 5, "description": "Before all others"},
        ],
    },
    {
        "name": "loop",
        "description": "Loop",
        "options": [
            {
                "name": "mode",
                "type": 3,
                "description": "What",
                "choices": [{"name": "This song", "value": "track"}, {"name": "Off", "value": "off"}],
            }
        ],
    },
    {
        "name": "filter",
        "description": "Filters",
        "options": [
            {
                "name": "set",
                "type": 1,
                "description": "Set",
                "options": [
                    {"name": "depth", "type": 4, "description": "How deep", "min_value": 0, "max_value": 9}
                ],
            },
            {"name": "clear", "type": 1, "description": "Clear"},
        ],
    },
    {"name": "stop", "description": "Stop"},
]
PROPOSALS = {
    "hello": [],
    "/": ["/play", "/loop", "/filter", "/stop"],
    "/P": ["/play"],
    "/stop ": [],
    "/play ": ["query: Words", "next: Before all others"],
    "/play tide tables": ["query: Words"],
    "/play query:tide ": ["next: Before all others"],
    "/play query:tide next:": ["yes", "no"],
    "/play query:tide next:y": ["yes"],
    "/play query:tide next:yes": [],
    "/loop mode:": ["This song", "Off"],
    "/loop mode:th": ["This song"],
    "/filter ": ["/filter set", "/filter clear"],
    "/filter set ": ["depth: How deep (0 to 9)"],
    "/nonsense x": [],
}
PROPOSE = """async ([commands, ...texts]) => {
  const { propose } = await import("/static/propose.js");
  const shown = ({ title, about }) => (about && !title.startsWith("/") ? `${title}: ${about}` : title);
  return texts.map((text) => propose(text, commands).items.map(shown));
}"""


async def test_the_page_comes_back_by_itself(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """A server that goes is said in words, what is sent meanwhile too; when it is back all goes on."""
    page = await open_page(site.url)
    await page.get_by_role("switch", name="Listen").click()
    await expect(page.locator("#voice-members")).to_contain_text("You")
    await expect(page.locator("#listen-status")).to_contain_text("Listening")
    await site.stop()
    await expect(page.locator("#connection")).to_contain_text("be reached")
    await expect(page.locator("#listen-status")).to_contain_text("cut off")
    await page.get_by_role("combobox", name="Message").fill("/play x")
    await page.get_by_role("combobox", name="Message").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("could not be sent")
    await expect(page.get_by_role("combobox", name="Message")).to_have_value("/play x")
    await site.start()
    await expect(page.locator("#connection")).to_be_empty()
    await expect(page.locator("#listen-status")).to_contain_text("Listening")
    await page.get_by_role("button", name="Leave voice").click()
    await expect(page.locator("#voice-members")).to_contain_text("Nobody is here.")


async def test_what_cannot_be_sent_is_explained_and_kept(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """A mistake is an alert by the message box, which keeps the text; the next success clears it."""
    page = await open_page(site.url)
    box = page.get_by_role("combobox", name="Message")
    await box.fill("/pley lantern")
    await box.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("There is no command /pley")
    await expect(box).to_have_value("/pley lantern")
    await page.get_by_role("button", name="Leave voice").click()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_markup_in_messages_stays_text(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Whatever is written is shown as written: no element, no script, no link but to the web."""
    page = await open_page(site.url)
    seat = site.world.seats[0]
    evil = "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1)) <t:99999999999999:R> <t:0:R> a\\*b"
    await seat.person.say(seat.guild.text_channel, evil)
    message = page.locator(".message .text")
    await expect(message).to_contain_text("<img src=x onerror=alert(1)> bold [x](javascript:alert(1))")
    await expect(message).to_contain_text("a*b")
    await expect(message.locator("strong")).to_have_text("bold")
    await expect(message.locator("time")).to_contain_text("years ago")
    assert await message.locator("img, a, script").count() == 0


async def test_many_pages_work_and_look_once(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Eight pages, more than a browser's connections to a host, are all live and share one look-up."""
    first = await open_page(site.url)
    pages = [first, *[await first.context.new_page() for _ in range(7)]]
    await asyncio.gather(*(page.goto(site.url) for page in pages[1:]))
    for page in pages:
        await expect(page.locator("#voice-members")).to_contain_text("You")
    await pages[-1].get_by_role("button", name="Leave voice").click()
    for page in pages:
        await expect(page.locator("#voice-members")).to_contain_text("Nobody is here.")
    feed = next(iter(site.server._guilds.values()))
    assert feed.watchers == len(pages)


async def test_options_and_choices_are_proposed(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """Sub-commands, options, their choices and bounds are offered where Discord's client offers them."""
    page = await open_page(site.url)
    found = await page.evaluate(PROPOSE, [COMMANDS, *PROPOSALS])
    assert dict(zip(PROPOSALS, found, strict=True)) == PROPOSALS
