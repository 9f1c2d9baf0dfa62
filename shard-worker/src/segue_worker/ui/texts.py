"""Every sentence Segue says, in one place: another language is another table of this shape.

A gap is filled with an escaped value, see :func:`say`. Gaps with a meaning of their own: ``channel``
and ``user`` become mentions (that ping nobody), ``limit_ms`` a duration.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from segue_worker.domain.presets import EFFECTS, EQUALIZERS, Preset
from segue_worker.domain.views import Fact, FactName, Phrase, SoundView, Words
from segue_worker.ui.markdown import escape, truncate

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_LIMIT = 2000
_VALUE_LIMIT = 200

ENGLISH: dict[Phrase, str] = {
    Phrase.PLAYING_NOW: "Playing **{title}** for you.",
    Phrase.QUEUED: "Added **{title}** - number {position} in the queue.",
    Phrase.QUEUED_NEXT: "**{title}** comes next.",
    Phrase.QUEUED_PLAYLIST: "Added {count} songs from **{playlist}**.",
    Phrase.QUEUED_PLAYLIST_PARTLY: (
        "Added {count} of {of} songs from **{playlist}** - the others were too long or did not fit."
    ),
    Phrase.PAUSED: "Paused. `/resume` goes on right here.",
    Phrase.RESUMED: "On we go.",
    Phrase.SKIPPED: "Skipped **{title}**.",
    Phrase.SKIPPED_LAST: "Skipped **{title}**. That was the last song - what's next?",
    Phrase.STOPPED: "Stopped, and the queue is clear.",
    Phrase.JOINED: "Here I am, in {channel}.",
    Phrase.LEFT: "Bye! Call me back with `/play`.",
    Phrase.VOLUME_SET: "Volume is now {volume} %.",
    Phrase.SOUGHT: "On we go from {position_ms}.",
    Phrase.REPLAYING: "**{title}** once more, from the beginning.",
    Phrase.PLAYING_AGAIN: "Back to **{title}**.",
    Phrase.SKIPPED_TO: "On to **{title}**.",
    Phrase.SHUFFLED: "Shuffled {count} songs.",
    Phrase.MOVED: "**{title}** is number {position} in the queue now.",
    Phrase.REMOVED: "Removed **{title}** from the queue.",
    Phrase.REMOVED_SOME: "Removed {count} songs from the queue.",
    Phrase.CLEARED: "The queue is clear. What plays goes on.",
    Phrase.FILTER_ON: "{preset} is on.",
    Phrase.FILTER_OFF: "{preset} is off.",
    Phrase.FILTERS_OFF: "All filters are off.",
    Phrase.EQUALIZER_OFF: "The equalizer is flat.",
    Phrase.TIMESCALE_SET: "Speed is {speed} %, pitch {pitch} %.",
    Phrase.FILTERS_ARE: "These filters are on:",
    Phrase.FILTERS_NONE: "No filters are on. `/filters`, `/equalizer` and `/timescale` change that.",
    Phrase.SHUFFLE_ONE: "One song alone is in the best order already.",
    Phrase.NO_DUPLICATES: "Nothing is in the queue twice.",
    Phrase.NONE_OF_YOURS: "Nothing in the queue is yours.",
    Phrase.NOBODY_GONE: "Everybody with a song in the queue is here.",
    Phrase.LOOPING_NOTHING: "Nothing is played again.",
    Phrase.LOOPING_TRACK: "This song is played again and again.",
    Phrase.LOOPING_QUEUE: "The whole queue is played again and again.",
    Phrase.VOLUME_IS: "Volume is {volume} %.",
    Phrase.LIKES: "You like **{title}**. `/liked` shows all you like.",
    Phrase.DISLIKES: "Noted: **{title}** is not for you.",
    Phrase.SAVED: "Kept **{title}** for you. `/liked` finds it again.",
    Phrase.OPINION_UNDONE: "Taken back, for **{title}**.",
    Phrase.EXPORTED: "Here is the queue, {count} songs. `/import` reads it again.",
    Phrase.BAD_QUEUE_FILE: "I can't read that as a queue: {detail}. `/export` writes one that I can.",
    Phrase.LIKED: "These are the songs you like or kept.",
    Phrase.LIKED_NONE: "You have not liked or kept a song yet. `/like` is for the one that plays.",
    Phrase.LIKED_UNKNOWN: "I can't look that up just now. Please try again in a moment.",
    Phrase.HISTORY: "This is what was played here, the newest first.",
    Phrase.HISTORY_EMPTY: "Nothing was played here yet. Start something with `/play`.",
    Phrase.HISTORY_RECENT: "I can't look further back just now; these were the last songs.",
    Phrase.STATS: "This is how I am doing.",
    Phrase.NODE: "{node} plays for you.",
    Phrase.NO_NODE_YET: "No node plays for you yet. Start something with `/play`.",
    Phrase.SHARD: "This server is on shard {shard}.",
    Phrase.HELP: "This is what I can do.",
    Phrase.PONG: "Pong! Your command took {ms} ms to get here.",
    Phrase.QUEUE_PAGE: "Coming up: {total} in the queue.",
    Phrase.OFFERED: "This is what I found for **{query}**. Which one shall I play?",
    Phrase.NOW_PLAYING: "This is **{title}**.",
    Phrase.ALREADY_PAUSED: "It is paused already. `/resume` goes on.",
    Phrase.NOT_PAUSED: "The music is not paused.",
    Phrase.ALREADY_HERE: "I am already with you in {channel}.",
    Phrase.ALREADY_APPLIED: "Done.",
    Phrase.NOTHING_PLAYING: "Nothing is playing. Start something with `/play`.",
    Phrase.QUEUE_EMPTY: "The queue is empty. Add something with `/play`.",
    Phrase.NO_SUCH_PLACE: "There is no number {position} in the queue: it has {count}. `/queue` shows them.",
    Phrase.NO_PREVIOUS: "I know of no song before this one.",
    Phrase.NO_SUCH_COMMAND: "There is no `/{name}`. Did you mean `/{near}`? `/help` shows everything.",
    Phrase.BAD_TIME: "I don't understand that time. Write `1:23`, `83` or `1m23s`.",
    Phrase.NOT_SEEKABLE: "There is no going back and forth in this one: it is live, or can't be wound.",
    Phrase.SEEK_BEYOND: "The song is only {limit_ms} long. `/skip` goes on to the next.",
    Phrase.NOT_CONNECTED: "I am not in a voice channel. Start something with `/play`.",
    Phrase.JOIN_VOICE_FIRST: "Join a voice channel first, then ask me again.",
    Phrase.OTHER_CHANNEL: "I am playing in {channel}. Join me there!",
    Phrase.MISSING_PERMISSIONS: (
        "I can't play in {channel}: I need the permission {permissions} there. A server admin can grant it."
    ),
    Phrase.QUERY_EMPTY: "What would you like to hear? Give me a title or a link.",
    Phrase.QUERY_TOO_LONG: "That is a bit long for a search - {limit} characters at most, please.",
    Phrase.QUEUE_FULL: "The queue is full ({limit} songs). Try again when a few have played.",
    Phrase.TOO_LONG: "That is longer than this server allows ({limit_ms} a song).",
    Phrase.VOLUME_RANGE: "Volume goes from 0 to {limit} % here.",
    Phrase.NOTHING_FOUND: "I found nothing for that. Try other words, or a link.",
    Phrase.FORBIDDEN_ADDRESS: "I can't play from that address. Public links only, please.",
    Phrase.UNPLAYABLE: "That link can't be played - it may be private, gone, or no music.",
    Phrase.LOAD_TIMEOUT: "Finding that took too long. Please try again.",
    Phrase.NO_NODE: "All my players are busy or resting just now. Please try again in a minute.",
    Phrase.THROTTLED: "The music service asks me to slow down. Please try again in a moment.",
    Phrase.SOURCE_RESTS: "That music service keeps failing. Try another one, or again in a minute.",
    Phrase.TOO_MANY_SEARCHES: "Too many searches. Please try again in {wait_s} s.",
    Phrase.OFFER_EXPIRED: "That list has expired. `/search` finds it again.",
    Phrase.NOT_THEIR_OFFER: "That list is somebody else's. `/search` makes one for you.",
    Phrase.WORDS_ONLY: "That is a link: `/play` plays it. I search for words.",
    Phrase.TRY_AGAIN: "I can't change anything just now. Please try again in a moment.",
    Phrase.NO_ROOM: "I have no room for one more server. Please try again in a few minutes.",
    Phrase.SLOW_DOWN: "Easy! Try that again in a second or two.",
    Phrase.UNKNOWN_COMMAND: "I don't know that one (any more). Type `/` to see what I can do.",
    Phrase.MISSING_OPTION: "Please fill in `{option}`.",
    Phrase.BAD_OPTION: "That value for `{option}` won't do.",
    Phrase.SERVERS_ONLY: "I only play on servers. See you there!",
    Phrase.JOIN_TIMEOUT: (
        "I could not get into the voice channel. It may be full, or I may lack the permission to join."
    ),
    Phrase.DISCONNECTED: "Somebody disconnected me from the voice channel.",
    Phrase.STOPPED_MEANWHILE: "The music was stopped before I got to that.",
    Phrase.INTERNAL: "Something went wrong on my side. Please try again.",
    Phrase.TRACK_FAILED: "Sorry {user}, I skipped **{title}**: it could not be played. {reason}",
    Phrase.TRACK_STUCK: "Sorry {user}, I skipped **{title}**: it got stuck.",
    Phrase.TRACK_PUT_OFF: (
        "**{title}** could not be played just now. I try it again at the end of the queue, {user}."
    ),
    Phrase.TRACK_REPLACING: "**{title}** could not be played. I am looking for it elsewhere…",
    Phrase.TRACK_REPLACED: "**{title}** could not be played, so here is **{other}** from elsewhere.",
    Phrase.TOO_MANY_FAILURES: (
        "{count} songs in a row could not be played, so I stopped here and kept the queue."
        " `/skip` or `/play` goes on."
    ),
    Phrase.VOICE_LOST: "I lost the voice connection and could not get it back. `/resume` tries again.",
    Phrase.VOICE_RATE_LIMITED: "Discord asked me to slow down. I will be back within a minute.",
    Phrase.NODE_TOO_OLD: (
        "Player {node} is too old for Discord's encryption: it takes Lavalink 4.2 or newer."
    ),
    Phrase.FILTERS_REFUSED: "The node that plays for you does not do these filters, so they are off again.",
    Phrase.WAITING_FOR_NODE: "Waiting for a free player…",
    Phrase.NODES_EXHAUSTED: "No player could take over. The queue is kept; `/resume` tries again.",
    Phrase.QUEUE_ENDED: "That's it - the queue has ended.",
    Phrase.LEFT_IDLE: "Nothing to play for a while, so I left. `/play` calls me back.",
    Phrase.LEFT_ALONE: "Everybody was gone, so I left too.",
    Phrase.KICKED: "I was disconnected from the voice channel.",
    Phrase.STOPPED_BY: "Stopped by {user}.",
}

LOOP_MODES = {"off": "Off", "track": "This song", "queue": "The whole queue"}

PRESETS: dict[str, str] = {
    Preset.BASS_BOOST: "Bass boost",
    Preset.NIGHTCORE: "Nightcore",
    Preset.VAPORWAVE: "Vaporwave",
    Preset.EIGHT_D: "8D",
    Preset.KARAOKE: "Karaoke",
    Preset.TREMOLO: "Tremolo",
    Preset.VIBRATO: "Vibrato",
    Preset.TREBLE_BOOST: "Treble boost",
    Preset.POP: "Pop",
    Preset.ROCK: "Rock",
    Preset.ELECTRONIC: "Electronic",
    Preset.CLASSICAL: "Classical",
    Preset.JAZZ: "Jazz",
    Preset.VOCAL: "Vocal",
    Preset.NIGHT: "Night",
}
EFFECT_CHOICES = {"off": "All off", **{preset.value: PRESETS[preset] for preset in EFFECTS}}
EQUALIZER_CHOICES = {"off": "Flat", **{preset.value: PRESETS[preset] for preset in EQUALIZERS}}

BUTTON_PAUSE = "Pause"
BUTTON_RESUME = "Resume"
BUTTON_PREVIOUS = "Previous"
BUTTON_LOOP = "Loop"
BUTTON_LOOP_TRACK = "Loop: song"
BUTTON_LOOP_QUEUE = "Loop: queue"
BUTTON_SHUFFLE = "Shuffle"
BUTTON_SKIP = "Skip"
BUTTON_STOP = "Stop"
BUTTON_QUEUE = "Queue"
BUTTON_BACK = "Back"
BUTTON_NEXT = "Next"
HEADING_STARTING = "Starting…"
HEADING_PLAYING = "Now playing"
HEADING_PAUSED = "Paused"
HEADING_ENDED = "Finished"
HEADING_LIKED = "Your songs"
BUTTON_LIKE = "Like"
HEADING_HISTORY = "History"
HEADING_QUEUE = "Queue"
CHOOSE = "Choose a song"
NOTHING_YET = "Nothing is playing."
UP_NEXT = "Up next"
NOTHING_MORE = "Nothing more is queued."
AND_MORE = "… and {count} more"
REQUESTED_BY = "Requested by {user}"
LIVE = "live"
ENDS = "ends {when}"
LOOP_TRACK = "looping this song"
LOOP_QUEUE = "looping the queue"
VOLUME = "volume {volume} %"
OUT_OF = "{value} of {of}"
PERCENT = "{value} %"
MEBIBYTES = "{value} MiB"
MILLISECONDS = "{value} ms"
SPEED = "speed {percent} %"
PITCH = "pitch {percent} %"
ON_NODE = "on {node}"
PAGE_ONLY = "page {page}"
SKIPPED_MARK = "skipped"
HELP_HINT = "`/help command:…` tells all about one of them."
OPTIONAL = "optional"
COOLDOWN = "Once in {seconds} s."
CHAPTERS = {
    "PLAYING": "Play",
    "STEERING": "Go on and back",
    "QUEUE": "The queue",
    "SOUND": "The sound",
    "ABOUT": "About Segue",
}
FACTS: dict[FactName, str] = {
    FactName.VERSION: "Version",
    FactName.UPTIME: "Up for",
    FactName.WORKERS: "Workers",
    FactName.SPARES: "of them spare",
    FactName.SHARDS_HELD: "Shards held",
    FactName.NODES_READY: "Nodes ready",
    FactName.PLAYERS: "Players",
    FactName.PLAYING_HERE: "Playing on this worker",
    FactName.REGION: "Region",
    FactName.HEALTH: "Health",
    FactName.CPU: "CPU load",
    FactName.MEMORY: "Memory",
    FactName.FRAMES_MISSING: "Frames missing",
    FactName.SHARD: "Shard",
    FactName.WORKER: "Worker",
    FactName.EPOCH: "Epoch",
    FactName.GATEWAY: "Gateway",
    FactName.LATENCY: "Heartbeat",
}
PAGE = "page {page} of {pages}"
ONE_SONG = "1 song, {duration}"
IN_TOTAL = "{count} songs, {duration}"


def say(words: Words, table: dict[Phrase, str] = ENGLISH) -> str:
    """Return the sentence for ``words``; a gap without a value is left out."""
    template = table[words.phrase]
    filled = {
        name: _GAPS.get(name, _plain_value)(words.values.get(name, ""))
        for _, name, _, _ in Formatter().parse(template)
        if name
    }
    return truncate(" ".join(template.format(**filled).split()), TEXT_LIMIT)


def in_total(count: int, milliseconds: int) -> str:
    """Return how much music ``count`` songs are."""
    words = ONE_SONG if count == 1 else IN_TOTAL
    return words.format(count=count, duration=duration(milliseconds))


def sound(view: SoundView) -> tuple[str, ...]:
    """Name what is done to the sound."""
    named = [PRESETS[preset] for preset in view.presets]
    if view.timescale is not None:
        scale = view.timescale
        parts = ((SPEED, scale.speed * scale.rate), (PITCH, scale.pitch * scale.rate))
        named += [words.format(percent=round(factor * 100)) for words, factor in parts if factor != 1.0]
    return tuple(named)


def fact(one: Fact) -> tuple[str, str]:
    """Return what a fact is called, and its value with its unit."""
    render = _FACT_UNITS.get(one.name, _plain_value)
    value = render(one.value) or "?"
    return FACTS[one.name], value if one.of is None else OUT_OF.format(value=value, of=one.of)


def duration(milliseconds: int) -> str:
    """Return ``3:05`` or ``1:02:03``."""
    seconds = max(0, milliseconds) // 1000
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds % 60:02}"
    return f"{minutes}:{seconds % 60:02}"


def mention_user(user: int) -> str:
    """Return a mention; it pings nobody, since none of our messages allows mentions."""
    return f"<@{user}>"


def mention_channel(channel: int) -> str:
    """Return a link to a channel."""
    return f"<#{channel}>"


def _plain_value(value: str | int) -> str:
    return str(value) if isinstance(value, int) else escape(value, _VALUE_LIMIT)


def _of_int(render: Callable[[int], str]) -> Callable[[str | int], str]:
    return lambda value: render(value) if isinstance(value, int) else _plain_value(value)


_GAPS: dict[str, Callable[[str | int], str]] = {
    "channel": _of_int(mention_channel),
    "user": _of_int(mention_user),
    "limit_ms": _of_int(duration),
    "position_ms": _of_int(duration),
    "preset": lambda value: PRESETS.get(str(value), _plain_value(value)),
}

_FACT_UNITS: dict[FactName, Callable[[str | int], str]] = {
    FactName.UPTIME: _of_int(duration),
    FactName.CPU: _of_int(lambda percent: PERCENT.format(value=percent)),
    FactName.FRAMES_MISSING: _of_int(lambda percent: PERCENT.format(value=percent)),
    FactName.MEMORY: _of_int(lambda octets: MEBIBYTES.format(value=octets >> 20)),
    FactName.LATENCY: _of_int(lambda ms: MILLISECONDS.format(value=ms)),
}
