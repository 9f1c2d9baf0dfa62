"""The gateway, spoken to in raw JSON: sessions, limits, compression, close codes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from segue_devkit.discord.config import DEFAULT_TOKEN

if TYPE_CHECKING:
    from segue_devkit.discord.client import SimClient
    from segue_devkit.discord.simulator import Simulator

PROPERTIES = {"os": "linux", "browser": "test", "device": "test"}
IDENTIFY = {"token": DEFAULT_TOKEN, "intents": 1, "shard": [0, 1], "properties": PROPERTIES}


@pytest.fixture
def detached(discord: SimClient, eventually: Any) -> Any:
    """Wait until no session has a socket any more."""

    async def look() -> bool:
        return not any(each.connected for each in (await discord.gateway()).sessions)

    return lambda: eventually(look)


@pytest.fixture
def gone(discord: SimClient, eventually: Any) -> Any:
    """Wait until there is no session any more."""

    async def look() -> bool:
        return not (await discord.gateway()).sessions

    return lambda: eventually(look)


@pytest.mark.parametrize("compress", [None, "zlib-stream", "zstd-stream"])
async def test_ready_then_guilds_whatever_the_compression(
    discord: SimClient, connect: Any, compress: str | None
) -> None:
    """HELLO, READY with unavailable guilds, a GUILD_CREATE each: plain, zlib-stream and zstd-stream."""
    guild = await discord.guild("Vinyl Club", voice_channels=2)
    gateway = await connect(compress=compress)
    assert gateway.received[0]["op"] == 10
    ready = await gateway.identify()
    assert ready["guilds"] == [{"id": str(guild.id), "unavailable": True}]
    assert ready["resume_gateway_url"].startswith("ws://127.0.0.1:")
    create = await gateway.until("GUILD_CREATE")
    assert [each["name"] for each in create["channels"]] == ["music", "Listening", "Listening 2"]
    assert gateway.seq == 2
    await gateway.send(1, 2)
    await gateway.until_op(11)


async def test_payload_compression(discord: SimClient, connect: Any) -> None:
    """IDENTIFY with compress: large payloads come as zlib of their own, small ones as text."""
    await discord.guild("Vinyl Club")
    gateway = await connect()
    await gateway.identify(compress=True)
    assert (await gateway.until("GUILD_CREATE"))["name"] == "Vinyl Club"


async def test_events_go_to_the_shard_of_the_guild(discord: SimClient, connect: Any) -> None:
    """(guild_id >> 22) % num_shards decides; consecutive guilds fall on consecutive shards."""
    guilds = [await discord.guild(f"Guild {number}") for number in range(4)]
    for shard in range(2):
        gateway = await connect()
        ready = await gateway.identify((shard, 2))
        mine = [int(each["id"]) for each in ready["guilds"]]
        assert mine == [guild.id for guild in guilds if (guild.id >> 22) % 2 == shard]
        assert len(mine) == 2


async def test_intents_filter_events(discord: SimClient, connect: Any) -> None:
    """A session without the intent is not sent the event; content of others is empty without its intent."""
    guild = await discord.guild("Vinyl Club")
    ada = await discord.person("Ada")
    voice, messages = await connect(), await connect()
    await voice.identify(intents=1 << 7)
    await messages.identify(intents=1 << 9)
    await ada.join(guild.voice_channel)
    await ada.say(guild.text_channel, "hello")
    await ada.leave()
    await voice.until("VOICE_STATE_UPDATE")
    await voice.until("VOICE_STATE_UPDATE")
    assert (await messages.until("MESSAGE_CREATE"))["content"] == ""
    assert voice.names == ["READY", "VOICE_STATE_UPDATE", "VOICE_STATE_UPDATE"]
    assert messages.names == ["READY", "MESSAGE_CREATE"]


async def test_resume_replays_what_was_missed(discord: SimClient, connect: Any, detached: Any) -> None:
    """After a lost socket: everything since the given seq in order, then RESUMED; duplicates if seq lags."""
    guild = await discord.guild("Vinyl Club")
    ada = await discord.person("Ada")
    first = await connect()
    ready = await first.identify()
    await first.until("GUILD_CREATE")
    seq = first.seq
    await ada.join(guild.voice_channel)
    await first.until("VOICE_STATE_UPDATE")
    await discord.abort_session(ready["session_id"])
    await first.closed()
    await detached()
    await ada.leave()
    second = await connect(path="/resume", compress="zlib-stream")
    await second.resume(ready["session_id"], seq)
    await second.until("RESUMED")
    assert second.names == ["VOICE_STATE_UPDATE", "VOICE_STATE_UPDATE", "RESUMED"]
    assert [each["s"] for each in second.received[1:]] == [seq + 1, seq + 2, seq + 3]
    assert len((await discord.gateway()).identifies) == 1


@pytest.mark.parametrize(("code", "resumable"), [(1000, False), (1001, False), (4900, True), (3000, True)])
async def test_how_a_client_closes_decides_about_the_session(
    connect: Any, detached: Any, code: int, *, resumable: bool
) -> None:
    """1000 and 1001 end the session; any other code keeps it for a RESUME."""
    gateway = await connect()
    ready = await gateway.identify()
    await gateway.socket.close(code=code)
    await detached()
    again = await connect()
    await again.resume(ready["session_id"], gateway.seq)
    if resumable:
        await again.until("RESUMED")
    else:
        assert (await again.until_op(9))["d"] is False


async def test_a_session_is_not_resumable_for_ever(discord: SimClient, connect: Any, gone: Any) -> None:
    """After the time of the knob the session is gone."""
    await discord.knobs(resumable_ms=20)
    gateway = await connect()
    ready = await gateway.identify()
    await gateway.socket.close(code=4900)
    await gone()
    again = await connect()
    await again.resume(ready["session_id"], gateway.seq)
    assert (await again.until_op(9))["d"] is False


async def test_a_replay_that_no_longer_reaches_back(discord: SimClient, connect: Any) -> None:
    """With too much missed the session is invalid, not silently holed."""
    await discord.knobs(replay_events=2)
    guild = await discord.guild("Vinyl Club")
    ada = await discord.person("Ada")
    gateway = await connect()
    ready = await gateway.identify()
    for _ in range(2):
        await ada.join(guild.voice_channel)
        await ada.leave()
    again = await connect()
    await again.resume(ready["session_id"], 1)
    assert (await again.until_op(9))["d"] is False


async def test_a_resume_takes_the_session_over(discord: SimClient, connect: Any) -> None:
    """A RESUME while the old socket is open: the new one has the session, the old one is closed."""
    first, second = await connect(), await connect()
    ready = await first.identify()
    await second.resume(ready["session_id"], first.seq)
    await second.until("RESUMED")
    assert await first.closed() == 4000
    (session,) = (await discord.gateway()).sessions
    assert session.connected


async def test_reconnect_and_invalid_session_on_demand(discord: SimClient, connect: Any) -> None:
    """Both can be sent at will; a session declared lost cannot be resumed."""
    gateway = await connect()
    ready = await gateway.identify()
    await discord.reconnect_session(ready["session_id"])
    assert (await gateway.until_op(7))["d"] is None
    await discord.invalidate_session(ready["session_id"], resumable=True)
    assert (await gateway.until_op(9))["d"] is True
    await discord.invalidate_session(ready["session_id"])
    assert (await gateway.until_op(9))["d"] is False
    await gateway.identify()
    assert len((await discord.gateway()).identifies) == 2


async def test_identify_buckets(discord: SimClient, connect: Any) -> None:
    """One IDENTIFY a bucket and window; another bucket is free; the refused one still costs a start."""
    await discord.knobs(identify_window_ms=60_000, max_concurrency=2)
    for shard, accepted in ((0, True), (1, True), (2, False)):
        gateway = await connect()
        await gateway.send(2, {**IDENTIFY, "shard": [shard, 3]})
        if accepted:
            await gateway.until("READY")
        else:
            assert (await gateway.until_op(9))["d"] is False
    assert [each.accepted for each in (await discord.gateway()).identifies] == [True, True, False]


async def test_the_daily_limit_resets_the_token(discord: SimClient, connect: Any, rest: Any) -> None:
    """GET /gateway/bot counts session starts; one too many and every session ends, the token is worthless."""
    await discord.knobs(session_start_total=1)
    first = await connect()
    await first.identify()
    _, body = await rest.call("GET", "/gateway/bot")
    assert body["session_start_limit"]["remaining"] == 0
    second = await connect()
    await second.send(2, IDENTIFY)
    assert await second.closed() == 4004
    assert await first.closed() == 4004
    assert (await rest.call("GET", "/users/@me"))[0] == 401


@pytest.mark.parametrize(
    ("op", "body", "code"),
    [
        (2, {**IDENTIFY, "token": "wrong"}, 4004),
        (2, {**IDENTIFY, "shard": [1, 1]}, 4010),
        (2, {**IDENTIFY, "shard": "0/1"}, 4010),
        (2, {**IDENTIFY, "intents": 1 << 30}, 4013),
        (2, {**IDENTIFY, "intents": 1 << 1}, 4014),
        (2, {**IDENTIFY, "properties": None}, 4002),
        (2, [], 4002),
        (4, {"guild_id": "1", "channel_id": None}, 4003),
        (8, {"guild_id": "1"}, 4003),
        (99, {}, 4001),
        (6, {"token": "wrong", "session_id": "x", "seq": 1}, 4004),
        (6, {"token": DEFAULT_TOKEN, "session_id": "x", "seq": "1"}, 4007),
        (2, {**IDENTIFY, "filler": "x" * 5000}, 4002),
    ],
)
async def test_misuse_closes_with_the_documented_code(connect: Any, op: int, body: object, code: int) -> None:
    """Each broken rule has the close code of Discord's reference."""
    gateway = await connect()
    await gateway.send(op, body)
    assert await gateway.closed() == code


