from __future__ import annotations

import hikari
from hikari.impl import EntityFactoryImpl

from segue_worker.gateway.register import builder


def test_nothing_of_a_command_is_lost() -> None:
    """What a command object says of rights, places, options and their limits reaches Discord."""
    made = builder(
        {
            "type": 1,
            "name": "volume",
            "description": "Show or change the volume",
            "options": [
                {
                    "type": 4, "name": "percent", "description": "How loud", "required": False,
                    "min_value": 0, "max_value": 1000,
                },
                {
                    "type": 3, "name": "mode", "description": "How", "required": True,
                    "choices": [{"name": "Soft", "value": "soft"}],
                },
            ],
            "default_member_permissions": "32",
            "contexts": [0],
            "integration_types": [0],
        }
    )  # fmt: skip
    assert isinstance(made, hikari.api.SlashCommandBuilder)
    assert made.default_member_permissions == hikari.Permissions.MANAGE_GUILD
    assert made.context_types == [hikari.ApplicationContextType.GUILD]
    percent, mode = made.options
    assert (percent.min_value, percent.max_value, percent.is_required) == (0, 1000, False)
    assert mode.choices is not None
    assert (mode.is_required, mode.choices[0].value) == (True, "soft")


def test_rights_may_be_left_open() -> None:
    """A command without default permissions is everybody's."""
    made = builder({"name": "ping", "description": "Are you there?"})
    assert made.default_member_permissions is hikari.UNDEFINED
    assert made.build(EntityFactoryImpl(None))["name"] == "ping"  # type: ignore[arg-type]
