"""Voice: what a voice server sees of a node, and what the bot is told."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from typing import Any

import pytest


async def test_the_handshake_is_the_recorded_one(
    client: Any, voice_server: Any, voice_of: Any, wait_until: Any
) -> None:
    """Ops 0, 15, 1, 5 (speaking 0) and 12, with the recorded fields; the PATCH answers before identify."""
    status, player = await client.patch(1, {"voice": voice_of()})
    assert status == 200
    assert player["voice"] == voice_of()
    assert player["state"]["connected"] is True
    session = await voice_server.session()
    assert session.path == "/?v=8"
    await wait_until(lambda: len(session.ops) >= 5)
    assert [message["op"] for message in session.ops[:5]] == [0, 15, 1, 5, 12]
    assert session.op(0)[0] == {
        "user_id": "1234",
        "max_dave_protocol_version": 0,
        "session_id": "dsess",
        "video": True,
        "server_id": "1",
        "token": "tok",
    }
    select = session.op(1)[0]
    assert select["protocol"] == "udp"
    assert select["data"]["mode"] == select["mode"] == "aead_aes256_gcm_rtpsize"
    assert session.op(5)[0] == {"speaking": 0, "delay": 0, "ssrc": session.ssrc}


async def test_music_flows_every_20_ms(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """Packets in sequence, 960 samples apart, one nonce further each; speaking goes to 1 with the first."""
    status, player = await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}})
    assert status == 200
    assert player["track"]["info"]["sourceName"] == "http"
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 100)
    heard = session.heard[:100]
    assert heard[0].timestamp == 0
    for before, after in itertools.pairwise(heard):
        assert (after.sequence - before.sequence) % 65536 == 1
        assert after.timestamp - before.timestamp == 960
        assert after.nonce - before.nonce == 1
    assert heard[-1].at - heard[0].at == pytest.approx(99 * 0.02, abs=0.25)
    assert [op["speaking"] for op in session.op(5)][:2] == [0, 1]


async def test_pause_is_heard_after_the_buffer_with_five_frames_of_silence(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """On pause the position stands still at once, the buffer plays out, then come five silence frames."""
    await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}})
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 60)
    before = len(session.music())
    paused_at = time.monotonic()
    _, player = await client.patch(1, {"paused": True})
    await wait_until(session.silent)
    played_on = len(session.music()) - before
    assert 10 <= played_on <= 40
    assert session.heard[-1].at - paused_at == pytest.approx(0.5, abs=0.3)
    _, later = await client.get(1)
    assert later["state"]["position"] == player["state"]["position"]
    assert later["paused"] is True
    await client.patch(1, {"paused": False})
    seen = len(session.music())
    await wait_until(lambda: len(session.music()) > seen + 5)
    assert [op["speaking"] for op in session.op(5)][-2:] == [0, 1]


async def test_position_runs_ahead_of_what_is_heard_by_the_buffer(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """A node reports what it has taken from the player: about 400 ms more than was sent."""
    await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}})
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 100)
    _, player = await client.get(1)
    ahead = player["state"]["position"] - 20 * len(session.music())
    assert 300 <= ahead <= 500


async def test_the_same_voice_data_again_changes_nothing(
    client: Any, voice_server: Any, voice_of: Any
) -> None:
    """While the connection is open, the same data is a no-op."""
    await client.patch(1, {"voice": voice_of()})
    await voice_server.session()
    status, _ = await client.patch(1, {"voice": voice_of()})
    assert status == 200
    assert len(voice_server.sessions) == 1
    assert client.events("WebSocketClosedEvent") == []


async def test_a_new_token_reconnects_and_the_track_goes_on(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """Changed data closes the old connection with 1000 and plays on over the new one.

    Whether the event says `byRemote` hangs on who of the two was quicker with the closing handshake.
    """
    await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}})
    first = await voice_server.session()
    await wait_until(lambda: len(first.music()) >= 50)
    status, player = await client.patch(1, {"voice": voice_of("tok2")})
    assert status == 200
    assert player["state"]["position"] >= 1000
    closed = await client.event("WebSocketClosedEvent", 1)
    assert (closed["code"], closed["reason"]) == (1000, "")
    second = await voice_server.session(1)
    assert second.op(0)[0]["token"] == "tok2"
    await wait_until(lambda: len(second.music()) >= 20)
    await wait_until(lambda: first.hung_up)
    assert client.events("TrackEndEvent") == []


@pytest.mark.parametrize("code", [4006, 4014, 4004, 4022, 1011])
async def test_codes_that_the_bot_is_told(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any, code: int
) -> None:
    """Event with reason, connected false, the player plays on; a patch with the same data reconnects."""
    await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}})
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 10)
    await voice_server.close(code, "the reason")
    closed = await client.event("WebSocketClosedEvent", 1)
    assert (closed["code"], closed["reason"], closed["byRemote"]) == (code, "the reason", True)
    _, player = await client.get(1)
    assert player["state"]["connected"] is False
    before = player["state"]["position"]

    await client.shows(1, lambda state: state["position"] > before + 200)
    status, player = await client.patch(1, {"voice": voice_of()})
    assert status == 200
    assert player["state"]["connected"] is True
    again = await voice_server.session(1)
    await wait_until(lambda: len(again.music()) >= 10)


@pytest.mark.parametrize("code", [4015, 4009, 1001, 4000])
async def test_codes_that_are_resumed_silently(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any, code: int
) -> None:
    """These bring op 7 on a new socket; the bot is told nothing and packets do not stop."""
    await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}})
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 10)
    await voice_server.close(code, "x")
    await wait_until(lambda: len(voice_server.sessions) == 2 and bool(voice_server.sessions[1].op(7)))
    resume = voice_server.sessions[1].op(7)[0]
    assert resume == {"seq_ack": 2, "session_id": "dsess", "video": True, "server_id": "1", "token": "tok"}
    seen = len(session.music())
    await wait_until(lambda: len(session.music()) > seen + 10)
    _, player = await client.get(1)
    assert player["state"]["connected"] is True
    assert client.events("WebSocketClosedEvent") == []


async def test_a_rejected_identify_comes_as_an_event_after_the_200(
    client: Any, voice_server: Any, voice_of: Any
) -> None:
    """A 200 does not prove that voice works: 4004 follows it."""
    voice_server.reject = 4004
    status, player = await client.patch(5, {"voice": voice_of()})
    assert status == 200
    assert player["state"]["connected"] is True
    closed = await client.event("WebSocketClosedEvent", 5)
    assert (closed["code"], closed["reason"], closed["byRemote"]) == (4004, "lab reject", True)
    _, player = await client.get(5)
    assert (player["state"]["connected"], player["state"]["ping"]) == (False, 0)


async def test_heartbeats_carry_the_last_sequence(
    client: Any, voice_server: Any, voice_of: Any, wait_until: Any
) -> None:
    """Op 3 with a time and seq_ack, at the interval that the server asked for."""
    await client.patch(1, {"voice": voice_of()})
    session = await voice_server.session()
    await wait_until(lambda: len(session.op(3)) >= 2)
    assert session.op(3)[0]["seq_ack"] == 2
    assert session.op(3)[1]["t"] - session.op(3)[0]["t"] == pytest.approx(300, abs=120)


async def test_deleting_the_player_closes_voice(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """TrackEnd stopped, WebSocketClosed 1000, an update that says disconnected; the socket closes."""
    await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}})
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 10)
    status, body = await client.call("DELETE", client.player_path(1))
    assert (status, body) == (204, None)
    assert (await client.event("TrackEndEvent", 1))["reason"] == "stopped"
    assert (await client.event("WebSocketClosedEvent", 1))["code"] == 1000
    await wait_until(lambda: session.hung_up)
    update = client.of("playerUpdate")[-1]["state"]
    assert (update["connected"], update["ping"]) == (False, -1)


async def test_an_unreachable_endpoint_hangs_the_player_until_it_is_deleted(
    client: Any, voice_server: Any, voice_of: Any
) -> None:
    """The PATCH never answers, the next one neither; GET and volume do; DELETE, then PATCH recovers.

    The two calls are not even answered when the player is gone.
    """
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refused = voice_of() | {"endpoint": f"127.0.0.1:{closed.getsockname()[1]}"}
        hanging = asyncio.create_task(client.patch(9, {"voice": refused}))
        await client.answers(client.player_path(9), 200)
        following = asyncio.create_task(client.patch(9, {"voice": voice_of()}))
        done, _ = await asyncio.wait({hanging, following}, timeout=1.0)
        assert not done
    status, player = await client.patch(9, {"volume": 50})
    assert (status, player["volume"]) == (200, 50)
    assert player["voice"] == {"token": "", "endpoint": "", "sessionId": "", "channelId": None}
    assert (await client.call("DELETE", client.player_path(9)))[0] == 204
    assert (await client.get(9))[0] == 404
    status, player = await client.patch(9, {"voice": voice_of()})
    assert status == 200
    assert player["volume"] == 100
    await voice_server.session()
    done, _ = await asyncio.wait({hanging, following}, timeout=1.0)
    assert not done
    for task in (hanging, following):
        task.cancel()


async def test_an_endpoint_without_tls_is_a_500(client: Any, voice_of: Any, link: str) -> None:
    """Something that answers but speaks no TLS: 500, and the player has no voice."""
    plain = link.split("/")[2]
    status, body = await client.patch(7, {"voice": voice_of() | {"endpoint": plain}})
    assert (status, body["message"]) == (500, "Failed to connect to voice server")
    _, player = await client.get(7)
    assert player["voice"]["endpoint"] == ""
