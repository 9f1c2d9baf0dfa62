"""What a node says on its WebSocket and in its players, as values (Lavalink v4).

An op, an event type or a field we don't know is never an error: plugins send their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ongaku.builders import EntityBuilder

from segue_core.ids import ChannelId, GuildId, NodeSessionId
from segue_core.models import Track, VoiceLink
from segue_worker import jsontext
from segue_worker.domain.messages import EndReason
from segue_worker.lavalink.errors import MalformedFrameError
from segue_worker.lavalink.tracks import UNSHAPED, milliseconds, parse_track

_BUILDER: Final = EntityBuilder()

_CAUSE_LIMIT: Final = 1000
_EXPECTED_FRAMES: Final = 3000
"""Audio frames of 20 ms in the minute that ``frameStats`` covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackTag:
    """What we put in ``track.userData`` with every PATCH, and get back with every event.

    A track that somebody else started has none: ``item`` empty, ``generation`` 0.
    """

    item: str = ""
    generation: int = 0
    version: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as ``userData``."""
        return {"item": self.item, "generation": self.generation, "version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The first word of a session. ``resumed``: it is the one we asked for, players and all."""

    resumed: bool
    session: NodeSessionId = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStats:
    """What the node says of itself once a minute. Loads are 0.0 to 1.0 of the machine.

    ``frame_deficit``: share of audio frames missing in the last minute, None before a minute of voice.
    """

    players: int
    playing: int
    uptime_ms: int
    cores: int
    system_load: float
    lavalink_load: float
    memory_used_bytes: int
    frame_deficit: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerUpdate:
    """Where a player stands. ``position_ms`` is the node's, ahead of what is heard."""

    guild: GuildId
    position_ms: int
    connected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStart:
    """TrackStartEvent."""

    guild: GuildId
    tag: TrackTag


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackEnd:
    """TrackEndEvent."""

    guild: GuildId
    tag: TrackTag
    reason: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackException:
    """TrackExceptionEvent; a TrackEndEvent with ``loadFailed`` follows."""

    guild: GuildId
    tag: TrackTag
    message: str
    severity: str
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStuck:
    """TrackStuckEvent: no frame for ``threshold_ms``. Nothing follows by itself."""

    guild: GuildId
    tag: TrackTag
    threshold_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSocketClosed:
    """WebSocketClosedEvent: the node's connection to Discord's voice server closed."""

    guild: GuildId
    code: int
    reason: str
    by_remote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownFrame:
    """An op or event type we don't know; ``what`` names it, for one log line."""

    what: str


GuildFrame = PlayerUpdate | TrackStart | TrackEnd | TrackException | TrackStuck | VoiceSocketClosed
Frame = Ready | NodeStats | GuildFrame | UnknownFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlayer:
    """A player as the node has it. ``tag`` and ``track`` None: no track is set.

    ``voice`` None: it was never given any.
    """

    guild: GuildId
    tag: TrackTag | None
    track: Track | None
    voice: VoiceLink | None = field(repr=False)
    position_ms: int
    paused: bool
    connected: bool
    volume: int


def parse_frame(text: str | bytes) -> Frame:
    """Return what one text frame says.

    Raises:
        MalformedFrameError: when it is no JSON object, or not what its op promises.
    """
    try:
        document = jsontext.loads(text)
        op = document["op"]
        parse = _OPS.get(op)
        return parse(document) if parse else UnknownFrame(what=f"op {str(op)[:60]}")
    except MalformedFrameError:
        raise
    except UNSHAPED as error:
        raise MalformedFrameError(f"not a frame: {error!r}") from error


def parse_player(document: Mapping[str, Any]) -> NodePlayer:
    """Return the player a v4 ``Player`` object describes.

    Raises:
        MalformedFrameError: naming what is missing.
    """
    try:
        track, state = document["track"], document["state"]
        return NodePlayer(
            guild=GuildId(int(document["guildId"])),
            tag=None if track is None else _tag(track),
            track=None if track is None else parse_track(track),
            voice=_voice(document.get("voice")),
            position_ms=milliseconds(state["position"]),
            paused=bool(document["paused"]),
            connected=bool(state["connected"]),
            volume=int(document["volume"]),
        )
    except UNSHAPED as error:
        raise MalformedFrameError(f"not a player: {error!r}") from error


