"""Every slash command: its name, words, options, limits and rights. Nothing else declares one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from segue_worker.domain import policy
from segue_worker.domain.messages import Verb

_CHAT_INPUT = 1
_GUILD_CONTEXT = 0
_GUILD_INSTALL = 0
VOLUME_MAXIMUM = 1000
"""What Lavalink takes; the guild's own limit is lower and judged where the guild is known."""
PAGES_MAXIMUM = 100_000


class OptionKind(IntEnum):
    """Discord's application command option types."""

    STRING = 3
    INTEGER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSpec:
    """One option. ``least`` and ``most`` bound a number's value or a string's length."""

    name: str
    kind: OptionKind
    description: str
    least: int
    most: int
    required: bool = False

    def payload(self) -> dict[str, Any]:
        """Return Discord's application command option object."""
        bounds = (
            ("min_length", "max_length") if self.kind is OptionKind.STRING else ("min_value", "max_value")
        )
        return {
            "type": int(self.kind),
            "name": self.name,
            "description": self.description,
            "required": self.required,
            bounds[0]: self.least,
            bounds[1]: self.most,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """One slash command.

    ``reads``: changes nothing when given without its options, so it is answered directly and not
    journaled. ``changes_with``: the option that makes it a change. ``cooldown_ms``: between two uses
    by the same person. ``permissions``: Discord permission bits that members need by default, None
    for everybody.
    """

    verb: Verb
    description: str
    options: tuple[OptionSpec, ...] = ()
    reads: bool = False
    changes_with: str | None = None
    cooldown_ms: int = 0
    permissions: int | None = None

    @property
    def name(self) -> str:
        """What people type after the slash."""
        return self.verb.value

    def is_read(self, given: frozenset[str]) -> bool:
        """Whether a use with these options only reads."""
        return self.reads and self.changes_with not in given

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


COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec(
        verb=Verb.PLAY,
        description="Play a song, a playlist or a link",
        options=(
            OptionSpec(
                name="query",
                kind=OptionKind.STRING,
                description="Words to search for, or a link",
                least=1,
                most=policy.QUERY_LIMIT,
                required=True,
            ),
        ),
        cooldown_ms=1_000,
    ),
    CommandSpec(verb=Verb.PAUSE, description="Pause the music"),
    CommandSpec(verb=Verb.RESUME, description="Go on after a pause"),
    CommandSpec(verb=Verb.SKIP, description="Skip to the next song"),
    CommandSpec(verb=Verb.STOP, description="Stop the music and clear the queue"),
    CommandSpec(
        verb=Verb.QUEUE,
        description="Show what is coming up",
        options=(
            OptionSpec(
                name="page",
                kind=OptionKind.INTEGER,
                description="Which page of the queue",
                least=1,
                most=PAGES_MAXIMUM,
            ),
        ),
        reads=True,
    ),
    CommandSpec(verb=Verb.NOW_PLAYING, description="Show the song that is playing", reads=True),
    CommandSpec(verb=Verb.JOIN, description="Come to your voice channel", cooldown_ms=2_000),
    CommandSpec(verb=Verb.LEAVE, description="Stop and leave the voice channel"),
    CommandSpec(
        verb=Verb.VOLUME,
        description="Show or change the volume",
        options=(
            OptionSpec(
                name="percent",
                kind=OptionKind.INTEGER,
                description="The new volume, 100 is normal",
                least=0,
                most=VOLUME_MAXIMUM,
            ),
        ),
        reads=True,
        changes_with="percent",
    ),
    CommandSpec(verb=Verb.PING, description="See whether Segue is awake", reads=True),
)

BY_NAME: dict[str, CommandSpec] = {spec.name: spec for spec in COMMANDS}


def registration() -> list[dict[str, Any]]:
    """Return the body of PUT /applications/{id}/commands (Discord API v10)."""
    return [spec.payload() for spec in COMMANDS]
