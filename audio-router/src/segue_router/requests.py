"""What a caller may send: each rule names its field, so that the answer tells what to mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segue_core.ids import GuildId, NodeId, TierName
from segue_protos.router.v1 import router_pb2
from segue_router.domain.moves import Leaving, MoveReason, MoveWish
from segue_router.domain.placement import UnknownTierError, Wish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_router.domain.standings import Standings

MAX_ENDPOINT = 255
MAX_NODES = 256
MAX_NAME = 253
MAX_PORT = 65535
MAX_PLAYERS = 1024
MAX_REASON = 500

_ENDPOINT = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
)

_MOVE_REASONS = {
    router_pb2.MOVE_REASON_DRAIN: MoveReason.DRAIN,
    router_pb2.MOVE_REASON_HOME: MoveReason.HOME,
}
_NONE: frozenset[NodeId] = frozenset()


class InvalidFieldError(ValueError):
    """A field of a request is missing or impossible."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self._rule = rule

    def within(self, parent: str) -> InvalidFieldError:
        """Return the same of a field of a message within the request."""
        return InvalidFieldError(f"{parent}.{self.field}", self._rule)


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


def move_of(request: router_pb2.ReplaceRequest) -> MoveWish:
    """Return what a ReplaceRequest asks for. A reason of a newer release counts as a lost node.

    Raises:
        InvalidFieldError: for the first field that cannot be, in any topology.
    """
    node = name_of("node", request.node, "the node that the players leave")
    count = len(request.players)
    if not count:
        raise InvalidFieldError("players", "is empty: at least one player must be named")
    if count > MAX_PLAYERS:
        raise InvalidFieldError("players", f"has {count} entries, at most {MAX_PLAYERS} are allowed")
    players: dict[GuildId, Leaving] = {}
    for index, player in enumerate(request.players):
        try:
            guild = guild_of(player.guild_id)
            endpoint = _endpoint(player.voice_endpoint)
        except InvalidFieldError as error:
            raise error.within(f"players[{index}]") from None
        if guild in players:
            raise InvalidFieldError(f"players[{index}].guild_id", "appears twice in this call")
        players[guild] = Leaving(
            guild=guild,
            endpoint=endpoint,
            tier=TierName(player.tier) if player.tier else None,
            listeners=player.listeners,
        )
    return MoveWish(
        players=tuple(players.values()),
        reason=_MOVE_REASONS.get(request.reason, MoveReason.NODE_LOST),
        preferred=_nodes("preferred_nodes", request.preferred_nodes),
        excluded=_nodes("excluded_nodes", request.excluded_nodes) | {NodeId(node)},
    )


def check_known(request: router_pb2.PlaceRequest, standings: Standings) -> None:
    """Check what a PlaceRequest names against the topology.

    Raises:
        InvalidFieldError: when there is no such shard or tier.
    """
    _check_shard(request.shard_id, standings)
    _check_tier("tier", request.tier, standings)


def check_move_known(request: router_pb2.ReplaceRequest, standings: Standings) -> None:
    """Check what a ReplaceRequest names against the topology. The node may have left it.

    Raises:
        InvalidFieldError: when there is no such shard or tier.
    """
    _check_shard(request.shard_id, standings)
    for tier in {player.tier for player in request.players}:
        index = next(index for index, player in enumerate(request.players) if player.tier == tier)
        _check_tier(f"players[{index}].tier", tier, standings)


def _check_shard(shard: int, standings: Standings) -> None:
    shards = standings.fleet.topology.num_shards
    if shards and shard >= shards:
        raise InvalidFieldError(
            "shard_id", f"is {shard}, but the topology has {shards} shards, counted from 0"
        )


def _check_tier(field: str, tier: str, standings: Standings) -> None:
    try:
        standings.regions(TierName(tier) if tier else None)
    except UnknownTierError as error:
        raise InvalidFieldError(field, str(error)) from None


def guild_of(value: int) -> GuildId:
    """Return a guild's id.

    Raises:
        InvalidFieldError: when it is 0, which protobuf also says for absent.
    """
    if value == 0:
        raise InvalidFieldError("guild_id", "is required and must not be 0")
    return GuildId(value)


def name_of(field: str, value: str, what: str) -> str:
    """Return a name that must be given; ``what`` says whose.

    Raises:
        InvalidFieldError: when it is missing, too long or unprintable.
    """
    if not value:
        raise InvalidFieldError(field, f"is required: {what}")
    return text_of(field, value, MAX_NAME)


def text_of(field: str, value: str, most: int = MAX_REASON) -> str:
    """Return words that may be empty.

    Raises:
        InvalidFieldError: when they are too long or unprintable.
    """
    if len(value) > most:
        raise InvalidFieldError(field, f"has {len(value)} characters, at most {most} are allowed")
    if not value.isprintable():
        raise InvalidFieldError(field, "has characters that cannot be printed")
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
