"""What the audio routers know together: node reports, players, reservations and cordons.

All keys lie under the tag ``{nodes}``, so that one script sees a node's load and its promises at once:

================  ========  ===============================================================  =============
key               type      what                                                             lifetime
================  ========  ===============================================================  =============
``reports``       hash      node → :class:`NodeReport` (JSON, opaque to scripts)             topology's
``players``       hash      node → players it reported last                                  topology's
``schedule``      zset      node → when its next probe is due, Redis ms                      topology's
``reservations``  zset      ``<node> NUL <made at, ms> NUL <guild>``, all scores 0           30 s a member
``homes``         hash      guild → its member of ``reservations``                           with it
``cordons``       hash      node → :class:`Cordon` (JSON), a drain included                  until lifted
================  ========  ===============================================================  =============

A reservation ends when it lapses, is released, is replaced by another of its guild, or when the node
reports one more player: the node tells how many it has, not whose, so the oldest promise counts as kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.ids import GuildId, NodeId
from segue_core.redis.lane import ScriptLane
from segue_core.redis.script import Call, Script, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

RESERVATION_TTL_MS = 30_000
"""Longer than any player needs to be created, its retries included."""

REPORT_SCHEMA = 1


class NodeState(StrEnum):
    """What probes say of a node; the words of ``segue.router.v1.NodeState``."""

    UNKNOWN = "unknown"
    READY = "ready"
    OVERLOADED = "overloaded"
    HUNG = "hung"
    DEAD = "dead"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """What the last probe of a node found, and what the next one must know to judge it.

    ``seen_at`` is when a probe was last answered with stats, ``probed_at`` when one last ended: Redis ms,
    0 for never. ``candidate`` is a state that was observed ``streak`` times in a row and does not count
    yet. Loads are shares, 0.0 to 1.0; ``frame_deficit`` is absent before a minute of voice.
    """

    node: NodeId
    state: NodeState
    probed_at: int
    detail: str = ""
    candidate: NodeState | None = None
    streak: int = 0
    seen_at: int = 0
    probe_ms: float | None = None
    players: int = 0
    playing_players: int = 0
    system_load: float = 0.0
    lavalink_load: float = 0.0
    frame_deficit: float | None = None
    version: str = ""
    schema: int = REPORT_SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Cordon:
    """Whose order keeps new players away from a node, and why.

    ``drain``: those that play there are to move elsewhere too.
    """

    by: str
    reason: str = ""
    since: int = 0
    drain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLoad:
    """Players a node reported and places promised on it."""

    players: int = 0
    reserved: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryView:
    """Everything known of the nodes asked for, true at one instant (``now_ms``, Redis time)."""

    now_ms: int
    reports: dict[NodeId, NodeReport]
    loads: dict[NodeId, NodeLoad]
    cordons: dict[NodeId, Cordon]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeLease:
    """Nodes to probe now, with their last report; the caller's alone until ``until`` (Redis ms)."""

    now_ms: int
    until: int
    nodes: dict[NodeId, NodeReport | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node that may be chosen, and the most players it may carry (0: no bound)."""

    node: NodeId
    capacity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A place kept for a guild until ``until`` (Redis ms); ``reserved`` counts all on that node."""

    node: NodeId
    until: int
    reserved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveRequest:
    """A guild in want of a place; see :meth:`NodeRegistry.reserve`."""

    guild: GuildId
    places: tuple[Place, ...]
    nearly_equal: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTarget:
    """A node that players may move to.

    ``capacity``: the most players it may carry (0: no bound). ``starts``: the most reservations it may get
    within the window of a start, newcomers' included.
    """

    node: NodeId
    capacity: int
    starts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """A guild whose player moves. ``order``: index of its order; ``meant``: of the target meant for it."""

    guild: GuildId
    order: int
    meant: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePlan:
    """Players to be placed in turn; see :meth:`NodeRegistry.reserve_moves`.

    An order is groups of indices of targets, the nearest group first.
    """

    targets: tuple[MoveTarget, ...]
    orders: tuple[tuple[tuple[int, ...], ...], ...]
    movers: tuple[Mover, ...]
    window_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What became of a plan: for each mover an index of a target, None when all are full, or a wait.

    ``until``: when the earliest of the reservations lapses, Redis ms. ``reserved``: all on each target.
    """

    until: int
    places: tuple[int | Wait | None, ...]
    reserved: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """There is room, but too many players begin there just now: ask again in ``ms``."""

    ms: int


class NodeKeys:
    """The names of the registry's keys."""

    def __init__(self, keys: Keys) -> None:
        self.prefix = keys.nodes("")

    @property
    def cordons(self) -> str:
        """Orders to keep new players away."""
        return f"{self.prefix}cordons"


class NodeRegistry:
    """The registry of one cluster. Every change is one script; replicas need not know of each other.

    Every method raises ``redis.exceptions.RedisError`` when Redis cannot be asked; whether a change that
    was not answered took effect is then unknown, and each may simply be repeated.
    """

    def __init__(
        self, redis: RedisClient, keys: Keys, *, reservation_ttl_ms: int = RESERVATION_TTL_MS
    ) -> None:
        self._redis = redis
        self._keys = NodeKeys(keys)
        self._ttl = reservation_ttl_ms
        self._lane = ScriptLane(redis)
        self._reserve = Script("nodes", "nodes_reserve")
        self._replace = Script("nodes", "nodes_replace")
        self._release = Script("nodes", "nodes_release")
        self._due = Script("nodes", "nodes_due")
        self._record = Script("nodes", "nodes_record")
        self._view = Script("nodes", "nodes_view")
        self._retain = Script("nodes", "nodes_retain")

    async def reserve(
        self, guild: GuildId, places: Sequence[Place], *, nearly_equal: int = 1
    ) -> Reservation | None:
        """Keep a place for ``guild`` on the first of ``places`` with room, replacing its earlier one.

        The place it holds already is kept when it is among the first ``nearly_equal``. None when every
        place is full or cordoned; what the guild held before then stays.
        """
        request = ReserveRequest(guild=guild, places=tuple(places), nearly_equal=nearly_equal)
        return (await self.reserve_many([request]))[0]

    async def reserve_many(self, requests: Sequence[ReserveRequest]) -> list[Reservation | None]:
        """Do as :meth:`reserve` for each in turn, in one round trip."""
        calls = [self._reserve_call(request) for request in requests]
        return [_reservation(reply) for reply in await self._lane.many(self._reserve, calls)]

    def _reserve_call(self, request: ReserveRequest) -> Call:
        lines = "".join([f"{place.node}\n{place.capacity}\n" for place in request.places])
        return Call((self._keys.prefix,), (request.guild, self._ttl, request.nearly_equal, lines))

    async def reserve_moves(self, plan: MovePlan) -> Moves:
        """Keep a place for each mover in turn, by one script: replicas share one bound.

        A mover gets the first target of its order with room and a free start, beginning in each group
        with the one meant for it; a nearer group that has room but no free start is waited for. What a
        mover held before stays when it gets nothing.
        """
        targets = "".join([f"{one.node}\n{one.capacity}\n{one.starts}\n" for one in plan.targets])
        orders = "".join(
            [
                ";".join([",".join([str(index + 1) for index in group]) for group in order]) + "\n"
                for order in plan.orders
            ]
        )
        movers = "".join(
            [
                f"{one.guild} {one.order + 1} {0 if one.meant is None else one.meant + 1}\n"
                for one in plan.movers
            ]
        )
        call = Call((self._keys.prefix,), (self._ttl, plan.window_ms, targets, orders, movers))
        reply = (await self._lane.many(self._replace, [call]))[0]
        end = 2 + len(plan.movers)
        return Moves(
            until=int(reply[1]),
            places=tuple([_place_of(number) for number in reply[2:end]]),
            reserved=tuple(reply[end:]),
        )

    async def release(self, guild: GuildId) -> bool:
        """Give the guild's place back; whether it had one that had not lapsed."""
        return bool(await self._release(self._redis, (self._keys.prefix,), (guild, self._ttl)))

    async def due(self, nodes: Sequence[NodeId], *, lease_ms: int, most: int) -> ProbeLease:
        """Take up to ``most`` of the nodes whose probe is due."""
        reply = await self._due(self._redis, (self._keys.prefix,), (lease_ms, most, *nodes))
        taken = {node: _report(report) for node, report in _pairs(reply[2:]).items()}
        return ProbeLease(now_ms=int(reply[0]), until=int(reply[1]), nodes=taken)

    async def record(
        self, report: NodeReport, lease: ProbeLease, *, next_at: int, players: int | None
    ) -> bool:
        """Store what a probe found; False when the lease had run out and somebody else took the node.

        ``players`` is the number of players the node has, None when the probe did not learn it.
        """
        count = "" if players is None else players
        arguments = (report.node, lease.until, next_at, encode(report), count, self._ttl)
        return bool(await self._record(self._redis, (self._keys.prefix,), arguments))

    async def view(self, nodes: Sequence[NodeId]) -> RegistryView:
        """Return what is known of ``nodes``. A report that cannot be read counts as none."""
        reply = await self._view(self._redis, (self._keys.prefix,), (self._ttl, *nodes))
        stored, players = _pairs(reply[1]), _pairs(reply[2])
        counts = dict(zip(nodes, reply[4], strict=True))
        reports = {node: report for node in nodes if (report := _report(stored.get(node))) is not None}
        loads = {
            node: NodeLoad(players=int(players.get(node, b"0")), reserved=int(counts[node])) for node in nodes
        }
        cordons = {node: _cordon(order) for node, order in _pairs(reply[3]).items()}
        return RegistryView(now_ms=int(reply[0]), reports=reports, loads=loads, cordons=cordons)

    async def starting(self, nodes: Sequence[NodeId], window_ms: int) -> dict[NodeId, int]:
        """Return how many places were promised on each node within so many ms, and not taken yet."""
        reply = await self._view(self._redis, (self._keys.prefix,), (window_ms, *nodes))
        return {node: int(count) for node, count in zip(nodes, reply[4], strict=True)}

    async def retain(self, nodes: Sequence[NodeId]) -> int:
        """Forget every node but these; how many were forgotten. Cordons stay."""
        return int(await self._retain(self._redis, (self._keys.prefix,), tuple(nodes)))

    async def now_ms(self) -> int:
        """Return Redis' time."""
        seconds, micros = await self._redis.execute_command("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def cordon(self, node: NodeId, order: Cordon) -> None:
        """Keep new players away from ``node`` from this instant on."""
        command: Any = self._redis.hset(self._keys.cordons, node, encode(order))
        await command

    async def uncordon(self, node: NodeId) -> bool:
        """Lift the order; whether there was one."""
        command: Any = self._redis.hdel(self._keys.cordons, node)
        return bool(await command)

    async def cordons(self) -> dict[NodeId, Cordon]:
        """Return all orders, those for nodes that are away included."""
        command: Any = self._redis.hgetall(self._keys.cordons)
        stored: dict[bytes, bytes] = await command
        return {NodeId(text(node)): decode(Cordon, order) for node, order in stored.items()}


def _place_of(number: int) -> int | Wait | None:
    if number < 0:
        return Wait(-number)
    return number - 1 if number else None


def _cordon(data: bytes) -> Cordon:
    """Read an order; one that cannot be read keeps players away all the same."""
    try:
        return decode(Cordon, data)
    except MalformedValueError:
        return Cordon(by="unknown")


def _reservation(reply: Sequence[bytes]) -> Reservation | None:
    if len(reply) == 1:
        return None
    return Reservation(node=NodeId(text(reply[1])), until=int(reply[2]), reserved=int(reply[3]))


def _pairs(flat: Sequence[bytes]) -> dict[NodeId, bytes]:
    return {NodeId(text(name)): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _report(data: bytes | None) -> NodeReport | None:
    """Read a report; a newer release's, with a state we do not know, is none, and is probed anew."""
    if not data:
        return None
    try:
        return decode(NodeReport, data)
    except MalformedValueError:
        return None
