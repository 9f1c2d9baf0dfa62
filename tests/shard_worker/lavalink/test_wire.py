"""What a node says, as recorded of Lavalink 4.2.2, turned into values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.ids import ChannelId, GuildId, NodeId
from segue_core.models import VoiceLink
from segue_worker.domain.messages import (
    Adopted,
    EndReason,
    Progress,
    TrackEndedOn,
    TrackFailedOn,
    TrackStartedOn,
    VoiceClosed,
)
from segue_worker.lavalink.errors import MalformedFrameError
from segue_worker.lavalink.rest import PlayerPatch
from segue_worker.lavalink.tracks import LoadKind, parse_load, parse_track
from segue_worker.lavalink.translate import adopted_message, guild_message
from segue_worker.lavalink.wire import (
    NodeStats,
    Ready,
    TrackTag,
    UnknownFrame,
    parse_frame,
    parse_player,
)

NODE = NodeId("us-east-0")
TAG = {"item": "song-1", "generation": 3, "version": 7}
TRACK: dict[str, Any] = {
    "encoded": "QAAAcAMADVVua25vd24=",
    "info": {
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
    },
    "pluginInfo": {"probeInfo": "wav"},
    "userData": TAG,
}


def message_of(document: dict[str, Any]) -> object:
    """Return what a mailbox gets for a frame that arrived at 5000."""
    frame = parse_frame(json.dumps(document))
    assert not isinstance(frame, Ready | NodeStats | UnknownFrame)
    return guild_message(frame, NODE, now=5000, buffer_ms=400)


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """Return an event frame."""
    return {"op": "event", "type": kind, "guildId": "1", "track": TRACK, **fields}


def test_ready_says_whether_the_session_came_back() -> None:
    """The body's ``resumed`` counts; the header of that name lies."""
    frame = parse_frame('{"op":"ready","resumed":true,"sessionId":"odbztzgld5rkpl04"}')
    assert frame == Ready(resumed=True, session="odbztzgld5rkpl04")  # type: ignore[arg-type]
    assert "odbztzgld5rkpl04" not in repr(frame)


def test_stats_before_a_minute_of_voice_have_no_deficit() -> None:
    """``frameStats`` is null until a minute of voice, and a share of 3000 frames after it."""
    document = {
        "op": "stats",
        "frameStats": None,
        "players": 2,
        "playingPlayers": 1,
        "uptime": 7436,
        "memory": {"free": 1, "used": 33701888, "allocated": 2, "reservable": 3},
        "cpu": {"cores": 2, "systemLoad": 0.5, "lavalinkLoad": 0.25},
    }
    stats = parse_frame(json.dumps(document))
    assert isinstance(stats, NodeStats)
    assert (stats.players, stats.playing, stats.frame_deficit) == (2, 1, None)
    assert (stats.cores, stats.system_load, stats.memory_used_bytes) == (2, 0.5, 33701888)
    frames = {"sent": 2700, "nulled": 0, "deficit": 300}
    later = parse_frame(json.dumps({**document, "frameStats": frames}))
    assert isinstance(later, NodeStats)
    assert later.frame_deficit == pytest.approx(0.1)


def test_position_is_what_is_heard() -> None:
    """A node reports what it put into its 400 ms send buffer; the listener is that far behind."""
    update = {
        "op": "playerUpdate",
        "guildId": "1",
        "state": {"time": 1, "position": 2940, "connected": True, "ping": 0},
    }
    assert message_of(update) == Progress(node=NODE, position_ms=2540, connected=True, at=5000)
    update["state"] = {"time": 1, "position": 100, "connected": False, "ping": -1}
    assert message_of(update) == Progress(node=NODE, position_ms=0, connected=False, at=5000)


def test_track_events_carry_what_we_put_into_user_data() -> None:
    """Item and generation come back with every event of the track."""
    assert message_of(event("TrackStartEvent")) == TrackStartedOn(node=NODE, generation=3, item="song-1")
    assert message_of(event("TrackEndEvent", reason="finished")) == TrackEndedOn(
        node=NODE, generation=3, item="song-1", reason=EndReason.FINISHED
    )
    exception = {"message": "Something broke.", "severity": "fault", "cause": "java.io.IOException"}
    assert message_of(event("TrackExceptionEvent", exception=exception)) == TrackFailedOn(
        node=NODE,
        generation=3,
        item="song-1",
        message="Something broke.",
        severity="fault",
        cause="java.io.IOException",
    )
    stuck = message_of(event("TrackStuckEvent", thresholdMs=10000))
    assert isinstance(stuck, TrackFailedOn)
    assert stuck.stuck


def test_voice_close_is_told_with_its_code() -> None:
    """WebSocketClosedEvent carries Discord's close code and who closed."""
    closed = {
        "op": "event",
        "type": "WebSocketClosedEvent",
        "guildId": "1",
        "code": 4014,
        "reason": "x",
        "byRemote": True,
    }
    assert message_of(closed) == VoiceClosed(node=NODE, code=4014, reason="x", by_remote=True)


def test_foreign_user_data_is_no_error() -> None:
    """A track that somebody else started has no tag of ours, whatever its userData is."""
    for data in ({}, None, "text", {"item": None, "generation": "3"}):
        document = event("TrackStartEvent")
        document["track"] = {**TRACK, "userData": data}
        assert message_of(document) == TrackStartedOn(node=NODE, generation=0, item="")


