"""Knobs that are no other test's subject: each setting does what the reference page says of it."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.discord.knobs import Knobs
from segue_devkit.discord.weather import Weather

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_devkit.discord.client import SimClient, SimGuild

SILENCE = b"\xf8\xff\xfe"


@pytest.fixture
async def guild(discord: SimClient) -> SimGuild:
    """A guild with two voice channels."""
    return await discord.guild("Vinyl Club", region="eu-west", voice_channels=2)


@pytest.fixture
async def gateway(guild: SimGuild, connect: Callable[..., Awaitable[Any]]) -> Any:
    """An identified gateway socket of a bot in that guild."""
    one = await connect()
    await one.identify()
    await one.until("GUILD_CREATE")
    assert guild.id
    return one


async def _join(gateway: Any, guild: SimGuild, channel: int, *, deaf: bool) -> None:
    body = {"guild_id": str(guild.id), "channel_id": str(guild.voice_channels[channel].id)}
    await gateway.send(4, {**body, "self_mute": False, "self_deaf": deaf})


# ---- the network -----------------------------------------------------------------------------------


@given(
    latency=st.floats(0, 100),
    jitter=st.floats(0, 100),
    loss=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
def test_delays_stay_within_what_was_asked(latency: float, jitter: float, loss: float, seed: int) -> None:
    """From the latency to latency and jitter; a lost segment costs one retransmission; the seed decides."""

    def delays() -> list[int]:
        knobs = Knobs(
            gateway_latency_ms=latency, gateway_jitter_ms=jitter, gateway_loss=loss, retransmit_ms=500
        )
        weather = Weather(knobs, random.Random(seed))
        return [weather.gateway_delay_ns() for _ in range(20)]

    seen = [each / 1e6 for each in delays()]
    lost = [each for each in seen if each >= 500]
    assert all(
        latency - 1e-3 <= each - (500 if each >= 500 else 0) <= latency + jitter + 1e-3 for each in seen
    )
    assert (len(lost) == 0) if loss == 0 else True
    assert (len(lost) == 20) if loss == 1 else True
    assert seen == [each / 1e6 for each in delays()]


def test_losses_are_about_the_share_asked_for() -> None:
    """Over many packets half of them go, none with 0, all with 1."""
    lost = {}
    for share in (0.0, 0.5, 1.0):
        weather = Weather(Knobs(udp_loss=share), random.Random(1))
        lost[share] = sum(weather.udp_lost() for _ in range(2000))
    assert (lost[0.0], lost[1.0]) == (0, 2000)
    assert 900 < lost[0.5] < 1100


async def test_rest_and_voice_gateway_are_late(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, rest: Any
) -> None:
    """``rest_latency_ms`` with its jitter, and ``voice_latency_ms``, hold each answer back."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.knobs(rest_latency_ms=40, rest_jitter_ms=10, voice_latency_ms=40)
    started = time.monotonic()
    assert (await rest.call("GET", "/gateway"))[0] == 200
    assert time.monotonic() - started >= 0.04
    started = time.monotonic()
    await client.send(3, {"t": 1, "seq_ack": 0})
    await client.until_op(6)
    assert time.monotonic() - started >= 0.04


async def test_other_routes_have_a_bucket_too(rest: Any, discord: SimClient) -> None:
    """``other_per_window`` holds for each route that is no message, and is over with its window."""
    await discord.knobs(other_per_window=1, other_window_ms=30)
    statuses: set[int] = set()
    async with asyncio.timeout(10):
        while statuses != {200, 429}:
            status, body = await rest.call("GET", "/users/@me")
            statuses.add(status)
    async with asyncio.timeout(10):
        while status == 429:
            await asyncio.sleep(body["retry_after"])
            status, body = await rest.call("GET", "/users/@me")


# ---- the gateway -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "resumable"), [(4000, True), (4009, False)])
async def test_silence_ends_the_socket_and_perhaps_the_session(
    discord: SimClient, guild: SimGuild, connect: Any, code: int, *, resumable: bool
) -> None:
    """``heartbeat_close_code`` decides whether a client that missed heartbeats can still resume."""
    assert guild.id
    await discord.knobs(heartbeat_interval_ms=200, heartbeat_grace=1.5, heartbeat_close_code=code)
    one = await connect()
    ready = await one.identify()
    assert await one.closed() == code
    await discord.knobs(heartbeat_interval_ms=41_250)
    again = await connect()
    await again.resume(ready["session_id"], one.seq)
    if resumable:
        await again.until("RESUMED")
    else:
        assert (await again.until_op(9))["d"] is False


@pytest.mark.parametrize("code", [4000, 4009])
async def test_what_a_taken_over_socket_is_told(discord: SimClient, connect: Any, code: int) -> None:
    """``stolen_session_close_code`` closes the older socket; the newer goes on with the session."""
    await discord.knobs(stolen_session_close_code=code)
    one, two = await connect(), await connect()
    ready = await one.identify()
    await two.resume(ready["session_id"], one.seq)
    await two.until("RESUMED")
    assert await one.closed() == code
    assert [each.session_id for each in (await discord.gateway()).sessions] == [ready["session_id"]]


