"""Everything a bot may ask of a person can be answered on the page, by mouse and by keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.browser.bot import Bot
    from tests.browser.site import Site

pytestmark = pytest.mark.usefixtures("bot")


async def _ready(page: Page) -> Locator:
    """Return the message box, once the page knows the bot's commands."""
    box = page.get_by_role("combobox", name="Message")
    await box.fill("/")
    await expect(page.locator("#suggestions").get_by_role("option")).to_have_count(4)
    return box


async def _ask(page: Page, text: str) -> Locator:
    """Type a command and send it; return the newest answer."""
    box = await _ready(page)
    await box.fill(text)
    await box.press("Enter")
    await expect(box).to_have_value("")
    return page.locator(".message.ephemeral").last


async def test_what_the_bot_proposes_is_offered_and_sent_by_its_value(
    site: Site, bot: Bot, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """Proposals come while one types; the one chosen shows its name, and the bot gets its value."""
    page = await open_page(site.url)
    box = await _ready(page)
    await box.fill("")
    await page.keyboard.type("/play lant")
    offered = page.locator("#suggestions").get_by_role("option")
    await expect(offered).to_have_count(2)
    await expect(offered.first).to_contain_text("Lantern Waltz")
    assert bot.completed[-1] == "lant"
    await page.keyboard.press("ArrowDown")
    await expect(offered.first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("/play query:Lantern Waltz ")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.ephemeral")).to_contain_text("playing tune:lantern waltz")


async def test_a_proposal_that_is_edited_is_text_again(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """What stands in the box counts, not what was chosen before."""
    page = await open_page(site.url)
    box = await _ready(page)
    await box.fill("/play query:tide")
    await expect(page.locator("#suggestions").get_by_role("option", name="Tide Tables")).to_be_visible()
    await page.locator("#suggestions").get_by_role("option", name="Tide Tables").click()
    await expect(box).to_have_value("/play query:Tide Tables ")
    await box.fill("/play query:Tide Tables live")
    await box.press("Enter")
    await expect(page.locator(".message.ephemeral")).to_contain_text("playing Tide Tables live")


async def test_a_menu_is_answered_by_mouse(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """It opens, shows what each choice is, and choosing tells the bot once."""
    page = await open_page(site.url)
    answer = await _ask(page, "/choose")
    await answer.get_by_role("button", name="Which one?").click()
    options = page.get_by_role("listbox", name="Which one?").get_by_role("option")
    await expect(options).to_have_count(3)
    await options.nth(2).click()
    await expect(page.locator(".message.ephemeral").last).to_contain_text("chosen v2")


async def test_a_menu_is_answered_by_keyboard(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Arrows move without choosing, Escape closes, letters find, Enter chooses."""
    page = await open_page(site.url)
    answer = await _ask(page, "/choose")
    button = answer.get_by_role("button", name="Which one?")
    await button.press("Enter")
    options = page.get_by_role("listbox", name="Which one?")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Escape")
    await expect(options).to_be_hidden()
    await expect(button).to_be_focused()
    await expect(page.locator(".message.ephemeral")).to_have_count(1)
    await page.keyboard.press("Enter")
    await page.keyboard.press("t")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.ephemeral").last).to_contain_text("chosen v2")


async def test_several_are_chosen_and_sent_together(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """Space marks each, Enter sends all of them at once."""
    page = await open_page(site.url)
    answer = await _ask(page, "/several")
    await answer.get_by_role("button", name="Which one?").press("Enter")
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Space")
    marked = page.locator(".menu").get_by_role("option", selected=True)
    await expect(marked).to_have_count(2)
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.ephemeral").last).to_contain_text("chosen v0, v1")


async def test_a_form_is_checked_filled_in_and_sent(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """A mistake is said in the form and keeps what was typed; Escape leaves it; the focus comes back."""
    page = await open_page(site.url)
    box = await _ready(page)
    await box.fill("/rename")
    await box.press("Enter")
    form = page.get_by_role("dialog", name="Name this queue")
    name = form.get_by_role("textbox", name="Name", exact=True)
    await expect(name).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(form).to_be_hidden()
    await expect(box).to_be_focused()
    await box.fill("/rename")
    await box.press("Enter")
    await name.press_sequentially("ab")
    await page.keyboard.press("Enter")
    await expect(form.get_by_role("alert")).to_contain_text("Name:")
    await expect(name).to_have_attribute("aria-invalid", "true")
    await name.press_sequentially("cd")
    await page.keyboard.press("Enter")
    await expect(form).to_be_hidden()
    await expect(page.locator(".message.ephemeral")).to_contain_text("name=abcd; why=so")


async def test_a_button_may_open_a_form(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """The form of a button is the same one, and the focus returns to the button."""
    page = await open_page(site.url)
    answer = await _ask(page, "/play x")
    button = answer.get_by_role("button", name="Open the form")
    await button.press("Enter")
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="Name", exact=True).fill("evening")
    await form.get_by_role("button", name="Cancel").press("Enter")
    await expect(form).to_be_hidden()
    await expect(button).to_be_focused()


async def test_a_file_goes_with_a_command(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Chosen in the list of options, shown with its size, dropped again, sent once, and gone after that."""
    page = await open_page(site.url)
    box = await _ready(page)
    await box.fill("/play ")
    async with page.expect_file_chooser() as chooser:
        await page.locator("#suggestions").get_by_role("option", name="file").click()
    song = FilePayload(name="my tune.ogg", mimeType="audio/ogg", buffer=b"OggS" * 512)
    await (await chooser.value).set_files(song)
    files = page.get_by_role("list", name="Files to send")
    await expect(files).to_contain_text("my tune.ogg")
    await expect(files).to_contain_text("2 kB")
    await files.get_by_role("button", name="Do not send my tune.ogg").press("Enter")
    await expect(files).to_be_hidden()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a file").press("Enter")
    await (await chooser.value).set_files(song)
    await expect(files).to_contain_text("my tune.ogg")
    await box.fill("/play query:tide")
    await box.press("Enter")
    answer = page.locator(".message.ephemeral")
    await expect(answer).to_contain_text("playing tide with my_tune.ogg of 2048 bytes")
    await expect(files).to_be_hidden()


async def test_a_file_no_command_takes_is_refused_and_kept(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """The sentence says so; nothing is lost."""
    page = await open_page(site.url)
    box = await _ready(page)
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a file").click()
    await (await chooser.value).set_files({"name": "a.ogg", "mimeType": "audio/ogg", "buffer": b"OggS"})
    await expect(page.get_by_role("list", name="Files to send")).to_contain_text("a.ogg")
    await box.fill("/choose")
    await box.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("takes no file")
    await expect(page.get_by_role("list", name="Files to send")).to_contain_text("a.ogg")


async def test_one_acts_as_somebody_else(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """What only one person may see is gone for another; what that one says stands under the other name."""
    page = await open_page(site.url)
    answer = await _ask(page, "/play x")
    await expect(answer).to_contain_text("Only you can see this")
    await page.get_by_role("combobox", name="You are").select_option("Ada")
    await expect(page.locator(".message")).to_have_count(0)
    await expect(page.get_by_role("button", name="Join voice")).to_be_visible()
    box = page.get_by_role("combobox", name="Message")
    await box.fill("good evening")
    await box.press("Enter")
    await expect(page.locator(".message .who")).to_contain_text("Ada")
    await page.get_by_role("button", name="Join voice").click()
    await expect(page.get_by_role("list", name="People in the voice channel")).to_contain_text("Ada")
    await page.get_by_role("combobox", name="You are").select_option("You")
    await expect(page.locator(".message")).to_have_count(2)
