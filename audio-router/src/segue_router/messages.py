"""From the fleet's values to the messages of segue.router.v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.redis.nodes import NodeState, Wait
from segue_protos.router.v1 import router_pb2
from segue_router.domain.placement import NoRoomError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_core.redis.nodes import Reservation
    from segue_router.domain.moves import MovesPlanned, Planned
    from segue_router.domain.placement import Candidate, FleetNode, Ranking

STATES = {state: router_pb2.NodeState.Value(f"NODE_STATE_{state.name}") for state in NodeState}
REASONS = {reason: router_pb2.PlacementReason.Value(f"PLACEMENT_REASON_{reason.name}") for reason in Reason}


def node_message(node: FleetNode) -> router_pb2.Node:
    """Return a node as callers see it."""
    return router_pb2.Node(
        id=node.id,
        region=node.region,
        address=node.address,
        state=STATES[node.state],
        cordoned=node.cordoned,
        players=node.players,
        playing_players=node.playing_players,
        reserved=node.reserved,
        capacity=node.capacity,
        system_load=node.system_load,
        lavalink_load=node.lavalink_load,
        frame_deficit=node.frame_deficit,
        probe_ms=node.probe_ms,
        seen_at_ms=node.seen_at,
        version=node.version,
        draining=node.draining,
        cordoned_by=node.cordoned_by,
        cordon_reason=node.cordon_reason,
    )


def placed(ranking: Ranking, chosen: Candidate, reservation: Reservation) -> router_pb2.PlaceResponse:
    """Return the answer to a Place that succeeded; the node's ``reserved`` includes this place."""
    node = node_message(chosen.node)
    node.reserved = reservation.reserved
    return router_pb2.PlaceResponse(
        node=node,
        reason=REASONS[chosen.reason],
        home_region=ranking.home or "",
        effective_region=chosen.node.region,
        reserved_until_ms=reservation.until,
    )


def replaced(
    outcomes: Iterable[tuple[Planned, int | Wait | None]], planned: MovesPlanned, until: int
) -> router_pb2.ReplaceResponse:
    """Return the answer to a Replace: what became of each player, in the order they were placed."""
    return router_pb2.ReplaceResponse(
        players=[_replaced(one, place, planned) for one, place in outcomes], reserved_until_ms=until
    )


def _replaced(one: Planned, place: int | Wait | None, planned: MovesPlanned) -> router_pb2.ReplacedPlayer:
    player = router_pb2.ReplacedPlayer(guild_id=one.player.guild, home_region=one.home or "")
    if isinstance(place, Wait):
        player.outcome = router_pb2.PLAYER_OUTCOME_WAIT
        player.retry_after_ms = place.ms
    elif place is not None and one.order is not None:
        chosen = planned.reasons[one.order][planned.targets[place].node.id]
        player.outcome = router_pb2.PLAYER_OUTCOME_PLACED
        player.node = chosen.node.id
        player.reason = REASONS[chosen.reason]
        player.effective_region = chosen.node.region
    else:
        why = one.nowhere or NoRoomError("every node it may use is full")
        no_room = isinstance(why, NoRoomError)
        player.outcome = router_pb2.PLAYER_OUTCOME_NO_ROOM if no_room else router_pb2.PLAYER_OUTCOME_NO_NODE
        player.detail = str(why)
    return player


def view(generation: int, nodes: Iterable[FleetNode]) -> router_pb2.WatchResponse:
    """Return a full view, ordered by id."""
    return router_pb2.WatchResponse(
        topology_generation=generation,
        nodes=[node_message(node) for node in sorted(nodes, key=lambda node: node.id)],
    )


def listing(generation: int, nodes: Iterable[FleetNode]) -> router_pb2.ListNodesResponse:
    """Return a list for people, ordered by region, then id."""
    return router_pb2.ListNodesResponse(
        topology_generation=generation,
        nodes=[node_message(node) for node in sorted(nodes, key=lambda node: (node.region, node.id))],
    )
