"""What we send to the gateway. Source: Discord documentation, *Gateway Events, Send Events*."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from segue_worker.gateway.codes import Opcode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_core.models import GatewaySession

SMALLEST_LARGE_THRESHOLD = 50
"""Guilds above it come without their offline members, whom we have no use for."""


def heartbeat(seq: int) -> dict[str, Any]:
    """Return a heartbeat; ``seq`` 0 (nothing received yet) is null on the wire."""
    return {"op": Opcode.HEARTBEAT, "d": seq or None}


def identify(
    token: str, *, shard: int, num_shards: int, intents: int, capabilities: int, presence: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what opens a new session."""
    return {
        "op": Opcode.IDENTIFY,
        "d": {
            "token": token,
            "properties": {"os": platform.system().lower(), "browser": "segue", "device": "segue"},
            "compress": False,
            "large_threshold": SMALLEST_LARGE_THRESHOLD,
            "shard": [shard, num_shards],
            "intents": intents,
            "capabilities": capabilities,
            "presence": dict(presence),
        },
    }


def resume(token: str, session: GatewaySession) -> dict[str, Any]:
    """Return what carries on with ``session`` behind its ``seq``."""
    return {
        "op": Opcode.RESUME,
        "d": {"token": token, "session_id": session.session_id, "seq": session.seq},
    }


def voice_state(
    guild: int, channel: int | None, *, self_mute: bool = False, self_deaf: bool = False
) -> dict[str, Any]:
    """Return op 4: join, move to, or (None) leave a voice channel."""
    return {
        "op": Opcode.VOICE_STATE_UPDATE,
        "d": {
            "guild_id": str(int(guild)),
            "channel_id": None if channel is None else str(int(channel)),
            "self_mute": self_mute,
            "self_deaf": self_deaf,
        },
    }
