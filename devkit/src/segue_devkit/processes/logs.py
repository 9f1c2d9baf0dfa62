"""What pods print: a file each, read as it grows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_EVERY_S = 0.2
_PIECE = 1 << 16


@dataclass(slots=True)
class _File:
    offset: int = 0
    rest: bytes = b""


@dataclass(slots=True)
class LogFollower:
    """Reads every pod's output in a folder, from its beginning, as it is written."""

    folder: Path
    _files: dict[Path, _File] = field(default_factory=dict)

    def new_lines(self) -> list[tuple[str, str]]:
        """Return ``(pod, line)`` for each line written since the last call."""
        found: list[tuple[str, str]] = []
        for path in sorted(self.folder.glob("*.log")):
            state = self._files.setdefault(path, _File())
            found += ((path.stem, line) for line in _read(path, state))
        return found

    async def follow(self) -> AsyncIterator[tuple[str, str]]:
        """Yield ``(pod, line)`` as lines are written, until cancelled."""
        while True:
            for pod, line in self.new_lines():
                yield pod, line
            await asyncio.sleep(_EVERY_S)


def _read(path: Path, state: _File) -> list[str]:
    with path.open("rb") as file:
        file.seek(state.offset)
        data = file.read(_PIECE)
    state.offset += len(data)
    *lines, state.rest = (state.rest + data).split(b"\n")
    return [line.decode(errors="replace") for line in lines]


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a pod's output."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _PIECE))
        return [line.decode(errors="replace") for line in file.read().splitlines()[-lines:]]
