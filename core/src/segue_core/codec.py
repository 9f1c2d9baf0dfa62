"""JSON in and out of the shared values, tolerant of fields a newer release added."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class MalformedValueError(ValueError):
    """A stored or received value does not have the shape its reader expects."""


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def encode(value: object) -> bytes:
    """Return ``value`` (a dataclass of this package) as compact JSON."""
    return _adapter(type(value)).dump_json(value)


def decode(kind: type[T], data: bytes | str) -> T:
    """Return the ``kind`` that ``data`` holds.

    Raises:
        MalformedValueError: naming the kind and the first field that does not fit.
    """
    try:
        return _adapter(kind).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"]) or "value"
        message = f"not a {kind.__name__}: {path}: {first['msg']}"
        raise MalformedValueError(message) from error
