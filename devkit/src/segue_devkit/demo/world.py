"""The people and servers of the demo, on whatever simulator it was given."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any, Self

from segue_devkit.demo.gaps import gap_view
from segue_devkit.discord.client import Person, SimGuild
from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from segue_devkit.discord.client import SimClient, SinkReport

GUILDS = ("Vinyl Club", "Night Drive", "Study Hall")
PEOPLE = ("You", "Ada", "Kofi")
"""Whom one can act as; the first is in every voice channel at the beginning, the others in none."""
SHOWN_MESSAGES = 60
EXAMPLES = 3
_RECENT_NS = 1_000_000_000


@dataclass(frozen=True)
class Seat:
    """A person in a guild: what an action on the page is done as."""

    guild: SimGuild
    person: Person


class DemoWorld:
    """A few guilds, and a few people who are members of all of them."""

    def __init__(self, discord: SimClient, guilds: Sequence[SimGuild], people: Sequence[Person]) -> None:
        self.discord = discord
        self.guilds = {guild.id: guild for guild in guilds}
        self.people = {person.id: person for person in people}
        self._seats = {(guild.id, person.id): Seat(guild, person) for guild in guilds for person in people}

    @classmethod
    async def build(cls, discord: SimClient, regions: Sequence[str]) -> Self:
        """Make the guilds, spread over ``regions``, and lead the first person into voice."""
        people = [await discord.person(name) for name in PEOPLE]
        guilds = []
        for name, region in zip(GUILDS, cycle(regions), strict=False):
            guild = await discord.guild(name, region=region)
            for person in people:  # who enters voice becomes a member
                await person.join(guild.voice_channel)
            for person in people[1:]:
                await person.leave(guild)
            guilds.append(guild)
        return cls(discord, guilds, people)

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Everybody everywhere."""
        return tuple(self._seats.values())

    def seat(self, guild: int, person: int) -> Seat:
        """Return the seat of a person in a guild.

        Raises:
            LookupError: there is no such person or guild.
        """
        return self._seats[guild, person]

    async def commands(self) -> tuple[dict[str, Any], ...]:
        """Return what Discord's client lists in the first guild, empty until the bot registered."""
        seat = self.seats[0]
        return tuple(await seat.person.commands(seat.guild.text_channel))

    async def voice(self, seat: Seat, *, join: bool) -> None:
        """Enter or leave the guild's voice channel."""
        if join:
            await seat.person.join(seat.guild.voice_channel)
        else:
            await seat.person.leave(seat.guild)

    async def messages(self, seat: Seat) -> list[dict[str, Any]]:
        """Return the channel as the person sees it, in the page's form."""
        seen = await self.discord.messages(seat.guild.text_channel, seat.person)
        return [
            {**one.raw, "thinking": one.loading, "ephemeral": one.ephemeral} for one in seen[-SHOWN_MESSAGES:]
        ]

    async def happenings(self, seat: Seat) -> AsyncIterator[str]:
        """Yield a word whenever something happens to the messages that the person sees."""
        async for name, _ in self.discord.follow(seat.guild.text_channel, seat.person):
            yield name

    async def members(self, guild: SimGuild) -> list[dict[str, Any]]:
        """Return who is in the voice channel."""
        states = (await self.discord.look(guild)).voice_states
        return [
            {"id": str(one.user_id), "name": one.name, "bot": one.bot, "deaf": one.self_deaf}
            for one in states
            if one.channel_id == guild.voice_channel.id
        ]

    async def heard(self, guild: SimGuild) -> dict[str, Any]:
        """Return what the guild's listeners hear, in the page's form."""
        report = await self.discord.sink(guild, timecode=False)
        if _recent(report):  # reading the timecode costs the simulator some decoding
            report = await self.discord.sink(guild, timecode=True)
        position = report.timecode
        tune = None if position is None else catalogue.by_id(position.song_id)
        return {
            "sounding": _recent(report),
            "song": None if tune is None or not _recent(report) else tune.title,
            "position_ms": 0 if position is None else round(position.position_ms),
            **gap_view(report),
        }

    def tunes(self) -> list[str]:
        """Return the titles of a few songs that can be asked for."""
        return [tune.title for tune in catalogue.tunes()[:EXAMPLES]]

    def describe(self) -> dict[str, Any]:
        """Return people and guilds in the page's form; ids are strings, for JavaScript."""
        return {
            "people": [{"id": str(one.id), "name": one.name} for one in self.people.values()],
            "guilds": [
                {
                    "id": str(guild.id),
                    "name": guild.name,
                    "region": guild.region,
                    "text_channel": {"id": str(guild.text_channel.id), "name": guild.text_channel.name},
                    "voice_channel": {"id": str(guild.voice_channel.id), "name": guild.voice_channel.name},
                }
                for guild in self.guilds.values()
            ],
            "tunes": self.tunes(),
        }


def _recent(report: SinkReport) -> bool:
    """Whether sound arrived within the last second."""
    return report.last_sound_ns is not None and report.now_ns - report.last_sound_ns < _RECENT_NS
