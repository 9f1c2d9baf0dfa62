"""What somebody types into the page's message box, as Discord's client would read it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STRING, _INTEGER, _BOOLEAN, _NUMBER = 3, 4, 5, 10
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


class TypedError(ValueError):
    """The text is not a command that can be sent; the words are for the person."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A slash command with its options filled in."""

    name: str
    options: dict[str, str | int | float | bool] = field(default_factory=dict)


def parse(text: str, commands: Sequence[Mapping[str, Any]]) -> Typed:
    """Read ``/name words`` or ``/name option:value …`` against the registered ``commands``.

    Words without an option's name go to the first option, all of them.

    Raises:
        TypedError: it is no command, or one whose options do not fit.
    """
    if not text.startswith("/"):
        raise TypedError("The bot listens to slash commands: try /play and a few words.")
    name, _, rest = text[1:].strip().partition(" ")
    command = next((one for one in commands if one["name"] == name), None)
    if command is None:
        known = ", ".join(f"/{one['name']}" for one in commands) or "none yet"
        raise TypedError(f"There is no command /{name}. There are: {known}.")
    options = list(command.get("options") or ())
    given = _named(rest.strip(), options)
    values = {one["name"]: _value(one, given[one["name"]]) for one in options if one["name"] in given}
    missing = [one["name"] for one in options if one.get("required") and one["name"] not in values]
    if missing:
        raise TypedError(f"/{name} needs {' and '.join(missing)}.")
    return Typed(name, values)


def _named(rest: str, options: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    if not rest:
        return {}
    if not options:
        raise TypedError("This command takes no options.")
    names = "|".join(re.escape(one["name"]) for one in options)
    marks = list(re.finditer(rf"(?:^|(?<=\s))({names}):\s*", rest))
    if not marks or marks[0].start() > 0:
        return {options[0]["name"]: rest}
    ends = [mark.start() for mark in marks[1:]] + [len(rest)]
    return {mark[1]: rest[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)}


def _value(option: Mapping[str, Any], text: str) -> str | int | float | bool:
    kind, name = option["type"], option["name"]
    try:
        if kind == _INTEGER:
            return int(text)
        if kind == _NUMBER:
            return float(text)
    except ValueError:
        raise TypedError(f"{name} must be a number, not “{text}”.") from None
    if kind == _BOOLEAN:
        if text.lower() not in _TRUE | _FALSE:
            raise TypedError(f"{name} is yes or no.")
        return text.lower() in _TRUE
    if kind != _STRING:
        raise TypedError(f"This page can't fill in {name}.")
    return text
