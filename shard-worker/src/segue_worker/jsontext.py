"""JSON as Discord and Lavalink send it, read quickly, and leniently where the quick reader is stricter."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson


def loads(text: str | bytes) -> Any:
    """Return the document, whose texts can all be written as UTF-8.

    Titles may hold half of a surrogate pair, which no UTF-8 can: orjson refuses it, the slower reader
    lets it through, and a mark stands in its place, as the song is to be stored and shown.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return _whole(json.loads(text, parse_constant=_refused))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def dumps(document: Any) -> str:
    """Return its text, without blanks."""
    try:
        return orjson.dumps(document).decode()
    except orjson.JSONEncodeError:
        return json.dumps(document, separators=(",", ":"))


def _whole(document: Any) -> Any:
    """Return the document with a mark for each half of a surrogate pair that has no other half."""
    if isinstance(document, str):
        return document.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(document, list):
        return [_whole(one) for one in document]
    if isinstance(document, dict):
        return {_whole(name): _whole(one) for name, one in document.items()}
    return document


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
