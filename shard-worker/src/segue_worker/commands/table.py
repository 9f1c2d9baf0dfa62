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

_FACTORS = (policy.FACTOR_LEAST, policy.FACTOR_MOST)
_TIME = "Such as 1:23, 83 or 1m23s; +30 and -30 count from where it is"
_BY = "Such as 30, 1:30 or 1m30s; ten seconds if left out"

PLAYING: tuple[CommandSpec, ...] = (
    CommandSpec(
        verb=Verb.PLAY,
        description="Play a song, a playlist or a link",
        chapter=Chapter.PLAYING,
        options=(options.song(), options.file("A file of yours to play")),
        cooldown_ms=1_000,
    ),
    CommandSpec(
        verb=Verb.PLAY_NEXT,
        description="Play a song, a playlist or a link after the present song",
        chapter=Chapter.PLAYING,
        options=(options.song(), options.file("A file of yours to play next")),
        cooldown_ms=1_000,
    ),
    CommandSpec(
        verb=Verb.PLAY_NOW,
        description="Play a song, a playlist or a link at once, in place of the present song",
        chapter=Chapter.PLAYING,
        options=(options.song(), options.file("A file of yours to play at once")),
        cooldown_ms=1_000,
    ),
    CommandSpec(
        verb=Verb.SEARCH,
        description="Search for a song and choose from what is found",
        chapter=Chapter.PLAYING,
        options=(options.song(required=True),),
        reads=True,
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
        verb=Verb.SKIP_TO,
        description="Skip to a song of the queue",
        chapter=Chapter.STEERING,
        options=(options.place("position", "Its number in the queue"),),
    ),
    CommandSpec(verb=Verb.PREVIOUS, description="Go back to the song before", chapter=Chapter.STEERING),
    CommandSpec(verb=Verb.REPLAY, description="Play the song from its beginning", chapter=Chapter.STEERING),
    CommandSpec(
        verb=Verb.SEEK,
        description="Go to another time of the song",
        chapter=Chapter.STEERING,
        options=(options.text("time", _TIME, "time", options.TIME_LENGTH, required=True),),
    ),
    CommandSpec(
        verb=Verb.FORWARD,
        description="Go on by a while",
        chapter=Chapter.STEERING,
        options=(options.text("time", _BY, "time", options.TIME_LENGTH),),
    ),
    CommandSpec(
        verb=Verb.REWIND,
        description="Go back by a while",
        chapter=Chapter.STEERING,
        options=(options.text("time", _BY, "time", options.TIME_LENGTH),),
    ),
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
    CommandSpec(verb=Verb.SHUFFLE, description="Mix the queue", chapter=Chapter.QUEUE),
    CommandSpec(
        verb=Verb.MOVE,
        description="Move a song to another place of the queue",
        chapter=Chapter.QUEUE,
        options=(
            options.place("from", "Its number in the queue"),
            options.place("to", "The number it is to have", "to_place"),
        ),
    ),
    CommandSpec(
        verb=Verb.BUMP,
        description="Move a song to the front of the queue",
        chapter=Chapter.QUEUE,
        options=(options.place("position", "Its number in the queue"),),
    ),
    CommandSpec(
        verb=Verb.REMOVE,
        description="Remove songs from the queue",
        chapter=Chapter.QUEUE,
        options=(
            options.place("position", "Its number in the queue"),
            options.place("to", "The last number, to remove several", "to_place", required=False),
        ),
    ),
    CommandSpec(verb=Verb.REMOVE_MINE, description="Remove your songs from the queue", chapter=Chapter.QUEUE),
    CommandSpec(
        verb=Verb.REMOVE_GONE,
        description="Remove the songs of people who no longer listen",
        chapter=Chapter.QUEUE,
    ),
    CommandSpec(verb=Verb.DEDUPE, description="Remove what is in the queue twice", chapter=Chapter.QUEUE),
    CommandSpec(verb=Verb.CLEAR, description="Empty the queue", chapter=Chapter.QUEUE),
)

