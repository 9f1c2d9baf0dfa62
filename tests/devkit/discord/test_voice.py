"""The voice side, spoken to by a voice client that shares no code with it."""

from __future__ import annotations

import asyncio
from itertools import repeat
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from segue_devkit.discord.client import SimClient, SimGuild, SinkReport
    from segue_devkit.discord.simulator import Simulator

SILENCE = b"\xf8\xff\xfe"


@pytest.fixture
async def guild(discord: SimClient) -> SimGuild:
    """A guild of eu-west."""
    return await discord.guild("Vinyl Club", region="eu-west", voice_channels=2)


@pytest.fixture
async def gateway(guild: SimGuild, connect: Callable[..., Awaitable[Any]]) -> Any:
    """An identified gateway socket of a bot in that guild."""
    one = await connect()
    await one.identify()
    await one.until("GUILD_CREATE")
    assert guild.id
    return one


async def _heard(discord: SimClient, guild: SimGuild, packets: int) -> SinkReport:
    """The report once that many packets have arrived."""
    async with asyncio.timeout(10):
        while True:
            report = await discord.sink(guild)
            if report.packets >= packets:
                return report
            await asyncio.sleep(0.01)


async def test_sound_is_decrypted_counted_and_recognised(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, tune_frames: list[bytes]
) -> None:
    """What a node sends is decrypted, counted without gaps, and told apart by its timecode to some ms."""
    data = await voice_data(gateway, guild)
    assert data.endpoint.startswith("127.80.2.1:")
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await client.play(tune_frames)
    await client.play(repeat(SILENCE, 5))
    report = await _heard(discord, guild, len(tune_frames) + 5)
    assert report.silence_frames == 5
    assert (report.media_gap_count, report.decrypt_failures, report.streams) == (0, 0, 1)
    assert report.timecode is not None
    assert report.timecode.song_id == 1
    assert report.timecode.position_ms == pytest.approx(23_000, abs=30)
    assert report.timecode.at_ns == report.last_sound_ns


async def test_gaps_are_found_and_told_apart(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, tune_frames: list[bytes]
) -> None:
    """Skipped RTP time is a media gap; a late arrival is a wall gap, and an announced one says so."""
    client = await dial((data := await voice_data(gateway, guild)).endpoint)
    await client.shake_hands(data.identify)
    await client.play(tune_frames[:10])
    client.timestamp += 960 * 5
    await client.play([tune_frames[10]])
    await _heard(discord, guild, 11)
    await asyncio.sleep(0.1)  # the gap itself
    await client.play([tune_frames[11], SILENCE])
    await _heard(discord, guild, 13)
    await asyncio.sleep(0.1)  # the gap itself
    await client.play([tune_frames[12]])
    report = await _heard(discord, guild, 14)
    assert [gap.ms for gap in report.media_gaps] == [100.0]
    assert [gap.after_silence for gap in report.wall_gaps] == [False, True]
    assert all(95 < gap.ms < 2_000 for gap in report.wall_gaps)
    await discord.reset_sink(guild)
    assert (await discord.sink(guild)).packets == 0


async def test_forged_packets_are_not_heard(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, simulator: Simulator
) -> None:
    """A packet of another key counts as a failure, one of an unknown SSRC as a stray."""
    client = await dial((data := await voice_data(gateway, guild)).endpoint)
    await client.shake_hands(data.identify)
    right, client.key = client.key, bytes(32)
    await client.play([SILENCE])
    client.key, client.ssrc = right, client.ssrc + 1
    await client.play([SILENCE])
    client.ssrc -= 1
    await client.play([SILENCE])
    report = await _heard(discord, guild, 1)
    assert report.decrypt_failures == 1
    assert simulator.voice.strays() == 1


