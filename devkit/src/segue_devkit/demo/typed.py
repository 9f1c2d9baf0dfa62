"""What somebody types into the page's message box, as Discord's client would read it. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Value = str | int | float | bool

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
_DIGITS = re.compile(r"[+-]?[0-9]{1,18}")
NOTHING_PICKED: Mapping[str, Pick] = {}


class OptionType(IntEnum):
    """The types of Discord's command options that can be typed."""

    SUB_COMMAND = 1
    SUB_COMMAND_GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    NUMBER = 10
    ATTACHMENT = 11


class TypedError(ValueError):
    """The text is not a command that can be sent; the words are for the person."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A slash command with its options filled in; ``name`` has its sub-commands after spaces."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pick:
    """A proposal that was chosen for an option: what the box shows for it, and what is sent."""

    shown: str
    value: Value


@dataclass(frozen=True, slots=True)
class Focus:
    """What is being typed: the option the cursor is in, and the text of all options so far."""

    name: str
    option: str
    options: dict[str, str]


def parse(
    text: str,
    commands: Sequence[Mapping[str, Any]],
    picks: Mapping[str, Pick] = NOTHING_PICKED,
    files: Sequence[object] = (),
) -> Typed:
    """Read ``/name words`` or ``/name option:value …`` against the registered ``commands``.

    Words without an option's name go to the first option that is no file, all of them. ``picks`` are
    the proposals that were chosen, by option; ``files`` the uploads, which go to the options that take
    one, in order.

    Raises:
        TypedError: it is no command, or one whose options do not fit.
    """
    path, options, rest = _command(text, commands)
    given = _named(rest, options)
    values: dict[str, Any] = {}
    waiting = list(files)
    for one in options:
        name = one["name"]
        if one["type"] == OptionType.ATTACHMENT:
            if waiting:
                values[name] = waiting.pop(0)
        elif name in given:
            pick = picks.get(name)
            values[name] = pick.value if pick and pick.shown == given[name] else _value(one, given[name])
    if waiting:
        raise TypedError(f"/{path} takes {'fewer files' if len(files) > len(waiting) else 'no file'}.")
    missing = [one["name"] for one in options if one.get("required") and one["name"] not in values]
    if missing:
        raise TypedError(f"/{path} needs {' and '.join(missing)}.")
    return Typed(path, values)


def focus(text: str, commands: Sequence[Mapping[str, Any]]) -> Focus | None:
    """Return the option that is being typed, if the bot completes it: the last one that is named.

    Raises:
        TypedError: it is no command.
    """
    path, options, rest = _command(text, commands)
    given = _named(rest, options, keep_empty=True)
    last = next(reversed(given), None)
    wanted = next((one for one in options if one["name"] == last and one.get("autocomplete")), None)
    if wanted is None:
        return None
    return Focus(path, wanted["name"], given)


def _command(text: str, commands: Sequence[Mapping[str, Any]]) -> tuple[str, list[Mapping[str, Any]], str]:
    """Find the command at the head of ``text``; return its path, its options and what is left."""
    if not text.startswith("/"):
        raise TypedError("The bot listens to slash commands: try /play and a few words.")
    name, _, rest = text[1:].strip().partition(" ")
    command = next((one for one in commands if one["name"] == name), None)
    if command is None:
        known = ", ".join(f"/{one['name']}" for one in commands) or "none yet"
        raise TypedError(f"There is no command /{name}. There are: {known}.")
    return _descend(name, list(command.get("options") or ()), rest.strip())


def _descend(
    path: str, options: list[Mapping[str, Any]], rest: str
) -> tuple[str, list[Mapping[str, Any]], str]:
    """Follow the sub-commands at the head of ``rest``; return path, options and what is left."""
    inner = [one for one in options if one["type"] <= OptionType.SUB_COMMAND_GROUP]
    while inner:
        word, _, rest = rest.partition(" ")
        chosen = next((one for one in inner if one["name"] == word), None)
        if chosen is None:
            raise TypedError(f"/{path} goes on with one of: {', '.join(one['name'] for one in inner)}.")
        path, options, rest = f"{path} {word}", list(chosen.get("options") or ()), rest.strip()
        inner = [one for one in options if one["type"] <= OptionType.SUB_COMMAND_GROUP]
    return path, options, rest


def _named(rest: str, options: Sequence[Mapping[str, Any]], *, keep_empty: bool = False) -> dict[str, str]:
    """Return the text of each option, in the order typed."""
    typed = [one for one in options if one["type"] != OptionType.ATTACHMENT]
    if not rest and not (keep_empty and typed):
        return {}
    if not typed:
        raise TypedError("This command takes no options that are typed.")
    names = "|".join(re.escape(one["name"]) for one in typed)
    marks = list(re.finditer(rf"(?:^|(?<=\s))({names}):\s*", rest))
    if not marks or marks[0].start() > 0:
        return {typed[0]["name"]: rest}
    ends = [mark.start() for mark in marks[1:]] + [len(rest)]
    given = {mark[1]: rest[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)}
    return {name: text for name, text in given.items() if text or keep_empty}


def _value(option: Mapping[str, Any], text: str) -> Value:
    choices = option.get("choices")
    if choices:
        return _choice(option["name"], choices, text)
    kind, name = option["type"], option["name"]
    match kind:
        case OptionType.STRING:
            return text
        case OptionType.INTEGER:
            if not _DIGITS.fullmatch(text):
                raise TypedError(f"{name} must be a whole number, not “{text}”.")
            return int(text)
        case OptionType.NUMBER:
            return _number(name, text)
        case OptionType.BOOLEAN:
            if text.lower() not in _TRUE | _FALSE:
                raise TypedError(f"{name} is yes or no.")
            return text.lower() in _TRUE
        case _:
            raise TypedError(f"This page can't fill in {name}.")


def _choice(name: str, choices: Sequence[Mapping[str, Any]], text: str) -> Value:
    """Return the value of the choice that shows, or is, ``text``."""
    wanted = text.casefold()
    for choice in choices:
        if wanted in {str(choice["name"]).casefold(), str(choice["value"]).casefold()}:
            value: Value = choice["value"]
            return value
    raise TypedError(f"{name} is one of: {', '.join(str(choice['name']) for choice in choices)}.")


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise TypedError(f"{name} must be a number, not “{text}”.")
    return number
