"""A bot as a process: what it tells, what it is told, and how it ends."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import psutil
import pytest

from segue_devkit.peers import PeerBot, PeerError
from segue_devkit.peers.toolchain import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ECHO = """
import { obey, setting, tell } from './lines.mjs';
tell('ready', { pid: process.pid, word: setting('PEER_WORD') });
obey(
  {
    echo: async (args) => args,
    refuse: async () => { throw Object.assign(new Error('no'), { code: 10008, status: 404 }); },
    die: async () => { process.stderr.write('out of luck\\n'); process.exit(3); },
    many: async ({ count }) => { for (let n = 0; n < count; n += 1) tell('number', { n }); },
  },
  async () => {},
);
"""
STUBBORN = """
import { tell } from './lines.mjs';
tell('ready', { pid: process.pid });
setInterval(() => {}, 1000);
process.stdin.on('end', () => {}).resume();
"""


@pytest.fixture
def make_bot(tmp_path: Path) -> Callable[..., PeerBot]:
    """Bots of a few lines that use no package."""
    folder = tmp_path / "bots"
    folder.mkdir()
    shutil.copy(PROJECT / "bots" / "lines.mjs", folder)

    def make(source: str, **settings: str) -> PeerBot:
        (folder / "bot.mjs").write_text(source)
        return PeerBot("bot.mjs", settings, tmp_path)

    return make


async def test_actions_are_answered(make_bot: Callable[..., PeerBot]) -> None:
    """A result or the library's own error comes back; events are kept in order; closing ends the process."""
    async with make_bot(ECHO, PEER_WORD="hello") as bot:
        ready = await bot.wait("ready")
        assert ready["word"] == "hello"
        assert await bot.do("echo", text="ünïcode", number=1) == {"text": "ünïcode", "number": 1}
        with pytest.raises(PeerError, match=r'"code": 10008, "message": "no", "status": 404'):
            await bot.do("refuse")
        with pytest.raises(PeerError, match="there is no action sing"):
            await bot.do("sing")
        await bot.do("many", count=100)
        await bot.wait("number", lambda told: told["n"] == 99)
        assert [told["n"] for told in bot.told("number")] == list(range(100))
    assert not psutil.pid_exists(ready["pid"])


async def test_a_bot_that_dies_is_told_with_its_last_words(make_bot: Callable[..., PeerBot]) -> None:
    """Whoever waits for an action or an event learns at once that the process is gone, and what it said."""
    async with make_bot(ECHO, PEER_WORD="x") as bot:
        await bot.wait("ready")
        with pytest.raises(PeerError, match="out of luck"):
            await bot.do("die")
        with pytest.raises(PeerError, match="out of luck"):
            await bot.wait("anything")
        with pytest.raises(PeerError, match="has ended"):
            await bot.do("echo")


async def test_a_missing_setting_is_named(make_bot: Callable[..., PeerBot]) -> None:
    """A bot without a setting it needs ends with one line."""
    async with make_bot(ECHO) as bot:
        with pytest.raises(PeerError, match="PEER_WORD is not set"):
            await bot.wait("number")


async def test_what_does_not_come_is_told_with_what_did(make_bot: Callable[..., PeerBot]) -> None:
    """A wait that ran out says what there was instead."""
    async with make_bot(ECHO, PEER_WORD="x") as bot:
        await bot.wait("ready")
        with pytest.raises(PeerError, match=r"no such song.*ready"):
            await bot.wait("song", timeout_s=0.1)


async def test_a_bot_that_will_not_end_is_ended(make_bot: Callable[..., PeerBot]) -> None:
    """Ignoring the end of its input does not help: no process is left behind."""
    async with make_bot(STUBBORN) as bot:
        ready = await bot.wait("ready")
    assert not psutil.pid_exists(ready["pid"])
