"""Sessions: parked, resumed, expired, taken by nobody else, and ended with the node."""

from __future__ import annotations

from typing import Any


async def _playing(client: Any, voice_of: Any, link: str, **body: Any) -> None:
    status, _ = await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}} | body)
    assert status == 200


async def test_a_lost_socket_is_resumed_with_its_events(
    client: Any, new_client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """Cut off with resuming on: music goes on, REST is 404, and the next socket gets the events in order."""
    await client.resuming()
    await _playing(client, voice_of, link, endTime=2500)
    voice = await voice_server.session()
    await wait_until(lambda: len(voice.music()) >= 20)
    await client.abort()
    heard = len(voice.music())
    await client.answers(client.player_path(1), 404)
    await wait_until(lambda: len(voice.music()) >= max(heard + 20, 122))
    back = new_client()
    await back.connect(client.session)
    assert (back.resumed, back.session) == (True, client.session)
    assert (await back.event("TrackEndEvent", 1))["reason"] == "finished"
    await wait_until(lambda: back.of("playerUpdate"))
    ops = [message.get("type", message["op"]) for message in back.messages if message["op"] != "stats"]
    assert ops[:3] == ["ready", "TrackEndEvent", "playerUpdate"]
    assert (await back.get(1))[0] == 200
    await back.close()


async def test_without_resuming_everything_ends_at_once(
    new_client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """Players are destroyed and voice is closed with 1000; the id is worth nothing afterwards."""
    client = new_client()
    await client.connect()
    await _playing(client, voice_of, link)
    voice = await voice_server.session()
    await client.close()
    await wait_until(lambda: voice.hung_up)
    again = new_client()
    await again.connect(client.session)
    assert again.resumed is False
    assert again.session != client.session
    await again.close()


async def test_a_parked_session_expires(
    new_client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """After the timeout it is as if resuming had been off."""
    client = new_client()
    await client.connect()
    await client.resuming(1)
    await _playing(client, voice_of, link)
    voice = await voice_server.session()
    await client.close()
    await wait_until(lambda: voice.hung_up)
    again = new_client()
    await again.connect(client.session)
    assert again.resumed is False
    await again.close()


async def test_resuming_stays_on_after_a_resume(new_client: Any) -> None:
    """A session can be resumed again without asking again."""
    first = new_client()
    await first.connect()
    await first.resuming()
    await first.close()
    second = new_client()
    await second.connect(first.session)
    await second.close()
    third = new_client()
    await third.connect(first.session)
    assert (second.resumed, third.resumed) == (True, True)
    await third.call("PATCH", f"/v4/sessions/{third.session}", {"resuming": False})
    await third.close()


async def test_an_open_session_is_not_taken_but_can_be_ended(client: Any, new_client: Any) -> None:
    """Its id gives a fresh session; REST through it reads and ends players; it dies with its owner."""
    await client.resuming()
    await client.patch(1, {"volume": 30})
    other = new_client()
    await other.connect(client.session)
    assert other.resumed is False
    assert other.session != client.session
    base = f"/v4/sessions/{client.session}"
    status, players = await other.call("GET", f"{base}/players")
    assert (status, [player["volume"] for player in players]) == (200, [30])
    assert (await other.call("PATCH", base, {"resuming": False}))[1]["resuming"] is False
    assert (await other.call("DELETE", f"{base}/players/1"))[0] == 204
    assert await other.call("GET", f"{base}/players") == (200, [])
    await client.abort()
    await other.answers(f"{base}/players", 404)
    await other.close()


async def test_sigterm_closes_clients_with_1001(
    own_node: Any, new_client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """An orderly stop says so to every client, and the process ends."""
    client = new_client(own_node)
    await client.connect()
    await _playing(client, voice_of, link)
    await voice_server.session()
    own_node.process.terminate()
    await wait_until(lambda: client.close_code is not None)
    assert client.close_code == 1001
    await wait_until(lambda: own_node.process.poll() is not None)
    assert own_node.process.returncode == 0
