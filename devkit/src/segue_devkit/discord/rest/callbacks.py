"""Interaction callbacks as Discord checks and answers them; pure."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from segue_devkit.discord import options, payloads
from segue_devkit.discord.commands import MAX_CHOICES, TEXT_LENGTH, OptionType, value_fits
from segue_devkit.discord.errors import FormErrors
from segue_devkit.discord.interactions import Interaction, Kind

if TYPE_CHECKING:
    from segue_devkit.discord.wire import Payload


class Callback(IntEnum):
    """Interaction callback types."""

    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE_MESSAGE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


DEFERRED: Final = frozenset({Callback.DEFERRED_MESSAGE, Callback.DEFERRED_UPDATE})
_MESSAGES = frozenset({Callback.MESSAGE, Callback.DEFERRED_MESSAGE})
_UPDATES = frozenset({Callback.DEFERRED_UPDATE, Callback.UPDATE_MESSAGE})
_ALLOWED: dict[Kind, frozenset[Callback]] = {
    Kind.COMMAND: _MESSAGES | {Callback.MODAL},
    Kind.COMPONENT: _MESSAGES | _UPDATES | {Callback.MODAL},
    Kind.AUTOCOMPLETE: frozenset({Callback.AUTOCOMPLETE}),
    Kind.MODAL_SUBMIT: _MESSAGES | _UPDATES,
}


def kind_of(body: Payload, one: Interaction) -> Callback:
    """The callback's type; 50035 if this interaction cannot be answered so."""
    allowed = _ALLOWED[one.kind]
    if one.kind is Kind.MODAL_SUBMIT and one.source is None:
        allowed = _MESSAGES  # opened by a command: there is no message to update
    errors = FormErrors()
    kind = body.get("type")
    if isinstance(kind, bool) or kind not in tuple(Callback) or Callback(kind) not in allowed:
        errors.choice(("type",), ", ".join(str(int(each)) for each in sorted(allowed)))
        errors.raise_if_any()
    return Callback(int(str(kind)))


def data_of(body: Payload) -> Payload:
    """The ``data`` of a callback, empty if there is none."""
    data = body.get("data") or {}
    if not isinstance(data, dict):
        errors = FormErrors()
        errors.wrong_type(("data",), "dictionaries")
        errors.raise_if_any()
    return dict(data)


def choices_of(data: Payload, one: Interaction) -> list[Payload]:
    """The choices of an autocomplete answer: at most 25, names of 1 to 100, values of the option's type."""
    errors = FormErrors()
    choices = data.get("choices")
    if not isinstance(choices, list):
        errors.required(("data", "choices"))
        choices = []
    if len(choices) > MAX_CHOICES:
        errors.length(("data", "choices"), 0, MAX_CHOICES)
    kind = options.focused_type(one.data["options"])
    for index, each in enumerate(choices):
        _check_choice(errors, ("data", "choices", index), each, kind)
    errors.raise_if_any()
    return choices


def _check_choice(errors: FormErrors, path: tuple[str | int, ...], choice: object, kind: OptionType) -> None:
    if not isinstance(choice, dict):
        errors.wrong_type(path, "dictionaries")
        return
    name, value = choice.get("name"), choice.get("value")
    if name is None:
        errors.required((*path, "name"))
    elif not isinstance(name, str):
        errors.wrong_type((*path, "name"), "strings")
    elif not 1 <= len(name) <= TEXT_LENGTH:
        errors.length((*path, "name"), 1, TEXT_LENGTH)
    if value is None:
        errors.required((*path, "value"))
    elif isinstance(value, str) and kind is OptionType.STRING and not 1 <= len(value) <= TEXT_LENGTH:
        errors.length((*path, "value"), 1, TEXT_LENGTH)
    elif not value_fits(value, kind):
        errors.add(
            (*path, "value"), "APPLICATION_COMMAND_CHOICE_VALUE", "Value does not fit the option's type"
        )


def response(one: Interaction, kind: Callback) -> Payload:
    """What ``with_response=true`` answers."""
    interaction: Payload = {
        "id": str(one.id),
        "type": int(one.kind),
        "guild_id": str(one.guild_id),
        "channel_id": str(one.channel_id),
    }
    answer: Payload = {"interaction": interaction, "resource": {"type": int(kind)}}
    if one.original is not None:
        interaction |= {
            "response_message_id": str(one.original.id),
            "response_message_loading": one.original.loading,
            "response_message_ephemeral": one.original.ephemeral_for is not None,
        }
        if kind in _MESSAGES or kind is Callback.UPDATE_MESSAGE:
            answer["resource"]["message"] = payloads.message(one.original)
    return answer