async def test_more_misuse(discord: SimClient, connect: Any, simulator: Simulator, http: Any) -> None:
    """No JSON 4002, a second IDENTIFY 4005, too many sends 4008, a future seq 4007, an old version 4012."""
    broken = await connect()
    await broken.socket.send_str("{")
    assert await broken.closed() == 4002
    twice = await connect()
    await twice.identify()
    await twice.send(2, IDENTIFY)
    assert await twice.closed() == 4005
    ahead = await connect()
    ready = await ahead.identify()
    await ahead.socket.close(code=4900)
    later = await connect()
    await later.resume(ready["session_id"], 99)
    assert await later.closed() == 4007
    await discord.knobs(gateway_sends=3)
    busy = await connect()
    for _ in range(4):
        await busy.send(1, None)
    assert await busy.closed() == 4008
    async with http.ws_connect(f"{simulator.gateway_url}/?v=6") as old:
        await old.receive()
        assert old.close_code == 4012


async def test_too_many_guilds_for_a_shard(discord: SimClient, connect: Any) -> None:
    """More guilds than a shard may hold: 4011, sharding required."""
    await discord.knobs(guilds_per_shard=1)
    await discord.guild("One")
    await discord.guild("Two")
    gateway = await connect()
    await gateway.send(2, IDENTIFY)
    assert await gateway.closed() == 4011


