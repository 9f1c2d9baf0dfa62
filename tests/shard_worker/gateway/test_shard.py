from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import hikari
import pytest
from hikari import traits

from segue_core.ids import ShardId
from segue_worker.gateway.bot import WorkerBot
from segue_worker.gateway.errors import BadTokenError, DisallowedIntentsError, ShardUnavailableError
from segue_worker.gateway.events import (
    GuildAvailable,
    Interaction,
    SessionReady,
    SessionResumed,
    VoiceServerUpdate,
    VoiceStateUpdate,
)
from segue_worker.gateway.facade import ShardState
from segue_worker.gateway.inflate import Compression
from segue_worker.gateway.rest import DiscordRest
from segue_worker.gateway.whereabouts import Whereabouts
from segue_worker.shards.lease import LeaseLapsedError

if TYPE_CHECKING:
    from collections.abc import Callable

Anything = Any


@pytest.mark.parametrize("compression", list(Compression))
async def test_identify_and_receive(discord: Anything, notebook: Anything, compression: Compression) -> None:
    """A new session brings READY, then the guilds, then events in order, under every compression."""
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    shard = discord.shard(bot, compression=compression)
    await shard.start()
    assert shard.state is ShardState.READY
    await notebook.wait(lambda found: len(found) >= 2)
    assert [type(event) for event in notebook.events[:2]] == [SessionReady, GuildAvailable]
    ada = await discord.client.person("Ada")
    await ada.join(guild.voice_channel)
    await notebook.wait(lambda found: any(isinstance(event, VoiceStateUpdate) for event in found))
    assert bot.voice_states.channel_of(guild.id, ada.id) == guild.voice_channel.id
    assert not any(event.replaces for event in notebook.of(SessionReady))


async def test_interaction_reaches_the_sink_and_hikari(discord: Anything, notebook: Anything) -> None:
    """A slash command is a typed event for us and hikari's own event for its listeners."""
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    assert isinstance(cast("object", bot), traits.GatewayBotAware)
    heard: asyncio.Future[hikari.Event] = asyncio.get_running_loop().create_future()

    async def listener(event: hikari.InteractionCreateEvent) -> None:
        heard.set_result(event)

    bot.event_manager.subscribe(hikari.InteractionCreateEvent, listener)
    builder = bot.rest.slash_command_builder("ping", "Are you there?")
    await bot.rest.set_application_commands(bot.identity.application, [builder])
    await discord.shard(bot).start()
    ada = await discord.client.person("Ada")
    await ada.slash(guild.text_channel, "ping")
    await notebook.wait(lambda found: any(isinstance(event, Interaction) for event in found))
    event = notebook.of(Interaction)[0]
    assert (event.payload["data"]["name"], event.guild) == ("ping", guild.id)
    async with asyncio.timeout(5):
        assert isinstance(await heard, hikari.InteractionCreateEvent)


@pytest.mark.parametrize("trouble", ["reconnect", "abort", "close", "invalid_but_resumable"])
async def test_trouble_is_repaired_by_resume(discord: Anything, notebook: Anything, trouble: str) -> None:
    """RECONNECT, a cut connection, a resumable close code or INVALID_SESSION true: RESUME, no IDENTIFY."""
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    shard = discord.shard(bot)
    await shard.start()
    session = (await discord.client.gateway()).sessions[0].session_id
    make: dict[str, Callable[[], Anything]] = {
        "reconnect": lambda: discord.client.reconnect_session(session),
        "abort": lambda: discord.client.abort_session(session),
        "close": lambda: discord.client.close_session(session, 4000),
        "invalid_but_resumable": lambda: discord.client.invalidate_session(session, resumable=True),
    }
    await make[trouble]()
    await notebook.sessions(2)
    assert [type(event) for event in notebook.events if isinstance(event, SessionReady | SessionResumed)] == [
        SessionReady,
        SessionResumed,
    ]
    gateway = await discord.client.gateway()
    assert len(gateway.identifies) == 1
    assert gateway.sessions[0].resumes == 1
    ada = await discord.client.person("Ada")
    await ada.join(guild.voice_channel)
    await notebook.wait(lambda found: any(isinstance(event, VoiceStateUpdate) for event in found))


