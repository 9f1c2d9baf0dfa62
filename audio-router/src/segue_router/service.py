"""The calls of segue.router.v1.AudioRouter: check, decide, reserve, answer.

Every misuse has a status code and words that help. Redis away is UNAVAILABLE at once and mends itself;
the view that Watch and ListNodes give stays the last one known. The Redis client bounds every call (1 s).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NoReturn

import grpc
from redis.exceptions import RedisError

from segue_core.ids import NodeId
from segue_core.logging import get_logger
from segue_core.redis.nodes import Cordon, ReserveRequest
from segue_protos.router.v1 import router_pb2
from segue_router.domain.moves import Pace, plan_moves
from segue_router.domain.placement import NoNodeError, NoRoomError, nothing_left
from segue_router.messages import listing, node_message, placed, replaced, view
from segue_router.requests import (
    InvalidFieldError,
    check_known,
    check_move_known,
    guild_of,
    move_of,
    name_of,
    text_of,
    wish_of,
)
from segue_router.reservations import Reservations

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from segue_core.ids import GuildId
    from segue_core.redis.nodes import NodeRegistry, Reservation, Wait
    from segue_router.domain.placement import Fleet, FleetNode, Ranking
    from segue_router.metrics import RouterMetrics
    from segue_router.nodes.fleet import FleetView

log = get_logger(__name__)

SIGN_OF_LIFE_S = 5.0
"""A Watch stream that says nothing for longer is dead."""
RETRY_AFTER_S = 2
"""What a caller refused for want of room is told to wait: nodes free up by the second, not faster."""


class Rejection(Exception):  # noqa: N818 - an answer, not a fault of ours
    """A call that ends with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class RouterService:
    """The calls about players and the fleet. Stateless: it knows the view, and changes Redis alone."""

    def __init__(
        self, registry: NodeRegistry, fleet: FleetView, metrics: RouterMetrics, pace: Pace | None = None
    ) -> None:
        self._registry = registry
        self._reservations = Reservations(registry)
        self._view = fleet
        self._metrics = metrics
        self._pace = pace or Pace()
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """End every Watch stream, so that watchers turn to another replica."""
        self._draining.set()

    async def close(self) -> None:
        """Let go of what still waits for Redis."""
        await self._reservations.close()

    async def place(self, request: router_pb2.PlaceRequest) -> router_pb2.PlaceResponse:
        """Choose a node for a guild and reserve room on it."""
        started = time.perf_counter()
        wish = wish_of(request)
        fleet = self._fleet()
        standings = self._view.standings
        check_known(request, standings)
        try:
            ranking = standings.rank(wish)
        except (NoNodeError, NoRoomError) as error:
            self._refuse(error)
        reservation = await self._reserved(wish.guild, ranking)
        if reservation is None:
            self._refuse(nothing_left(fleet, wish, known_full=True))
        self._view.promised(reservation.node, reservation.reserved)
        chosen = next(one for one in ranking.candidates if one.node.id == reservation.node)
        self._metrics.placed(chosen.node.region, chosen.reason)
        self._metrics.place_seconds.observe(time.perf_counter() - started)
        return placed(ranking, chosen, reservation)

    async def replace(self, request: router_pb2.ReplaceRequest) -> router_pb2.ReplaceResponse:
        """Choose nodes for a shard's players of one node, in one reservation."""
        started = time.perf_counter()
        wish = move_of(request)
        self._fleet()
        standings = self._view.standings
        check_move_known(request, standings)
        planned = plan_moves(standings, wish, self._pace)
        places: Iterator[int | Wait | None] = iter(())
        until = 0
        if planned.plan.movers:
            try:
                moves = await self._registry.reserve_moves(planned.plan)
            except (RedisError, OSError) as error:
                self._redis_away(error)
            places, until = iter(moves.places), moves.until
            self._view.moved(
                {one.node.id: count for one, count in zip(planned.targets, moves.reserved, strict=True)}
            )
        outcomes = [(one, next(places) if one.order is not None else None) for one in planned.players]
        response = replaced(outcomes, planned, until)
        self._metrics.replaced(wish.reason, response.players)
        self._metrics.replace_seconds.observe(time.perf_counter() - started)
        log.info(
            "replaced",
            node=request.node,
            shard=request.shard_id,
            reason=wish.reason.value,
            players=len(wish.players),
            placed=sum(1 for one in response.players if one.node),
        )
        return response

    async def release(self, request: router_pb2.ReleaseRequest) -> router_pb2.ReleaseResponse:
        """Give a guild's reservation back."""
        guild = guild_of(request.guild_id)
        try:
            return router_pb2.ReleaseResponse(released=await self._registry.release(guild))
        except (RedisError, OSError) as error:
            self._redis_away(error)

    async def list_nodes(self, request: router_pb2.ListNodesRequest) -> router_pb2.ListNodesResponse:
        """Answer the view once."""
        fleet = self._fleet()
        region = request.region
        known = {one.name for one in fleet.topology.regions} | {node.region for node in fleet.nodes}
        if region and region not in known:
            raise Rejection(
                grpc.StatusCode.NOT_FOUND,
                f"region: {region[:80]!r} is none of the topology's regions: {', '.join(sorted(known))}",
            )
        nodes = [node for node in fleet.nodes if not region or node.region == region]
        return listing(fleet.topology.generation, nodes)

    async def watch(self, request: router_pb2.WatchRequest) -> AsyncGenerator[router_pb2.WatchResponse, None]:
        """Yield the full view at once, when it changed, and as a sign of life."""
        watcher = name_of("watcher", request.watcher, "the name of the pod that watches")
        self._fleet()
        log.debug("watched", watcher=watcher)
        with self._metrics.watchers.track_inprogress():
            while not self._draining.is_set():
                fleet, seen = self._fleet(), self._view.version
                yield view(fleet.topology.generation, fleet.nodes)
                await self._next_view(seen)
        raise Rejection(grpc.StatusCode.UNAVAILABLE, "this router is shutting down: watch another one")

    async def _next_view(self, seen: int) -> None:
        """Wait until there is something to say, or this replica drains."""
        change = asyncio.ensure_future(self._view.changed(seen, SIGN_OF_LIFE_S))
        drain = asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait((change, drain), return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            drain.cancel()

    async def _reserved(self, guild: GuildId, ranking: Ranking) -> Reservation | None:
        places = tuple([one.place for one in ranking.candidates])
        request = ReserveRequest(guild=guild, places=places, nearly_equal=ranking.nearly_equal)
        started = time.perf_counter()
        try:
            return await self._reservations.reserve(request)
        except (RedisError, OSError) as error:
            self._redis_away(error)
        finally:
            self._metrics.reserve_seconds.observe(time.perf_counter() - started)

    async def cordon(self, request: router_pb2.CordonRequest) -> router_pb2.CordonResponse:
        """Keep new players away from a node."""
        node = await self._order(request.node, request.by, request.reason, drain=False)
        return router_pb2.CordonResponse(node=node)

    async def drain_node(self, request: router_pb2.DrainRequest) -> router_pb2.DrainResponse:
        """Keep new players away from a node, and ask for those it has to be moved."""
        node = await self._order(request.node, request.by, request.reason, drain=True)
        return router_pb2.DrainResponse(node=node)

    async def uncordon(self, request: router_pb2.UncordonRequest) -> router_pb2.UncordonResponse:
        """Lift an order."""
        node = NodeId(name_of("node", request.node, "the node that is to take players again"))
        fleet = self._fleet()
        try:
            lifted = await self._registry.uncordon(node)
            await self._view.refresh()
        except (RedisError, OSError) as error:
            self._redis_away(error)
        if not lifted:
            self._known(node, fleet)
        log.info("uncordoned", node=node, was_cordoned=lifted)
        return router_pb2.UncordonResponse(uncordoned=lifted)

    async def _order(self, name: str, by: str, reason: str, *, drain: bool) -> router_pb2.Node:
        node = NodeId(name_of("node", name, "the node that is to take no new players"))
        who = name_of("by", by, "who orders it, so that others can ask")
        why = text_of("reason", reason)
        self._known(node, self._fleet())
        try:
            now = await self._registry.now_ms()
            await self._registry.cordon(node, Cordon(by=who, reason=why, since=now, drain=drain))
            await self._view.refresh()
        except (RedisError, OSError) as error:
            self._redis_away(error)
        log.info("draining" if drain else "cordoned", node=node, by=who, reason=why)
        return node_message(self._known(node, self._fleet()))

    @staticmethod
    def _known(node: NodeId, fleet: Fleet) -> FleetNode:
        found = next((one for one in fleet.nodes if one.id == node), None)
        if found is None:
            there = ", ".join(one.id for one in fleet.nodes[:20]) or "it has none"
            raise Rejection(
                grpc.StatusCode.NOT_FOUND, f"node: {node[:80]!r} is none of the topology's nodes: {there}"
            )
        return found

    def _fleet(self) -> Fleet:
        if self._view.fleet is not None:
            return self._view.fleet
        if self._view.redis_error is not None:
            raise Rejection(
                grpc.StatusCode.UNAVAILABLE,
                "Redis does not answer this router and it knows no nodes yet: try another router, or later",
            )
        raise Rejection(
            grpc.StatusCode.FAILED_PRECONDITION,
            "no topology was published yet for this cluster: "
            "the operator does so when it applies a MusicCluster",
        )

    def _redis_away(self, error: Exception) -> NoReturn:
        self._view.redis_failed(error)
        raise Rejection(
            grpc.StatusCode.UNAVAILABLE,
            "Redis does not answer, so nothing can be reserved: try again in a moment",
        ) from error

    def _refuse(self, error: NoRoomError | NoNodeError) -> NoReturn:
        if isinstance(error, NoRoomError):
            raise Rejection(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"{error}; try again in {RETRY_AFTER_S} s"
            ) from None
        raise Rejection(grpc.StatusCode.UNAVAILABLE, str(error)) from None


def rejection_of(error: Exception) -> Rejection | None:
    """Return the status an error of a call means; None for one that nobody foresaw."""
    if isinstance(error, Rejection):
        return error
    if isinstance(error, InvalidFieldError):
        return Rejection(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    return None
