"""The simulator as a program, and its knobs."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from segue_devkit.discord.client import SimClient, SimError
from segue_devkit.discord.knobs import Knobs, Superseded

PROGRAM = (sys.executable, "-m", "segue_devkit.discord", "--port", "0")


async def test_it_runs_until_told_to_stop(tmp_path: Path) -> None:
    """It prints its address, listens in the regions asked for, obeys the knob file, ends by SIGTERM."""
    knobs = tmp_path / "knobs.yaml"
    knobs.write_text("superseded: silent\nvoice_server_delay_ms: 5\n")
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *("--tls-dir", str(tmp_path / "tls"), "--region", "home=127.80.9.1", "--config", str(knobs)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().split()[-1]
            region = (await process.stdout.readline()).decode()
        assert region.startswith("voice region home: 127.80.9.1:")
        async with SimClient(address) as discord:
            known = await discord.knobs()
            assert (known["superseded"], known["voice_server_delay_ms"]) == ("silent", 5)
            assert (await discord.guild("Vinyl Club", region="home")).region == "home"
            overview = await discord.overview()
            assert (overview.guilds, overview.bot_name) == (1, "Segue")
            assert overview.cpu_s > 0
            with pytest.raises(SimError, match="region must be one of home"):
                await discord.guild("Elsewhere", region="mars")
    finally:
        process.terminate()
        async with asyncio.timeout(10):
            assert await process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--region", "nowhere"), b"NAME=ADDRESS"), (("--host", "203.0.113.1"), b"203.0.113.1")],
)
async def test_what_cannot_work_is_said_in_one_line(arguments: tuple[str, ...], words: bytes) -> None:
    """A bad region or an address that is not ours: exit 2 and one line that names it."""
    process = await asyncio.create_subprocess_exec(*PROGRAM, *arguments, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert words in errors
    assert len(errors.splitlines()) == 1


def test_knobs_are_checked_before_any_is_set() -> None:
    """All or none: an unknown name or a wrong value changes nothing and is named."""
    knobs = Knobs()
    wrong: list[dict[str, object]] = [
        {"no_such_knob": 1},
        {"superseded": "maybe"},
        {"dave_required": 1},
        {"resumable_ms": -1},
        {"resumable_ms": 1.5},
    ]
    for changes in wrong:
        (name,) = changes
        with pytest.raises(ValueError, match=name):
            knobs.update({"identify_window_ms": 1, **changes})
    assert knobs == Knobs()
    knobs.update({"superseded": "silent", "rest_latency_ms": 0.5})
    assert knobs.superseded is Superseded.SILENT
    assert knobs.rest_latency_ms == 0.5


def test_the_reference_page_lists_every_knob_with_its_default() -> None:
    """docs/reference/discord-simulator.md and the code say the same of each knob."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "discord-simulator.md"
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", page.read_text(), flags=re.MULTILINE)
    listed = dict(rows[-len(Knobs().as_dict()) :])
    told = {name: str(value).lower() for name, value in Knobs().as_dict().items()}
    assert told == listed
