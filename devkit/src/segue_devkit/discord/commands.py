"""Application commands: the rules Discord checks when they are registered.

Source: Discord's reference "Application Commands" (structures and limits).
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from segue_devkit.discord.errors import FormErrors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from segue_devkit.discord.wire import Payload

MAX_COMMANDS: Final = 100
MAX_OPTIONS: Final = 25
MAX_CHOICES: Final = 25
NAME_LENGTH: Final = 32
TEXT_LENGTH: Final = 100
MAX_COMBINED: Final = 8000
MAX_STRING_OPTION: Final = 6000
MAX_NUMBER: Final = 2**53
_NAME = re.compile(r"^[-_'\w]{1,32}$")


class CommandType(IntEnum):
    """Slash commands, and the two of the context menu."""

    CHAT_INPUT = 1
    USER = 2
    MESSAGE = 3


class OptionType(IntEnum):
    """Kinds of option."""

    SUB_COMMAND = 1
    SUB_COMMAND_GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7
    ROLE = 8
    MENTIONABLE = 9
    NUMBER = 10
    ATTACHMENT = 11


_WITH_CHOICES = (OptionType.STRING, OptionType.INTEGER, OptionType.NUMBER)
_NESTED = (OptionType.SUB_COMMAND, OptionType.SUB_COMMAND_GROUP)
Path = tuple[str | int, ...]


def registered(
    bodies: object,
    *,
    application_id: int,
    guild_id: int | None,
    old: Sequence[Payload],
    new_id: Callable[[], int],
) -> list[Payload]:
    """The commands as Discord stores and answers a bulk overwrite; same type and name keep their id.

    Raises:
        ApiError: 50035 with the tree of faults; nothing is registered then.
    """
    errors = FormErrors()
    checked: list[Payload] = []
    if not isinstance(bodies, list):
        errors.wrong_type((), "arrays")
        errors.raise_if_any()
        return checked
    _check_list(errors, bodies)
    errors.raise_if_any()
    ids = {(each["type"], each["name"]): each["id"] for each in old}
    for body in bodies:
        kind = int(body.get("type", CommandType.CHAT_INPUT))
        identity = ids.get((kind, body["name"])) or str(new_id())
        checked.append(_stored(body, kind, identity, application_id, guild_id, new_id()))
    return checked


def _stored(
    body: Payload, kind: int, identity: str, application_id: int, guild_id: int | None, version: int
) -> Payload:
    permissions = body.get("default_member_permissions")
    stored: Payload = {
        "id": identity,
        "application_id": str(application_id),
        "version": str(version),
        "type": kind,
        "name": body["name"],
        "name_localizations": body.get("name_localizations"),
        "description": body.get("description", ""),
        "description_localizations": body.get("description_localizations"),
        "default_member_permissions": None if permissions is None else str(permissions),
        "dm_permission": body.get("dm_permission", True),
        "contexts": body.get("contexts"),
        "integration_types": body.get("integration_types", [0]),
        "nsfw": body.get("nsfw", False),
    }
    if body.get("options"):
        stored["options"] = body["options"]
    if guild_id is not None:
        stored["guild_id"] = str(guild_id)
    return stored


def _check_list(errors: FormErrors, bodies: list[Any]) -> None:
    if len(bodies) > MAX_COMMANDS:
        errors.add((), "MAX_COMMANDS", f"Maximum number of application commands reached ({MAX_COMMANDS}).")
    seen: set[tuple[int, str]] = set()
    for index, body in enumerate(bodies):
        if not isinstance(body, dict):
            errors.wrong_type((index,), "objects")
            continue
        _check_command(errors, (index,), body)
        key = (body.get("type", 1), str(body.get("name")))
        if key in seen:
            errors.add(
                (index, "name"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            )
        seen.add(key)


def _check_command(errors: FormErrors, path: Path, body: Payload) -> None:
    kind = body.get("type", CommandType.CHAT_INPUT)
    if kind not in tuple(CommandType):
        errors.choice((*path, "type"), "1, 2, 3")
        return
    slash = kind == CommandType.CHAT_INPUT
    _check_name(errors, (*path, "name"), body.get("name"), lower=slash)
    if slash:
        _check_text(errors, (*path, "description"), body.get("description"))
        _check_options(errors, (*path, "options"), body.get("options") or [], depth=0)
    elif body.get("description") or body.get("options"):
        errors.add(
            path, "APPLICATION_COMMAND_INVALID", "Context menu commands have no description and options"
        )
    permissions = body.get("default_member_permissions")
    if permissions is not None and not str(permissions).isdigit():
        errors.add(
            (*path, "default_member_permissions"), "NUMBER_TYPE_COERCE", "Value is not a permission set."
        )
    if _combined(body) > MAX_COMBINED:
        errors.add(
            path, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({MAX_COMBINED} characters)"
        )


def _combined(body: Payload) -> int:
    total = len(str(body.get("name", ""))) + len(str(body.get("description", "")))
    for choice in body.get("choices") or []:
        if isinstance(choice, dict):
            total += len(str(choice.get("name", ""))) + len(str(choice.get("value", "")))
    options = body.get("options")
    return total + sum(_combined(each) for each in options or () if isinstance(each, dict))


def _check_name(errors: FormErrors, path: Path, name: object, *, lower: bool) -> None:
    if name is None:
        errors.required(path)
    elif not isinstance(name, str):
        errors.wrong_type(path, "strings")
    elif not 1 <= len(name) <= NAME_LENGTH:
        errors.length(path, 1, NAME_LENGTH)
    elif lower and (not _NAME.match(name) or name != name.lower()):
        errors.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_text(errors: FormErrors, path: Path, text: object) -> None:
    if text is None:
        errors.required(path)
    elif not isinstance(text, str):
        errors.wrong_type(path, "strings")
    elif not 1 <= len(text) <= TEXT_LENGTH:
        errors.length(path, 1, TEXT_LENGTH)


def _check_options(errors: FormErrors, path: Path, options: object, *, depth: int) -> None:
    if not isinstance(options, list):
        errors.wrong_type(path, "arrays")
        return
    if len(options) > MAX_OPTIONS:
        errors.length(path, 0, MAX_OPTIONS)
    names: set[str] = set()
    optional_seen = False
    kinds = set()
    for index, option in enumerate(options):
        at = (*path, index)
        if not isinstance(option, dict):
            errors.wrong_type(at, "objects")
            continue
        _check_option(errors, at, option, depth=depth)
        name = str(option.get("name"))
        if name in names:
            errors.add(
                (*at, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists"
            )
        names.add(name)
        kinds.add(option.get("type") in _NESTED)
        if option.get("required") and optional_seen:
            errors.add(
                at,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or not option.get("required", False)
    if kinds == {True, False}:
        errors.add(
            path,
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types are mutually exclusive to all other types",
        )


def _check_option(errors: FormErrors, path: Path, option: Payload, *, depth: int) -> None:
    kind = option.get("type")
    if kind not in tuple(OptionType):
        errors.choice((*path, "type"), ", ".join(str(int(each)) for each in OptionType))
        return
    _check_name(errors, (*path, "name"), option.get("name"), lower=True)
    _check_text(errors, (*path, "description"), option.get("description"))
    if kind in _NESTED:
        if depth > 1 or (depth == 1 and kind == OptionType.SUB_COMMAND_GROUP):
            errors.add((*path, "type"), "APPLICATION_COMMAND_NESTING", "Sub-commands nest one level at most")
            return
        _check_options(errors, (*path, "options"), option.get("options") or [], depth=depth + 1)
        return
    if option.get("options"):
        errors.add(
            (*path, "options"), "APPLICATION_COMMAND_OPTIONS_INVALID", "Only sub-commands have options"
        )
    _check_choices(errors, path, option, OptionType(kind))
    _check_bounds(errors, path, option, OptionType(kind))


def _check_choices(errors: FormErrors, path: Path, option: Payload, kind: OptionType) -> None:
    choices = option.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
        errors.wrong_type((*path, "choices"), "arrays")
        return
    if (choices or option.get("autocomplete")) and kind not in _WITH_CHOICES:
        errors.add(path, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "This option type takes no choices")
    if choices and option.get("autocomplete"):
        errors.add(
            (*path, "autocomplete"),
            "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES",
            "Autocomplete excludes choices",
        )
    if len(choices) > MAX_CHOICES:
        errors.length((*path, "choices"), 0, MAX_CHOICES)
    for index, choice in enumerate(choices):
        at = (*path, "choices", index)
        _check_text(errors, (*at, "name"), choice.get("name"))
        if not value_fits(choice.get("value"), kind):
            errors.add(
                (*at, "value"), "APPLICATION_COMMAND_CHOICE_VALUE", "Value does not fit the option's type"
            )


def _check_bounds(errors: FormErrors, path: Path, option: Payload, kind: OptionType) -> None:
    numeric = kind in {OptionType.INTEGER, OptionType.NUMBER}
    for name in ("min_value", "max_value"):
        if option.get(name) is not None and not (numeric and value_fits(option[name], kind)):
            errors.add(
                (*path, name), "APPLICATION_COMMAND_BOUND_INVALID", "Bound does not fit the option's type"
            )
    for name in ("min_length", "max_length"):
        bound = option.get(name)
        if bound is None:
            continue
        if kind is not OptionType.STRING or not isinstance(bound, int) or not 0 <= bound <= MAX_STRING_OPTION:
            errors.add((*path, name), "NUMBER_TYPE_MAX", f"int value should be in 0 to {MAX_STRING_OPTION}.")


def value_fits(value: object, kind: OptionType) -> bool:
    """Whether a choice's value is of the option's type, and neither too long nor too large."""
    if kind is OptionType.STRING:
        return isinstance(value, str) and 1 <= len(value) <= TEXT_LENGTH
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > MAX_NUMBER:
        return False
    return kind is OptionType.NUMBER or isinstance(value, int)
