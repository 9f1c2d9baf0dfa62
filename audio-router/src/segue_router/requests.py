"""What a caller may send: each rule names its field, so that the answer tells what to mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segue_core.ids import GuildId, NodeId, TierName
from segue_router.domain.placement import UnknownTierError, Wish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_protos.router.v1 import router_pb2
    from segue_router.domain.standings import Standings

MAX_ENDPOINT = 255
MAX_NODES = 256
MAX_NAME = 253
MAX_PORT = 65535

_ENDPOINT = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
)

_NONE: frozenset[NodeId] = frozenset()


class InvalidFieldError(ValueError):
    """A field of a request is missing or impossible."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field


def wish_of(request: router_pb2.PlaceRequest) -> Wish:
    """Return what a PlaceRequest asks for.

    Raises:
        InvalidFieldError: for the first field that cannot be, in any topology.
    """
    return Wish(
        guild=guild_of(request.guild_id),
        endpoint=_endpoint(request.voice_endpoint),
        tier=TierName(request.tier) if request.tier else None,
        preferred=_nodes("preferred_nodes", request.preferred_nodes),
        excluded=_nodes("excluded_nodes", request.excluded_nodes),
    )


def check_known(request: router_pb2.PlaceRequest, standings: Standings) -> None:
    """Check what a PlaceRequest names against the topology.

    Raises:
        InvalidFieldError: when there is no such shard or tier.
    """
    shards = standings.fleet.topology.num_shards
    if shards and request.shard_id >= shards:
        raise InvalidFieldError(
            "shard_id", f"is {request.shard_id}, but the topology has {shards} shards, counted from 0"
        )
    try:
        standings.regions(TierName(request.tier) if request.tier else None)
    except UnknownTierError as error:
        raise InvalidFieldError("tier", str(error)) from None


def guild_of(value: int) -> GuildId:
    """Return a guild's id.

    Raises:
        InvalidFieldError: when it is 0, which protobuf also says for absent.
    """
    if value == 0:
        raise InvalidFieldError("guild_id", "is required and must not be 0")
    return GuildId(value)


def watcher_of(value: str) -> str:
    """Return the name of who watches.

    Raises:
        InvalidFieldError: when it is missing, too long or unprintable.
    """
    if not value:
        raise InvalidFieldError("watcher", "is required: the name of the pod that watches")
    if len(value) > MAX_NAME:
        raise InvalidFieldError("watcher", f"has {len(value)} characters, at most {MAX_NAME} are allowed")
    if not value.isprintable():
        raise InvalidFieldError("watcher", "has characters that cannot be printed")
    return value


def _endpoint(value: str) -> str:
    if not value:
        raise InvalidFieldError("voice_endpoint", "is required: the endpoint of VOICE_SERVER_UPDATE")
    if len(value) > MAX_ENDPOINT:
        raise InvalidFieldError(
            "voice_endpoint", f"has {len(value)} characters, at most {MAX_ENDPOINT} are allowed"
        )
    match = _ENDPOINT.fullmatch(value)
    if match is None:
        raise InvalidFieldError("voice_endpoint", "is no host or host:port, without a scheme or a path")
    if match["port"] is not None and not 0 < int(match["port"]) <= MAX_PORT:
        raise InvalidFieldError(
            "voice_endpoint", f"has port {match['port']}, which is not in 1 to {MAX_PORT}"
        )
    return value


def _nodes(field: str, values: Sequence[str]) -> frozenset[NodeId]:
    """Return node ids. Ids the topology does not know are no error: nodes come and go."""
    if not values:
        return _NONE
    if len(values) > MAX_NODES:
        raise InvalidFieldError(field, f"has {len(values)} entries, at most {MAX_NODES} are allowed")
    for index, value in enumerate(values):
        if not value:
            raise InvalidFieldError(f"{field}[{index}]", "is empty")
        if len(value) > MAX_NAME:
            raise InvalidFieldError(
                f"{field}[{index}]", f"has {len(value)} characters, at most {MAX_NAME} are allowed"
            )
    return frozenset(NodeId(value) for value in values)
