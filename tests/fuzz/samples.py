"""What Discord, nodes and we ourselves write when nothing is wrong: where the fuzzing starts from."""

from __future__ import annotations

from typing import Any

INTERACTION: dict[str, Any] = {
    "id": "1100000000000000001",
    "application_id": "900000000000000001",
    "type": 2,
    "token": "aW50ZXJhY3Rpb24tdG9rZW4",
    "version": 1,
    "guild_id": "800000000000000001",
    "channel_id": "700000000000000001",
    "channel": {"id": "700000000000000001", "type": 0},
    "locale": "en-GB",
    "app_permissions": "3145728",
    "member": {
        "user": {"id": "600000000000000001", "username": "ann", "bot": False},
        "roles": [],
        "permissions": "104320577",
    },
    "data": {
        "id": "500000000000000001",
        "name": "play",
        "type": 1,
        "options": [{"name": "query", "type": 3, "value": "rain on tin"}],
    },
}
INTERACTIONS = (
    INTERACTION,
    {
        **INTERACTION,
        "data": {
            "id": "5",
            "name": "volume",
            "type": 1,
            "options": [{"name": "percent", "type": 4, "value": 50}],
        },
    },
    {**INTERACTION, "type": 3, "data": {"custom_id": "sg1:queue:3", "component_type": 2}},
    {**INTERACTION, "type": 3, "data": {"custom_id": "sg1:volume:up", "component_type": 2}},
    {
        **INTERACTION,
        "type": 3,
        "data": {"custom_id": "sg1:choose", "component_type": 3, "values": ["1", "2"]},
    },
    {
        **INTERACTION,
        "type": 4,
        "data": {
            "id": "5",
            "name": "play",
            "type": 1,
            "options": [{"name": "query", "type": 3, "value": "ra", "focused": True}],
        },
    },
    {
        **INTERACTION,
        "type": 5,
        "data": {
            "custom_id": "sg1:search",
            "components": [{"type": 1, "components": [{"type": 4, "custom_id": "q", "value": "rain"}]}],
        },
    },
)
VOICE_STATE: dict[str, Any] = {
    "guild_id": "800000000000000001",
    "channel_id": "710000000000000001",
    "user_id": "600000000000000001",
    "session_id": "a1b2c3",
    "member": {"user": {"id": "600000000000000001", "bot": False}},
    "deaf": False,
    "mute": False,
}
DISPATCHES: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("INTERACTION_CREATE", one) for one in INTERACTIONS),
    ("VOICE_STATE_UPDATE", VOICE_STATE),
    (
        "VOICE_SERVER_UPDATE",
        {"guild_id": "800000000000000001", "token": "t0k3n", "endpoint": "us-east1.discord.media:443"},
    ),
    (
        "GUILD_CREATE",
        {
            "id": "800000000000000001",
            "name": "A server",
            "unavailable": False,
            "members": [{"user": {"id": "600000000000000001", "bot": True}}],
            "voice_states": [VOICE_STATE],
        },
    ),
    ("GUILD_DELETE", {"id": "800000000000000001", "unavailable": True}),
)
FRAMES: tuple[dict[str, Any], ...] = (
    {"op": 10, "d": {"heartbeat_interval": 41250}},
    {"op": 11, "d": None},
    {"op": 1, "d": 7},
    {"op": 0, "t": "VOICE_STATE_UPDATE", "s": 3, "d": VOICE_STATE},
    {"op": 0, "t": "INTERACTION_CREATE", "s": 4, "d": INTERACTION},
)
TRACK: dict[str, Any] = {
    "encoded": "QAAAkQMACVJhaW4",
    "info": {
        "identifier": "dQw4w9WgXcQ",
        "isSeekable": True,
        "author": "The Tubes",
        "length": 212_000,
        "isStream": False,
        "position": 0,
        "title": "Rain on Tin",
        "uri": "https://music.example/rain",
        "artworkUrl": None,
        "isrc": None,
        "sourceName": "youtube",
    },
    "pluginInfo": {},
    "userData": {"item": "i-1", "generation": 4, "version": 9},
}
NODE_FRAMES: tuple[dict[str, Any], ...] = (
    {"op": "ready", "resumed": False, "sessionId": "la3kfsdf5eafe848"},
    {
        "op": "stats",
        "players": 1,
        "playingPlayers": 1,
        "uptime": 123456789,
        "memory": {"free": 1, "used": 2, "allocated": 3, "reservable": 4},
        "cpu": {"cores": 4, "systemLoad": 0.5, "lavalinkLoad": 0.1},
        "frameStats": {"sent": 3000, "nulled": 0, "deficit": 0},
    },
    {
        "op": "playerUpdate",
        "guildId": "800000000000000001",
        "state": {"time": 1500467109, "position": 60000, "connected": True, "ping": 50},
    },
    {"op": "event", "type": "TrackStartEvent", "guildId": "800000000000000001", "track": TRACK},
    {
        "op": "event",
        "type": "TrackEndEvent",
        "guildId": "800000000000000001",
        "track": TRACK,
        "reason": "finished",
    },
    {
        "op": "event",
        "type": "TrackExceptionEvent",
        "guildId": "800000000000000001",
        "track": TRACK,
        "exception": {"message": "Something broke", "severity": "fault", "cause": "java.io.IOException"},
    },
    {
        "op": "event",
        "type": "TrackStuckEvent",
        "guildId": "800000000000000001",
        "track": TRACK,
        "thresholdMs": 10000,
    },
    {
        "op": "event",
        "type": "WebSocketClosedEvent",
        "guildId": "800000000000000001",
        "code": 4006,
        "reason": "Your session is no longer valid.",
        "byRemote": True,
    },
)
PLAYER: dict[str, Any] = {
    "guildId": "800000000000000001",
    "track": TRACK,
    "volume": 100,
    "paused": False,
    "state": {"time": 1500467109, "position": 60000, "connected": True, "ping": 50},
    "voice": {"token": "t", "endpoint": "e", "sessionId": "s", "channelId": "710000000000000001"},
    "filters": {},
}
LOADS: tuple[dict[str, Any], ...] = (
    {"loadType": "track", "data": TRACK},
    {"loadType": "search", "data": [TRACK, TRACK]},
    {
        "loadType": "playlist",
        "data": {"info": {"name": "Rain", "selectedTrack": -1}, "pluginInfo": {}, "tracks": [TRACK]},
    },
    {"loadType": "empty", "data": None},
    {
        "loadType": "error",
        "data": {"message": "no", "severity": "common", "cause": "x", "causeStackTrace": "Caused by: a: b"},
    },
)
