"""Guilds with people and paused players, to put a load on; and how soon each one's first song was heard."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segue_devkit.bench.failure import BenchFailedError
from segue_devkit.bench.pace import paced
from segue_devkit.discord.client import Person, SimError, SimGuild
from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.client import Interaction, SimClient

PATIENCE_S = 20.0
PEOPLE = 2
"""In each guild: the cool-down of ``/play`` is each person's own."""
FIRST_AUDIO_PER_S = 4.0
"""How fast songs are started from silence while it is measured how soon they are heard."""
PREPARED_PER_S = 8.0
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Stand:
    """A guild, its people in voice, and a player that is paused."""

    guild: SimGuild
    people: tuple[Person, ...]

    async def send(self, cycle: int, name: str, /, **options: object) -> Interaction:
        """Send a command, in turns by each of the people."""
        person = self.people[cycle % len(self.people)]
        return await person.slash(self.guild.text_channel, name, **options)


@dataclass(slots=True)
class Scene:
    """Where the load goes. ``first_audio_ms``: from ``/play`` sent to sound at the voice server's kernel."""

    stands: list[Stand] = field(default_factory=list)
    first_audio_ms: list[float] = field(default_factory=list)


async def prepare(
    discord: SimClient, region: str, *, guilds: int, measured: int, say: Callable[[str], None]
) -> Scene:
    """Make the guilds, and start a song from silence in each: the first ``measured`` ones at a gentle pace.

    Raises:
        BenchFailedError: when a song was not heard, or a command not answered.
    """
    scene = Scene()
    for number in range(guilds):
        scene.stands.append(await _stand(discord, region, number))
    try:
        await until_registered(scene.stands[0])
        say(f"{guilds} guilds are there; songs begin in {measured} of them, one by one")
        first, rest = scene.stands[:measured], scene.stands[measured:]
        scene.first_audio_ms += await paced(first, FIRST_AUDIO_PER_S, lambda one: _begin(discord, one))
        say(f"and in the other {len(rest)}")
        await paced(rest, PREPARED_PER_S, lambda one: _begin(discord, one))
    except SimError as error:
        raise BenchFailedError(f"the guilds could not be prepared: {error}") from error
    return scene


async def _stand(discord: SimClient, region: str, number: int) -> Stand:
    guild = await discord.guild(f"Bench {number}", region=region)
    people = [await discord.person(f"Person {number}.{one}") for one in range(PEOPLE)]
    for person in people:
        await person.join(guild.voice_channel)
    return Stand(guild, tuple(people))


async def until_registered(stand: Stand) -> None:
    """Wait until the bot's commands are listed; BenchFailedError when it takes too long."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await stand.people[0].commands(stand.guild.text_channel):  # noqa: ASYNC110 - another process registers
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise BenchFailedError(f"the bot did not register its commands within {PATIENCE_S:.0f} s") from None


async def _begin(discord: SimClient, stand: Stand) -> float:
    """Start a song, pause it once it is heard, queue another; return how long it took to be heard, ms."""
    first, second = catalogue.tunes()[:2]
    started = await stand.send(0, "play", query=first.title)
    report = await discord.wait_sound(stand.guild, timeout_s=PATIENCE_S)
    # Paused, since 200 songs at once would leave the two cores of a laptop to nothing else.
    await (await stand.send(0, "pause")).wait_answer(PATIENCE_S)
    await (await stand.send(1, "play", query=second.title)).wait_answer(PATIENCE_S)
    if started.sent_at is None or report.first_sound_ns is None:
        raise BenchFailedError("the first sound was not stamped")
    return (report.first_sound_ns - started.sent_at) / _NS_PER_MS
