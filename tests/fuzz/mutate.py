"""Documents that are nearly right: what others send, with a few things in it changed."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

from hypothesis import strategies as st

from segue_worker import jsontext

JUNK: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    -(2**63),
    10**30,
    0.5,
    -0.0,
    1e308,
    math.inf,
    -math.inf,
    math.nan,
    "",
    "0",
    "-1",
    "1e9",
    "9" * 5000,
    "\x00",
    "\ud800",
    "\udfff\ud800",
    "\u202e\u200b",
    "x" * 20_000,
    "١٢٣",
    "٣",
    "null",
    "\N{CLOWN FACE}",
    [],
    [None],
    [[[[]]]],
    {},
    {"": None},
    {"id": {"id": []}},
)
"""What a field is replaced by: wrong kinds, edges of numbers, and text that hurts."""

Path = tuple[str | int, ...]


def paths(document: Any, so_far: Path = ()) -> list[Path]:
    """Return the way to everything in a document, itself included."""
    found = [so_far]
    if isinstance(document, dict):
        for key, value in document.items():
            found += paths(value, (*so_far, key))
    elif isinstance(document, list):
        for place, value in enumerate(document):
            found += paths(value, (*so_far, place))
    return found


@st.composite
def mutated(draw: st.DrawFn, documents: tuple[Any, ...], most: int = 4) -> Any:
    """Draw one of the documents with up to ``most`` things replaced, taken out, doubled or wrapped."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, most))):
        path = draw(st.sampled_from(paths(document)))
        document = _changed(document, path, draw)
    return document


def _changed(document: Any, path: Path, draw: st.DrawFn) -> Any:
    if not path:
        # Rarely, as nothing is left to look into then.
        return copy.deepcopy(draw(st.sampled_from(JUNK))) if draw(st.integers(0, 9)) == 0 else document
    parent = document
    for part in path[:-1]:
        parent = parent[part]
    last: Any = path[-1]
    match draw(st.sampled_from(("junk", "junk", "any", "gone", "wrapped", "double"))):
        case "junk":
            parent[last] = copy.deepcopy(draw(st.sampled_from(JUNK)))
        case "any":
            parent[last] = copy.deepcopy(draw(anything))
        case "gone":
            del parent[last]
        case "wrapped":
            parent[last] = [parent[last]]
        case "double" if isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        case _:
            parent[f"{last}x" if isinstance(parent, dict) else last] = copy.deepcopy(parent[last])
    return document


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def as_text(document: Any) -> str:
    """Return JSON, with NaN and infinities as Python and some clients write them."""
    return json.dumps(document)


DEEP = ("[" * 100_000, '{"a":' * 100_000, "[" * 3000 + "]" * 3000)
"""Nested deeper than any reader may follow."""


def received(document: Any) -> Any:
    """Return a document as it is after its way over a socket; None when that is no JSON."""
    try:
        return jsontext.loads(as_text(document))
    except ValueError:
        return None


texts = (
    st.text(max_size=300)
    | st.sampled_from(DEEP)
    | st.binary(max_size=300).map(lambda data: data.decode("latin-1"))
)
