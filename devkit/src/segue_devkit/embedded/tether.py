"""Runs a program that gets a signal when its parent dies: ``tether.py SIGNAL PARENT_PID PROGRAM [ARG ...]``.

A program of its own, not a function between fork and exec: a parent with gRPC in it may not run Python
there, since gRPC's own fork handlers abort the child when its threads are at work. Linux only; elsewhere
it runs the program and nothing else. Start it from a thread that stays: the kernel means the thread.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PR_SET_PDEATHSIG = 1


def tethered(
    argv: Sequence[str], number: signal.Signals, env: Mapping[str, str], folder: Path | None = None
) -> list[str]:
    """Return the command line that runs ``argv`` in ``folder`` so that it gets ``number`` when we die.

    Raises:
        FileNotFoundError: there is no such program.
    """
    name = argv[0]
    path = str(folder / name) if folder is not None and os.sep in name else name
    if shutil.which(path, path=env.get("PATH", os.defpath)) is None:
        raise FileNotFoundError(f"{name}: not found, or not executable")
    return [sys.executable, "-I", "-S", __file__, str(int(number)), str(os.getpid()), *argv]


def tie(number: int, parent: int) -> None:
    """Let this process get ``number`` when ``parent``, which started it, dies; now, if it has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)


def main(number: int, parent: int, argv: list[str]) -> None:
    """Tie this process to its parent and become the program."""
    tie(number, parent)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - the program our caller named, no shell
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
