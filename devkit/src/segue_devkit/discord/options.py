"""Filling in a slash command as Discord's client does: nothing it would not let a person send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segue_devkit.discord.commands import MAX_STRING_OPTION, OptionType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segue_devkit.discord.model import Guild
    from segue_devkit.discord.wire import Payload


class NotPossibleError(Exception):
    """Discord's client would not let the person do this; the text says why."""


def filled(
    command: Payload, path: Sequence[str], values: Mapping[str, object], guild: Guild
) -> list[Payload]:
    """The ``options`` of an interaction for ``/command path… name:value``.

    Raises:
        NotPossibleError: an option that does not exist, is missing, or does not take the value.
    """
    options: list[Payload] = command.get("options") or []
    if not path:
        return _leaf(command["name"], options, values, guild)
    chosen = next((each for each in options if each["name"] == path[0] and each["type"] <= 2), None)  # noqa: PLR2004 - 1 and 2 are sub-commands
    if chosen is None:
        raise NotPossibleError(f"/{command['name']} has no sub-command {path[0]}")
    return [{"type": chosen["type"], "name": path[0], "options": filled(chosen, path[1:], values, guild)}]


def _leaf(name: str, options: list[Payload], values: Mapping[str, object], guild: Guild) -> list[Payload]:
    known = {each["name"]: each for each in options}
    if any(each["type"] <= OptionType.SUB_COMMAND_GROUP for each in options):
        raise NotPossibleError(f"/{name} needs a sub-command: {', '.join(known)}")
    strangers = set(values) - set(known)
    if strangers:
        raise NotPossibleError(f"/{name} has no option {', '.join(sorted(strangers))}")
    result = []
    for option in options:
        if option["name"] in values:
            value = _checked(option, values[option["name"]], guild)
            result.append({"type": option["type"], "name": option["name"], "value": value})
        elif option.get("required"):
            raise NotPossibleError(f"/{name} needs {option['name']}")
    return result


def _checked(option: Payload, value: object, guild: Guild) -> Any:
    kind = OptionType(option["type"])
    name = option["name"]
    choices = option.get("choices")
    if choices and value not in [each["value"] for each in choices]:
        raise NotPossibleError(f"{name} takes one of {', '.join(str(each['value']) for each in choices)}")
    if kind is OptionType.STRING:
        return _text(option, value)
    if kind is OptionType.BOOLEAN:
        if not isinstance(value, bool):
            raise NotPossibleError(f"{name} is true or false")
        return value
    if kind in {OptionType.INTEGER, OptionType.NUMBER}:
        return _number(option, kind, value)
    return _entity(name, kind, value, guild)


def _text(option: Payload, value: object) -> str:
    low, high = option.get("min_length") or 0, option.get("max_length") or MAX_STRING_OPTION
    if not isinstance(value, str) or not value or not low <= len(value) <= high:
        raise NotPossibleError(f"{option['name']} takes {max(low, 1)} to {high} characters")
    return value


def _number(option: Payload, kind: OptionType, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotPossibleError(f"{option['name']} is a number")
    if kind is OptionType.INTEGER and not isinstance(value, int):
        raise NotPossibleError(f"{option['name']} is a whole number")
    low, high = option.get("min_value"), option.get("max_value")
    if (low is not None and value < low) or (high is not None and value > high):
        raise NotPossibleError(f"{option['name']} lies between {low} and {high}")
    return value


def _entity(name: str, kind: OptionType, value: object, guild: Guild) -> str:
    known = {
        OptionType.USER: set(guild.members),
        OptionType.CHANNEL: set(guild.channels),
        OptionType.ROLE: set(guild.roles),
        OptionType.MENTIONABLE: set(guild.members) | set(guild.roles),
    }.get(kind, set())
    if not str(value).isdigit() or int(str(value)) not in known:
        raise NotPossibleError(f"{name}: there is no {kind.name.lower()} {value} in this guild")
    return str(value)


def draft(command: Payload, focused: str, values: Mapping[str, object]) -> list[Payload]:
    """Options of an autocomplete interaction: unchecked, with one of them focused."""
    known = {each["name"]: each for each in command.get("options") or []}
    if focused not in known or not known[focused].get("autocomplete"):
        raise NotPossibleError(f"{focused} of /{command['name']} does not complete")
    return [
        {
            "type": known[name]["type"],
            "name": name,
            "value": value,
            **({"focused": True} if name == focused else {}),
        }
        for name, value in values.items()
        if name in known
    ]
