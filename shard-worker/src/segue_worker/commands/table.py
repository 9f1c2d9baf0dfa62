"""Every slash command: its name, words, options, limits and rights. Nothing else declares one.

Add one here, its verb in ``domain/messages.py``, and what it does in a table of ``domain/commands.py``.
"""

from __future__ import annotations

from typing import Any

from segue_worker.commands import options
from segue_worker.commands.spec import Chapter, CommandSpec
from segue_worker.domain import policy
from segue_worker.domain.messages import Verb
from segue_worker.ui import texts

VOLUME_MAXIMUM = 1000
"""What Lavalink takes; the guild's own limit is lower and judged where the guild is known."""

_TIME = "such as 1:23, 83 or 1m23s; +30 and -30 go from where it is"

PLAYING: tuple[CommandSpec, ...] = (
    CommandSpec(
        verb=Verb.PLAY,
        description="Play a song, a playlist or a link",
        chapter=Chapter.PLAYING,
        options=(
            options.text(
                "query", "Words to search for, or a link", "query", policy.QUERY_LIMIT, required=True
            ),
        ),
        cooldown_ms=1_000,
    ),
    CommandSpec(verb=Verb.PAUSE, description="Pause the music", chapter=Chapter.PLAYING),
    CommandSpec(verb=Verb.RESUME, description="Go on after a pause", chapter=Chapter.PLAYING),
    CommandSpec(verb=Verb.STOP, description="Stop the music and clear the queue", chapter=Chapter.PLAYING),
    CommandSpec(
        verb=Verb.JOIN,
        description="Come to your voice channel",
        chapter=Chapter.PLAYING,
        cooldown_ms=2_000,
    ),
    CommandSpec(verb=Verb.LEAVE, description="Stop and leave the voice channel", chapter=Chapter.PLAYING),
    CommandSpec(
        verb=Verb.NOW_PLAYING,
        description="Show the song that is playing",
        chapter=Chapter.PLAYING,
        reads=True,
    ),
)

STEERING: tuple[CommandSpec, ...] = (
    CommandSpec(verb=Verb.SKIP, description="Skip to the next song", chapter=Chapter.STEERING),
    CommandSpec(
        verb=Verb.LOOP,
        description="Show or change what is played again",
        chapter=Chapter.STEERING,
        options=(options.choice("mode", "What is played again", texts.LOOP_MODES),),
        reads=True,
        changes_with=frozenset({"mode"}),
    ),
)

QUEUE: tuple[CommandSpec, ...] = (
    CommandSpec(
        verb=Verb.QUEUE,
        description="Show what is coming up",
        chapter=Chapter.QUEUE,
        options=(options.page("Which page of the queue"),),
        reads=True,
    ),
)

SOUND: tuple[CommandSpec, ...] = (
    CommandSpec(
        verb=Verb.VOLUME,
        description="Show or change the volume",
        chapter=Chapter.SOUND,
        options=(options.whole("percent", "The new volume, 100 is normal", "amount", (0, VOLUME_MAXIMUM)),),
        reads=True,
        changes_with=frozenset({"percent"}),
    ),
)

ABOUT: tuple[CommandSpec, ...] = (
    CommandSpec(verb=Verb.PING, description="See whether Segue is awake", chapter=Chapter.ABOUT, reads=True),
)

COMMANDS: tuple[CommandSpec, ...] = (*PLAYING, *STEERING, *QUEUE, *SOUND, *ABOUT)

BY_NAME: dict[str, CommandSpec] = {spec.name: spec for spec in COMMANDS}


def registration() -> list[dict[str, Any]]:
    """Return the body of PUT /applications/{id}/commands (Discord API v10)."""
    return [spec.payload() for spec in COMMANDS]
