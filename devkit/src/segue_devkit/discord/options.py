"""Filling in a slash command as Discord's client does: nothing it would not let a person send."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from segue_devkit.discord.commands import MAX_STRING_OPTION, OptionType
from segue_devkit.discord.model import Guild

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segue_devkit.discord.wire import Payload


STRING_SELECT: Final = 3
_ENTITIES: Final = frozenset(
    {OptionType.USER, OptionType.CHANNEL, OptionType.ROLE, OptionType.MENTIONABLE, OptionType.ATTACHMENT}
)


class NotPossibleError(Exception):
    """Discord's client would not let the person do this; the text says why."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What options that name something can name: of the guild, and the person's own uploads."""

    guild: Guild
    files: Collection[int]

    def of(self, kind: OptionType) -> Collection[int]:
        """The ids an option of this kind takes."""
        guild = self.guild
        if kind is OptionType.USER:
            return guild.members
        if kind is OptionType.CHANNEL:
            return guild.channels
        if kind is OptionType.ROLE:
            return guild.roles
        if kind is OptionType.MENTIONABLE:
            return {*guild.members, *guild.roles}
        return self.files


def filled(
    command: Payload, path: Sequence[str], values: Mapping[str, object], known: Targets
) -> list[Payload]:
    """The ``options`` of an interaction for ``/command path… name:value``.

    Raises:
        NotPossibleError: an option that does not exist, is missing, or does not take the value.
    """
    options: list[Payload] = command.get("options") or []
    if not path:
        return _leaf(command["name"], options, values, known)
    chosen = _sub_command(command, path[0])
    inner = filled(chosen, path[1:], values, known)
    return [{"type": chosen["type"], "name": path[0], "options": inner}]


def _sub_command(command: Payload, name: str) -> Payload:
    for each in command.get("options") or []:
        if each["name"] == name and each["type"] <= OptionType.SUB_COMMAND_GROUP:
            found: Payload = each
            return found
    raise NotPossibleError(f"/{command['name']} has no sub-command {name}")


def _leaf(name: str, options: list[Payload], values: Mapping[str, object], targets: Targets) -> list[Payload]:
    known = {each["name"]: each for each in options}
    if any(each["type"] <= OptionType.SUB_COMMAND_GROUP for each in options):
        raise NotPossibleError(f"/{name} needs a sub-command: {', '.join(known)}")
    strangers = set(values) - set(known)
    if strangers:
        raise NotPossibleError(f"/{name} has no option {', '.join(sorted(strangers))}")
    result = []
    for option in options:
        if option["name"] in values:
            value = _checked(option, values[option["name"]], targets)
            result.append({"type": option["type"], "name": option["name"], "value": value})
        elif option.get("required"):
            raise NotPossibleError(f"/{name} needs {option['name']}")
    return result


def _checked(option: Payload, value: object, targets: Targets) -> Any:
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
    return _entity(name, kind, value, targets)


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


def _entity(name: str, kind: OptionType, value: object, targets: Targets) -> str:
    if not str(value).isdigit() or int(str(value)) not in targets.of(kind):
        raise NotPossibleError(f"{name}: there is no {kind.name.lower()} {value} to choose")
    return str(value)


def draft(command: Payload, path: Sequence[str], focused: str, values: Mapping[str, object]) -> list[Payload]:
    """Options of an autocomplete interaction: what is typed so far, unchecked, one option focused.

    Raises:
        NotPossibleError: no such sub-command or option, or the focused one does not complete.
    """
    options: list[Payload] = command.get("options") or []
    if path:
        chosen = _sub_command(command, path[0])
        inner = draft(chosen, path[1:], focused, values)
        return [{"type": chosen["type"], "name": path[0], "options": inner}]
    known = {each["name"]: each for each in options}
    strangers = set(values) - set(known)
    if strangers:
        raise NotPossibleError(f"/{command['name']} has no option {', '.join(sorted(strangers))}")
    if focused not in known or not known[focused].get("autocomplete"):
        raise NotPossibleError(f"{focused} of /{command['name']} does not complete")
    typed = {**values, focused: str(values.get(focused, ""))}
    return [_drafted(known[name], value, focused=name == focused) for name, value in typed.items()]


def _drafted(option: Payload, value: object, *, focused: bool) -> Payload:
    """What is focused goes as the text that was typed, numbers too."""
    drafted: Payload = {"type": option["type"], "name": option["name"], "value": value}
    if OptionType(option["type"]) in _ENTITIES:
        drafted["value"] = str(value)
    return {**drafted, "focused": True} if focused else drafted


def focused_type(options: Sequence[Payload]) -> OptionType:
    """The kind of the option that an autocomplete interaction asks about."""
    for option in options:
        if option["type"] <= OptionType.SUB_COMMAND_GROUP:
            return focused_type(option["options"])
        if option.get("focused"):
            return OptionType(option["type"])
    raise ValueError("no option is focused")


def selected(component: Payload, values: Sequence[str]) -> list[str]:
    """What a select menu sends for the values chosen.

    Raises:
        NotPossibleError: too few, too many, twice the same, or not in the list.
    """
    low, high = component.get("min_values", 1), component.get("max_values", 1)
    if not low <= len(values) <= high or len(set(values)) != len(values):
        raise NotPossibleError(f"choose {low} to {high} of {component['custom_id']}")
    if component["type"] == STRING_SELECT:
        known = [each["value"] for each in component["options"]]
        if not set(values) <= set(known):
            raise NotPossibleError(f"choose of {', '.join(known)}")
    return list(values)
