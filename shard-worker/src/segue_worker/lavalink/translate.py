"""A node's words about a guild, turned into messages for its mailbox: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_worker.domain.messages import (
    Adopted,
    Message,
    Progress,
    TrackEndedOn,
    TrackFailedOn,
    TrackStartedOn,
    VoiceClosed,
)
from segue_worker.lavalink.wire import (
    GuildFrame,
    NodePlayer,
    PlayerUpdate,
    TrackEnd,
    TrackException,
    TrackStart,
    TrackStuck,
    VoiceSocketClosed,
)

if TYPE_CHECKING:
    from segue_core.ids import NodeId


def heard(position_ms: int, buffer_ms: int) -> int:
    """Return what the listener hears, milliseconds: a node reports what it put in its send buffer."""
    return max(0, position_ms - buffer_ms)


def guild_message(frame: GuildFrame, node: NodeId, *, now: int, buffer_ms: int) -> Message:
    """Return the message for ``frame`` that arrived from ``node`` at ``now`` (Redis time, ms)."""
    match frame:
        case PlayerUpdate():
            return Progress(
                node=node,
                position_ms=heard(frame.position_ms, buffer_ms),
                connected=frame.connected,
                at=now,
            )
        case TrackStart(tag=tag):
            return TrackStartedOn(node=node, generation=tag.generation, item=tag.item)
        case TrackEnd(tag=tag):
            return TrackEndedOn(node=node, generation=tag.generation, item=tag.item, reason=frame.reason)
        case TrackException(tag=tag):
            return TrackFailedOn(
                node=node,
                generation=tag.generation,
                item=tag.item,
                message=frame.message,
                severity=frame.severity,
                cause=frame.cause,
            )
        case TrackStuck(tag=tag):
            return TrackFailedOn(
                node=node,
                generation=tag.generation,
                item=tag.item,
                message=f"no audio for {frame.threshold_ms} ms",
                severity="suspicious",
                stuck=True,
            )
        case VoiceSocketClosed():
            return VoiceClosed(node=node, code=frame.code, reason=frame.reason, by_remote=frame.by_remote)


def adopted_message(player: NodePlayer | None, node: NodeId, *, now: int, buffer_ms: int) -> Adopted:
    """Return what a new holder is told of a guild whose player was looked up on ``node``."""
    if player is None:
        return Adopted(node=node, at=now)
    tag = player.tag
    return Adopted(
        node=node,
        item=tag.item if tag else None,
        generation=tag.generation if tag else 0,
        version=tag.version if tag else 0,
        position_ms=heard(player.position_ms, buffer_ms),
        paused=player.paused,
        connected=player.connected,
        at=now,
        track=player.track,
        voice=player.voice,
    )
