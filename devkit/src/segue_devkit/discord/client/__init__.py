"""Acting as people on a simulated Discord, and looking at what they see.

async with SimClient("http://127.0.0.1:8300") as discord:
    guild = await discord.guild("Vinyl Club", region="eu-west")
    ada = await discord.person("Ada")
    await ada.join(guild.voice_channel)
    answer = await (await ada.slash(guild.text_channel, "play", query="rain")).wait_answer()
"""

from __future__ import annotations

from segue_devkit.discord.client.errors import SimError
from segue_devkit.discord.client.interaction import Answer, Interaction
from segue_devkit.discord.client.person import Person
from segue_devkit.discord.client.sim import SimClient
from segue_devkit.discord.client.values import (
    Attachment,
    Choice,
    Gap,
    GatewayOverview,
    GatewaySession,
    HeardFrame,
    Identify,
    Modal,
    ModalField,
    SimChannel,
    SimGuild,
    SimMessage,
    SimOverview,
    SimVoiceState,
    SinkReport,
    SongPosition,
)

__all__ = [
    "Answer",
    "Attachment",
    "Choice",
    "Gap",
    "GatewayOverview",
    "GatewaySession",
    "HeardFrame",
    "Identify",
    "Interaction",
    "Modal",
    "ModalField",
    "Person",
    "SimChannel",
    "SimClient",
    "SimError",
    "SimGuild",
    "SimMessage",
    "SimOverview",
    "SimVoiceState",
    "SinkReport",
    "SongPosition",
]
