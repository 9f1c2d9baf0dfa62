"""What a slash command is made of, and how Discord is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from segue_worker.domain.messages import Verb

_CHAT_INPUT = 1
_GUILD_CONTEXT = 0
_GUILD_INSTALL = 0

OptionValue = str | int | float


class OptionKind(IntEnum):
    """Discord's application command option types."""

    STRING = 3
    INTEGER = 4
    NUMBER = 10
    ATTACHMENT = 11


class Chapter(IntEnum):
    """Where the help lists a command; in this order."""

    PLAYING = 1
    STEERING = 2
    QUEUE = 3
    SOUND = 4
    ABOUT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSpec:
    """One option. ``least`` and ``most`` bound a number's value or a string's length.

    ``fills``: the field of :class:`~segue_worker.domain.messages.Command` it becomes. ``choices``: value to
    the words people choose it by; nothing else can be given then. ``suggests``: what is typed is completed
    by us. An attachment's value is its link, which the interaction brings along.
    """

    name: str
    kind: OptionKind
    description: str
    fills: str
    least: float = 1
    most: float = 100
    required: bool = False
    choices: Mapping[str, str] | None = None
    suggests: bool = False

    def payload(self) -> dict[str, Any]:
        """Return Discord's application command option object."""
        body: dict[str, Any] = {
            "type": int(self.kind),
            "name": self.name,
            "description": self.description,
            "required": self.required,
        }
        if self.choices is not None:
            body["choices"] = [{"name": words, "value": value} for value, words in self.choices.items()]
        elif self.kind is OptionKind.STRING:
            body["autocomplete"] = self.suggests
            body |= {"min_length": int(self.least), "max_length": int(self.most)}
        elif self.kind is not OptionKind.ATTACHMENT:
            body |= {"min_value": self.least, "max_value": self.most}
        return body

    def accepts(self, value: object) -> OptionValue | None:
        """Return ``value`` as this option's, or None when Discord's client would not have sent it."""
        if self.kind in {OptionKind.STRING, OptionKind.ATTACHMENT}:
            # Length is judged by the domain, whose words for it are better than ours.
            fits = isinstance(value, str) and (self.choices is None or value in self.choices)
            return value if fits and isinstance(value, str) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.kind is OptionKind.INTEGER and not isinstance(value, int):
            return None
        return value if self.least <= value <= self.most else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """One slash command.

    ``reads``: changes nothing when given without its options, so it is answered directly and not
    journaled. ``changes_with``: the options that make it a change. ``cooldown_ms``: between two uses
    by the same person. ``permissions``: Discord permission bits that members need by default, None
    for everybody.
    """

    verb: Verb
    description: str
    chapter: Chapter
    options: tuple[OptionSpec, ...] = ()
    reads: bool = False
    changes_with: frozenset[str] = frozenset()
    cooldown_ms: int = 0
    permissions: int | None = None

    @property
    def name(self) -> str:
        """What people type after the slash."""
        return self.verb.value

    def is_read(self, given: frozenset[str]) -> bool:
        """Whether a use with these options only reads."""
        return self.reads and not self.changes_with & given

    def payload(self) -> dict[str, Any]:
        """Return Discord's application command object, for PUT …/commands."""
        return {
            "type": _CHAT_INPUT,
            "name": self.name,
            "description": self.description,
            "options": [option.payload() for option in self.options],
            "default_member_permissions": None if self.permissions is None else str(self.permissions),
            "contexts": [_GUILD_CONTEXT],
            "integration_types": [_GUILD_INSTALL],
        }
