"""REST: status codes and bodies of the recordings."""

from __future__ import annotations

from typing import Any

import pytest

TONE = (
    "QAAAcAMADVVua25vd24gdGl0bGUADlVua25vd24gYXJ0aXN0AAAAAAAAdTAAFi9tZWRpYS90cmFja3MvdG9uZS53YXYAAQAWL21lZGlh"
    "L3RyYWNrcy90b25lLndhdgAAAAVsb2NhbAADd2F2AAAAAAAAAAA="
)
TONE_INFO = {
    "identifier": "/media/tracks/tone.wav",
    "isSeekable": True,
    "author": "Unknown artist",
    "length": 30000,
    "isStream": False,
    "position": 0,
    "title": "Unknown title",
    "uri": "/media/tracks/tone.wav",
    "sourceName": "local",
    "artworkUrl": None,
    "isrc": None,
}
BAND_99 = (
    "Request processing failed: java.lang.ArrayIndexOutOfBoundsException: "
    "Index 99 out of bounds for length 15"
)
NO_SOURCE = "QAAAMwMABVRpdGxlAAZBdXRob3IAAAAAAAAD6AADYWJjAAAAAAAIbm9zb3VyY2UAAAAAAAAAAA=="
MISSING_SOURCE = (
    "Request processing failed: java.lang.IllegalStateException: "
    "Failed to decode track due to a mismatching version or missing source manager"
)
NEW_PLAYER = {
    "guildId": "1",
    "track": None,
    "volume": 100,
    "paused": False,
    "voice": {"token": "", "endpoint": "", "sessionId": "", "channelId": None},
    "filters": {},
}


async def test_no_password_is_401_and_a_wrong_one_403_without_a_body(node: Any, http: Any) -> None:
    """REST tells a missing password from a wrong one; the WebSocket answers 401 to both."""
    for headers, status in (({}, 401), ({"Authorization": "wrong"}, 403)):
        async with http.get(f"{node.url}/v4/info", headers=headers) as response:
            assert response.status == status
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "User-Id": "1"}
        async with http.get(f"{node.url}/v4/websocket", headers=headers | upgrade | key) as response:
            assert response.status == 401
    async with http.get(f"{node.url}/v4/info", headers={"Authorization": "wrong"}) as response:
        assert await response.read() == b""


@pytest.mark.parametrize("user", [None, "0"])
async def test_a_missing_or_zero_user_id_is_400(node: Any, http: Any, user: str | None) -> None:
    """The WebSocket wants to know whose bot it is."""
    headers = {
        "Authorization": node.password,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    } | ({"User-Id": user} if user else {})
    async with http.get(f"{node.url}/v4/websocket", headers=headers) as response:
        assert response.status == 400


async def test_greeting_and_first_stats(client: Any, wait_until: Any) -> None:
    """A ready with a 16 character id, then figures without frames."""
    assert len(client.session) == 16
    assert client.resumed is False
    assert client.headers["Lavalink-Api-Version"] == "4"
    await wait_until(lambda: client.of("stats"))
    stats = client.of("stats")[0]
    assert stats["frameStats"] is None
    assert stats.keys() == {"op", "frameStats", "players", "playingPlayers", "uptime", "memory", "cpu"}
    assert stats["memory"].keys() == {"free", "used", "allocated", "reservable"}
    assert stats["cpu"].keys() == {"cores", "systemLoad", "lavalinkLoad"}


async def test_stats_over_rest(client: Any) -> None:
    """GET /v4/stats: the same figures, never frames."""
    await client.patch(1, {"volume": 100})
    status, stats = await client.call("GET", "/v4/stats")
    assert status == 200
    assert stats["frameStats"] is None
    assert stats["players"] >= 1


async def test_unknown_sessions_and_players_are_404(client: Any) -> None:
    """Each says what was not found, in Spring's form."""
    path = "/v4/sessions/nosuchsession000/players"
    status, body = await client.call("GET", path)
    assert (status, body["message"]) == (404, "Session not found")
    assert body.keys() == {"timestamp", "status", "error", "message", "path"}
    assert (body["status"], body["error"], body["path"]) == (404, "Not Found", path)
    status, body = await client.get(1)
    assert (status, body["message"]) == (404, "Player not found")
    assert (await client.call("DELETE", client.player_path(77)))[0] == 204
    assert await client.call("GET", f"/v4/sessions/{client.session}/players") == (200, [])


async def test_session_settings(client: Any) -> None:
    """What is not mentioned stays; wrong kinds and null are a bare 400."""
    path = f"/v4/sessions/{client.session}"
    assert await client.call("PATCH", path, {"resuming": True, "timeout": 60}) == (
        200,
        {"resuming": True, "timeout": 60},
    )
    assert await client.call("PATCH", path, {"timeout": -1}) == (200, {"resuming": True, "timeout": -1})
    assert (await client.call("PATCH", path, {"resuming": False}))[1]["resuming"] is False
    for body in ({"timeout": "x"}, {"resuming": None}):
        status, answer = await client.call("PATCH", path, body)
        assert (status, answer["message"]) == (400, "Bad Request")


async def test_a_player_is_made_by_its_first_patch(client: Any) -> None:
    """Unknown fields are passed over, and the answer is a player with its defaults."""
    status, player = await client.patch(1, {"bogus": 1})
    state = player.pop("state")
    assert (status, player) == (200, NEW_PLAYER)
    assert (state["position"], state["connected"], state["ping"]) == (0, False, -1)


