"""``python -m segue_devkit.peers.lock [--upgrade]``: devkit/peers/package-lock.json, addressless."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from segue_devkit.peers.toolchain import PROJECT, ToolchainError, run_npm

if TYPE_CHECKING:
    from pathlib import Path

_ADDRESSES = frozenset({"resolved", "funding"})


def without_addresses(lock: dict[str, Any]) -> dict[str, Any]:
    """Return a lock file's content with no address in it: where a package is fetched is npm's setting."""
    packages = {
        path: {key: value for key, value in package.items() if key not in _ADDRESSES}
        for path, package in lock["packages"].items()
    }
    return {**lock, "packages": packages}


def write(project: Path = PROJECT, *, upgrade: bool = False) -> None:
    """Resolve package.json again and write its lock file.

    Args:
        project: where both are.
        upgrade: take the newest versions of what package.json does not pin.

    Raises:
        ToolchainError: npm is missing or failed.
    """
    run_npm(project, "update" if upgrade else "install", "--package-lock-only")
    path = project / "package-lock.json"
    lock = without_addresses(json.loads(path.read_text()))
    path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")


def main() -> int:
    """Write it; 1 and one line if that is impossible."""
    try:
        write(upgrade="--upgrade" in sys.argv[1:])
    except ToolchainError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's last words
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
