"""The demo, as somebody who has just cloned the repository runs it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from segue_operator.api import load_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _segue(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "segue_cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(110):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_demo_proves_by_ear_that_the_right_song_is_heard(example: Path) -> None:
    """``segue demo --check --json`` exits 0 and prints one object with the figures promised."""
    code, out, err = await _segue("demo", "--check", "--json", "-f", str(example))
    assert code == 0, err
    result: dict[str, Any] = json.loads(out)
    assert {"ok", "heard", "first_audio_ms", "ack_p99_ms", "timecode_error_ms"} <= result.keys()
    assert result["ok"] is True
    assert result["heard"] is True
    assert 0 < result["ack_p99_ms"] < 3_000
    assert 0 < result["first_audio_ms"] < 20_000
    assert 0 <= result["timecode_error_ms"] < 250
    assert len(result["songs"]) == 2 * len(load_file(example).spec.regions)


@pytest.mark.parametrize("command", ["dev", "demo"])
async def test_a_wrong_spec_starts_nothing(command: str, example: Path, tmp_path: Path) -> None:
    """An unknown field: exit 2, the path, the rule and the fix, and not one process was started."""
    file = tmp_path / "music.yaml"
    file.write_text(
        example.read_text(encoding="utf-8").replace("hotSpares: 1", "hotSpare: 1"), encoding="utf-8"
    )
    code, out, err = await _segue(command, "-f", str(file))
    assert code == 2
    assert "spec.workers.hotSpare: is not a field; did you mean hotSpares?" in err
    assert "Traceback" not in err
    assert "starting" not in out + err
