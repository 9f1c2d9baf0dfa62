"""Voice when things go wrong, each way they can: superseded, hung and woken, closed, lost, late."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_devkit.discord.client import SimClient, SimGuild, SinkReport

SILENCE = b"\xf8\xff\xfe"


@pytest.fixture
async def guild(discord: SimClient) -> SimGuild:
    """A guild."""
    return await discord.guild("Vinyl Club", region="eu-west")


@pytest.fixture
async def gateway(guild: SimGuild, connect: Callable[..., Awaitable[Any]]) -> Any:
    """An identified gateway socket of a bot in that guild."""
    one = await connect()
    await one.identify()
    await one.until("GUILD_CREATE")
    assert guild.id
    return one


async def _until(discord: SimClient, guild: SimGuild, good: Callable[[SinkReport], bool]) -> SinkReport:
    """Wait until the sink's report looks so."""
    async with asyncio.timeout(10):
        while True:
            report = await discord.sink(guild, timecode=False)
            if good(report):
                return report
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"superseded_close_code": 4006}, 4006),
        ({"superseded_close_code": 4014}, 4014),
        ({"superseded_close_code": 4015}, 4015),
        ({"superseded": "cut"}, 1006),
    ],
)
async def test_a_newer_connection_supersedes(
    discord: SimClient,
    guild: SimGuild,
    gateway: Any,
    voice_data: Any,
    dial: Any,
    knobs: dict[str, object],
    code: int,
) -> None:
    """One voice connection a guild: the older is closed with the knob's code, or cut, and unheard."""
    await discord.knobs(**knobs)
    data = await voice_data(gateway, guild)
    older, newer = await dial(data.endpoint), await dial(data.endpoint)
    await older.shake_hands(data.identify)
    await older.play([SILENCE])
    await _until(discord, guild, lambda one: one.packets == 1)
    await newer.shake_hands(data.identify)
    assert await older.closed() == code
    await older.play([SILENCE])
    await newer.play([SILENCE])
    report = await _until(discord, guild, lambda one: one.packets == 2)
    assert (report.packets, report.streams) == (2, 2)


@pytest.mark.parametrize("op", [0, 7])
@pytest.mark.parametrize(("rule", "taken_back"), [("takes_back", True), ("refused", False)])
async def test_a_hung_node_that_wakes(
    discord: SimClient,
    guild: SimGuild,
    gateway: Any,
    voice_data: Any,
    dial: Any,
    *,
    op: int,
    rule: str,
    taken_back: bool,
) -> None:
    """Superseded while it hung, it IDENTIFYs or RESUMEs with its old voice data: both outcomes can be had."""
    await discord.knobs(superseded_return=rule, superseded="cut")
    data = await voice_data(gateway, guild)
    hung, healthy = await dial(data.endpoint, "127.0.0.8"), await dial(data.endpoint, "127.0.0.9")
    await hung.shake_hands(data.identify)
    await healthy.shake_hands(data.identify)
    woken = await dial(data.endpoint, "127.0.0.8")
    await woken.send(op, {**data.identify, "seq_ack": 1})
    if not taken_back:
        assert await woken.closed() == 4006
        await healthy.play([SILENCE])
        await _until(discord, guild, lambda one: one.packets == 1)
        return
    await woken.until_op(2 if op == 0 else 9)
    assert await healthy.closed() == 1006
    if op == 7:
        await hung.play([SILENCE])  # over UDP the old session's key is good again
        await _until(discord, guild, lambda one: one.packets == 1)


@pytest.mark.parametrize(
    ("code", "resumable"),
    [
        *((code, True) for code in (1001, 4001, 4002, 4003, 4005, 4009, 4012, 4015, 4016, 4017, 4020)),
        *((code, False) for code in (1000, 4004, 4006, 4011, 4014, 4021, 4022)),
    ],
)
async def test_every_close_code_can_be_ordered(
    discord: SimClient,
    guild: SimGuild,
    gateway: Any,
    voice_data: Any,
    dial: Any,
    code: int,
    *,
    resumable: bool,
) -> None:
    """The client sees the code; whether op 7 then works is as a voice client expects of it."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.close_voice(guild, code)
    assert await client.closed() == code
    again = await dial(data.endpoint)
    await again.send(7, {**data.identify, "seq_ack": 1})
    if resumable:
        await again.until_op(9)
    else:
        assert await again.closed() == 4006


async def test_lost_packets_are_gaps(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any
) -> None:
    """Of half of the packets nothing is heard but the hole they leave; every packet is one or the other."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.knobs(udp_loss=0.5)
    await client.play([SILENCE] * 200)
    report = await _until(discord, guild, lambda one: one.packets + one.lost == 200)
    assert 60 < report.packets < 140
    assert report.media_gap_count > 20
    assert round(report.media_gap_ms / 20) <= report.lost


async def test_jitter_reorders_and_delays(
    discord: SimClient, guild: SimGuild, gateway: Any, voice_data: Any, dial: Any
) -> None:
    """Packets come late by latency and jitter, overtake one another, and none is lost."""
    data = await voice_data(gateway, guild)
    client = await dial(data.endpoint)
    await client.shake_hands(data.identify)
    await discord.knobs(udp_latency_ms=30, udp_jitter_ms=50)
    sent_ns = time.monotonic_ns()
    await client.play([SILENCE] * 50)
    report = await _until(discord, guild, lambda one: one.packets == 50)
    assert report.reordered > 0
    assert report.first_packet_ns is not None
    assert report.first_packet_ns - sent_ns >= 30_000_000
    assert report.packets == 50
