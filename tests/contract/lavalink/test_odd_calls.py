"""Calls that a careful client does not make, and what both nodes say to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import aiohttp

    from tests.contract.lavalink.conftest import NodeAddress

RECORDED = (
    "QAAAcAMADVVua25vd24gdGl0bGUADlVua25vd24gYXJ0aXN0AAAAAAAAdTAAFi9tZWRpYS90cmFja3MvdG9uZS53YXYAAQAW"
    "L21lZGlhL3RyYWNrcy90b25lLndhdgAAAAVsb2NhbAADd2F2AAAAAAAAAAA="
)


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v4/nope", 404, "No endpoint GET /v4/nope."),
        ("GET", "/v4/decodetrack", 400, "No track to decode provided"),
        ("GET", "/v4/sessions/none/players", 404, "Session not found"),
        ("POST", "/v4/info", 405, "Method 'POST' is not supported."),
        ("POST", "/v4/routeplanner/free/all", 500, "Can't access disabled route planner"),
    ],
)
async def test_a_trace_is_added_on_demand(
    node: NodeAddress, http: aiohttp.ClientSession, method: str, path: str, status: int, message: str
) -> None:
    """With ?trace=true an error has a Java stack trace, without it has none; the rest is the same."""
    for query, more in (("", set()), ("?trace=true", {"trace"})):
        headers = {"Authorization": node.password}
        async with http.request(method, f"{node.url}{path}{query}", headers=headers) as response:
            body = await response.json()
        assert response.status == body["status"] == status
        assert body.keys() == {"timestamp", "status", "error", "message", "path"} | more
        assert (body["message"], body["path"]) == (message, path)
        if more:
            assert "\n\tat " in body["trace"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v4/info", ["GET"]),
        ("GET", "/v4/sessions/any", ["PATCH"]),
        ("PUT", "/v4/sessions/any/players/1", ["GET", "PATCH", "DELETE"]),
        ("GET", "/v4/routeplanner/free/all", ["POST"]),
    ],
)
async def test_another_method_is_told_which_ones_there_are(
    node: NodeAddress, http: aiohttp.ClientSession, method: str, path: str, allowed: list[str]
) -> None:
    """405 with the header Allow, whose order is a hash map's."""
    headers = {"Authorization": node.password}
    async with http.request(method, f"{node.url}{path}", headers=headers) as response:
        assert response.status == 405
        assert sorted(response.headers["Allow"].split(", ")) == sorted(allowed)


async def test_options_and_the_root(node: NodeAddress, http: aiohttp.ClientSession) -> None:
    """OPTIONS lists the methods, and the root is an empty page."""
    headers = {"Authorization": node.password}
    async with http.options(f"{node.url}/v4/info", headers=headers) as response:
        assert (response.status, response.headers["Allow"]) == (200, "GET,HEAD,OPTIONS")
    async with http.get(f"{node.url}/", headers=headers) as response:
        assert (response.status, await response.text()) == (200, "")


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream"])
async def test_a_body_must_say_that_it_is_json(
    node: NodeAddress, http: aiohttp.ClientSession, kind: str
) -> None:
    """415 in words."""
    headers = {"Authorization": node.password, "Content-Type": kind}
    async with http.post(f"{node.url}/v4/decodetracks", headers=headers, data=b'["AAAA"]') as response:
        body = await response.json()
    assert (response.status, body["error"]) == (415, "Unsupported Media Type")
    assert body["message"] == f"Content-Type '{kind};charset=UTF-8' is not supported."


@pytest.mark.parametrize("body", [{}, [], {"address": None}])
async def test_an_address_to_free_is_needed(client: Any, body: Any) -> None:
    """A bare 400 comes before it is said that there is no route planner."""
    status, answer = await client.call("POST", "/v4/routeplanner/free/address", body)
    assert (status, answer["message"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"track": {"identifier": "x"}, "encodedTrack": None}, 400,
         "Cannot specify both track and encodedTrack/identifier"),
        ({"track": {}, "identifier": "x"}, 400, "Cannot specify both track and encodedTrack/identifier"),
        ({"volume": 99_999_999_999}, 400, "Bad Request"),
        ({"position": 1 << 63}, 400, "Bad Request"),
        ({"volume": 1.5}, 400, "Bad Request"),
        ({"volume": 50.0}, 400, "Bad Request"),
        ({"filters": {"pluginFilters": 5}}, 400, "Bad Request"),
        ({"filters": {"volume": None}}, 400, "Bad Request"),
        ({"filters": {"equalizer": None}}, 400, "Bad Request"),
        ({"filters": {"equalizer": [{"gain": 1}]}}, 400, "Bad Request"),
    ],
)  # fmt: skip
async def test_bodies_that_are_refused(client: Any, body: Any, status: int, message: str) -> None:
    """Numbers beyond the JVM's types, null where there is none, old and new style at once."""
    now, answer = await client.patch(1, body)
    assert (now, answer["message"]) == (status, message)


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({"volume": "50"}, "volume", 50),
        ({"paused": "true"}, "paused", True),
        ({"filters": {"volume": "0.5"}}, "filters", {"volume": 0.5}),
        ({"filters": {"volume": 0.123456789}}, "filters", {"volume": 0.12345679}),
        ({"filters": {"karaoke": None}}, "filters", {}),
        ({"filters": {"equalizer": [{"band": "1", "gain": "0.5"}, {"band": 2}]}}, "filters",
         {"equalizer": [{"band": 1, "gain": 0.5}, {"band": 2, "gain": 1.0}]}),
        ({"filters": {"timescale": {"speed": "1.123456789"}}}, "filters",
         {"timescale": {"speed": 1.123456789, "pitch": 1.0, "rate": 1.0}}),
    ],
)  # fmt: skip
async def test_bodies_that_are_taken(client: Any, body: Any, field: str, value: Any) -> None:
    """Text that is a number or a boolean is one; most filters have 32 bits for a number."""
    status, answer = await client.patch(1, body)
    assert (status, answer[field]) == (200, value)


@pytest.mark.parametrize(("text", "status"), [("1e2", 200), ("100", 200), ("100.0", 400)])
async def test_a_whole_number_may_have_an_exponent_and_no_point(
    client: Any, node: NodeAddress, http: aiohttp.ClientSession, text: str, status: int
) -> None:
    """As it is written counts, not what it means."""
    headers = {"Authorization": node.password, "Content-Type": "application/json"}
    url = f"{node.url}/v4/sessions/{client.session}"
    async with http.patch(url, headers=headers, data=f'{{"timeout":{text}}}') as response:
        assert response.status == status


@pytest.mark.parametrize(
    ("said", "status"), [("true", 200), ("1", 200), ("off", 200), ("maybe", 400), ("", 400)]
)
async def test_no_replace_is_a_boolean(client: Any, said: str, status: int) -> None:
    """In the words that Spring knows."""
    now, _ = await client.patch(1, {}, noReplace=said)
    assert now == status


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "Bad Request"),
        ({"tracks": [RECORDED]}, 400, "Bad Request"),
        ([1], 400, "Bad Request"),
        ([], 400, "No tracks to decode provided"),
        (["AAAA"], 500, "No message available"),
        ([RECORDED, "AAAA"], 500, "No message available"),
    ],
)
async def test_tracks_that_cannot_be_decoded(client: Any, body: Any, status: int, message: str) -> None:
    """One bad track spoils all."""
    now, answer = await client.call("POST", "/v4/decodetracks", body)
    assert (now, answer["message"]) == (status, message)