async def test_frames_can_be_followed(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, tune_frames: list[bytes]
) -> None:
    """A listener gets the frames that were kept and then each new one, decrypted and stamped."""
    client = await dial((data := await voice_data(gateway, guild)).endpoint)
    await client.shake_hands(data.identify)
    await client.play(tune_frames[:2])
    await _heard(discord, guild, 2)
    heard = []
    async with asyncio.timeout(10):
        async for frame in discord.listen(guild, history_ms=60_000):
            heard.append(frame)
            if len(heard) == 2:
                await client.play(tune_frames[2:4])
            if len(heard) == 4:
                break
    assert [frame.opus for frame in heard] == tune_frames[:4]
    assert [frame.at_ns for frame in heard] == sorted(frame.at_ns for frame in heard)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"session_id": "0" * 32}, 4006),
        ({"user_id": "1"}, 4006),
        ({"server_id": "1"}, 4006),
    ],
)
async def test_voice_data_belongs_together(
    guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, change: dict[str, str], code: int
) -> None:
    """User, session, token and guild of an IDENTIFY must be those of one grant."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.send(0, {**data.identify, **change})
    assert await client.closed() == code


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([(1, {"protocol": "udp", "data": {}})], 4003),
        ([(99, {})], 4001),
        ([(0, None), (0, None)], 4005),
        ([(0, None), (1, {"protocol": "tcp", "data": {}})], 4012),
        ([(0, None), (1, {"protocol": "udp", "data": {"mode": "xsalsa20_poly1305"}})], 4016),
    ],
)
async def test_misuse_closes_with_the_documented_code(
    guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, messages: list[Any], code: int
) -> None:
    """Each broken rule has the close code of Discord's reference."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    for op, body in messages:
        await client.send(op, data.identify if op == 0 else body)
    assert await client.closed() == code


async def test_superseded_in_silence(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, simulator: Simulator
) -> None:
    """With the other setting the older socket stays open, but what it sends is heard by nobody."""
    await discord.knobs(superseded="silent")
    data = await voice_data(gateway, guild)
    older, newer = await dial(data.endpoint), await dial(data.endpoint)
    await older.shake_hands(data.identify)
    await newer.shake_hands(data.identify)
    await older.play([SILENCE])
    await newer.play([SILENCE])
    await _heard(discord, guild, 1)
    assert simulator.voice.strays() == 1
    await older.send(3, {"t": 7, "seq_ack": 0})
    assert await older.until_op(6) == {"t": 7}


@pytest.mark.parametrize(
    ("rule", "same", "other"),
    [("accept", True, True), ("refuse_other_address", True, False), ("refuse", False, False)],
)
async def test_the_same_voice_data_from_another_node(
    discord: SimClient,
    guild: SimGuild,
    gateway: Any,
    voice_data: Any,
    dial: Any,
    *,
    rule: str,
    same: bool,
    other: bool,
) -> None:
    """Nobody can document whether a second IDENTIFY is accepted: all three answers can be had."""
    await discord.knobs(reidentify=rule)
    data = await voice_data(gateway, guild)
    await (await dial(data.endpoint)).shake_hands(data.identify)
    for address, accepted in (("127.0.0.1", same), ("127.0.0.9", other)):
        client = await dial(data.endpoint, address)
        await client.send(0, data.identify)
        if accepted:
            await client.until_op(2)
        else:
            assert await client.closed() == 4006


async def test_a_voice_session_is_resumed(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any
) -> None:
    """After a lost socket the same session goes on: packets are heard meanwhile, op 7 is answered by op 9."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.abort_voice(guild)
    assert await client.closed() != 1000
    await client.play([SILENCE])
    await _heard(discord, guild, 1)
    again = await dial(data.endpoint)
    await again.send(7, {**data.identify, "seq_ack": 1})
    await again.until_op(9)
    await client.play([SILENCE])
    assert (await _heard(discord, guild, 2)).streams == 1


async def test_nobody_hears_who_may_not_speak(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any, rest: Any
) -> None:
    """Muted by a moderator, or without SPEAK: frames come, are counted as muted, and heard by nobody."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.bot_permissions(guild, (1 << 53) - 1)
    path = f"/guilds/{guild.id}/members/@me"

    async def muted() -> int:
        async with asyncio.timeout(10):
            while True:
                report = await discord.sink(guild, timecode=False)
                if report.muted or report.packets:
                    return report.muted
                await asyncio.sleep(0.01)

    assert (await rest.call("PATCH", path, {"mute": True}))[0] == 200
    await client.play([SILENCE])
    assert await muted() == 1
    assert (await rest.call("PATCH", path, {"mute": False}))[0] == 200
    await client.play([SILENCE])
    assert (await _heard(discord, guild, 1)).muted == 1


