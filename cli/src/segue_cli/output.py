"""What commands print: a table for a person, JSON for a program."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXIT_OK, EXIT_FAILED, EXIT_WRONG = 0, 1, 2
_SECOND_MS, _MINUTE_S = 1000, 60


def print_json(value: object) -> None:
    """Print a value as JSON; instants in ISO 8601."""
    sys.stdout.write(json.dumps(value, default=_plain, indent=2) + "\n")


def rows_as_json(rows: Sequence[Any]) -> None:
    """Print dataclasses as a list. Ids are strings: they exceed what JavaScript's numbers hold."""
    print_json([{key: _id(key, value) for key, value in asdict(row).items()} for row in rows])


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print a table; ``empty`` is said when it has no rows."""
    if not rows:
        sys.stdout.write(f"{empty}\n")
        return
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        # As plain text: a title may look like markup.
        table.add_row(*(_cell(value) for value in row))
    Console(highlight=False, markup=False).print(table)


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values."""
    print_table(("setting", "value"), list(pairs.items()), "")


def fail(message: str, code: int = EXIT_FAILED) -> int:
    """Print an error as one line and return the exit code."""
    sys.stderr.write(f"segue: {' '.join(message.split())}\n")
    return code


def duration(milliseconds: int) -> str:
    """Return ``3:07``."""
    seconds = milliseconds // _SECOND_MS
    return f"{seconds // _MINUTE_S}:{seconds % _MINUTE_S:02d}"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def _id(key: str, value: object) -> object:
    return str(value) if key in {"guild", "user"} and value is not None else value


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
