"""The page on a whole cluster: a person asks for songs, presses buttons, listens."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.async_api import Locator, Page, WebSocket, expect

from segue_devkit.tunes import catalogue, timecode
from tests.browser.pages import ready, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SAMPLE_RATE = 48_000
LISTEN_MS = 4_000
AGAIN_MS = 1_000
WAIT_S = 20.0
CLOCK_ERROR_MS = 30.0


def _player(page: Page) -> Locator:
    """Return the newest message with the player's controls."""
    return page.locator(".message:not(.ephemeral)", has=page.locator(".components")).last


async def _ask(page: Page, text: str) -> None:
    """Type a command and send it; wait until the message box is empty again."""
    box = page.get_by_role("combobox", name="Message")
    await box.focus()
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("")


async def _ask_for(page: Page, song: str) -> None:
    """Ask for a song, again if the bot finds that this was too soon after the last command."""
    await ready(page)
    await page.get_by_role("combobox", name="Message").fill("")
    async with asyncio.timeout(WAIT_S):
        while True:
            known = await page.locator(".message.ephemeral").count()
            await _ask(page, f"/play {song}")
            answer = page.locator(".message.ephemeral").nth(known)
            await expect(answer.locator(".embed")).to_be_visible()
            if "Try that again" not in await answer.inner_text():
                return
            await page.wait_for_timeout(AGAIN_MS)


async def _silence(page: Page) -> None:
    """Begin where nothing plays, whatever others did in this guild."""
    await expect(page.locator("#sink dd").first).not_to_be_empty()
    stop = page.locator("button:enabled", has_text="Stop")
    if await stop.count():
        await stop.press("Enter")
        await expect(stop).to_have_count(0)


async def _tab_to(page: Page, name: str, key: str) -> None:
    """Move the focus with one key until a control of this name has it."""
    script = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    for _ in range(40):
        await page.keyboard.press(key)
        if await page.evaluate(script) == name:
            return
    raise AssertionError(f"no way by {key} to {name}")


async def _sound(page: Page) -> dict[str, Any]:
    """Return the figures of what is heard."""
    figures: dict[str, Any] = await page.evaluate("({...window.segueSound, at: performance.now()})")
    return figures


async def _settled(page: Page) -> None:
    """Leave the guild with nothing playing."""
    await _player(page).get_by_role("button", name="Stop").press("Enter")
    await expect(_player(page).get_by_role("button", name="Skip")).to_be_disabled()