async def test_leaving_ends_the_voice_connection(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any
) -> None:
    """Kicked: the voice socket closes with 4014, the gateway says channel null, the data is worth nothing."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.kick_bot(guild)
    assert await client.closed() == 4014
    assert (await gateway.until("VOICE_STATE_UPDATE"))["channel_id"] is None
    late = await dial(data.endpoint)
    await late.send(0, data.identify)
    assert await late.closed() == 4006


async def test_a_voice_server_change(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any
) -> None:
    """The old socket closes, the endpoint is null during the outage, then names the new region."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.move_voice_server(guild, "us-east", outage_ms=20)
    assert await client.closed() == 4014
    assert (await gateway.until("VOICE_SERVER_UPDATE"))["endpoint"] is None
    change = await gateway.until("VOICE_SERVER_UPDATE")
    assert change["endpoint"].startswith("127.80.1.1:")
    fresh = await dial(change["endpoint"])
    await fresh.shake_hands({**data.identify, "token": change["token"]})


@pytest.mark.parametrize(
    ("knob", "after_disconnect", "after_end"),
    [("survives", True, True), ("dies_with_session", True, False), ("dies_on_disconnect", False, False)],
)
async def test_voice_when_the_gateway_session_is_lost(
    discord: SimClient,
    guild: SimGuild,
    gateway: Any,
    voice_data: Any,
    dial: Any,
    eventually: Any,
    *,
    knob: str,
    after_disconnect: bool,
    after_end: bool,
) -> None:
    """Whether voice outlives its gateway session is not known: every behaviour can be had."""
    await discord.knobs(voice_on_gateway_loss=knob)
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    (session,) = (await discord.gateway()).sessions

    async def lives() -> bool:
        await client.send(3, {"t": 1, "seq_ack": 0})
        async with asyncio.timeout(10):
            message = await client.socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return True
        assert client.socket.close_code == 4014
        return False

    async def unplugged() -> bool:
        return not (await discord.gateway()).sessions[0].connected

    await discord.close_session(session.session_id, 4000)
    assert await gateway.closed() == 4000
    await eventually(unplugged)
    assert await lives() is after_disconnect
    if after_disconnect:
        await discord.end_session(session.session_id)
        assert await lives() is after_end


async def test_voice_states_of_a_lost_session_are_dropped_later(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any
) -> None:
    """An ended session's voice state goes after a while, and with it the voice connection."""
    await discord.knobs(voice_state_linger_ms=30)
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    (session,) = (await discord.gateway()).sessions
    await discord.end_session(session.session_id)
    assert await client.closed() == 4014
    assert (await discord.look(guild)).voice_states == ()


@pytest.mark.parametrize("order", ["state_first", "server_first"])
async def test_events_come_in_either_order(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, order: str
) -> None:
    """Both orders of the two voice events, also with time between them."""
    await discord.knobs(voice_event_order=order, voice_server_delay_ms=20)
    await voice_data(gateway, guild)
    names = [name for name in gateway.names if name.startswith("VOICE_")]
    expected = ["VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE"]
    assert names == (expected if order == "state_first" else expected[::-1])


async def test_the_certificate_is_trusted_only_with_our_authority(
    guild: SimGuild, gateway: Any, voice_data: Any, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """TLS always: who does not trust ca.pem cannot connect; a JVM's trust store lies beside it."""
    data = await voice_data(gateway, guild)
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await http.ws_connect(f"wss://{data.endpoint}/?v=8")
    assert (tmp_path / "tls" / "truststore.p12").stat().st_size > 500
    assert (tmp_path / "tls" / "ca-key.pem").stat().st_mode & 0o077 == 0
