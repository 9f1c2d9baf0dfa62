"""A bot nobody wrote for the simulator: hikari's own GatewayBot, unchanged."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import hikari
import pytest

from segue_devkit.discord.config import DEFAULT_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_devkit.discord.client import SimClient
    from segue_devkit.discord.simulator import Simulator

WAIT_S = 20


@pytest.fixture
async def bot(simulator: Simulator) -> AsyncIterator[hikari.GatewayBot]:
    """Not started yet; closed afterwards."""
    bot = hikari.GatewayBot(
        DEFAULT_TOKEN,
        rest_url=f"{simulator.url}/api/v10",
        intents=hikari.Intents.GUILDS | hikari.Intents.GUILD_VOICE_STATES | hikari.Intents.GUILD_MESSAGES,
        banner=None,
        logs=logging.WARNING,
        force_color=False,
    )
    yield bot
    if bot.is_alive:
        await bot.close()


async def _start(bot: hikari.GatewayBot) -> None:
    await bot.start(check_for_updates=False)


async def test_it_starts_and_knows_its_guilds(bot: hikari.GatewayBot, discord: SimClient) -> None:
    """A stock bot starts, is ready and caches the guild with channels, roles and its own member."""
    made = await discord.guild("Vinyl Club", voice_channels=2)
    seen: asyncio.Queue[hikari.GuildAvailableEvent] = asyncio.Queue()
    bot.subscribe(hikari.GuildAvailableEvent, seen.put)
    await _start(bot)
    async with asyncio.timeout(WAIT_S):
        event = await seen.get()
    assert event.guild.name == "Vinyl Club"
    assert len(event.channels) == 3
    me = bot.get_me()
    assert me is not None
    assert me.id in event.members
    guild = bot.cache.get_guild(made.id)
    assert guild is not None
    assert {role.name for role in guild.get_roles().values()} == {"@everyone", "Segue"}
    (session,) = (await discord.gateway()).sessions
    assert session.compression == "zstd-stream"


async def test_it_registers_a_command_and_answers_a_person(
    bot: hikari.GatewayBot, discord: SimClient
) -> None:
    """Register, be called, defer ephemerally, edit the answer: the person sees it and nobody else does."""
    guild = await discord.guild("Vinyl Club")

    async def on_interaction(event: hikari.InteractionCreateEvent) -> None:
        interaction = event.interaction
        assert isinstance(interaction, hikari.CommandInteraction)
        assert interaction.options is not None
        await interaction.create_initial_response(
            hikari.ResponseType.DEFERRED_MESSAGE_CREATE, flags=hikari.MessageFlag.EPHEMERAL
        )
        embed = hikari.Embed(title=str(interaction.options[0].value))
        await interaction.edit_initial_response(embed=embed)

    bot.subscribe(hikari.InteractionCreateEvent, on_interaction)
    await _start(bot)
    application = await bot.rest.fetch_application()
    command = bot.rest.slash_command_builder("play", "Play something")
    option = hikari.CommandOption(
        type=hikari.OptionType.STRING, name="query", description="What", is_required=True
    )
    registered = await bot.rest.set_application_commands(application, [command.add_option(option)])
    assert [each.name for each in registered] == ["play"]
    ada, eve = await discord.person("Ada"), await discord.person("Eve")
    interaction = await ada.slash(guild.text_channel, "play", query="rain")
    answer = await interaction.wait_answer()
    assert answer.ephemeral
    assert answer.message is not None
    assert answer.message.text == "rain"
    assert answer.message.edits == 0
    assert len(await discord.messages(guild.text_channel, viewer=ada)) == 1
    assert await discord.messages(guild.text_channel, viewer=eve) == ()
    assert interaction.ack_ms > 0


async def test_a_button_is_clicked_and_the_message_updated(
    bot: hikari.GatewayBot, discord: SimClient
) -> None:
    """A message of the bot's own with a button; the click's update is an edit, not a second message."""
    guild = await discord.guild("Vinyl Club")

    async def on_interaction(event: hikari.InteractionCreateEvent) -> None:
        interaction = event.interaction
        assert isinstance(interaction, hikari.ComponentInteraction)
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_UPDATE, "paused")

    bot.subscribe(hikari.InteractionCreateEvent, on_interaction)
    await _start(bot)
    row = bot.rest.build_message_action_row()
    row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "pause", label="Pause")
    await bot.rest.create_message(guild.text_channel.id, "playing", component=row)
    message = await discord.wait_message(guild.text_channel, lambda one: "pause" in one.custom_ids)
    ada = await discord.person("Ada")
    answer = await (await ada.click(message, "pause")).wait_answer()
    assert answer.message is not None
    assert (answer.message.id, answer.message.content, answer.message.edits) == (message.id, "paused", 1)


async def test_it_joins_voice_and_gets_both_events(bot: hikari.GatewayBot, discord: SimClient) -> None:
    """Op 4 brings the bot's own voice state and the server with token and endpoint of the region."""
    guild = await discord.guild("Vinyl Club", region="eu-west")
    states: asyncio.Queue[hikari.VoiceStateUpdateEvent] = asyncio.Queue()
    servers: asyncio.Queue[hikari.VoiceServerUpdateEvent] = asyncio.Queue()
    bot.subscribe(hikari.VoiceStateUpdateEvent, states.put)
    bot.subscribe(hikari.VoiceServerUpdateEvent, servers.put)
    await _start(bot)
    await bot.update_voice_state(guild.id, guild.voice_channel.id, self_deaf=True)
    async with asyncio.timeout(WAIT_S):
        state, server = await states.get(), await servers.get()
    assert state.state.channel_id == guild.voice_channel.id
    assert state.state.is_self_deafened
    assert server.raw_endpoint is not None
    assert server.raw_endpoint.startswith("127.80.2.1:")
    assert server.token
    (inside,) = (await discord.look(guild)).voice_states
    assert inside.bot


