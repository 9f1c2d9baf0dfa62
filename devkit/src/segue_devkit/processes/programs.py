"""Which local program stands for which image."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PYTHON = (sys.executable,)


@dataclass(frozen=True, slots=True)
class Program:
    """What an image is here.

    ``executables`` replaces the first word of a command. ``entrypoint`` is run when a container
    names no command, with its arguments in the local program's way (``arguments``). ``env`` is added
    as it stands: no name or path in it is replaced.
    """

    executables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    arguments: Callable[[tuple[str, ...]], tuple[str, ...]] = tuple
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    def argv(self, command: tuple[str, ...], args: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return what to execute, or None when this program can't stand for the command."""
        if not command:
            return (*self.entrypoint, *self.arguments(args)) if self.entrypoint else None
        local = self.executables.get(command[0])
        return (*local, *command[1:], *args) if local else None


@dataclass(frozen=True, slots=True)
class Programs:
    """The table: image without tag → program."""

    table: Mapping[str, Program]

    def find(self, image: str) -> Program | None:
        """Return the program of an image, whatever its registry, tag and digest."""
        return self.table.get(repository(image))

    def with_program(self, image: str, program: Program) -> Programs:
        """Return the table with one entry more, or another."""
        return Programs({**self.table, repository(image): program})


def repository(image: str) -> str:
    """Return an image's name without registry, tag and digest: ``valkey/valkey``."""
    name = image.split("@", 1)[0]
    head, slash, tail = name.rpartition("/")
    name = head + slash + tail.split(":", 1)[0]
    first, slash, rest = name.partition("/")
    return rest if slash and ("." in first or ":" in first or first == "localhost") else name


def base_environment() -> dict[str, str]:
    """Return what every process gets: a container inherits nothing of its machine either, but for this."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TZ") if key in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1"}
