"""Slash commands, described as Discord's command objects, for hikari's registration call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hikari
from hikari import api as hikari_api
from hikari.impl import SlashCommandBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping


def builder(payload: Mapping[str, Any]) -> hikari_api.SlashCommandBuilder:
    """Return what registers the chat-input command that ``payload`` describes."""
    made = SlashCommandBuilder(str(payload["name"]), str(payload["description"]))
    for option in payload.get("options") or ():
        made.add_option(_option(option))
    permissions = payload.get("default_member_permissions")
    if permissions is not None:
        made.set_default_member_permissions(hikari.Permissions(int(permissions)))
    if payload.get("contexts") is not None:
        made.set_context_types([hikari.ApplicationContextType(one) for one in payload["contexts"]])
    if payload.get("integration_types") is not None:
        kinds = [hikari.ApplicationIntegrationType(one) for one in payload["integration_types"]]
        made.set_integration_types(kinds)
    return made


def _option(payload: Mapping[str, Any]) -> hikari.CommandOption:
    return hikari.CommandOption(
        type=hikari.OptionType(payload["type"]),
        name=str(payload["name"]),
        description=str(payload["description"]),
        is_required=bool(payload.get("required")),
        autocomplete=bool(payload.get("autocomplete")),
        min_value=payload.get("min_value"),
        max_value=payload.get("max_value"),
        min_length=payload.get("min_length"),
        max_length=payload.get("max_length"),
        choices=[
            hikari.CommandChoice(name=choice["name"], value=choice["value"])
            for choice in payload.get("choices") or ()
        ],
    )
