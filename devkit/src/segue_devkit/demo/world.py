"""The people and servers of the demo, on whatever simulator it was given."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any, Self

from segue_devkit.demo.typed import parse
from segue_devkit.discord.client import Person, SimError, SimGuild
from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from segue_devkit.discord.client import SimClient, SinkReport

GUILDS = ("Vinyl Club", "Night Drive", "Study Hall")
VISITOR = "You"
SHOWN_MESSAGES = 60
EXAMPLES = 3
_RECENT_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Entrance:
    """A guild as the visitor found it."""

    guild: SimGuild
    visitor: Person


class DemoWorld:
    """A few guilds, each with the visitor in its voice channel."""

    def __init__(self, discord: SimClient, entrances: tuple[Entrance, ...]) -> None:
        self.discord = discord
        self.entrances = {entrance.guild.id: entrance for entrance in entrances}

    @classmethod
    async def build(cls, discord: SimClient, regions: Sequence[str]) -> Self:
        """Make the guilds, spread over ``regions``, and lead the visitor in."""
        visitor = await discord.person(VISITOR)
        entrances = []
        for name, region in zip(GUILDS, cycle(regions), strict=False):
            guild = await discord.guild(name, region=region)
            await visitor.join(guild.voice_channel)
            entrances.append(Entrance(guild, visitor))
        return cls(discord, tuple(entrances))

    async def commands(self) -> tuple[dict[str, Any], ...]:
        """Return what Discord's client lists in the first guild, empty until the bot registered."""
        entrance = next(iter(self.entrances.values()))
        return tuple(await entrance.visitor.commands(entrance.guild.text_channel))

    async def say(self, guild: int, text: str) -> None:
        """Carry out what was typed; return when the bot has acknowledged it.

        Raises:
            TypedError: it is no command.
            SimError: Discord's client would not let the visitor do this, or the bot did not respond.
        """
        entrance = self.entrances[guild]
        channel = entrance.guild.text_channel
        typed = parse(text, tuple(await entrance.visitor.commands(channel)))
        interaction = await entrance.visitor.slash(channel, typed.name, **typed.options)
        await interaction.wait_ack()

    async def click(self, guild: int, message: int, custom_id: str, values: Sequence[str] = ()) -> None:
        """Press a button of a message, or choose ``values`` in a menu; return when it is acknowledged.

        Raises:
            SimError: there is no such message or button, or the bot did not respond.
        """
        entrance = self.entrances[guild]
        for seen in await self.discord.messages(entrance.guild.text_channel, entrance.visitor):
            if seen.id == message:
                interaction = await entrance.visitor.click(seen, custom_id, values)
                await interaction.wait_ack()
                return
        raise SimError("That message is gone.")

    async def voice(self, guild: int, *, join: bool) -> None:
        """Enter or leave the guild's voice channel."""
        entrance = self.entrances[guild]
        if join:
            await entrance.visitor.join(entrance.guild.voice_channel)
        else:
            await entrance.visitor.leave(entrance.guild)

    async def messages(self, guild: int) -> list[dict[str, Any]]:
        """Return the channel as the visitor sees it, in the page's form."""
        entrance = self.entrances[guild]
        seen = await self.discord.messages(entrance.guild.text_channel, entrance.visitor)
        return [
            {**one.raw, "thinking": one.loading, "ephemeral": one.ephemeral} for one in seen[-SHOWN_MESSAGES:]
        ]

    async def happenings(self, guild: int) -> AsyncIterator[str]:
        """Yield a word whenever something happens to the messages that the visitor sees."""
        entrance = self.entrances[guild]
        async for name, _ in self.discord.follow(entrance.guild.text_channel, entrance.visitor):
            yield name

    async def members(self, guild: int) -> list[dict[str, Any]]:
        """Return who is in the voice channel."""
        entrance = self.entrances[guild]
        states = (await self.discord.look(entrance.guild)).voice_states
        return [
            {
                "name": one.name,
                "bot": one.bot,
                "you": one.user_id == entrance.visitor.id,
                "deaf": one.self_deaf,
            }
            for one in states
            if one.channel_id == entrance.guild.voice_channel.id
        ]

    async def heard(self, guild: int) -> dict[str, Any]:
        """Return what the guild's listeners hear, in the page's form."""
        report = await self.discord.sink(guild, timecode=False)
        if _recent(report):  # reading the timecode costs the simulator some decoding
            report = await self.discord.sink(guild, timecode=True)
        position = report.timecode
        tune = None if position is None else catalogue.by_id(position.song_id)
        return {
            "packets": report.packets,
            "media_gaps": report.media_gap_count,
            "media_gap_ms": report.media_gap_ms,
            "silence_frames": report.silence_frames,
            "song": None if tune is None or not _recent(report) else tune.title,
            "position_ms": 0 if position is None else round(position.position_ms),
        }

    def tunes(self) -> list[str]:
        """Return the titles of a few songs that can be asked for."""
        return [tune.title for tune in catalogue.tunes()[:EXAMPLES]]

    def describe(self) -> list[dict[str, Any]]:
        """Return the guilds in the page's form; ids are strings, for JavaScript."""
        return [
            {
                "id": str(guild.id),
                "name": guild.name,
                "region": guild.region,
                "text_channel": {"id": str(guild.text_channel.id), "name": guild.text_channel.name},
                "voice_channel": {"id": str(guild.voice_channel.id), "name": guild.voice_channel.name},
                "names": {
                    str(entrance.visitor.id): VISITOR,
                    str(guild.text_channel.id): guild.text_channel.name,
                    str(guild.voice_channel.id): guild.voice_channel.name,
                },
            }
            for guild, entrance in ((one.guild, one) for one in self.entrances.values())
        ]


def _recent(report: SinkReport) -> bool:
    """Whether sound arrived within the last second."""
    return report.last_sound_ns is not None and report.now_ns - report.last_sound_ns < _RECENT_NS