async def test_it_resumes_after_reconnect(bot: hikari.GatewayBot, discord: SimClient) -> None:
    """RECONNECT: the bot comes back by RESUME, costs no IDENTIFY and misses nothing."""
    guild = await discord.guild("Vinyl Club")
    ada = await discord.person("Ada")
    seen: asyncio.Queue[hikari.GuildMessageCreateEvent] = asyncio.Queue()
    resumed: asyncio.Queue[hikari.ShardResumedEvent] = asyncio.Queue()
    bot.subscribe(hikari.GuildMessageCreateEvent, seen.put)
    bot.subscribe(hikari.ShardResumedEvent, resumed.put)
    await _start(bot)
    (session,) = (await discord.gateway()).sessions
    await discord.reconnect_session(session.session_id)
    await ada.say(guild.text_channel, "still there?")
    async with asyncio.timeout(WAIT_S):
        await resumed.get()
        event = await seen.get()
    assert event.author.username == "Ada"
    overview = await discord.gateway()
    assert len(overview.identifies) == 1
    assert [(one.session_id, one.resumes) for one in overview.sessions] == [(session.session_id, 1)]


@pytest.mark.parametrize(("window", "refused"), [("fixed", 0), ("sliding", 3)])
async def test_it_keeps_to_the_buckets_it_is_told(
    bot: hikari.GatewayBot, discord: SimClient, window: str, refused: int
) -> None:
    """Headers alone make it wait: ten messages into a bucket of two arrive in order.

    Of a sliding window a client knows the pace only to the jitter of its network, so a few may come early;
    one that did not wait would be refused at least eight times.
    """
    await discord.knobs(bucket_window=window, messages_per_window=2, messages_window_ms=400)
    guild = await discord.guild("Vinyl Club")
    await _start(bot)
    async with asyncio.timeout(WAIT_S):
        for number in range(10):
            await bot.rest.create_message(guild.text_channel.id, str(number))
    seen = await discord.messages(guild.text_channel)
    assert [one.content for one in seen] == [str(number) for number in range(10)]
    assert (await discord.overview()).rest_limited <= refused


async def test_it_waits_out_the_global_limit(bot: hikari.GatewayBot, discord: SimClient) -> None:
    """A 429 of the global limit is waited out and tried again; no call fails."""
    await discord.guild("Vinyl Club")
    await _start(bot)
    await discord.fail_rest("/users/@me", status=429, scope="global", retry_after_ms=50)
    async with asyncio.timeout(WAIT_S):
        me = await bot.rest.fetch_my_user()
    assert me.username == "Segue"
    assert (await discord.overview()).rest_limited == 1


async def test_it_completes_asks_back_and_takes_a_file(bot: hikari.GatewayBot, discord: SimClient) -> None:
    """Autocomplete, a modal with its answer, and a slash command with an attachment that can be read."""
    guild = await discord.guild("Vinyl Club")
    row = hikari.impl.ModalActionRowBuilder().add_text_input("name", "Name")

    async def on_interaction(event: hikari.InteractionCreateEvent) -> None:
        one = event.interaction
        if isinstance(one, hikari.AutocompleteInteraction):
            await one.create_response([hikari.impl.AutocompleteChoiceBuilder("Rain", "rain")])
        elif isinstance(one, hikari.CommandInteraction) and one.command_name == "save":
            await one.create_modal_response("Save", "save", component=row)
        elif isinstance(one, hikari.CommandInteraction):
            assert one.resolved is not None
            (file,) = one.resolved.attachments.values()
            data = await file.read()
            await one.create_initial_response(
                hikari.ResponseType.MESSAGE_CREATE, f"{file.filename}: {len(data)} bytes"
            )
        elif isinstance(one, hikari.ModalInteraction):
            field = one.components[0][0]
            assert isinstance(field, hikari.TextInputComponent)
            await one.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, f"saved {field.value}")

    bot.subscribe(hikari.InteractionCreateEvent, on_interaction)
    await _start(bot)
    query = hikari.CommandOption(
        type=hikari.OptionType.STRING, name="query", description="What", autocomplete=True
    )
    song = hikari.CommandOption(type=hikari.OptionType.ATTACHMENT, name="song", description="File")
    builder = bot.rest.slash_command_builder
    await bot.rest.set_application_commands(
        await bot.rest.fetch_application(),
        [
            builder("play", "Play").add_option(query).add_option(song),
            builder("save", "Save"),
        ],
    )
    ada = await discord.person("Ada")
    (choice,) = await ada.autocomplete(guild.text_channel, "play", "query", query="ra")
    assert (choice.name, choice.value) == ("Rain", "rain")
    file = await ada.upload("song.mp3", b"x" * 1000, "audio/mpeg")
    played = await (await ada.slash(guild.text_channel, "play", song=file)).wait_answer()
    assert played.message is not None
    assert played.message.content == "song.mp3: 1000 bytes"
    modal = await (await ada.slash(guild.text_channel, "save")).wait_modal()
    saved = await (await ada.submit(modal, name="mix")).wait_answer()
    assert saved.message is not None
    assert saved.message.content == "saved mix"