FILES: tuple[CommandSpec, ...] = (
    CommandSpec(
        verb=Verb.EXPORT,
        description="Get the queue as a file",
        chapter=Chapter.QUEUE,
        reads=True,
        cooldown_ms=5_000,
    ),
    CommandSpec(
        verb=Verb.IMPORT,
        description="Add the songs of a queue that was written to a file",
        chapter=Chapter.QUEUE,
        options=(options.file("A file that /export wrote", required=True),),
        cooldown_ms=5_000,
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
    CommandSpec(
        verb=Verb.FILTERS,
        description="Show the filters, or switch one on or off",
        chapter=Chapter.SOUND,
        options=(options.choice("preset", "Which filter", texts.EFFECT_CHOICES),),
        reads=True,
        changes_with=frozenset({"preset"}),
    ),
    CommandSpec(
        verb=Verb.EQUALIZER,
        description="Show or change the equalizer",
        chapter=Chapter.SOUND,
        options=(options.choice("preset", "What to bring out", texts.EQUALIZER_CHOICES),),
        reads=True,
        changes_with=frozenset({"preset"}),
    ),
    CommandSpec(
        verb=Verb.TIMESCALE,
        description="Show or change speed and pitch",
        chapter=Chapter.SOUND,
        options=(
            options.factor("speed", "1 is normal, 2 twice as fast", _FACTORS),
            options.factor("pitch", "1 is normal, 2 an octave higher", _FACTORS),
        ),
        reads=True,
        changes_with=frozenset({"speed", "pitch"}),
    ),
)

_UNDO = options.choice("undo", "Take it back", {"undo": "Take it back"})

ABOUT: tuple[CommandSpec, ...] = (
    CommandSpec(
        verb=Verb.HELP,
        description="Show what I can do",
        chapter=Chapter.ABOUT,
        options=(
            options.text("command", "One command, to read all about it", "choice", options.NAME_LENGTH),
            options.page("Which page of the help"),
        ),
        reads=True,
    ),
    CommandSpec(
        verb=Verb.LIKE,
        description="Say that you like the song that is playing",
        chapter=Chapter.ABOUT,
        options=(_UNDO,),
    ),
    CommandSpec(
        verb=Verb.DISLIKE,
        description="Say that you don't like the song that is playing",
        chapter=Chapter.ABOUT,
        options=(_UNDO,),
    ),
    CommandSpec(
        verb=Verb.SAVE,
        description="Keep the song that is playing for later",
        chapter=Chapter.ABOUT,
        options=(_UNDO,),
    ),
    CommandSpec(
        verb=Verb.LIKED,
        description="Show the songs you like or kept",
        chapter=Chapter.ABOUT,
        options=(options.page("Which page of them"),),
        reads=True,
    ),
    CommandSpec(
        verb=Verb.HISTORY,
        description="Show what was played",
        chapter=Chapter.ABOUT,
        options=(options.page("Which page of the past"),),
        reads=True,
    ),
    CommandSpec(verb=Verb.STATS, description="Show how Segue is doing", chapter=Chapter.ABOUT, reads=True),
    CommandSpec(
        verb=Verb.NODE, description="Show which node plays for you", chapter=Chapter.ABOUT, reads=True
    ),
    CommandSpec(
        verb=Verb.SHARD,
        description="Show which shard this server is on",
        chapter=Chapter.ABOUT,
        reads=True,
    ),
    CommandSpec(verb=Verb.PING, description="See whether Segue is awake", chapter=Chapter.ABOUT, reads=True),
)

COMMANDS: tuple[CommandSpec, ...] = (*PLAYING, *STEERING, *QUEUE, *FILES, *SOUND, *ABOUT)

BY_NAME: dict[str, CommandSpec] = {spec.name: spec for spec in COMMANDS}


def registration() -> list[dict[str, Any]]:
    """Return the body of PUT /applications/{id}/commands (Discord API v10)."""
    return [spec.payload() for spec in COMMANDS]
