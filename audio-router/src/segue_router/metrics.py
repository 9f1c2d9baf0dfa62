"""Every metric of the audio router. Times are seconds."""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING

from segue_core.metrics import Metrics, ProcessMetrics
from segue_core.redis.nodes import NodeState
from segue_protos.router.v1 import router_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry, Counter

    from segue_core.ids import RegionName
    from segue_router.domain.health import Outcome
    from segue_router.domain.moves import MoveReason
    from segue_router.domain.placement import Fleet, Reason

_FAST = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class RouterMetrics:
    """The metrics, registered with one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Metrics(registry)
        self.process = ProcessMetrics(make)
        self.requests = make.counter(
            "segue_router_requests_total", "Calls answered, by method and gRPC status.", ("method", "code")
        )
        self.place_seconds = make.histogram(
            "segue_router_place_seconds",
            "Time to answer a Place that succeeded, from the decoded request to the answer.",
            buckets=_FAST,
        )
        self.reserve_seconds = make.histogram(
            "segue_router_reserve_seconds",
            "Part of a Place spent on the reservation in Redis.",
            buckets=_FAST,
        )
        self.replace_seconds = make.histogram(
            "segue_router_replace_seconds",
            "Time to answer a Replace, from the decoded request to the answer.",
            buckets=_FAST,
        )
        self.moves = make.counter(
            "segue_router_moves_total",
            "Players of a Replace, by why they move and what became of them: placed, wait, no_room, no_node.",
            ("reason", "outcome"),
        )
        self.placements = make.counter(
            "segue_router_placements_total",
            "Guilds placed, by effective region and reason.",
            ("region", "reason"),
        )
        self.nodes = make.gauge(
            "segue_router_nodes", "Nodes of the topology, by region and state.", ("region", "state")
        )
        self.players = make.gauge("segue_router_players", "Players the nodes report, by region.", ("region",))
        self.reserved = make.gauge(
            "segue_router_reserved", "Places promised and not taken yet, by region.", ("region",)
        )
        self.probes = make.counter(
            "segue_router_probes_total", "Probes by this replica, by how they ended.", ("outcome",)
        )
        self.probe_seconds = make.histogram("segue_router_probe_seconds", "Time a probe took.")
        self.watchers = make.gauge("segue_router_watchers", "Watch streams that are open.")
        self.redis_up = make.gauge("segue_router_redis_up", "1 while Redis answers this replica.")
        self._regions: set[str] = set()
        self._placed: dict[tuple[RegionName, Reason], Counter] = {}

    def placed(self, region: RegionName, reason: Reason) -> None:
        """Count one placement. Looking a metric up by its labels costs more than counting."""
        counter = self._placed.get((region, reason))
        if counter is None:
            counter = self._placed[region, reason] = self.placements.labels(region, reason.value)
        counter.inc()

    def probed(self, outcome: Outcome, seconds: float) -> None:
        """Count one probe."""
        self.probes.labels(type(outcome).__name__.lower()).inc()
        self.probe_seconds.observe(seconds)

    def replaced(self, reason: MoveReason, players: Iterable[router_pb2.ReplacedPlayer]) -> None:
        """Count the players of one Replace."""
        for outcome, count in Tally(player.outcome for player in players).items():
            name = router_pb2.PlayerOutcome.Name(outcome).removeprefix("PLAYER_OUTCOME_").lower()
            self.moves.labels(reason.name.lower(), name).inc(count)

    def observe(self, fleet: Fleet) -> None:
        """Show the fleet; a region that left the topology is no longer shown."""
        regions = {node.region for node in fleet.nodes}
        for gone in self._regions - regions:
            self.players.remove(gone)
            self.reserved.remove(gone)
            for state in NodeState:
                self.nodes.remove(gone, state.value)
        self._regions = set(regions)
        counts = Tally((node.region, node.state) for node in fleet.nodes)
        for region in regions:
            own = [node for node in fleet.nodes if node.region == region]
            self.players.labels(region).set(sum(node.players for node in own))
            self.reserved.labels(region).set(sum(node.reserved for node in own))
            for state in NodeState:
                self.nodes.labels(region, state.value).set(counts[region, state])
