"""What identifiers load: music, nothing, or an error that keeps its reason in the stack trace."""

from __future__ import annotations

import socket
from typing import Any

import pytest

LOAD_ERROR = "Something went wrong while looking up the track."
FRIENDLY = "com.sedmelluq.discord.lavaplayer.tools.FriendlyException"
EMPTY = {"loadType": "empty", "data": None}


async def _load(client: Any, identifier: str) -> Any:
    status, body = await client.call("GET", "/v4/loadtracks", params={"identifier": identifier})
    assert status == 200
    return body


def _assert_error(body: Any, *reasons: str) -> None:
    """Message and cause are the same for all errors; what really happened is in the stack trace alone."""
    assert body["loadType"] == "error"
    data = body["data"]
    assert data.keys() == {"message", "severity", "cause", "causeStackTrace"}
    assert (data["message"], data["severity"]) == (LOAD_ERROR, "fault")
    assert data["cause"] == f"{FRIENDLY}: {LOAD_ERROR}"
    for reason in reasons:
        assert f"Caused by: {reason}" in data["causeStackTrace"]


@pytest.mark.parametrize(("ending", "tagged"), [("ogg", True), ("mp3", True), ("wav", False)])
async def test_a_link_to_music(client: Any, links: Any, tune: Any, ending: str, tagged: bool) -> None:
    """A track with its length, and its tags unless it is a WAV; its encoded form says the same."""
    link = links(ending)
    body = await _load(client, link)
    assert body["loadType"] == "track"
    info = body["data"]["info"]
    assert (info["uri"], info["identifier"], info["sourceName"]) == (link, link, "http")
    assert (info["isSeekable"], info["isStream"], info["position"]) == (True, False, 0)
    assert (info["artworkUrl"], info["isrc"]) == (None, None)
    known = (tune.title, tune.author) if tagged else ("Unknown title", "Unknown artist")
    assert (info["title"], info["author"]) == known
    assert info["length"] == pytest.approx(tune.length_ms, abs=100)
    assert body["data"]["pluginInfo"] == {"probeInfo": ending}
    _, decoded = await client.call("GET", "/v4/decodetrack", params={"encodedTrack": body["data"]["encoded"]})
    assert decoded["info"] == info


@pytest.mark.parametrize("identifier", ["", " ", "words", "/media/nope.mp3", "ftp://127.0.0.1/x"])
async def test_nothing_is_empty(client: Any, identifier: str) -> None:
    """What no source feels responsible for, and what is not there."""
    assert await _load(client, identifier) == EMPTY


async def test_an_identifier_is_taken_literally(client: Any, link: str) -> None:
    """A scheme in capitals or a space in front makes a link nobody's; a missing parameter is a 400."""
    assert await _load(client, link.replace("http", "HTTP", 1)) == EMPTY
    assert await _load(client, f" {link}") == EMPTY
    status, body = await client.call("GET", "/v4/loadtracks")
    assert (status, body["message"]) == (400, "Required parameter 'identifier' is not present.")


@pytest.mark.parametrize("path", ["/status/404", "/hops/5", "/away", "/hops/9"])
async def test_links_to_nothing_are_empty(client: Any, site: Any, path: str) -> None:
    """404, more than four redirects, and a redirect out of HTTP."""
    assert await _load(client, f"{site.base}{path}") == EMPTY


@pytest.mark.parametrize("code", [204, 401, 403, 410, 429, 500, 503, 308])
async def test_other_statuses_are_errors(client: Any, site: Any, code: int) -> None:
    """Only the stack trace tells which; 308 is no redirect to a node. A PATCH refuses it with 400."""
    link = f"{site.base}/status/{code}"
    body = await _load(client, link)
    status = f"java.lang.IllegalStateException: Status code {code}"
    _assert_error(body, f"{FRIENDLY}: That URL is not playable.", status)
    status, body = await client.patch(1, {"track": {"identifier": link}})
    assert (status, body["message"]) == (400, LOAD_ERROR)


async def test_what_is_no_music_is_an_error(client: Any, site: Any) -> None:
    """A page of words."""
    _assert_error(await _load(client, f"{site.base}/page"), f"{FRIENDLY}: Unknown file format.")


async def test_links_that_nothing_answers(client: Any, site: Any) -> None:
    """Refused, or silent for 3 s."""
    failed = f"{FRIENDLY}: Connecting to the URL failed."
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        _assert_error(await _load(client, f"http://127.0.0.1:{closed.getsockname()[1]}/x.mp3"), failed)
    silent = "java.net.SocketTimeoutException: Read timed out"
    _assert_error(await _load(client, f"{site.base}/silent"), failed, silent)


@pytest.mark.parametrize("ending", ["?q=a b", "?q=%zz"])
async def test_links_that_are_none(client: Any, link: str, ending: str) -> None:
    """A space or half an escape."""
    _assert_error(await _load(client, link + ending), f"{FRIENDLY}: Not a valid URL.")


@pytest.mark.parametrize("path", ["/to/301", "/to/302", "/to/303", "/to/307", "/hops/4"])
async def test_a_redirect_is_known_by_where_it_leads(client: Any, site: Any, link: str, path: str) -> None:
    """Identifier and uri are the last link's."""
    body = await _load(client, f"{site.base}{path}")
    assert body["loadType"] == "track"
    assert (body["data"]["info"]["uri"], body["data"]["info"]["identifier"]) == (link, link)


async def test_very_long_links(client: Any, node: Any, http: Any, link: str) -> None:
    """7000 characters load; 9000 do not fit a request line, and are refused before anything is looked at."""
    body = await _load(client, f"{link}?q={'x' * 7000}")
    assert body["loadType"] == "track"
    headers = {"Authorization": node.password}
    url = f"{node.url}/v4/loadtracks?identifier={link}?q={'x' * 9000}"
    async with http.get(url, headers=headers) as response:
        assert response.status == 400
        assert "Lavalink-Api-Version" not in response.headers
