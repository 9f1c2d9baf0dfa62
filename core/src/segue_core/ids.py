"""The names everything is called by: one type for each kind of identifier."""

from __future__ import annotations

from typing import NewType

GuildId = NewType("GuildId", int)
ChannelId = NewType("ChannelId", int)
UserId = NewType("UserId", int)
MessageId = NewType("MessageId", int)

ShardId = NewType("ShardId", int)
"""0-based, below the cluster's shard count."""

Epoch = NewType("Epoch", int)
"""Fencing token of a shard's lease: grows with every change of owner, never repeats."""

OwnerId = NewType("OwnerId", str)
"""Pod name and boot id, ``worker-0/4f1c…``: a restarted process never inherits by name."""

NodeId = NewType("NodeId", str)
"""A Lavalink node's stable name, unique in the cluster: ``us-east-0``."""

NodeSessionId = NewType("NodeSessionId", str)
"""Session of a Lavalink WebSocket. A credential: whoever has it can adopt the players."""

RegionName = NewType("RegionName", str)
TierName = NewType("TierName", str)

CommandId = NewType("CommandId", str)
"""What a command is deduplicated by: the interaction's id."""

EventId = NewType("EventId", str)
"""What a domain event is stored exactly once by: a UUID in hexadecimal."""

ItemId = NewType("ItemId", str)
"""One entry of a queue; the same song queued twice has two."""


def shard_of(guild: GuildId, num_shards: int) -> ShardId:
    """Return the shard Discord sends a guild's events to: ``(guild_id >> 22) % num_shards``."""
    return ShardId((guild >> 22) % num_shards)
