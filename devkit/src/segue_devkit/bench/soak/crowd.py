"""The people of all guilds, doing what :mod:`people` says until the time is over."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segue_devkit.bench.scene import PATIENCE_S, Stand
from segue_devkit.bench.soak.people import Act, Doing, Room, next_act
from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from segue_devkit.discord.client import Interaction, SimClient, SimMessage

_NOW_PLAYING_AMONG = 10
"""So many of a channel's last messages are looked at for the one with buttons."""


@dataclass(slots=True)
class Tally:
    """What was done, by what it was; and what went unanswered, in words."""

    done: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)


async def live(discord: SimClient, stand: Stand, seed: str, seconds: float, tally: Tally) -> None:
    """Live in one guild for ``seconds``; the same ``seed`` does the same things."""
    chance = random.Random(seed)
    room = Room()
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        act, room = next_act(room, chance)
        if loop.time() + act.pause_s >= until:
            return
        await asyncio.sleep(act.pause_s)
        person = chance.randrange(len(stand.people))
        try:
            await _perform(discord, stand, person, act)
        except (SimError, TimeoutError) as error:
            tally.troubles.append(f"{stand.guild.name}: {act.name or act.doing}: {str(error) or 'timed out'}")
        tally.done[act.name if act.doing is Doing.COMMAND else act.doing.value] += 1


async def _perform(discord: SimClient, stand: Stand, person: int, act: Act) -> None:
    match act.doing:
        case Doing.COME:
            for one in stand.people:
                await one.join(stand.guild.voice_channel)
        case Doing.GO:
            for one in stand.people:
                await one.leave(stand.guild)
        case Doing.COMMAND:
            asked = await stand.send(person, act.name, **act.options)
            await asked.wait_answer(PATIENCE_S)
        case Doing.PRESS:
            await _press(discord, stand, person, act.name)


async def _press(discord: SimClient, stand: Stand, person: int, wanted: str) -> None:
    """Press a button of the now-playing message; where there is none, nobody presses."""
    latest = (await discord.messages(stand.guild.text_channel))[-_NOW_PLAYING_AMONG:]
    shown = next(((one, found) for one in reversed(latest) if (found := _button(one, wanted))), None)
    if shown is None:
        return
    pressed: Interaction = await stand.people[person].click(*shown)
    await pressed.wait_ack(PATIENCE_S)


def _button(message: SimMessage, wanted: str) -> str | None:
    if message.ephemeral:
        return None
    rows = [one for row in message.components for one in row.get("components", ())]
    for one in rows:
        identifier = str(one.get("custom_id", ""))
        if wanted in identifier and not one.get("disabled"):
            return identifier
    return None
