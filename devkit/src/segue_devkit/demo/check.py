"""``segue demo --check``: a person's evening in half a minute, and proof that the right song was heard.

It acts through Discord's client alone and judges by what arrives at the voice server: generated tunes
carry a timecode in their sound, so which song plays, and where in it we are, is read from the ear's side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

from segue_devkit.discord.client import SimError
from segue_devkit.figures import percentile
from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    from segue_devkit.discord.client import Interaction, Person, SimClient, SimGuild, SimMessage, SinkReport
    from segue_devkit.tunes.catalogue import Tune

PATIENCE_S = 20.0
LISTEN_S = 3.0
POSITION_TOLERANCE_MS = 250.0
_NS_PER_MS = 1e6
_SONGS = (("Lantern Waltz", "Brass Buttons"), ("Harbour Fog", "Kite Weather"))

Say = Callable[[str], None]
Ask = Callable[["Tune"], str]
"""What a person types to get this tune: its title, or a link to it."""


class CheckFailedError(Exception):
    """What was promised did not happen; the words say which step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The figures. Times are milliseconds of the simulator's clock, taken at its sockets.

    ``first_audio_ms``: from ``/play`` sent to the first sound at the voice server, the slowest song
    started from silence. ``timecode_error_ms``: how far the song heard was from where it should be.
    """

    ok: bool
    heard: bool
    first_audio_ms: float
    ack_p99_ms: float
    timecode_error_ms: float
    media_gap_ms: float
    commands: int
    songs: tuple[str, ...]
    problem: str = ""


@dataclass(slots=True)
class _Notes:
    """What is measured on the way."""

    acks_ms: list[float] = field(default_factory=list)
    first_audio_ms: list[float] = field(default_factory=list)
    errors_ms: list[float] = field(default_factory=list)
    gap_ms: float = 0.0
    songs: list[str] = field(default_factory=list)


async def check(discord: SimClient, regions: Sequence[str], ask: Ask, say: Say) -> CheckResult:
    """Use the bot in a guild of each region, and listen. Never raises for what the bot does."""
    notes, problem = _Notes(), ""
    try:
        for region, titles in zip(regions, cycle(_SONGS), strict=False):
            guild = await discord.guild(f"Listeners of {region}", region=region)
            await _visit(discord, guild, titles, ask, notes, say)
    except (CheckFailedError, SimError) as error:
        problem = str(error)
        say(f"FAILED: {problem}")
    return CheckResult(
        ok=not problem,
        heard=bool(notes.songs) and not problem,
        first_audio_ms=round(max(notes.first_audio_ms, default=0.0), 1),
        ack_p99_ms=round(percentile(notes.acks_ms, 0.99), 1),
        timecode_error_ms=round(max(notes.errors_ms, default=0.0), 1),
        media_gap_ms=round(notes.gap_ms, 1),
        commands=len(notes.acks_ms),
        songs=tuple(notes.songs),
        problem=problem,
    )


async def _visit(
    discord: SimClient, guild: SimGuild, titles: tuple[str, str], ask: Ask, notes: _Notes, say: Say
) -> None:
    person = await discord.person("Ada")
    await _until_registered(person, guild)
    first, second = (catalogue.search(title, 1)[0] for title in titles)

    outsider = await discord.person("Bob")
    alone = await _slash(outsider, guild, notes, "play", query=ask(first))
    _expect("voice channel" in _text(alone), "somebody outside voice is told to join first", _text(alone))

    await person.join(guild.voice_channel)
    started = await _slash(person, guild, notes, "play", query=ask(first))
    try:
        report = await discord.wait_sound(guild, timeout_s=PATIENCE_S)
    except SimError as error:
        raise CheckFailedError(f"{error}; the bot said: {_text(started)}") from error
    notes.first_audio_ms.append(_since(started, report))
    say(f"{guild.name}: “{first.title}” is heard {notes.first_audio_ms[-1]:.0f} ms after /play")
    await _hears(discord, guild, first, notes, say)
    message = await discord.wait_message(guild.text_channel, _is_now_playing, PATIENCE_S)
    _expect(_named(first, message.text), "the message names the song", message.text)

    await _slash(await _guest(discord, guild), guild, notes, "play", query=ask(second))
    queue = await _slash(person, guild, notes, "queue")
    _expect(_named(second, _text(queue)), "the queue shows the next song", _text(queue))

    await _click(person, discord, guild, notes, "sg1:pause")
    await _silent(discord, guild)
    await _click(person, discord, guild, notes, "sg1:resume")
    await _slash(person, guild, notes, "volume", percent=50)
    await _hears(discord, guild, first, notes, say, at_position=False)
    await _click(person, discord, guild, notes, "sg1:skip")
    await _hears(discord, guild, second, notes, say, at_position=False)
    notes.gap_ms = max(notes.gap_ms, (await discord.sink(guild)).media_gap_ms)

    shown = [one for one in await discord.messages(guild.text_channel) if _is_now_playing(one)]
    _expect(len(shown) == 1, "there is one now-playing message", f"{len(shown)} messages")
    await _slash(person, guild, notes, "stop")
    await _silent(discord, guild)
    await _slash(person, guild, notes, "leave")
    say(f"{guild.name}: pause, resume, volume, skip, stop and leave did what they say")


async def _guest(discord: SimClient, guild: SimGuild) -> Person:
    guest = await discord.person("Cleo")
    await guest.join(guild.voice_channel)
    return guest


async def _hears(
    discord: SimClient, guild: SimGuild, tune: Tune, notes: _Notes, say: Say, *, at_position: bool = True
) -> None:
    """Listen, and judge song and position by the sound alone."""
    await discord.wait_sound(guild, song_id=tune.song_id, timeout_s=PATIENCE_S)
    if tune.title not in notes.songs:
        notes.songs.append(tune.title)
    if not at_position:
        return
    await asyncio.sleep(LISTEN_S)  # so that the position is judged over some seconds of playing
    report = await discord.sink(guild, timecode=True)
    if report.timecode is None or report.first_sound_ns is None:
        raise CheckFailedError(f"“{tune.title}” stopped being heard")
    expected = (report.timecode.at_ns - report.first_sound_ns) / _NS_PER_MS
    error = abs(report.timecode.position_ms - expected)
    notes.errors_ms.append(error)
    _expect(error <= POSITION_TOLERANCE_MS, "the song is where it should be", f"{error:.0f} ms off")
    say(f"{guild.name}: the timecode says “{tune.title}”, {error:.0f} ms from where it should be")


async def _silent(discord: SimClient, guild: SimGuild) -> None:
    """Wait until no sound has arrived for half a second."""
    quiet_ns = 500 * _NS_PER_MS
    async with _patience("the music stops"):
        while True:
            report = await discord.sink(guild)
            if report.last_sound_ns is None or report.now_ns - report.last_sound_ns > quiet_ns:
                return
            await asyncio.sleep(0.05)


async def _until_registered(person: Person, guild: SimGuild) -> None:
    async with _patience("the bot registers its commands"):
        while not await person.commands(guild.text_channel):  # noqa: ASYNC110 - another process registers
            await asyncio.sleep(0.1)


class _patience:  # noqa: N801 - reads as a word where it is used
    """A time-out that says what did not happen."""

    def __init__(self, promise: str) -> None:
        self._promise = promise
        self._timeout = asyncio.timeout(PATIENCE_S)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *raised: object) -> None:
        try:
            await self._timeout.__aexit__(*raised)  # type: ignore[arg-type]  # passed through as it came
        except TimeoutError:
            raise CheckFailedError(f"not within {PATIENCE_S:.0f} s: {self._promise}") from None


async def _slash(
    person: Person, guild: SimGuild, notes: _Notes, name: str, /, **options: object
) -> Interaction:
    interaction = await person.slash(guild.text_channel, name, **options)
    await interaction.wait_answer(PATIENCE_S)
    notes.acks_ms.append(interaction.ack_ms)
    return interaction


async def _click(person: Person, discord: SimClient, guild: SimGuild, notes: _Notes, custom_id: str) -> None:
    """Press a button of the now-playing message once it is offered: edits of the message keep a pace."""
    offered = await discord.wait_message(
        guild.text_channel,
        lambda one: _is_now_playing(one) and custom_id in one.custom_ids,
        PATIENCE_S,
    )
    interaction = await person.click(offered, custom_id)
    await interaction.wait_ack(PATIENCE_S)
    notes.acks_ms.append(interaction.ack_ms)


def _named(tune: Tune, text: str) -> bool:
    """Whether the text names the tune: by title, or by its file where a node read no title in a link."""
    return tune.title in text or tune.identifier in text or "Unknown" in text


def _is_now_playing(message: SimMessage) -> bool:
    return not message.ephemeral and bool(message.components)


def _since(interaction: Interaction, report: SinkReport) -> float:
    if interaction.sent_at is None or report.first_sound_ns is None:
        raise CheckFailedError("the first sound was not stamped")
    return (report.first_sound_ns - interaction.sent_at) / _NS_PER_MS


def _text(interaction: Interaction) -> str:
    message = interaction.answer().message
    return "" if message is None else message.text


def _expect(holds: bool, promise: str, found: str) -> None:
    if not holds:
        raise CheckFailedError(f"not so: {promise}; there was: {' '.join(found.split())[:200]}")
