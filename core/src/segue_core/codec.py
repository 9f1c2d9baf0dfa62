"""JSON in and out of the shared values, tolerant of fields a newer release added."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class MalformedValueError(ValueError):
    """A stored or received value does not have the shape its reader expects."""


_adapters: dict[Any, TypeAdapter[Any]] = {}
"""Built once a kind: building one costs milliseconds."""


def _adapter(kind: Any) -> TypeAdapter[Any]:
    adapter = _adapters.get(kind)
    if adapter is None:
        adapter = _adapters[kind] = TypeAdapter(kind)
    return adapter


def encode(value: object) -> bytes:
    """Return ``value`` (a dataclass of this package) as compact JSON."""
    return _adapter(type(value)).dump_json(value)


def decode(kind: type[T], data: bytes | str) -> T:
    """Return the ``kind`` that ``data`` holds.

    Raises:
        MalformedValueError: naming the kind and the first field that does not fit.
    """
    try:
        value: T = _adapter(kind).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"]) or "value"
        message = f"not a {kind.__name__}: {path}: {first['msg']}"
        raise MalformedValueError(message) from error
    return value
