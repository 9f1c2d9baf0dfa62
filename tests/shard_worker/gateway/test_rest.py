from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hikari
import pytest

from segue_core.ids import ChannelId, CommandId, GuildId, UserId
from segue_worker.domain.views import FileView
from segue_worker.gateway.calls import Ack, GoneError
from segue_worker.gateway.events import Interaction
from segue_worker.gateway.rest import DiscordRest

PLAY = {
    "type": 1,
    "name": "play",
    "description": "Play a song",
    "options": [
        {
            "type": 3,
            "name": "query",
            "description": "What",
            "required": True,
            "min_length": 1,
            "max_length": 500,
        },
        {"type": 4, "name": "volume", "description": "How loud", "min_value": 0, "max_value": 1000},
    ],
    "default_member_permissions": None,
    "contexts": [0],
    "integration_types": [0],
}


@dataclass(frozen=True)
class Text:
    """A message with one embed."""

    text: str
    components: Sequence[hikari.api.ComponentBuilder] = ()
    file: FileView | None = None

    @property
    def embeds(self) -> Sequence[hikari.Embed]:
        return (hikari.Embed(description=self.text),)


@pytest.fixture
async def scene(discord: Any, notebook: Any) -> Any:
    """A guild with Ada in it, a ready shard, and the commands registered."""

    @dataclass
    class Scene:
        guild: Any
        ada: Any
        rest: DiscordRest

        async def interaction(self) -> tuple[Any, Interaction]:
            sent = await self.ada.slash(self.guild.text_channel, "play", query="rain")
            await notebook.wait(
                lambda _found: any(int(one.id) == sent.id for one in notebook.of(Interaction))
            )
            return sent, next(one for one in notebook.of(Interaction) if int(one.id) == sent.id)

    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    rest = DiscordRest(bot.rest, bot.identity.application, bot.interactions)
    await rest.register([PLAY])
    await rest.register([PLAY])
    await discord.shard(bot).start()
    return Scene(guild, await discord.client.person("Ada"), rest)


async def test_deferred_answer(scene: Any) -> None:
    """A deferred command is answered by an edit that only its person sees; editing again is invisible."""
    sent, interaction = await scene.interaction()
    assert await scene.rest.defer(interaction) is Ack.ACCEPTED
    await scene.rest.edit_original(interaction.token, Text("rain it is"))
    await scene.rest.edit_original(interaction.token, Text("rain it is"))
    answer = await sent.wait_answer()
    assert answer.ephemeral
    assert "rain it is" in answer.message.text


async def test_direct_answer(scene: Any) -> None:
    """A read is acknowledged and answered at once."""
    sent, interaction = await scene.interaction()
    assert await scene.rest.answer(interaction, Text("nothing is playing")) is Ack.ACCEPTED
    answer = await sent.wait_answer()
    assert answer.ephemeral
    assert "nothing" in answer.message.text


async def test_acknowledged_twice(scene: Any) -> None:
    """A second acknowledgement is told apart (40060), so that the first one's owner carries on."""
    _, interaction = await scene.interaction()
    assert await scene.rest.defer(interaction) is Ack.ACCEPTED
    assert await scene.rest.defer(interaction) is Ack.ALREADY


async def test_acknowledged_too_late(scene: Any, discord: Any) -> None:
    """An interaction Discord no longer knows (10062) is told apart, so that it is never carried out."""
    await discord.client.knobs(interaction_ack_ms=1)
    _, interaction = await scene.interaction()
    assert await scene.rest.defer(interaction) is Ack.EXPIRED


async def test_unknown_interaction(scene: Any) -> None:
    """So is one that never was."""
    _, interaction = await scene.interaction()

    @dataclass(frozen=True)
    class Other:
        id: CommandId
        token: str

    assert await scene.rest.defer(Other(CommandId("5"), interaction.token)) is Ack.EXPIRED


async def test_messages(scene: Any, discord: Any) -> None:
    """A message is posted, edited in place and deleted; then editing says that it is gone."""
    channel = ChannelId(scene.guild.text_channel.id)
    ref = await scene.rest.post(channel, Text("playing rain"), nonce="guild-1-7")
    await scene.rest.edit(ref, Text("playing snow"))
    messages = await discord.client.messages(channel)
    assert [message.id for message in messages] == [ref.message]
    assert "snow" in messages[0].text
    await scene.rest.delete(ref)
    with pytest.raises(GoneError, match="editing a message"):
        await scene.rest.edit(ref, Text("playing wind"))


async def test_errors_never_show_a_token(scene: Any) -> None:
    """An error of a call whose URL holds an interaction token does not show it."""
    with pytest.raises(GoneError) as raised:
        await scene.rest.edit_original("a-secret-token", Text("x"))
    assert "a-secret-token" not in str(raised.value)


async def test_nobody_who_gives_up_stops_the_others(scene: Any) -> None:
    """Callers that lose patience, or are cancelled, take no turn of a rate-limited route with them."""
    await scene.ada.join(scene.guild.voice_channel)
    guild, ada = GuildId(scene.guild.id), UserId(scene.ada.id)
    asked = [asyncio.create_task(scene.rest.voice_channel(guild, ada)) for _ in range(6)]
    await asyncio.sleep(0)
    for one in asked[:4]:
        one.cancel()
    async with asyncio.timeout(30):
        assert await asyncio.gather(*asked[4:]) == [scene.guild.voice_channel.id] * 2
        assert await scene.rest.voice_channel(guild, ada) == scene.guild.voice_channel.id