async def test_no_heartbeat_no_connection(discord: SimClient, connect: Any, gone: Any) -> None:
    """A client that stops its heartbeats is closed with the knob's code."""
    await discord.knobs(heartbeat_interval_ms=20)
    gateway = await connect()
    await gateway.identify()
    assert await gateway.closed() == 4009
    await gone()


async def test_members_on_request(discord: SimClient, connect: Any) -> None:
    """Op 8 by ids answers one chunk with who is there and who is not."""
    guild = await discord.guild("Vinyl Club")
    ada = await discord.person("Ada")
    await ada.join(guild.voice_channel)
    gateway = await connect()
    await gateway.identify()
    await gateway.send(8, {"guild_id": str(guild.id), "user_ids": [str(ada.id), "1"], "nonce": "n"})
    chunk = await gateway.until("GUILD_MEMBERS_CHUNK")
    assert [each["user"]["username"] for each in chunk["members"]] == ["Ada"]
    assert (chunk["not_found"], chunk["nonce"]) == (["1"], "n")


async def test_voice_states_are_in_guild_create_and_permissions_count(
    discord: SimClient, connect: Any, simulator: Simulator
) -> None:
    """People in voice are listed; the bot's op 4 into a channel it may not enter brings nothing at all."""
    guild = await discord.guild("Vinyl Club", voice_channels=2)
    ada = await discord.person("Ada")
    await ada.join(guild.voice_channel)
    gateway = await connect()
    await gateway.identify()
    create = await gateway.until("GUILD_CREATE")
    assert [state["user_id"] for state in create["voice_states"]] == [str(ada.id)]
    closed, opened = guild.voice_channels
    await discord.overwrite(closed, simulator.world.bot.id, deny=1 << 20)
    for channel in (closed, opened):
        await gateway.send(4, {"guild_id": str(guild.id), "channel_id": str(channel.id)})
    assert (await gateway.until("VOICE_STATE_UPDATE"))["channel_id"] == str(opened.id)