@pytest.mark.parametrize(
    "text",
    [
        '{"op":"newOp","x":1}',
        '{"op":"event","type":"SegmentsLoaded","guildId":"1"}',
        '{"op":"event","type":7}',
    ],
)
def test_unknown_ops_and_events_are_named_not_refused(text: str) -> None:
    """Plugins send their own: unknown is not malformed."""
    assert isinstance(parse_frame(text), UnknownFrame)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "7",
        "{}",
        '{"op":"ready"}',
        '{"op":"playerUpdate","guildId":"x","state":{}}',
        '{"op":"event","type":"TrackEndEvent","guildId":"1","track":null,"reason":"finished"}',
        '{"op":"event","type":"TrackEndEvent","guildId":"1","track":{},"reason":"vanished"}',
        '{"op":"stats","players":1}',
        '{"op":["list"]}',
    ],
)
def test_malformed_frames_have_one_error(text: str) -> None:
    """Whatever is wrong, the reader sees MalformedFrameError and goes on."""
    with pytest.raises(MalformedFrameError):
        parse_frame(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_parsed_or_malformed(document: Any) -> None:
    """No JSON a node could send makes the parser fail in another way."""
    for op in (None, "ready", "stats", "playerUpdate", "event"):
        body = {**document, "op": op} if isinstance(document, dict) and op else document
        try:
            parse_frame(json.dumps(body))
        except MalformedFrameError:
            continue


def player(**changes: Any) -> dict[str, Any]:
    """Return a v4 Player object."""
    return {
        "guildId": "1",
        "track": TRACK,
        "volume": 80,
        "paused": False,
        "state": {"time": 1, "position": 5000, "connected": True, "ping": 1},
        "voice": {
            "token": "secret-1",
            "endpoint": "e:1",
            "sessionId": "secret-2",
            "channelId": "555",
        },
        "filters": {},
        **changes,
    }


def test_player_is_adopted_with_its_track_and_voice() -> None:
    """A predecessor's player says everything a successor without a snapshot needs, and shows no secret."""
    parsed = parse_player(player())
    assert parsed.guild == GuildId(1)
    assert parsed.tag == TrackTag(item="song-1", generation=3, version=7)
    assert parsed.voice == VoiceLink(
        channel=ChannelId(555), session="secret-2", token="secret-1", endpoint="e:1"
    )
    assert "secret" not in repr(parsed)
    message = adopted_message(parsed, NODE, now=9, buffer_ms=400)
    assert (message.item, message.generation, message.version, message.position_ms) == ("song-1", 3, 7, 4600)
    assert message.track is not None
    assert message.track.length_ms == 30000


def test_silent_player_and_no_player_are_told_apart_from_a_playing_one() -> None:
    """Without a track, and without a player, ``item`` is None: the snapshot decides."""
    empty = {"token": "", "endpoint": "", "sessionId": "", "channelId": None}
    silent = parse_player(player(track=None, voice=empty))
    assert silent.voice is None
    assert adopted_message(silent, NODE, now=9, buffer_ms=400).item is None
    assert adopted_message(None, NODE, now=9, buffer_ms=400) == Adopted(node=NODE, at=9)


def test_load_results_of_every_kind() -> None:
    """Tracks come converted, an error with the node's generic words and the real cause."""
    assert parse_load({"loadType": "track", "data": TRACK}).tracks[0].source == "local"
    assert len(parse_load({"loadType": "search", "data": [TRACK, TRACK]}).tracks) == 2
    playlist = parse_load(
        {
            "loadType": "playlist",
            "data": {"info": {"name": "Mix", "selectedTrack": -1}, "pluginInfo": {}, "tracks": [TRACK]},
        }
    )
    assert (playlist.playlist, len(playlist.tracks)) == ("Mix", 1)
    assert parse_load({"loadType": "empty", "data": None}).kind is LoadKind.EMPTY
    error = parse_load({"loadType": "error", "data": {"message": "m", "severity": "common", "cause": "c"}})
    assert (error.message, error.cause) == ("m", "c")
    trace = "FriendlyException: m\n\tat x.Y\nCaused by: java.io.IOException: Status code 429\n\tat x.Z"
    real = parse_load({"loadType": "error", "data": {"message": "m", "cause": "c", "causeStackTrace": trace}})
    assert real.cause == "c; java.io.IOException: Status code 429"
    for bad in (
        {},
        {"loadType": "new"},
        {"loadType": "track", "data": None},
        {"loadType": "search", "data": [{}]},
    ):
        with pytest.raises(MalformedFrameError):
            parse_load(bad)


def test_patch_says_only_what_changes() -> None:
    """What is None is left out; the channel id is text, as 4.2 demands; a tag alone restarts nothing."""
    voice = VoiceLink(channel=ChannelId(5), session="s", token="t", endpoint="e")
    tag = TrackTag(item="a", generation=1, version=2)
    assert PlayerPatch(voice=voice).document() == {
        "voice": {"token": "t", "endpoint": "e", "sessionId": "s", "channelId": "5"}
    }
    assert PlayerPatch(tag=tag, volume=0).document() == {
        "track": {"userData": {"item": "a", "generation": 1, "version": 2}},
        "volume": 0,
    }
    assert PlayerPatch(tag=tag, encoded="Q", position_ms=0, paused=False).document() == {
        "track": {"encoded": "Q", "userData": tag.document()},
        "position": 0,
        "paused": False,
    }
    assert PlayerPatch(stop=True, tag=tag).document() == {"track": {"encoded": None}}
    assert "VoiceLink" not in repr(PlayerPatch(voice=voice))


@pytest.mark.parametrize("field", ["title", "author", "identifier", "sourceName", "uri", "isrc"])
def test_a_track_whose_texts_are_none_is_malformed(field: str) -> None:
    """Stored like that no successor could read its queue: it is refused where it comes in."""
    with pytest.raises(MalformedFrameError, match="text"):
        parse_track({**TRACK, "info": {**TRACK["info"], field: ["no", "text"]}})