async def test_an_invalid_session_identifies_through_the_gate(discord: Anything, notebook: Anything) -> None:
    """INVALID_SESSION false costs an IDENTIFY, asked for at the gate, and says what it replaces."""
    asked: list[ShardId] = []

    async def gate(shard: ShardId) -> None:
        asked.append(shard)

    bot = await discord.bot(notebook)
    await discord.shard(bot, gate=gate).start()
    session = (await discord.client.gateway()).sessions[0].session_id
    await discord.client.invalidate_session(session, resumable=False)
    await notebook.sessions(2)
    assert [event.replaces for event in notebook.of(SessionReady)] == [False, True]
    assert asked == [0, 0]
    assert len((await discord.client.gateway()).identifies) == 2


async def test_a_forgotten_session_is_replaced(discord: Anything, notebook: Anything) -> None:
    """A RESUME that Discord refuses ends in a new session, not in a loop."""
    bot = await discord.bot(notebook)
    shard = discord.shard(bot)
    await shard.start()
    session = await shard.detach()
    assert session is not None
    await discord.client.end_session(session.session_id)
    await discord.shard(bot, session=session).start()
    assert [event.replaces for event in notebook.of(SessionReady)] == [False, True]
    assert not notebook.of(SessionResumed)


async def test_detach_and_resume_elsewhere(discord: Anything, notebook: Anything) -> None:
    """A detached session goes on in another shard object: what was missed is replayed, in order, once."""
    guild = await discord.client.guild("Vinyl Club", voice_channels=2)
    bot = await discord.bot(notebook)
    first = discord.shard(bot)
    await first.start()
    await notebook.wait(lambda found: any(isinstance(event, GuildAvailable) for event in found))
    session = await first.detach()
    assert session is not None
    assert first.state is ShardState.STOPPED
    ada = await discord.client.person("Ada")
    for channel in (*guild.voice_channels, *guild.voice_channels):
        await ada.join(channel)
    seen = len(notebook.events)
    second = discord.shard(bot, session=session)
    await second.start()
    found = notebook.events[seen:]
    moves = [event.channel for event in found if isinstance(event, VoiceStateUpdate)]
    assert moves == [channel.id for channel in (*guild.voice_channels, *guild.voice_channels)]
    resumed = found[-1]
    assert isinstance(resumed, SessionResumed)
    assert resumed.replayed >= 4
    assert len((await discord.client.gateway()).identifies) == 1
    assert second.get_user_id() == bot.identity.user


async def test_what_was_not_handled_is_given_again(discord: Anything, notebook: Anything) -> None:
    """The checkpoint stays before an event in hand, so a successor gets it and all after it again."""
    guild = await discord.client.guild("Vinyl Club", voice_channels=2)
    bot = await discord.bot(notebook)
    shard = discord.shard(bot)
    await shard.start()
    await notebook.wait(lambda found: any(isinstance(event, GuildAvailable) for event in found))
    notebook.handle = lambda event: not isinstance(event, VoiceStateUpdate)
    ada = await discord.client.person("Ada")
    await ada.join(guild.voice_channels[0])
    await ada.join(guild.voice_channels[1])
    await notebook.wait(lambda _found: len(notebook.of(VoiceStateUpdate)) == 2)
    assert shard.unhandled == 2
    notebook.deliveries[-1].handled()
    session = await shard.detach()
    seen = len(notebook.events)
    await discord.shard(bot, session=session).start()
    again = [event.channel for event in notebook.events[seen:] if isinstance(event, VoiceStateUpdate)]
    assert again == [channel.id for channel in guild.voice_channels]


async def test_a_session_of_other_terms_is_not_resumed(discord: Anything, notebook: Anything) -> None:
    """A session opened with another shard count is replaced by an IDENTIFY, known before connecting."""
    bot = await discord.bot(notebook)
    shard = discord.shard(bot)
    await shard.start()
    session = await shard.detach()
    other = await discord.bot(notebook, num_shards=2)
    await discord.shard(other, session=session).start()
    assert notebook.of(SessionReady)[-1].replaces
    assert len((await discord.client.gateway()).identifies) == 2


