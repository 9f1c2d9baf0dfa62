"""What the page says of the cluster follows from what was read, whatever of it is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segue_core.events import DomainEvent, PlayerMoved, ShardPromoted, TrackStarted
from segue_core.ids import Epoch, EventId, GuildId, ItemId, NodeId, OwnerId, RegionName, ShardId, UserId
from segue_core.models import PlayerSnapshot, QueueItem, Topology, TopologyNode, TopologyRegion, Track
from segue_core.redis.leases import LeaseInfo, LeaseState
from segue_core.redis.nodes import Cordon, NodeLoad, NodeReport, NodeState, RegistryView
from segue_devkit.demo.cluster.lately import Happening, words_of, words_of_pod
from segue_devkit.demo.cluster.scrape import Figures, Reading, figures, parse
from segue_devkit.demo.cluster.views import (
    Role,
    held_by,
    player_views,
    pod_views,
    region_views,
    role_of,
    shard_views,
)
from segue_devkit.processes import EventKind, PodEvent, PodPhase, PodStatus

NOW = 1_000_000
TRACK = Track(
    encoded="x", identifier="x", title="Tide Tables", author="Kite Weather", length_ms=9_000, source="demo"
)
TOPOLOGY = Topology(
    generation=3,
    num_shards=2,
    regions=(TopologyRegion(name=RegionName("us-east")), TopologyRegion(name=RegionName("eu-central"))),
    nodes=(
        TopologyNode(
            id=NodeId("us-east-0"), region=RegionName("us-east"), address="127.1.2.3:2333", capacity=50
        ),
    ),
)


def lease(shard: int, **changes: object) -> LeaseInfo:
    """Return a lease that is held."""
    held = LeaseInfo(
        shard=ShardId(shard),
        state=LeaseState.HELD,
        owner=OwnerId("band-worker-a-1/8f3e"),
        epoch=Epoch(1_795_276_360_312),
        since=NOW - 5_000,
        expires_at=NOW + 1_000,
    )
    return replace(held, **changes)  # type: ignore[arg-type]  # fields of a lease


def pod(name: str, **changes: object) -> PodStatus:
    """Return a pod that is ready."""
    running = PodStatus(
        name=name,
        workload=name.rpartition("-")[0],
        address="127.1.2.3",
        phase=PodPhase.RUNNING,
        ready=True,
        restarts=0,
        age_s=10.0,
        image="x",
        pid=1,
        message="",
    )
    return replace(running, **changes)  # type: ignore[arg-type]  # fields of a status


def test_shards_name_the_pod_and_keep_long_epochs_whole() -> None:
    """The owner's boot id is left out; an epoch is text, because JavaScript rounds large numbers."""
    held, late, free = shard_views(
        (lease(0), lease(1, expires_at=NOW - 1), lease(2, state=LeaseState.FREE, owner=None)), NOW
    )
    assert (held.pod, held.epoch, held.late) == ("band-worker-a-1", "1795276360312", False)
    assert late.late
    assert (free.pod, free.state, free.late) == ("", "free", False)


def test_a_node_nobody_probed_yet_is_unknown_and_a_region_may_be_empty() -> None:
    """What is missing is shown as missing, not as zero."""
    registry = RegistryView(now_ms=NOW, reports={}, loads={}, cordons={})
    first, second = region_views(TOPOLOGY, registry, [pod("band-lavalink-us-east-0")])
    node = first.nodes[0]
    assert (node.state, node.cpu, node.probe_ms, node.capacity) == ("unknown", None, None, 50)
    assert node.pod == "band-lavalink-us-east-0"
    assert (second.region, second.players, second.nodes) == ("eu-central", 0, ())


def test_a_probed_node_shows_its_report() -> None:
    """State, load, players and orders come from the registry."""
    name = NodeId("us-east-0")
    report = NodeReport(
        node=name, state=NodeState.OVERLOADED, probed_at=NOW, probe_ms=12.6, system_load=0.914
    )
    registry = RegistryView(
        now_ms=NOW,
        reports={name: report},
        loads={name: NodeLoad(players=4, reserved=1)},
        cordons={name: Cordon(by="somebody")},
    )
    region = region_views(TOPOLOGY, registry, [])[0]
    node = region.nodes[0]
    assert (node.state, node.cordoned, node.players, node.reserved) == ("overloaded", True, 4, 1)
    assert (node.cpu, node.probe_ms, region.players, node.pod) == (0.91, 13, 4, "")


def test_players_say_who_serves_them() -> None:
    """Shard, its holder, node and region; a player without a node or song has none."""
    item = QueueItem(id=ItemId("1"), track=TRACK, requester=UserId(5), requested_at=NOW)
    playing = PlayerSnapshot(
        guild=GuildId(1 << 22), current=item, node=NodeId("us-east-0"), listeners=(UserId(5),)
    )
    idle = PlayerSnapshot(guild=GuildId(2 << 22))
    first, second = player_views({playing.guild: playing, idle.guild: idle}, TOPOLOGY, (lease(1),))
    assert (first.shard, first.worker, first.node, first.region) == (
        1,
        "band-worker-a-1",
        "us-east-0",
        "us-east",
    )
    assert (first.title, first.length_ms, first.listeners) == ("Tide Tables", 9_000, 1)
    assert (second.shard, second.worker, second.node, second.region, second.title) == (0, "", "", "", None)