async def test_the_bot_is_dragged_into_another_channel(
    discord: SimClient, connect: Any, voice_data: Any
) -> None:
    """A moderator's move brings a voice state; with the other setting of the knob a new server as well."""
    guild = await discord.guild("Vinyl Club", voice_channels=2)
    gateway = await connect()
    await gateway.identify()
    await voice_data(gateway, guild)
    await discord.move_bot(guild, guild.voice_channels[1])
    assert (await gateway.until("VOICE_STATE_UPDATE"))["channel_id"] == str(guild.voice_channels[1].id)
    await discord.knobs(move_changes_server=True)
    await discord.move_bot(guild, guild.voice_channels[0])
    await gateway.until("VOICE_SERVER_UPDATE")


async def test_latency_is_injected(discord: SimClient, connect: Any) -> None:
    """What the gateway sends is delayed by the knob; answers keep their order."""
    gateway = await connect()
    await discord.knobs(gateway_latency_ms=60)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await gateway.identify()
    assert loop.time() - started >= 0.06


async def test_jitter_and_loss_keep_the_order(discord: SimClient, connect: Any) -> None:
    """TCP: what is lost comes again later and what follows waits for it; nothing overtakes."""
    guild = await discord.guild("Vinyl Club")
    ada = await discord.person("Ada")
    gateway = await connect()
    await gateway.identify(intents=1 << 9)
    await discord.knobs(gateway_jitter_ms=5, gateway_loss=0.2, retransmit_ms=20)
    started = time.monotonic()
    for number in range(30):
        await ada.say(guild.text_channel, str(number))
    ids = [(await gateway.until("MESSAGE_CREATE"))["id"] for _ in range(30)]
    assert ids == sorted(ids, key=int)
    assert time.monotonic() - started > 0.02


async def test_a_resume_of_an_open_session_can_be_refused(discord: SimClient, connect: Any) -> None:
    """With the other setting the RESUME is INVALID_SESSION, and the socket that is open goes on."""
    await discord.knobs(resume_of_open_session="refused")
    guild = await discord.guild("Vinyl Club")
    first, second = await connect(), await connect()
    ready = await first.identify()
    await second.resume(ready["session_id"], first.seq)
    assert (await second.until_op(9))["d"] is False
    await (await discord.person("Ada")).say(guild.text_channel, "hi")
    await first.until("MESSAGE_CREATE")


async def test_the_day_s_budget_is_told(discord: SimClient, connect: Any, rest: Any) -> None:
    """GET /gateway/bot counts down with each IDENTIFY, not with a RESUME, and starts anew after its time."""
    await discord.knobs(session_start_total=5, session_start_reset_ms=600_000, max_concurrency=16)

    async def limit() -> dict[str, int]:
        _, body = await rest.call("GET", "/gateway/bot")
        found: dict[str, int] = body["session_start_limit"]
        return found

    assert (await limit())["remaining"] == 5
    one = await connect()
    ready = await one.identify()
    await one.socket.close(code=4900)
    again = await connect()
    await again.resume(ready["session_id"], one.seq)
    await again.until("RESUMED")
    told = await limit()
    assert (told["total"], told["remaining"], told["max_concurrency"]) == (5, 4, 16)
    assert 0 < told["reset_after"] <= 600_000
    await discord.knobs(session_start_reset_ms=0)
    assert (await limit())["remaining"] == 5


async def test_a_crowd_of_quiet_guilds(discord: SimClient, connect: Any) -> None:
    """Many guilds made at once reach the shards that own them, and can be thrown out again."""
    made = await discord.crowd(60)
    gateway = await connect()
    ready = await gateway.identify((1, 4))
    mine = [each for each in made if (each >> 22) % 4 == 1]
    assert [int(each["id"]) for each in ready["guilds"]] == mine
    for _ in mine:
        await gateway.until("GUILD_CREATE")
    await discord.remove_guild(mine[0])
    assert (await gateway.until("GUILD_DELETE"))["id"] == str(mine[0])