async def test_bad_token(discord: Anything, notebook: Anything) -> None:
    """A wrong token ends the shard with one clear line, without a second try."""
    bot = await discord.bot(notebook)
    shard = discord.shard(bot, token="bm90.a.token")
    with pytest.raises(BadTokenError, match="SEGUE_DISCORD_TOKEN"):
        await shard.start()
    assert shard.state is ShardState.STOPPED


async def test_disallowed_intents(discord: Anything, notebook: Anything) -> None:
    """Intents the application may not have end the shard with what to do about it."""
    bot = await discord.bot(notebook)
    shard = discord.shard(bot, intents=int(hikari.Intents.GUILDS | hikari.Intents.GUILD_MEMBERS))
    with pytest.raises(DisallowedIntentsError):
        await shard.start()


async def test_bot_with_a_bad_token_does_not_start(discord: Anything, notebook: Anything) -> None:
    """The REST side says the same of a wrong token."""
    with pytest.raises(BadTokenError):
        await discord.bot(notebook, token="bm90.a.token")


async def test_op_4_brings_voice_state_and_server(discord: Anything, notebook: Anything) -> None:
    """Joining a voice channel is answered by our own voice state and the voice server's data."""
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    await discord.shard(bot).start()
    await bot.set_voice_channel(guild.id, guild.voice_channel.id)
    await notebook.wait(
        lambda found: {VoiceStateUpdate, VoiceServerUpdate} <= {type(event) for event in found}
    )
    own = notebook.of(VoiceStateUpdate)[0]
    assert own.own
    assert own.session
    await bot.set_voice_channel(guild.id, None)
    await notebook.wait(lambda _found: notebook.of(VoiceStateUpdate)[-1].channel is None)


async def test_the_send_budget_holds_and_heartbeats_go_on(discord: Anything, notebook: Anything) -> None:
    """However much op 4 is wished for, the connection is never closed for it and heartbeats get through."""
    await discord.client.knobs(heartbeat_interval_ms=400)
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    shard = discord.shard(bot)
    await shard.start()
    sends = [asyncio.create_task(bot.set_voice_channel(guild.id, None)) for _ in range(200)]
    await asyncio.sleep(1.5)
    done = sum(task.done() for task in sends)
    assert 100 <= done <= 114
    assert shard.state is ShardState.READY
    assert shard.heartbeat_latency < 1
    assert len(notebook.of(SessionResumed)) == 0
    for task in sends:
        task.cancel()
    await asyncio.gather(*sends, return_exceptions=True)


async def test_nothing_but_heartbeats_without_a_lease(
    discord: Anything, notebook: Anything, lease: Callable[..., Anything]
) -> None:
    """Past the deadline no op 4 leaves the shard, its events still come, and its socket stays open."""
    await discord.client.knobs(heartbeat_interval_ms=200)
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    short = lease(seconds=3600)
    shard = discord.shard(bot, lease=short)
    await shard.start()
    short._clock = lambda: short.deadline  # the deadline is now
    with pytest.raises(LeaseLapsedError):
        await bot.set_voice_channel(guild.id, guild.voice_channel.id)
    await asyncio.sleep(0.6)
    assert shard.state is ShardState.READY
    ada = await discord.client.person("Ada")
    await ada.join(guild.voice_channel)
    await notebook.wait(lambda found: any(isinstance(event, VoiceStateUpdate) for event in found))
    assert not any(event.own for event in notebook.of(VoiceStateUpdate))