def _tag(track: Mapping[str, Any]) -> TrackTag:
    data = track.get("userData")
    if not isinstance(data, Mapping):
        return TrackTag()
    return TrackTag(
        item=str(data.get("item") or ""),
        generation=_whole(data.get("generation")),
        version=_whole(data.get("version")),
    )


def _voice(voice: Mapping[str, Any] | None) -> VoiceLink | None:
    # Without voice a node answers empty strings, and null for the channel.
    if not voice or not voice.get("channelId"):
        return None
    return VoiceLink(
        channel=ChannelId(int(voice["channelId"])),
        session=voice.get("sessionId") or None,
        token=voice.get("token") or None,
        endpoint=voice.get("endpoint") or None,
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _ready(document: Mapping[str, Any]) -> Frame:
    return Ready(resumed=bool(document["resumed"]), session=NodeSessionId(str(document["sessionId"])))


def _stats(document: Mapping[str, Any]) -> Frame:
    stats = _BUILDER.build_statistics(document)
    frames = stats.frame_stats
    deficit = None
    if frames is not None:
        # deficit is negative when a player sent more than real time asks for: nobody misses anything.
        deficit = min(1.0, max(0.0, frames.deficit / _EXPECTED_FRAMES))
    return NodeStats(
        players=stats.players,
        playing=stats.playing_players,
        uptime_ms=stats.uptime,
        cores=stats.cpu.cores,
        system_load=stats.cpu.system_load,
        lavalink_load=stats.cpu.lavalink_load,
        memory_used_bytes=stats.memory.used,
        frame_deficit=deficit,
    )


def _update(document: Mapping[str, Any]) -> Frame:
    state = document["state"]
    return PlayerUpdate(
        guild=GuildId(int(document["guildId"])),
        position_ms=milliseconds(state["position"]),
        connected=bool(state["connected"]),
    )


def _event(document: Mapping[str, Any]) -> Frame:
    kind = document["type"]
    parse = _EVENTS.get(kind)
    if parse is None:
        return UnknownFrame(what=f"event {str(kind)[:60]}")
    return parse(document, GuildId(int(document["guildId"])))


def _started(document: Mapping[str, Any], guild: GuildId) -> Frame:
    return TrackStart(guild=guild, tag=_tag(document["track"]))


def _ended(document: Mapping[str, Any], guild: GuildId) -> Frame:
    return TrackEnd(guild=guild, tag=_tag(document["track"]), reason=EndReason(document["reason"]))


def _failed(document: Mapping[str, Any], guild: GuildId) -> Frame:
    exception = document["exception"]
    return TrackException(
        guild=guild,
        tag=_tag(document["track"]),
        message=str(exception.get("message") or exception.get("cause") or ""),
        severity=str(exception.get("severity") or ""),
        cause=str(exception.get("cause") or "")[:_CAUSE_LIMIT],
    )


def _stuck(document: Mapping[str, Any], guild: GuildId) -> Frame:
    return TrackStuck(guild=guild, tag=_tag(document["track"]), threshold_ms=int(document["thresholdMs"]))


def _voice_closed(document: Mapping[str, Any], guild: GuildId) -> Frame:
    return VoiceSocketClosed(
        guild=guild,
        code=int(document["code"]),
        reason=str(document.get("reason") or ""),
        by_remote=bool(document.get("byRemote")),
    )


_OPS: Final[dict[str, Callable[[Mapping[str, Any]], Frame]]] = {
    "ready": _ready,
    "stats": _stats,
    "playerUpdate": _update,
    "event": _event,
}

_EVENTS: Final[dict[str, Callable[[Mapping[str, Any], GuildId], Frame]]] = {
    "TrackStartEvent": _started,
    "TrackEndEvent": _ended,
    "TrackExceptionEvent": _failed,
    "TrackStuckEvent": _stuck,
    "WebSocketClosedEvent": _voice_closed,
}
