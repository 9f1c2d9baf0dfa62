"""Tracks: the order of events, positions, ends, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
from itertools import pairwise
from typing import Any

import pytest

from tests.contract.lavalink.conftest import SILENCE


async def _cue(client: Any, voice_of: Any, link: str, **body: Any) -> Any:
    status, player = await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}} | body)
    assert status == 200
    return player


async def test_start_and_end_of_a_track(client: Any, voice_of: Any, link: str) -> None:
    """TrackStart, updates while it plays, TrackEnd finished at endTime; then no track is left."""
    player = await _cue(client, voice_of, link, endTime=2000)
    assert player["track"]["info"]["uri"] == link
    start = await client.event("TrackStartEvent", 1)
    assert start["track"]["info"]["position"] == 0
    end = await client.event("TrackEndEvent", 1)
    assert end["reason"] == "finished"
    assert end["track"]["info"]["position"] == pytest.approx(2000, abs=60)
    assert (await client.get(1))[1]["track"] is None
    assert len(client.of("playerUpdate")) >= 2
    state = client.of("playerUpdate")[0]
    assert state.keys() == {"op", "state", "guildId"}
    assert state["state"].keys() == {"time", "position", "connected", "ping"}


async def test_user_data_is_kept_and_replaced(client: Any, voice_of: Any, link: str) -> None:
    """The userData comes back in answers and events; setting it alone does not disturb the track."""
    player = await _cue(client, voice_of, link)
    assert player["track"]["userData"] == {}
    _, player = await client.patch(1, {"track": {"userData": {"k": [1, 2]}}})
    assert player["track"]["userData"] == {"k": [1, 2]}
    await client.patch(1, {"track": {"encoded": None}})
    end = await client.event("TrackEndEvent", 1)
    assert (end["reason"], end["track"]["userData"]) == ("stopped", {"k": [1, 2]})


async def test_replacing_and_no_replace(client: Any, voice_of: Any, link: str) -> None:
    """Another track ends the first with `replaced`; with noReplace it is left alone."""
    await _cue(client, voice_of, link)
    _, player = await client.patch(1, {"track": {"identifier": link}, "volume": 50}, noReplace="true")
    assert client.events("TrackEndEvent") == []
    assert player["volume"] == 50
    await client.patch(1, {"track": {"identifier": link, "userData": {"second": True}}})
    assert (await client.event("TrackEndEvent", 1))["reason"] == "replaced"
    assert (await client.event("TrackStartEvent", 1, 1))["track"]["userData"] == {"second": True}
    kinds = [event["type"] for event in client.of("event")]
    assert kinds == ["TrackStartEvent", "TrackEndEvent", "TrackStartEvent"]


async def test_a_seek_answers_with_the_old_position(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """The update has the new one."""
    await _cue(client, voice_of, link)
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 30)
    _, player = await client.patch(1, {"position": 12000})
    assert player["state"]["position"] < 5000
    await client.shows(1, lambda state: 12000 < state["position"] < 15000)
    await wait_until(
        lambda: any(12000 <= update["state"]["position"] < 15000 for update in client.of("playerUpdate"))
    )


async def test_started_paused_at_a_position(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """A track can be placed silently, and goes on from there; until it does, the position soon says 0."""
    player = await _cue(client, voice_of, link, paused=True, position=5000)
    assert (player["paused"], player["state"]["position"]) == (True, 5000)
    session = await voice_server.session()
    await client.shows(1, lambda state: state["position"] == 0)
    await client.patch(1, {"paused": False})
    await wait_until(lambda: len(session.music()) >= 20)
    position = (await client.get(1))[1]["state"]["position"]
    assert 5300 <= position <= 8000


async def test_a_seek_past_the_end_finishes(client: Any, voice_of: Any, link: str) -> None:
    """As soon as the track runs."""
    await _cue(client, voice_of, link, paused=True)
    await client.patch(1, {"position": 999999})
    await client.patch(1, {"paused": False})
    assert (await client.event("TrackEndEvent", 1))["reason"] == "finished"


async def test_a_seek_of_a_paused_track_is_reported_when_it_goes_on(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """Until then the position soon is where it was paused; a change of volume does not forget the seek."""
    await _cue(client, voice_of, link)
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 20)
    _, paused = await client.patch(1, {"paused": True})
    _, player = await client.patch(1, {"position": 12000})
    assert player["state"]["position"] in {paused["state"]["position"], 12000}
    await client.shows(1, lambda state: state["position"] == paused["state"]["position"])
    await client.patch(1, {"volume": 50})
    await client.patch(1, {"paused": False})
    await client.shows(1, lambda state: 12000 < state["position"] < 15000)


async def test_an_end_before_the_start_is_none(client: Any, voice_of: Any, link: str) -> None:
    """A track that starts behind its end plays on, and so does one that is given an end behind it."""
    await _cue(client, voice_of, link, position=3000, endTime=2000)
    await client.shows(1, lambda state: state["position"] > 4000)
    await client.patch(1, {"endTime": 3500})
    await client.shows(1, lambda state: state["position"] > 5000)
    assert client.events("TrackEndEvent") == []


async def test_a_new_track_is_not_paused(client: Any, voice_of: Any, link: str) -> None:
    """A track started without `paused` plays, whatever was before."""
    await _cue(client, voice_of, link, paused=True)
    _, player = await client.patch(1, {"track": {"identifier": link}})
    assert player["paused"] is False


async def test_an_ogg_file_does_not_start_elsewhere(client: Any, voice_of: Any, links: Any) -> None:
    """A known fault of lavaplayer: 200, TrackException, TrackEnd loadFailed."""
    await _cue(client, voice_of, links("ogg"), position=5000)
    broken = (await client.event("TrackExceptionEvent", 1))["exception"]
    assert (broken["message"], broken["severity"]) == (
        "Something went wrong when seeking to a position.",
        "fault",
    )
    assert broken["cause"].startswith("java.lang.NullPointerException")
    assert (await client.event("TrackEndEvent", 1))["reason"] == "loadFailed"


async def test_an_ogg_file_counts_from_zero_after_a_seek(
    client: Any, voice_server: Any, voice_of: Any, links: Any, wait_until: Any
) -> None:
    """Another one: the sound is the right one, and the position says how long ago the seek was."""
    await _cue(client, voice_of, links("ogg"))
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) >= 75)
    await client.patch(1, {"position": 12000})
    await client.shows(1, lambda state: 0 < state["position"] < 1000)
    await client.shows(1, lambda state: 1000 < state["position"] < 3000)
    assert client.events("TrackExceptionEvent") == []


async def test_a_link_that_dies_before_it_plays(client: Any, voice_of: Any, link: str) -> None:
    """200, TrackStart, TrackException, TrackEnd loadFailed; the player stays and has no track."""
    _, loaded = await client.call("GET", "/v4/loadtracks", params={"identifier": link})
    moved = loaded["data"]["info"] | {"uri": link + "x"}
    assert moved["uri"] != link
    _, track = await client.call("GET", "/v4/decodetrack", params={"encodedTrack": loaded["data"]["encoded"]})
    encoded = _renamed(track["encoded"], link)
    status, _ = await client.patch(1, {"voice": voice_of(), "track": {"encoded": encoded}})
    assert status == 200
    broken = await client.event("TrackExceptionEvent", 1)
    assert broken["exception"].keys() == {"message", "severity", "cause", "causeStackTrace"}
    assert (await client.event("TrackEndEvent", 1))["reason"] == "loadFailed"
    assert [event["type"] for event in client.events("TrackStartEvent")] == ["TrackStartEvent"]
    assert (await client.get(1))[1]["track"] is None


def _renamed(encoded: str, link: str) -> str:
    """The same track at a link of the same length that is not served."""
    gone = link[:-5] + "z" + link[-4:]
    return base64.b64encode(base64.b64decode(encoded).replace(link.encode(), gone.encode())).decode()


async def test_without_voice_a_track_stands_still(client: Any, link: str) -> None:
    """Nobody asks for frames, so the position stays 0 and voice says so."""
    _, player = await client.patch(3, {"track": {"identifier": link}})
    assert (player["state"]["connected"], player["state"]["ping"]) == (False, -1)
    await asyncio.sleep(0.3)
    assert (await client.get(3))[1]["state"]["position"] == 0
    assert (await client.call("DELETE", client.player_path(3)))[0] == 204
    assert (await client.event("TrackEndEvent", 3))["reason"] == "stopped"


async def test_the_next_track_follows_at_once(
    client: Any, voice_server: Any, voice_of: Any, link: str, wait_until: Any
) -> None:
    """A track started at the end of another is heard in one stream with it, after a breath at most.

    The stand-in puts up to five frames of silence there; a real node in a hurry falls silent more than once.
    """
    await client.patch(1, {"voice": voice_of(), "track": {"identifier": link}, "endTime": 1000})
    await client.event("TrackEndEvent", 1)
    status, _ = await client.patch(1, {"track": {"identifier": link}})
    assert status == 200
    session = await voice_server.session()
    await wait_until(lambda: len(session.music()) > 80)
    heard = list(session.heard)
    assert sum(packet.opus == SILENCE for packet in heard) <= 25
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(heard)]
    assert set(steps) == {960}
