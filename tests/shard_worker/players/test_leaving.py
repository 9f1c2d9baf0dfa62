"""Who leaves a node that works, and in what order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from segue_core.ids import ChannelId, GuildId, ItemId, NodeId, RegionName, UserId
from segue_core.models import PlayerSnapshot, QueueItem, Track, VoiceLink
from segue_worker.domain.state import GuildState
from segue_worker.players.leaving import Departure, Rests, next_departure
from segue_worker.players.moves import movers
from segue_worker.players.ports import MoveReason

EAST, WEST = NodeId("us-east-0"), NodeId("us-west-0")
COOLDOWN = 60.0
NOW = 5_000.0


@dataclass
class Places:
    """Where things are: endpoints and nodes begin with their region's name."""

    drained: frozenset[NodeId] = frozenset()
    well_for: dict[str, float] = field(default_factory=lambda: {"us-east": 1000.0, "us-west": 1000.0})

    def candidates(self, guild: GuildId) -> tuple[NodeId, ...]:
        assert guild
        return ()

    def draining(self) -> frozenset[NodeId]:
        return self.drained

    def home_of(self, endpoint: str) -> RegionName | None:
        return RegionName(endpoint.partition(".")[0]) if endpoint.startswith("us-") else None

    def region_of(self, node: NodeId) -> RegionName | None:
        return RegionName(node.rpartition("-")[0])

    def usable_for(self, region: RegionName) -> float:
        return self.well_for.get(region, 0.0)


def guild(
    number: int, *, node: NodeId = EAST, endpoint: str = "us-east.discord.example", listeners: int = 1
) -> GuildState:
    """Return a guild that is heard."""
    track = Track(encoded="e", identifier="i", title="t", author="a", length_ms=200_000, source="s")
    item = QueueItem(id=ItemId(f"{number}-0"), track=track, requester=UserId(1), requested_at=1)
    snapshot = PlayerSnapshot(
        guild=GuildId(number),
        node=node,
        current=item,
        listeners=tuple(UserId(one) for one in range(1, listeners + 1)),
    )
    voice = VoiceLink(channel=ChannelId(6), session="s", token="t", endpoint=endpoint)
    return GuildState(snapshot=snapshot, voice=voice, live=True, audible=True)


def choose(states: list[GuildState], places: Places, **more: Rests) -> Departure | None:
    """Return who leaves next."""
    rests = {"rests": Rests(), "homecomers": Rests(), **more}
    return next_departure(states, places, cooldown=COOLDOWN, now=NOW, **rests)


def test_nobody_leaves_without_a_reason() -> None:
    """At home on a node that nobody empties is where everybody stays."""
    assert choose([guild(1), guild(2)], Places()) is None


def test_an_emptied_node_is_left_by_most_listeners_first() -> None:
    """Each in turn; one that plays nothing needs no place."""
    places = Places(drained=frozenset({EAST}))
    crowd = [guild(1), guild(2, listeners=5), guild(3, node=WEST, endpoint="us-west.x", listeners=9)]
    found = choose(crowd, places)
    assert found == Departure(guild=GuildId(2), node=EAST, reason=MoveReason.DRAIN, needs_place=True)
    silent = replace(crowd[0], snapshot=replace(crowd[0].snapshot, current=None), audible=False)
    found = choose([silent], places)
    assert found is not None
    assert not found.needs_place


def test_who_is_being_started_or_moved_is_left_alone() -> None:
    """A guild in the middle of something is looked at again later; a paused one is at ease."""
    places = Places(drained=frozenset({EAST}))
    busy = [
        replace(guild(1), start_needed=True),
        replace(guild(2), audible=False),
        replace(guild(3), leaving=WEST),
        replace(guild(4), voice=None),
    ]
    assert choose(busy, places) is None
    paused = replace(guild(5), audible=False, snapshot=replace(guild(5).snapshot, paused=True))
    assert choose([*busy, paused], places) is not None
    rests = Rests()
    rests.rest(GuildId(5), NOW + 3, NOW)
    assert choose([paused], places, rests=rests) is None


def test_home_again_once_home_has_been_well_for_long_enough() -> None:
    """Not at once, not if home is not ours, not again and again; and after those that must leave."""
    away = guild(1, node=WEST, listeners=9)
    assert choose([away], Places()) == Departure(
        guild=GuildId(1), node=WEST, reason=MoveReason.HOME, needs_place=True
    )
    assert choose([away], Places(well_for={"us-east": COOLDOWN - 1})) is None
    assert choose([away], Places(well_for={})) is None
    assert choose([guild(1, node=WEST, endpoint="brazil.x")], Places()) is None
    lately = Rests()
    lately.rest(GuildId(1), NOW + 1, NOW)
    assert choose([away], Places(), homecomers=lately) is None
    first = choose([away, guild(2)], Places(drained=frozenset({EAST})))
    assert first is not None
    assert first.reason is MoveReason.DRAIN


def test_those_whose_rest_is_over_are_forgotten() -> None:
    """Guilds come and go for months: nothing of them stays behind."""
    rests = Rests()
    for number in range(100):
        rests.rest(GuildId(number), NOW + number, NOW + number)
    assert len(rests.until) <= 2
    assert not rests.resting(GuildId(99), NOW + 99)


def test_only_players_that_need_a_node_are_asked_for() -> None:
    """Of a lost node's guilds: those with music and a known voice server, with how many listen."""
    silent = replace(guild(2), snapshot=replace(guild(2).snapshot, current=None))
    joining = replace(guild(3), voice=VoiceLink(channel=ChannelId(6)))
    elsewhere = guild(4, node=WEST)
    found = movers([guild(1, listeners=3), silent, joining, elsewhere], EAST)
    assert [(one.guild, one.listeners, one.endpoint) for one in found] == [(1, 3, "us-east.discord.example")]
