"""JSON as Discord and Lavalink send it, read quickly, and leniently where the quick reader is stricter."""

from __future__ import annotations

import json
from typing import Any

import orjson


def loads(text: str | bytes) -> Any:
    """Return the document.

    Titles may hold half of a surrogate pair, which no UTF-8 can: orjson refuses it, the slower reader
    lets it through.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def dumps(document: Any) -> str:
    """Return its text, without blanks."""
    try:
        return orjson.dumps(document).decode()
    except orjson.JSONEncodeError:
        return json.dumps(document, separators=(",", ":"))