def test_a_spare_is_a_ready_worker_without_shards() -> None:
    """Workers come first; what a pod holds makes the difference between worker and spare."""
    pods = [pod("band-redis-0"), pod("band-worker-a-1"), pod("band-worker-a-2"), pod("band-sim-discord-0")]
    shown = pod_views(
        pods,
        "band",
        held=held_by((lease(0), lease(1))),
        started_at={"band-redis-0": 7},
        stopped=frozenset({"band-redis-0"}),
        figures={"band-worker-a-1": Figures(50 * 1_048_576, None)},
    )
    assert [(one.short, one.role, one.spare) for one in shown] == [
        ("worker-a-1", Role.WORKER, False),
        ("worker-a-2", Role.WORKER, True),
        ("redis-0", Role.STORE, False),
        ("sim-discord-0", Role.OUTSIDE, False),
    ]
    assert (shown[0].shards, shown[0].rss_mib, shown[0].cpu) == ((0, 1), 50, None)
    assert (shown[2].stopped, shown[2].started_at) == (True, 7)


@pytest.mark.parametrize(
    ("workload", "role"),
    [
        ("band-worker", Role.WORKER),
        ("band-lavalink-us-east", Role.LAVALINK),
        ("band-router", Role.ROUTER),
        ("band-postgres", Role.STORE),
        ("band-sim-tunes", Role.OUTSIDE),
    ],
)
def test_a_workload_tells_what_its_pods_are_for(workload: str, role: Role) -> None:
    """By its name, which the plan gives."""
    assert role_of(workload, "band") is role


def event(data: ShardPromoted | PlayerMoved | TrackStarted, guild: int | None = None) -> DomainEvent:
    """Return a fact."""
    return DomainEvent(id=EventId("e"), guild=None if guild is None else GuildId(guild), at=NOW, data=data)


PROMOTED = ShardPromoted(
    shard=ShardId(3),
    previous=OwnerId("band-worker-a/1"),
    owner=OwnerId("band-worker-c/2"),
    epoch=Epoch(9),
    reason="expired",
    resume_ms=412,
)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (event(PROMOTED), "shard 3: worker-a → worker-c, resumed in 412 ms"),
        (
            event(replace(PROMOTED, replayed=1)),
            "shard 3: worker-a → worker-c, resumed in 412 ms, 1 event replayed",
        ),
        (
            event(replace(PROMOTED, replayed=2)),
            "shard 3: worker-a → worker-c, resumed in 412 ms, 2 events replayed",
        ),
        (
            event(replace(PROMOTED, resume_ms=None, previous=None)),
            "shard 3: nobody → worker-c, with a new session, as Discord refused the old one",
        ),
        (
            event(PlayerMoved(source=NodeId("a-0"), target=NodeId("b-0"), reason="node_dead"), guild=7),
            "Vinyl Club: a-0 → b-0, node dead",
        ),
        (
            event(PlayerMoved(source=NodeId("a-0"), target=NodeId("b-0"), reason="asked"), guild=8),
            "server 8: a-0 → b-0, asked",
        ),
    ],
)
def test_what_happened_is_told_in_words(fact: DomainEvent, text: str) -> None:
    """Promotions and moves, with short names of pods and people's names of servers."""
    told = words_of(fact, "band", {7: "Vinyl Club"})
    assert told is not None
    assert (told.text, told.at) == (text, NOW)


def test_everyday_facts_are_not_told() -> None:
    """A song that begins and a probe that passes are no news of the cluster."""
    assert words_of(event(TrackStarted(track=TRACK, requester=UserId(1)), guild=7), "band", {}) is None
    started = PodEvent(at=1.0, pod="band-worker-a", kind=EventKind.STARTED, message="")
    assert words_of_pod(started, "band", NOW) is None
    exited = PodEvent(at=1.0, pod="band-worker-a", kind=EventKind.EXITED, message="ended by SIGKILL")
    assert words_of_pod(exited, "band", NOW) == Happening(
        at=NOW, kind="pod", text="worker-a exited: ended by SIGKILL"
    )


METRICS = """# HELP process_cpu_seconds_total x
process_cpu_seconds_total 12.5
process_resident_memory_bytes 1.048576e+06
segue_players_live 3.0
"""


def test_cpu_is_the_share_of_a_core_between_two_readings() -> None:
    """The first reading, and the first after a restart, have none."""
    first = parse(METRICS, 10.0)
    assert first == Reading(10.0, 12.5, 1_048_576.0)
    assert figures(None, first) == Figures(1_048_576.0, None)
    assert figures(first, Reading(12.0, 13.5, 2.0)) == Figures(2.0, 0.5)
    assert figures(first, Reading(12.0, 0.5, 2.0)) == Figures(2.0, None)
    assert parse("segue_players_live 3.0\n", 1.0) is None
