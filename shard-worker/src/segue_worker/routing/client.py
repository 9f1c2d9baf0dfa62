"""The audio router's client: several routers, short deadlines, and a way on without any of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import grpc

from segue_core.ids import GuildId, NodeId, RegionName
from segue_core.logging import get_logger
from segue_protos.router.v1 import router_pb2, router_pb2_grpc
from segue_worker.players.ports import MoveQuery, MoveReason, Placement, PlaceQuery
from segue_worker.routing.view import FleetView, NodeHealth, NodeView, home_region

if TYPE_CHECKING:
    from segue_core.models import Topology

_log = get_logger(__name__)

PLACE_DEADLINE_S: Final = 0.3
REPLACE_DEADLINE_S: Final = 0.6
"""For all players of a shard together."""
_RELEASE_DEADLINE_S: Final = 0.3
_WATCH_SILENCE_S: Final = 12.0
"""The router shows a sign of life at least every 5 s; a stream quiet for longer is dead."""
_WATCH_RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

_NOT_ITS_FAULT: Final = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED})
"""Answers that another router would give as well."""

_ONE_BY_ONE: Final = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED})

_REASONS: Final = {
    MoveReason.LOST: router_pb2.MOVE_REASON_NODE_LOST,
    MoveReason.DRAIN: router_pb2.MOVE_REASON_DRAIN,
    MoveReason.HOME: router_pb2.MOVE_REASON_HOME,
}

_HEALTH: Final = {
    router_pb2.NODE_STATE_READY: NodeHealth.READY,
    router_pb2.NODE_STATE_OVERLOADED: NodeHealth.OVERLOADED,
    router_pb2.NODE_STATE_HUNG: NodeHealth.HUNG,
    router_pb2.NODE_STATE_DEAD: NodeHealth.DEAD,
    router_pb2.NODE_STATE_MISCONFIGURED: NodeHealth.MISCONFIGURED,
    router_pb2.NODE_STATE_UNKNOWN: NodeHealth.UNKNOWN,
}

TopologyUpdates = Callable[[], AsyncIterator["Topology"]]
"""Yields the topology now and whenever it changes (``segue_core.redis.topology.watch``)."""


class Router:
    """A ``Placer``, a ``Fleet`` and a ``NodeDirectory``. ``start`` it, ``close`` it."""

    def __init__(self, targets: Sequence[str], watcher: str, topology: TopologyUpdates) -> None:
        self._targets = tuple(targets)
        self._watcher = watcher
        self._topology = topology
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._stubs: list[tuple[str, router_pb2_grpc.AudioRouterAsyncStub]] = []
        self._preferred = 0
        self._view = FleetView()
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._watching = False
        self._usable_since: dict[RegionName, float] = {}

    @property
    def view(self) -> FleetView:
        """The fleet as last heard of."""
        return self._view

    @property
    def watching(self) -> bool:
        """Whether a router is telling us about the fleet right now."""
        return self._watching

    def address(self, node: NodeId) -> str | None:
        """Return a node's ``host:port``."""
        return self._view.address(node)

    def candidates(self, guild: GuildId) -> tuple[NodeId, ...]:
        """Return usable nodes to load from, the guild's own favourite first."""
        return self._view.candidates(guild)

    def draining(self) -> frozenset[NodeId]:
        """Return the nodes that are to be emptied; none while no router says so."""
        return self._view.draining() if self._watching else frozenset()

    def home_of(self, endpoint: str) -> RegionName | None:
        """Return the region of ours that a voice endpoint is in."""
        return home_region(self._view.topology, endpoint)

    def region_of(self, node: NodeId) -> RegionName | None:
        """Return the region a node is in."""
        return self._view.region_of(node)

    def usable_for(self, region: RegionName) -> float:
        """Return for how many seconds the region has had a usable node without a break; 0: it has none."""
        since = self._usable_since.get(region)
        return 0.0 if since is None or not self._watching else time.monotonic() - since

    async def start(self) -> None:
        """Begin to listen. Returns at once; what is not known yet comes."""
        for target in self._targets:
            channel = grpc.aio.insecure_channel(
                target,
                options=[
                    ("grpc.initial_reconnect_backoff_ms", 100),
                    ("grpc.max_reconnect_backoff_ms", 2000),
                    # Not through a proxy: routers are neighbours.
                    ("grpc.enable_http_proxy", 0),
                ],
            )
            self._channels[target] = channel
            self._stubs.append((target, router_pb2_grpc.AudioRouterStub(channel)))
        self._tasks = [asyncio.create_task(self._follow_topology())]
        if self._stubs:
            self._tasks.append(asyncio.create_task(self._watch()))

    async def close(self) -> None:
        """Stop listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(channel.close(None) for channel in self._channels.values()))

    async def known(self, patience: float) -> bool:
        """Wait until any node is known, for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self._view.candidates(GuildId(0)):
                    self._changed.clear()
                    await self._changed.wait()
                return True
        return False

    async def place(self, query: PlaceQuery) -> Placement:
        """Ask the routers in turn; without any, choose by hashing over what was last known."""
        request = router_pb2.PlaceRequest(
            guild_id=query.guild,
            shard_id=query.shard,
            voice_endpoint=query.endpoint,
            # A tier that left the spec must not silence its guilds: they get the default one.
            tier=query.tier if self._view.knows_tier(query.tier) else "",
            preferred_nodes=query.preferred,
            excluded_nodes=query.excluded,
        )
        for index, (target, stub) in self._in_turn():
            try:
                answer = await stub.Place(request, timeout=PLACE_DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                if error.code() in _NOT_ITS_FAULT:
                    return Placement(node=None, detail=error.details() or error.code().name)
                _log.info("router.place_failed", router=target, code=error.code().name, why=error.details())
                continue
            self._preferred = index
            return Placement(node=NodeId(answer.node.id), region=answer.effective_region)
        return self._place_alone(query)

    async def replace(self, query: MoveQuery) -> dict[GuildId, Placement]:
        """Ask the routers in turn for all of them; without any, only lost players are placed, by hashing."""
        request = router_pb2.ReplaceRequest(
            node=query.node,
            shard_id=query.shard,
            reason=_REASONS[query.reason],
            preferred_nodes=query.preferred,
            players=[
                router_pb2.MovingPlayer(
                    guild_id=player.guild,
                    voice_endpoint=player.endpoint,
                    tier=player.tier if self._view.knows_tier(player.tier) else "",
                    listeners=player.listeners,
                )
                for player in query.players
            ],
        )
        for index, (target, stub) in self._in_turn():
            try:
                answer = await stub.Replace(request, timeout=REPLACE_DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                _log.info("router.replace_failed", router=target, code=error.code().name, why=error.details())
                if error.code() in _ONE_BY_ONE:
                    return await self._place_each(query)
                continue
            self._preferred = index
            found = {player.guild_id: _placement(player) for player in answer.players}
            nothing = Placement(node=None, detail="the router said nothing about it")
            return {player.guild: found.get(player.guild, nothing) for player in query.players}
        if query.reason is not MoveReason.LOST:
            return _all(query, Placement(node=None, detail="no router answers, and nothing is in a hurry"))
        promised: Counter[NodeId] = Counter()
        return {query.guild: self._place_alone(query, promised) for query in _single_queries(query)}

    async def _place_each(self, query: MoveQuery) -> dict[GuildId, Placement]:
        """A router of the release before knows no Replace; and one bad player must not fail the others."""
        if query.reason is not MoveReason.LOST:
            return _all(query, Placement(node=None, detail="the router cannot move players yet"))
        queries = _single_queries(query)
        placements = await asyncio.gather(*(self.place(one) for one in queries))
        return {one.guild: placement for one, placement in zip(queries, placements, strict=True)}

    async def release(self, guild: GuildId) -> None:
        """Give the reservation back; one that stays lapses by itself."""
        request = router_pb2.ReleaseRequest(guild_id=guild)
        for index, (target, stub) in self._in_turn():
            try:
                await stub.Release(request, timeout=_RELEASE_DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                _log.info("router.release_failed", router=target, code=error.code().name)
                continue
            self._preferred = index
            return

    def _in_turn(self) -> list[tuple[int, tuple[str, router_pb2_grpc.AudioRouterAsyncStub]]]:
        """The routers, beginning with the one that answered last."""
        order = list(enumerate(self._stubs))
        return order[self._preferred :] + order[: self._preferred]

    def _place_alone(self, query: PlaceQuery, promised: Counter[NodeId] | None = None) -> Placement:
        promised = Counter() if promised is None else promised
        candidates = self._view.candidates(query.guild, query.endpoint, query.tier, promised)
        node = next((one for one in candidates if one not in query.excluded), None)
        if node is None:
            return Placement(node=None, detail="no router answers, and no node is known to have room")
        promised[node] += 1
        _log.warning("router.placed_alone", guild=query.guild, node=node)
        return Placement(node=node, region=self._view.region_of(node) or "")

    async def _follow_topology(self) -> None:
        async for topology in self._topology():
            self._show(FleetView(nodes=self._view.nodes, topology=topology))

    async def _watch(self) -> None:
        """Keep one stream open, to another router whenever one ends or falls silent."""
        failures = 0
        turn = 0
        while True:
            target, stub = self._stubs[turn % len(self._stubs)]
            if await self._watch_one(target, stub):
                failures = 0
            turn += 1
            pause = _WATCH_RETRY_S[min(failures, len(_WATCH_RETRY_S) - 1)]
            failures += 1
            await asyncio.sleep(pause)

    async def _watch_one(self, target: str, stub: router_pb2_grpc.AudioRouterAsyncStub) -> bool:
        """Listen until the stream ends; return whether it said anything."""
        heard = False
        call = stub.Watch(router_pb2.WatchRequest(watcher=self._watcher))
        stream = aiter(call)
        try:
            while True:
                async with asyncio.timeout(_WATCH_SILENCE_S):
                    view = await anext(stream)
                heard = self._watching = True
                self._show(FleetView(nodes=_nodes(view), topology=self._view.topology))
        except StopAsyncIteration:
            _log.info("router.watch_ended", router=target)
        except TimeoutError:
            _log.warning("router.watch_silent", router=target)
        except grpc.aio.AioRpcError as error:
            _log.info("router.watch_failed", router=target, code=error.code().name)
        finally:
            self._watching = False
            call.cancel()
        return heard

    def _show(self, view: FleetView) -> None:
        self._view = view
        usable = view.open_regions()
        now = time.monotonic()
        self._usable_since = {region: self._usable_since.get(region, now) for region in usable}
        self._changed.set()


def _single_queries(query: MoveQuery) -> list[PlaceQuery]:
    return [
        PlaceQuery(
            guild=player.guild,
            shard=query.shard,
            endpoint=player.endpoint,
            tier=player.tier,
            preferred=query.preferred,
            excluded=(query.node,),
        )
        for player in query.players
    ]


def _all(query: MoveQuery, placement: Placement) -> dict[GuildId, Placement]:
    return {player.guild: placement for player in query.players}


def _placement(player: router_pb2.ReplacedPlayer) -> Placement:
    return Placement(
        node=NodeId(player.node) if player.node else None,
        region=player.effective_region,
        detail=player.detail,
        retry_after_ms=player.retry_after_ms,
    )


def _nodes(view: router_pb2.WatchResponse) -> dict[NodeId, NodeView]:
    return {
        NodeId(node.id): NodeView(
            id=NodeId(node.id),
            region=RegionName(node.region),
            address=node.address,
            health=_HEALTH.get(node.state, NodeHealth.UNKNOWN),
            cordoned=node.cordoned,
            draining=node.draining,
            players=node.players + node.reserved,
            capacity=node.capacity,
        )
        for node in view.nodes
    }