async def test_a_song_is_asked_for_and_controlled_by_keyboard_alone(
    demo: Any, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """Completion, the answer, the player's message, and each of its buttons, without a mouse."""
    page = await open_page(demo.url)
    box = page.get_by_role("combobox", name="Message")
    await expect(box).to_be_focused()
    await _silence(page)
    answers = await page.locator(".message.ephemeral").count()
    players = await page.locator(".message:not(.ephemeral)", has=page.locator(".components")).count()
    await box.focus()
    await page.keyboard.type("/pl")
    await expect(page.locator("#suggestions").get_by_role("option").first).to_contain_text("/play")
    assert await box.get_attribute("aria-activedescendant") == "suggestion-0"
    await page.keyboard.press("Tab")
    await expect(box).to_have_value("/play ")
    await expect(page.locator("#suggestions").get_by_role("option").first).to_contain_text("query")
    await page.keyboard.type("lantern waltz")
    await page.keyboard.press("Enter")

    answer = page.locator(".message.ephemeral").nth(answers)
    await expect(answer).to_contain_text("You used /play")
    await expect(answer).to_contain_text("Only you can see this")
    await expect(answer).to_contain_text("Lantern Waltz")
    player = _player(page)
    await expect(player).to_contain_text("Now playing")
    await expect(player.locator("h3")).to_have_text("Lantern Waltz")
    await expect(player.locator("time[data-relative]")).to_have_text(re.compile(r"^in \d+ minutes$"))
    await expect(player).not_to_contain_text("<t:")
    await until(page, "document.querySelector('img.thumb')?.naturalWidth > 0")
    await expect(page.locator("#voice-members")).to_contain_text("Segue")
    await expect(page.locator("#sink")).to_contain_text("Lantern Waltz")

    await _ask_for(page, "harbour fog")
    await expect(player).to_contain_text("Harbour Fog")
    await _tab_to(page, "Pause", "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(player.get_by_role("button", name="Resume")).to_be_focused()
    await expect(page.locator("#sink dd").first).to_have_text("nothing right now")
    await page.keyboard.press("Space")
    await expect(player.get_by_role("button", name="Pause")).to_be_focused()
    await expect(page.locator("#sink dd").first).to_have_text("Lantern Waltz")
    await _tab_to(page, "Skip", "Tab")
    await page.keyboard.press("Enter")
    await expect(player.locator("h3")).to_have_text("Harbour Fog")
    await expect(page.locator("#sink dd").first).to_have_text("Harbour Fog")
    await expect(player.get_by_role("button", name="Skip")).to_be_focused()
    await _tab_to(page, "Stop", "Tab")
    await page.keyboard.press("Enter")
    for name in ("Pause", "Skip", "Stop", "Volume down", "Volume up"):
        await expect(player.get_by_role("button", name=name)).to_be_disabled()
    every = page.locator(".message:not(.ephemeral)", has=page.locator(".components"))
    assert await every.count() <= players + 1


async def test_an_answer_can_be_dismissed(demo: Any, open_page: Callable[..., Awaitable[Page]]) -> None:
    """What only we see goes when we say so, and the focus returns to the message box."""
    page = await open_page(demo.url)
    await expect(page.locator("#sink dd").first).not_to_be_empty()
    answers = page.locator(".message.ephemeral")
    known = await answers.count()
    await _ask(page, "/ping")
    await expect(answers.nth(known).locator(".embed")).to_be_visible()
    await answers.nth(known).get_by_role("button", name="Dismiss message").press("Enter")
    await expect(answers).to_have_count(known)
    await expect(page.get_by_role("combobox", name="Message")).to_be_focused()


async def test_listening_brings_unbroken_sound(demo: Any, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Real-time samples arrive without a missing frame, are not silent, pause with the song, and stop."""
    page = await open_page(demo.url)
    await page.get_by_role("button", name="Night Drive").press("Enter")
    switch = page.get_by_role("switch", name="Listen")
    await switch.press("Space")
    await expect(switch).to_be_checked()
    await expect(page.locator("#listen-status")).to_contain_text("Listening")
    await _ask_for(page, "motorway stars")
    await until(page, f"window.segueSound.played > {SAMPLE_RATE}")

    before = await _sound(page)
    await page.wait_for_timeout(LISTEN_MS)  # so that it is judged over some seconds of playing
    after = await _sound(page)
    elapsed_frames = (after["at"] - before["at"]) / 1000 * SAMPLE_RATE
    arrived, played = after["frames"] - before["frames"], after["played"] - before["played"]
    assert after["missing"] == 0
    assert after["dropped"] == before["dropped"]
    assert 0.9 < arrived / elapsed_frames < 1.1
    assert played > 0.85 * elapsed_frames
    assert after["loud"] - before["loud"] > 0.8 * played
    assert after["heldMs"] < 600
    await expect(page.locator("#listen-status")).to_contain_text("ms behind")

    await _player(page).get_by_role("button", name="Pause").press("Enter")
    await until(page, "window.segueSound.rests > 0 && !window.segueSound.playing")
    await expect(page.locator("#listen-status")).to_contain_text("quiet right now")
    await _player(page).get_by_role("button", name="Resume").press("Enter")
    await until(page, "window.segueSound.playing")

    await switch.press("Space")
    await expect(switch).not_to_be_checked()
    await _settled(page)


async def test_what_a_page_plays_is_the_song_and_moves_on(
    demo: Any, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """The timecode inside the samples that reach the browser names the song, and runs as time does."""
    page = await open_page(demo.url)
    await page.get_by_role("button", name="Study Hall").press("Enter")
    blocks: list[bytes] = []

    def follow(socket: WebSocket) -> None:
        if socket.url.endswith("/listen"):
            socket.on("framereceived", lambda data: blocks.append(data) if isinstance(data, bytes) else None)

    page.on("websocket", follow)
    await page.get_by_role("switch", name="Listen").press("Space")
    await _ask_for(page, "tide tables")
    await until(page, "window.segueSound.loud > 48000")
    first = await _heard(page, blocks, after_frames=0)
    second = await _heard(page, blocks, after_frames=first[2] + 2 * SAMPLE_RATE)
    assert first[0] == second[0] == catalogue.search("tide tables", 1)[0].song_id
    elapsed_ms = (second[2] - first[2]) / SAMPLE_RATE * 1000
    assert abs(second[1] - first[1] - elapsed_ms) < CLOCK_ERROR_MS
    await page.get_by_role("switch", name="Listen").press("Space")
    await _settled(page)


async def _heard(page: Page, blocks: list[bytes], after_frames: int) -> tuple[int, float, int]:
    """Return (song, position in ms, frame) of the first readable second behind this frame."""
    async with asyncio.timeout(WAIT_S):
        while True:
            pcm = np.frombuffer(b"".join(block[8:] for block in list(blocks)), dtype="<i2")
            left = pcm[::2].astype(np.float32) / np.float32(32768)
            for at in range(after_frames, len(left) - SAMPLE_RATE, SAMPLE_RATE // 2):
                found = timecode.read(left[at : at + SAMPLE_RATE])
                if found is not None:
                    return found.song_id, found.position_ms, at
            await page.wait_for_timeout(AGAIN_MS)


async def test_listening_follows_to_another_server(
    demo: Any, open_page: Callable[..., Awaitable[Page]]
) -> None:
    """Each server has its own messages and sound; going to another one takes the Listen switch along."""
    page = await open_page(demo.url)
    rail = page.get_by_role("navigation", name="Servers")
    await rail.get_by_role("button", name="Study Hall").press("Enter")
    await expect(rail.get_by_role("button", name="Study Hall")).to_have_attribute("aria-current", "true")
    await expect(page.locator("#guild-name")).to_contain_text("Study Hall")
    await _ask_for(page, "tide tables")
    await expect(_player(page).locator("h3")).to_have_text("Tide Tables")
    await page.get_by_role("switch", name="Listen").press("Space")
    await until(page, "window.segueSound.playing")

    await rail.get_by_role("button", name="Vinyl Club").press("Enter")
    await expect(page.locator("#messages")).not_to_contain_text("Tide Tables")
    await _silence(page)
    await expect(page.locator("#sink dd").first).to_have_text("nothing right now")
    await until(page, "!window.segueSound.playing")
    await rail.get_by_role("button", name="Study Hall").press("Enter")
    await expect(_player(page).locator("h3")).to_have_text("Tide Tables")
    await until(page, "window.segueSound.playing")
    await page.reload()
    await expect(page.locator("#guild-name")).to_contain_text("Study Hall")
    await _settled(page)


async def test_out_of_voice_the_bot_says_so(demo: Any, open_page: Callable[..., Awaitable[Page]]) -> None:
    """Leaving and joining voice is seen at once; without it the bot refuses in words, seen only by us."""
    page = await open_page(demo.url)
    await page.get_by_role("button", name="Night Drive").press("Enter")
    await page.get_by_role("button", name="Leave voice").press("Enter")
    await expect(page.get_by_role("button", name="Join voice")).to_be_visible()
    await expect(page.locator("#voice-members")).not_to_contain_text("You")
    await _ask_for(page, "driftwood")
    await expect(page.locator(".message.ephemeral").last).to_contain_text("voice channel")
    await page.get_by_role("button", name="Join voice").press("Enter")
    await expect(page.locator("#voice-members")).to_contain_text("You")
    await expect(page.get_by_role("button", name="Leave voice")).to_be_visible()