async def test_a_frozen_shard_reopens_no_socket(
    discord: Anything, notebook: Anything, lease: Callable[..., Anything], until: Anything
) -> None:
    """A socket that closes while the lease is lapsed stays closed until it is ours again."""
    bot = await discord.bot(notebook)
    held = lease()
    shard = discord.shard(bot, lease=held)
    await shard.start()
    session = (await discord.client.gateway()).sessions[0]
    real, held._clock = held._clock, lambda: held.deadline
    await discord.client.abort_session(session.session_id)
    await until(lambda: shard.state is ShardState.AWAITING_LEASE)
    await asyncio.sleep(0.3)
    assert not (await discord.client.gateway()).sessions[0].connected
    held._clock = real
    held.renewed(held._grant)
    await notebook.sessions(2)
    assert isinstance(notebook.events[-1], SessionResumed)


async def test_abort_leaves_a_resumable_session(discord: Anything, notebook: Anything) -> None:
    """Cutting the connection off sends no close frame: somebody else can RESUME."""
    bot = await discord.bot(notebook)
    shard = discord.shard(bot)
    task = shard.open()
    await shard.ready(5)
    session = shard.checkpoint()
    shard.abort()
    with pytest.raises(asyncio.CancelledError):
        await task
    await discord.shard(bot, session=session).start()
    assert isinstance(notebook.events[-1], SessionResumed)


async def test_a_dead_connection_is_noticed(discord: Anything, notebook: Anything) -> None:
    """Heartbeats without an answer end the connection, and a RESUME repairs it."""
    await discord.client.knobs(heartbeat_interval_ms=150)
    bot = await discord.bot(notebook)
    shard = discord.shard(bot)
    await shard.start()
    connection = shard._connection
    assert connection is not None
    taken = connection._take

    async def deaf(frame: dict[str, Any]) -> Any:
        return None if frame.get("op") == 11 else await taken(frame)

    connection._take = deaf
    await notebook.sessions(2)
    assert isinstance(notebook.events[-1], SessionResumed)


async def test_voice_channel_is_asked_for_when_unknown(discord: Anything, notebook: Anything) -> None:
    """After a RESUME in a new process one REST call says where a person is, and it is remembered."""
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    shard = discord.shard(bot)
    await shard.start()
    ada, bob = await discord.client.person("Ada"), await discord.client.person("Bob")
    await ada.join(guild.voice_channel)
    await notebook.wait(lambda found: any(isinstance(event, VoiceStateUpdate) for event in found))
    session = await shard.detach()
    bot.drop(ShardId(0))
    other = await discord.bot(notebook)
    await discord.shard(other, session=session).start()
    people = Whereabouts(
        other.voice_states, DiscordRest(other.rest, other.identity.application, other.interactions), 1
    )
    asked = [people.voice_channel_of(guild.id, one.id) for one in (ada, ada, bob)]
    assert await asyncio.gather(*asked) == [guild.voice_channel.id, guild.voice_channel.id, None]
    assert other.voice_states.channel_of(guild.id, ada.id) == guild.voice_channel.id


async def test_gateway_info(discord: Anything, notebook: Anything) -> None:
    """GET /gateway/bot says where to connect and how many IDENTIFYs are left."""
    bot = await discord.bot(notebook)
    info = await bot.gateway_info()
    assert info.url.startswith("ws://")
    assert (info.max_concurrency, info.total) == (16, 1000)
    assert info.remaining <= info.total


async def test_joining_without_a_session_says_so(discord: Anything, notebook: Anything) -> None:
    """Op 4 for a guild whose shard is not here, or has just lost its session, is a typed refusal."""
    guild = await discord.client.guild("Vinyl Club")
    bot = await discord.bot(notebook)
    with pytest.raises(ShardUnavailableError, match="not held here"):
        await bot.set_voice_channel(guild.id, guild.voice_channel.id)
    shard = discord.shard(bot)
    await shard.start()
    await shard.detach()
    shard._ready.set()  # as it is for a moment when the session ends under the sender
    with pytest.raises(ShardUnavailableError, match="not ready"):
        await bot.set_voice_channel(guild.id, guild.voice_channel.id)


async def test_a_bot_that_never_started_closes(notebook: Anything) -> None:
    """Closing a bot that was not started is no error."""
    bot = WorkerBot(token="MTIz.a.b", rest_url="http://127.0.0.1:9", num_shards=1, sink=notebook)
    await bot.close()
    assert not bot.is_alive
