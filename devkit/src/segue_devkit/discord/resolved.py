"""The ``resolved`` part of an interaction: what its options and menus name, in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from segue_devkit.discord import payloads
from segue_devkit.discord.commands import OptionType
from segue_devkit.discord.options import NotPossibleError
from segue_devkit.discord.permissions import of_member

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segue_devkit.discord.model import Guild
    from segue_devkit.discord.wire import Payload

_NAMING: Final = (OptionType.USER, OptionType.CHANNEL, OptionType.ROLE, OptionType.MENTIONABLE)
_ENTITY_MENUS: Final = (5, 6, 7, 8)


def of_options(filled: Sequence[Payload], guild: Guild) -> Payload:
    """Users, members, roles and channels that slash options name."""
    result: Payload = {}
    for option in _leaves(filled):
        if option["type"] in _NAMING:
            _add(result, int(option["value"]), guild)
    return result


def of_values(menu_type: int, values: Sequence[str], guild: Guild) -> Payload:
    """What the values of a user, role, mentionable or channel menu name; nothing for a string menu.

    Raises:
        NotPossibleError: something that is not in the guild.
    """
    result: Payload = {}
    for value in values if menu_type in _ENTITY_MENUS else ():
        if not value.isdecimal():
            raise NotPossibleError(f"{value} is no id")
        _add(result, int(value), guild)
    return result


def attachments(filled: Sequence[Payload]) -> tuple[int, ...]:
    """Ids of the files that slash options carry."""
    return tuple(int(each["value"]) for each in _leaves(filled) if each["type"] == OptionType.ATTACHMENT)


def _leaves(filled: Sequence[Payload]) -> Iterator[Payload]:
    for option in filled:
        if option["type"] <= OptionType.SUB_COMMAND_GROUP:
            yield from _leaves(option["options"])
        else:
            yield option


def _add(result: Payload, target: int, guild: Guild) -> None:
    if target in guild.members:
        member = guild.members[target]
        result.setdefault("users", {})[str(target)] = payloads.user(member.user)
        result.setdefault("members", {})[str(target)] = {
            **payloads.member(member, with_user=False),
            "permissions": str(of_member(guild, target)),
        }
    elif target in guild.channels:
        result.setdefault("channels", {})[str(target)] = payloads.channel(guild.channels[target])
    elif target in guild.roles:
        result.setdefault("roles", {})[str(target)] = payloads.role(guild.roles[target])
    else:
        raise NotPossibleError(f"there is no {target} to choose in this guild")
