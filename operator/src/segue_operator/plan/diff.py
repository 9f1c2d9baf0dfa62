"""What differs between an object that is wanted and the one that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SHOWN = 4
_LONGEST = 40
_OURS_ALONE = frozenset({"data", "matchLabels", "labels"})
"""Maps that nobody else writes to: what is no longer wanted in them goes."""


def differences(wanted: Mapping[str, Any], there: Mapping[str, Any], *, secret: bool) -> tuple[str, ...]:
    """Return ``path: old → new`` for each field we set that is otherwise.

    Fields that only the object there has are the API server's defaults, or somebody else's. Values
    of a Secret are left out.
    """
    return tuple(_walk(wanted, there, "", secret=secret))


def summary(found: tuple[str, ...]) -> str:
    """Return the first few differences as a sentence's end."""
    more = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _walk(wanted: Any, there: Any, path: str, *, secret: bool) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(there, Mapping):
        for key, value in wanted.items():
            inner = f"{path}.{key}" if path else str(key)
            if key in there:
                yield from _walk(value, there[key], inner, secret=secret)
            elif value not in ({}, [], None):
                yield f"{inner} added"
        if path.rpartition(".")[2] in _OURS_ALONE:
            yield from (f"{path}.{key} removed" for key in there if key not in wanted)
    elif isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        for index, (one, other) in enumerate(zip(wanted, there, strict=True)):
            yield from _walk(one, other, f"{path}[{_label(one, index)}]", secret=secret)
    elif wanted != there:
        yield f"{path} changed" if secret or _large(wanted, there) else f"{path} {there} → {wanted}"


def _label(item: Any, index: int) -> str:
    return str(item["name"]) if isinstance(item, Mapping) and "name" in item else str(index)


def _large(*values: Any) -> bool:
    return any(isinstance(value, Mapping | list) or len(str(value)) > _LONGEST for value in values)