async def test_invalid_session_can_take_its_time(discord: SimClient, connect: Any) -> None:
    """``invalid_session_delay_ms``, as Discord sometimes makes a client wait for it."""
    await discord.knobs(invalid_session_delay_ms=40)
    one = await connect()
    started = time.monotonic()
    await one.resume("0" * 32, 1)
    assert (await one.until_op(9))["d"] is False
    assert time.monotonic() - started >= 0.04


async def test_sends_are_counted_in_a_window(discord: SimClient, connect: Any) -> None:
    """More sends than the window allows close with 4008; spread over several windows they do not."""
    await discord.knobs(gateway_sends=3, gateway_sends_window_ms=20)
    patient = await connect()
    for _ in range(6):
        await patient.send(1, None)
        await patient.until_op(11)
        await asyncio.sleep(0.02)
    await discord.knobs(gateway_sends_window_ms=60_000)
    hasty = await connect()
    for _ in range(4):
        await hasty.send(1, None)
    assert await hasty.closed() == 4008


async def test_recommended_shards_are_told(rest: Any, discord: SimClient) -> None:
    """GET /gateway/bot says what ``recommended_shards`` says."""
    await discord.knobs(recommended_shards=7)
    assert (await rest.call("GET", "/gateway/bot"))[1]["shards"] == 7


# ---- voice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["state_only", "state_and_server"])
async def test_joining_where_one_is_already(
    discord: SimClient, guild: SimGuild, gateway: Any, rule: str
) -> None:
    """Op 4 into the same channel changes flags; ``state_and_server`` hands the voice data out again."""
    await discord.knobs(same_channel_join=rule)
    await _join(gateway, guild, 0, deaf=True)
    first = await gateway.until("VOICE_SERVER_UPDATE")
    await _join(gateway, guild, 0, deaf=False)
    assert not (await gateway.until("VOICE_STATE_UPDATE"))["self_deaf"]
    await _join(gateway, guild, 1, deaf=False)
    await gateway.until("VOICE_STATE_UPDATE")
    assert gateway.names.count("VOICE_SERVER_UPDATE") == (1 if rule == "state_only" else 2)
    servers = [each["d"] for each in gateway.received if each.get("t") == "VOICE_SERVER_UPDATE"]
    assert all(each == first for each in servers)


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("code", [4014, 4022])
async def test_moving_may_change_the_server(
    discord: SimClient,
    guild: SimGuild,
    gateway: Any,
    voice_data: Any,
    dial: Any,
    code: int,
    *,
    changes: bool,
) -> None:
    """``move_changes_server``: other voice data and a close with its code, or the connection goes on."""
    await discord.knobs(move_changes_server=changes, server_change_close_code=code)
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await _join(gateway, guild, 1, deaf=True)
    if changes:
        assert await client.closed() == code
        assert (await gateway.until("VOICE_SERVER_UPDATE"))["token"] != data.identify["token"]
        return
    await gateway.until("VOICE_STATE_UPDATE")
    await client.send(3, {"t": 1, "seq_ack": 0})
    await client.until_op(6)


@pytest.mark.parametrize("code", [4014, 4022])
async def test_how_a_kick_closes(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, code: int
) -> None:
    """``kicked_close_code`` closes the voice socket of a bot that is disconnected."""
    await discord.knobs(kicked_close_code=code)
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.kick_bot(guild)
    assert await client.closed() == code


async def test_a_voice_session_waits_so_long(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any
) -> None:
    """A lost voice socket can be resumed for ``voice_resumable_ms``; afterwards op 7 is 4006."""
    await discord.knobs(voice_resumable_ms=20)
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.abort_voice(guild)
    await client.closed()
    late = 0
    async with asyncio.timeout(10):
        while late != 4006:
            again = await dial(data.endpoint)
            await again.send(7, {**data.identify, "seq_ack": 1})
            message = await again.socket.receive()
            if again.socket.close_code is not None:
                late = again.socket.close_code
            else:
                assert '"op":9' in message.data, "resumed in time"
                await again.socket.close(code=4900)
                await asyncio.sleep(0.03)


async def test_a_silent_voice_client_times_out(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any
) -> None:
    """Three voice heartbeats missed close with 4009."""
    data = await voice_data(gateway, guild)
    await discord.knobs(voice_heartbeat_interval_ms=20)
    client = await dial(data.endpoint)
    assert await client.closed() == 4009


async def test_sound_is_kept_so_long(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, eventually: Any
) -> None:
    """``keep_audio_ms``: who comes later hears that much of the past."""

    async def ten_heard() -> bool:
        return (await discord.sink(guild, timecode=False)).packets == 10

    await discord.knobs(keep_audio_ms=60)
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await client.play([SILENCE] * 10)
    await eventually(ten_heard)
    await client.play([b"\xf8\x00"])
    heard = []
    async with asyncio.timeout(10):
        async for frame in discord.listen(guild, history_ms=60_000):
            heard.append(frame.opus)
            if frame.opus == b"\xf8\x00":
                break
    assert heard in ([SILENCE, SILENCE, b"\xf8\x00"], [SILENCE, SILENCE, SILENCE, b"\xf8\x00"])
