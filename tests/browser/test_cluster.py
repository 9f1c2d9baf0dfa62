"""The cluster beside the chat is the one that runs: what is read is shown, what is done takes effect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.async_api import Page, expect

from tests.browser.pages import play, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.browser.site import Site

STEPS = "() => [...document.querySelectorAll('#path b')].map((one) => one.textContent)"


async def test_pods_shards_and_nodes_are_shown(demo: Any, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Every pod, ready and counted; each shard with its holder and epoch; each region with its nodes."""
    page = await open_page(demo.url)
    await expect(page.locator("#cluster-summary")).to_have_text(
        re.compile(r"^(\d+)/\1 pods ready · 2/2 shards held$")
    )
    shown = await page.locator("#pods tr").evaluate_all("rows => rows.map((row) => row.dataset.pod)")
    assert len(shown) == len(set(shown)) > 5
    for role in ("worker", "router", "lavalink-us-east", "redis", "postgres"):
        assert any(f"-{role}-" in name for name in shown)
    shards = page.locator("#shards tr")
    await expect(shards).to_have_count(2)
    for text in await shards.all_inner_texts():
        assert re.search(r"worker-\S+\s.*\d{13}$", text, re.DOTALL), text
    await expect(page.locator("#nodes")).to_contain_text("us-east-0")
    await expect(page.locator("#nodes")).to_contain_text("eu-central-0")
    await expect(page.locator("#pods")).to_contain_text("spare")


async def test_a_worker_is_killed_by_keyboard_and_its_shard_moves(
    demo: Any, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """After the kill another worker holds the shard, which is told in words; the music goes on."""
    page = await open_page(demo.url)
    await play(page, "lantern waltz", "Lantern Waltz")
    await until(page, "/^us-east|^eu-central/.test(document.querySelectorAll('#path b')[2].textContent)")
    shard, worker, node, _ = await page.evaluate(STEPS)
    kill = page.get_by_role("button", name=f"Kill worker-{worker}", exact=True)
    await kill.press("Enter")
    told = page.get_by_role("log", name="Lately")
    await expect(told).to_contain_text(f"worker-{worker} killed by hand")
    await expect(told).to_contain_text(
        re.compile(rf"shard {shard}: worker-{worker} → worker-\S+, resumed in \d+ ms")
    )
    await until(page, f"document.querySelectorAll('#path b')[1].textContent !== '{worker}'")
    after = await page.evaluate(STEPS)
    assert (after[0], after[2]) == (shard, node)
    await expect(page.locator("#sink dd").first).to_have_text("Lantern Waltz")
    row = page.locator("#pods tr", has=kill)
    await expect(row).to_contain_text("spare")
    await expect(row.locator("td").nth(1)).not_to_have_text("0")


async def test_a_pod_is_stopped_and_woken_and_the_button_keeps_its_focus(
    demo: Any, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """One button does both; what it does next is its name."""
    page = await open_page(demo.url)
    row = page.locator("#pods tr", has_text="router").first
    name = await row.locator("th").inner_text()
    await page.get_by_role("button", name=f"Stop {name}", exact=True).press("Enter")
    await expect(row).to_contain_text("stopped")
    wake = page.get_by_role("button", name=f"Wake {name}", exact=True)
    await expect(wake).to_be_focused()
    await wake.press("Enter")
    await expect(row).to_contain_text("ready")
    await expect(page.get_by_role("log", name="Lately")).to_contain_text(f"{name} woken by hand")
    outside = page.locator("#pods tr", has_text="sim-discord")
    await expect(outside).to_contain_text("ready")
    assert await outside.get_by_role("button").count() == 0
    for pod, action, words in (
        ("laptop-sim-discord-0", "kill", "it stays"),
        ("nobody", "kill", "no pod"),
        ("laptop-redis-0", "explode", "kill, stop, wake"),
    ):
        refused = await page.request.post(f"{demo.url}api/pods/{pod}", data={"action": action})
        assert (refused.status, words in await refused.text()) == (409, True)


async def test_a_page_without_a_cluster_says_so(
    site: Site, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """Of a simulator alone nothing is made up."""
    page = await open_page(site.url)
    await expect(page.locator("#cluster-summary")).to_have_text("There is no cluster behind this page.")
    assert await page.locator("#pods tr[data-pod]").count() == 0
    assert await page.locator("#shards tr").count() == 0