@pytest.mark.parametrize(
    ("voice", "message"),
    [
        ({"token": "t", "endpoint": "e", "sessionId": "s"}, "Bad Request"),
        ({"token": "t", "endpoint": "e", "sessionId": "s", "channelId": 5}, "Bad Request"),
        ({"token": "t", "sessionId": "s", "channelId": "1"}, "Bad Request"),
        (
            {"token": "t", "endpoint": "e", "sessionId": "s", "channelId": None},
            "token, endpoint, sessionId and channelId must be provided in voice state",
        ),
        (
            {"token": "t", "endpoint": "e", "sessionId": "s", "channelId": ""},
            "token, endpoint, sessionId and channelId must be provided in voice state",
        ),
    ],
)
async def test_partial_voice_data_is_400_and_makes_no_player(client: Any, voice: Any, message: str) -> None:
    """All four fields are needed since 4.2."""
    status, body = await client.patch(1, {"voice": voice})
    assert (status, body["message"]) == (400, message)
    assert (await client.get(1))[0] == 404


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"track": {"identifier": "/media/tracks/nope.mp3"}}, 400, "No matches found for identifier"),
        ({"track": {"encoded": "AAAA"}}, 500, "No message available"),
        ({"track": {"encoded": "QAAA"}}, 500, "No message available"),
        ({"track": {"encoded": NO_SOURCE}}, 500, MISSING_SOURCE),
        ({"track": {"identifier": "no such words"}}, 400, "No matches found for identifier"),
        ({"position": 5.5}, 400, "Bad Request"),
        (
            {"track": {"encoded": TONE, "identifier": "x"}},
            400,
            "Cannot specify both encodedTrack and identifier",
        ),
        ({"volume": "loud"}, 400, "Bad Request"),
        ({"endTime": 0}, 400, "End time must be greater than 0"),
        (
            {"filters": {"equalizer": [{"band": 99, "gain": 5}]}},
            500,
            BAND_99,
        ),
    ],
)
async def test_patches_that_are_refused(client: Any, body: Any, status: int, message: str) -> None:
    """Each with the recorded status and words."""
    answered, refusal = await client.patch(1, body)
    assert (answered, refusal["message"]) == (status, message)


async def test_a_guild_that_is_no_number_is_400(client: Any) -> None:
    """The path is checked as well."""
    status, body = await client.call(
        "PATCH", f"/v4/sessions/{client.session}/players/notanumber", {"volume": 10}
    )
    assert (status, body["message"]) == (400, "Bad Request")


@pytest.mark.parametrize(("asked", "set_to"), [(1001, 1000), (-5, 0), (50, 50)])
async def test_volume_is_clamped(client: Any, asked: int, set_to: int) -> None:
    """0 to 1000."""
    assert (await client.patch(1, {"volume": asked}))[1]["volume"] == set_to


@pytest.mark.parametrize(
    ("asked", "echoed"),
    [
        (
            {"timescale": {"speed": 1.2}, "volume": 0.8},
            {"volume": 0.8, "timescale": {"speed": 1.2, "pitch": 1.0, "rate": 1.0}},
        ),
        ({"timescale": {"speed": -1}}, {"timescale": {"speed": -1.0, "pitch": 1.0, "rate": 1.0}}),
        ({"nosuch": {}}, {}),
        ({"pluginFilters": {"x": 1}}, {}),
        ({}, {}),
    ],
)
async def test_filters_are_echoed_with_their_defaults(
    client: Any, asked: Any, echoed: Any, wait_until: Any
) -> None:
    """Defaults filled in, unknown ones passed over, and a player update each time."""
    status, player = await client.patch(1, {"filters": asked})
    assert (status, player["filters"]) == (200, echoed)
    await wait_until(lambda: client.of("playerUpdate"))


async def test_tracks_are_decoded_as_recorded(client: Any) -> None:
    """By decodetrack and decodetracks; nothing to decode and rubbish are refused."""
    wanted = {"encoded": TONE, "info": TONE_INFO, "pluginInfo": {"probeInfo": "wav"}, "userData": {}}
    assert await client.call("GET", "/v4/decodetrack", params={"encodedTrack": TONE}) == (200, wanted)
    assert await client.call("POST", "/v4/decodetracks", [TONE]) == (200, [wanted])
    status, body = await client.call("POST", "/v4/decodetracks", [])
    assert (status, body["message"]) == (400, "No tracks to decode provided")
    status, body = await client.call("GET", "/v4/decodetrack", params={"encodedTrack": "AAAA"})
    assert (status, body["message"]) == (500, "No message available")
    status, body = await client.call("GET", "/v4/decodetrack", params={"encodedTrack": NO_SOURCE})
    assert (status, body["message"]) == (500, MISSING_SOURCE)
    assert await client.call("GET", "/v4/routeplanner/status") == (204, None)


async def test_unknown_paths_and_methods(client: Any) -> None:
    """Spring's words for both."""
    status, body = await client.call("GET", "/v4/nosuch")
    assert (status, body["message"]) == (404, "No endpoint GET /v4/nosuch.")
    status, body = await client.call("POST", "/v4/info")
    assert (status, body["message"]) == (405, "Method 'POST' is not supported.")


async def test_a_plain_get_on_the_socket_path_is_400(client: Any, node: Any, http: Any) -> None:
    """Without an upgrade the node says so in 34 bytes."""
    headers = {"Authorization": node.password, "User-Id": "1", "Session-Id": client.session}
    async with http.get(f"{node.url}/v4/websocket", headers=headers) as response:
        assert response.status == 400
        assert len(await response.read()) == 34
