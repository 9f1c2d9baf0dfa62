"""The page can be read and used: any width, light and dark, without a mouse, by a screen reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages import show, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.browser.site import Site

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
READABLE = 4.5
MOST_STOPS = 30
NAMED_STOPS = {"Choose a file": "attach", "Messages": "messages"}
PAIRS = (
    *(("ink", ground) for ground in ("panel", "bg", "raised", "field", "blue-ground", "warn-ground")),
    *(("dim", ground) for ground in ("panel", "bg", "raised", "field", "blue-ground", "hover", "rail")),
    *(("blue", ground) for ground in ("panel", "raised", "blue-ground", "field")),
    *((look, "bg") for look in ("ok", "bad", "warn")),
    ("accent-ink", "accent"),
    ("accent", "rail"),
    ("bad", "panel"),
)
FILLS = ("blue-fill", "ok-fill", "bad-fill")
CONTRAST = """([front, back]) => {
  const probe = document.body.appendChild(document.createElement("i"));
  const light = (name) => {
    probe.style.color = name.startsWith("#") ? name : `var(--${name})`;
    const [r, g, b] = getComputedStyle(probe).color.match(/[0-9.]+/g).map((one) => one / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [more, less] = [light(front), light(back)].sort((a, b) => b - a);
  probe.remove();
  return (more + 0.05) / (less + 0.05);
}"""
GROUND = "getComputedStyle(document.body).backgroundColor"
INTERACTIVE = {
    "button",
    "checkbox",
    "combobox",
    "link",
    "listbox",
    "menuitem",
    "option",
    "radio",
    "switch",
    "textbox",
}
NAMED = {*INTERACTIVE, "navigation", "main", "complementary", "region", "dialog", "table", "log", "img"}
STRUCTURE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  const points = ["aria-labelledby", "aria-describedby", "aria-controls", "for"];
  const headings = [...document.querySelectorAll("#app h1, #app h2, #app h3")];
  const levels = headings.map((one) => Number(one.localName[1]));
  return {
    twice: ids.filter((one, i) => ids.indexOf(one) !== i),
    nowhere: points.flatMap((name) => [...document.querySelectorAll(`[${name}]`)]
      .flatMap((one) => one.getAttribute(name).split(" ")).filter((id) => !document.getElementById(id))),
    pictures: [...document.images].filter((one) => !one.hasAttribute("alt")).length,
    skipped: levels.filter((level, i) => i > 0 && level > levels[i - 1] + 1).length,
    first: document.querySelectorAll("h1").length,
    forced: document.querySelectorAll("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").length,
  };
}"""
FOCUSED = """() => {
  const one = document.activeElement;
  const around = one.closest(".box, #theme label");
  const shown = [one, around].filter(Boolean).some((node) => getComputedStyle(node).outlineStyle !== "none");
  return { name: one.getAttribute("aria-label") || one.id || one.textContent.trim(), shown };
}"""


async def _settled(page: Page) -> None:
    await expect(page.locator("#voice-members")).to_contain_text("You")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_stands_out_from_its_ground(
    site: Site, open_page: Callable[..., Awaitable[Page]], scheme: Literal["light", "dark"]
) -> None:
    """Contrast of WCAG AA for all pairs of colours in use, in the theme that the system asks for."""
    page = await open_page(site.url, color_scheme=scheme)
    found = await page.evaluate(GROUND)
    assert (int(found.removeprefix("rgb(").split(",")[0]) > 128) is (scheme == "light")
    for pair in PAIRS:
        assert await page.evaluate(CONTRAST, pair) >= READABLE, pair
    for fill in FILLS:
        assert await page.evaluate(CONTRAST, ["#ffffff", fill]) >= READABLE, fill


async def test_the_theme_can_be_chosen_and_stays(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """A choice beats the system's, survives a reload, and can be given back."""
    page = await open_page(site.url, color_scheme="light")
    light = await page.evaluate(GROUND)
    await page.get_by_role("radio", name="Dark colours").check()
    await until(page, f"{GROUND} !== '{light}'")
    await page.reload()
    await expect(page.get_by_role("radio", name="Dark colours")).to_be_checked()
    assert await page.evaluate(GROUND) != light
    await page.get_by_role("radio", name="Colours as the system").check()
    await until(page, f"{GROUND} === '{light}'")


@pytest.mark.parametrize("width", [320, 360, 390, 700, 901, 1200])
async def test_no_width_scrolls_sideways(
    site: Site, open_page: Callable[..., Awaitable[Page]], width: int
) -> None:
    """Small phones, tablets and the narrowest desktop layouts hold what they show, in every view."""
    page = await open_page(site.url, viewport={"width": width, "height": 720})
    await _settled(page)
    for view in ("voice", "cluster", "chat"):
        await show(page, view)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, view
    await expect(page.get_by_role("button", name="Send")).to_be_in_viewport()


async def test_on_a_phone_one_view_is_shown_at_a_time(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """The tabs at the foot tell which, and a skip link leads to the view that holds its goal."""
    page = await open_page(site.url, **PHONE)
    views = page.get_by_role("navigation", name="Views")
    await views.get_by_role("button", name="Voice").tap()
    await expect(page.get_by_role("switch", name="Listen")).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Send")).to_be_hidden()
    await expect(views.get_by_role("button", name="Voice")).to_have_attribute("aria-current", "true")
    await views.get_by_role("button", name="Cluster").tap()
    await expect(page.get_by_role("heading", name="Pods")).to_be_visible()
    await page.get_by_role("link", name="Skip to the message box").press("Enter")
    await expect(page.get_by_role("combobox", name="Message")).to_be_in_viewport()


async def test_without_motion_nothing_moves(site: Site, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Who asked for less motion gets no animation and a meter that is one bar."""
    page = await open_page(site.url, reduced_motion="reduce")
    await _settled(page)
    assert await page.evaluate("document.getAnimations().length") == 0
    assert await page.locator(".knob").evaluate("one => getComputedStyle(one).transitionProperty") == "none"


async def test_a_screen_reader_finds_names_and_order(
    site: Site, bot: object, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """In Chromium's accessibility tree every control and landmark has a name; ids and headings are sound."""
    assert bot is not None
    page = await open_page(site.url)
    await _settled(page)
    box = page.get_by_role("combobox", name="Message")
    await box.fill("/choose")
    await box.press("Enter")
    await page.get_by_role("button", name="Which one?").press("Enter")
    await expect(page.get_by_role("listbox", name="Which one?")).to_be_visible()
    devtools = await page.context.new_cdp_session(page)
    tree = (await devtools.send("Accessibility.getFullAXTree"))["nodes"]
    seen = [
        (one["role"]["value"], one.get("name", {}).get("value", "")) for one in tree if not one["ignored"]
    ]
    nameless = [role for role, name in seen if role in NAMED and not name.strip()]
    # A table is named by the heading of the section around it.
    assert [role for role in nameless if role != "table"] == []
    roles = [role for role, _ in seen]
    for role, count in (("main", 1), ("log", 2), ("switch", 1), ("radio", 3)):
        assert roles.count(role) == count, role
    assert ("navigation", "Servers") in seen
    assert ("complementary", "Server") in seen
    assert ("region", "Cluster") in seen
    structure = await page.evaluate(STRUCTURE)
    assert structure == {"twice": [], "nowhere": [], "pictures": 0, "skipped": 0, "first": 1, "forced": 0}


async def test_the_tab_key_goes_everywhere_in_order_and_is_seen(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """Skip links, servers, voice, who one is, the theme, the message box; each shows that it has focus."""
    page = await open_page(site.url)
    await _settled(page)
    await page.get_by_role("link", name="Skip to the message box").focus()
    order = []
    while "lately" not in order:
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        assert focused["shown"], focused
        order.append(
            {"Choose a file": "attach", "Messages": "messages"}.get(focused["name"], focused["name"])
        )
        assert len(order) < MOST_STOPS, order
    wanted = ["Skip to the cluster", "voice-toggle", "listen", "person"]
    wanted += ["Colours as the system", "messages", "attach", "composer-input", "send", "lately"]
    assert [one for one in order if one in wanted] == wanted
