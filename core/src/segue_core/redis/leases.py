"""The lease plane: who may act for a shard, under which epoch, and until when.

Every change is one Lua script under the tag ``{plane}`` and judged by Redis TIME. A lease says "my
task for this shard turns", nothing about Discord. See docs/explanation/leases.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.ids import Epoch, NodeId, NodeSessionId, OwnerId, ShardId
from segue_core.models import SNAPSHOT_SCHEMA, Fence, GatewaySession
from segue_core.redis.script import Argument, Script, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys

LEASE_TTL_MS = 2_000
EXPIRY_GRACE_MS = 100
"""How long after its expiry a lease is left alone: clock skew between Redis nodes."""
OFFER_MS = 500
"""How long a released lease waits for its successor before anyone may claim it."""
PROMOTION_WINDOW_MS = 10_000
FOREIGN_ZONE_DELAY_MS = 100
"""Head start of spares in the dead worker's zone."""
GATEWAY_SESSION_LIFETIME_MS = 3_600_000
"""Discord forgets a session within minutes; ours must not outlive it by days."""
DEFUSE_LIFETIME_MS = 3_600_000
"""Far beyond the resume timeout (300 s) of a node session."""


class LeaseState(StrEnum):
    """Where a lease stands."""

    FREE = "free"
    HELD = "held"
    OFFERED = "offered"


class ClaimReason(StrEnum):
    """Why a shard could be claimed: never held or let go of, handed over, or its holder fell silent."""

    FREE = "free"
    OFFERED = "offered"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBeat:
    """A worker's heartbeat: how many shards it can hold and holds, where it runs, and what it is."""

    owner: OwnerId
    capacity: int
    zone: str = ""
    version: str = ""
    held: int = 0
    schema: int = SNAPSHOT_SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a renewal answered, at ``now_ms``.

    ``lost`` are the shards that are no longer the caller's. Until ``hold_until`` (Redis ms) the
    plane is in its hold-off after an outage: whoever sees it move rewrites what it remembers.
    """

    now_ms: int
    hold_until: int
    fences: dict[ShardId, Fence]
    lost: frozenset[ShardId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A shard that is ours from now on, and what its last holder left."""

    fence: Fence
    reason: ClaimReason
    previous_owner: OwnerId | None = None
    gateway: GatewaySession | None = None
    nodes: dict[NodeId, NodeSessionId] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a claim answered. ``capped`` counts expired leases left alone by the cap on promotions."""

    now_ms: int
    hold_until: int
    claimed: tuple[Claimed, ...] = ()
    capped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseInfo:
    """One lease as an onlooker sees it. ``owner`` of an offered one is the successor."""

    shard: ShardId
    state: LeaseState
    owner: OwnerId | None
    epoch: Epoch
    since: int
    expires_at: int
    schema: int = 0
    zone: str = ""


def promotion_cap(num_shards: int, per_worker: int) -> int:
    """Return how many expired leases may be claimed within ten seconds.

    A mass expiry is an outage or an overload of ours; promoting everything would make it worse.
    """
    return max(2 * per_worker, num_shards // 5, 1)


class LeasePlane:
    """The lease plane of one cluster.

    Every method raises :class:`redis.exceptions.RedisError` when Redis cannot be asked; whether
    the call took effect is then unknown. Renewals may be repeated freely.
    """

    _renew = Script("plane", "renew")
    _claim = Script("plane", "claim")
    _release = Script("plane", "release")
    _session = Script("plane", "session")

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def renew(
        self, beat: WorkerBeat, held: Mapping[ShardId, Epoch], ttl_ms: int = LEASE_TTL_MS
    ) -> Renewal:
        """Extend all leases the worker holds, in one call; spares send an empty map.

        A renewal with an epoch above the stored one restores a lease Redis forgot.
        """
        arguments: list[Argument] = [beat.owner, ttl_ms, encode(beat), beat.zone]
        for shard, epoch in held.items():
            arguments += [shard, epoch]
        now, hold_until, *expiries = map(int, await self._renew(self._redis, [self._keys.plane], arguments))
        fences = {
            shard: Fence(shard=shard, epoch=epoch, owner=beat.owner, expires_at=expiry)
            for (shard, epoch), expiry in zip(held.items(), expiries, strict=True)
            if expiry
        }
        return Renewal(
            now_ms=now, hold_until=hold_until, fences=fences, lost=frozenset(held.keys() - fences.keys())
        )

    async def claim(
        self,
        owner: OwnerId,
        max_shards: int,
        num_shards: int,
        schema: int = SNAPSHOT_SCHEMA,
        ttl_ms: int = LEASE_TTL_MS,
        per_worker: int = 1,
        *,
        zone: str = "",
        spare: bool = True,
    ) -> Claims:
        """Take up to ``max_shards`` shards: offered to us first, then free, then expired ones.

        Shards whose snapshots are of a newer ``schema`` than ours are skipped. Spares take an
        expired lease 100 ms after its expiry, those of another zone 100 ms later, workers that hold
        something (``spare=False``) one TTL later.
        """
        arguments: list[Argument] = [
            owner,
            max_shards,
            num_shards,
            schema,
            ttl_ms,
            promotion_cap(num_shards, per_worker),
            PROMOTION_WINDOW_MS,
            EXPIRY_GRACE_MS,
            zone,
            FOREIGN_ZONE_DELAY_MS,
            0 if spare else ttl_ms,
        ]
        now, hold_until, capped, *rows = await self._claim(self._redis, [self._keys.plane], arguments)
        return Claims(
            now_ms=int(now),
            hold_until=int(hold_until),
            capped=int(capped),
            claimed=tuple(_claimed(owner, row) for row in rows),
        )

    async def release(self, fence: Fence, successor: OwnerId | None = None) -> bool:
        """Let go of a shard under a new epoch, free or offered to ``successor`` for 500 ms.

        False: it was no longer ours.
        """
        arguments: list[Argument] = [fence.shard, fence.epoch, fence.owner, successor or "", OFFER_MS]
        return bool(await self._release(self._redis, [self._keys.plane], arguments))

    async def checkpoint(self, fence: Fence, session: GatewaySession) -> bool:
        """Store the gateway session for whoever comes next. False: the shard is no longer ours."""
        return await self._keep(
            fence,
            self._keys.gateway(fence.shard),
            GATEWAY_SESSION_LIFETIME_MS,
            "set",
            ("session", encode(session), "epoch", fence.epoch),
        )

    async def forget_gateway(self, fence: Fence) -> bool:
        """Forget the gateway session: Discord has ended it. False: the shard is no longer ours."""
        return await self._keep(fence, self._keys.gateway(fence.shard), 0, "drop")

    async def save_node_session(self, fence: Fence, node: NodeId, session: NodeSessionId) -> bool:
        """Store the session this shard has on a node. False: the shard is no longer ours."""
        return await self._keep(fence, self._keys.lavalink(fence.shard), 0, "set", (node, session))

    async def drop_node_session(self, fence: Fence, node: NodeId) -> bool:
        """Forget the session on a node. False: the shard is no longer ours."""
        return await self._keep(fence, self._keys.lavalink(fence.shard), 0, "del", (node,))

    async def owe_defuse(self, fence: Fence, node: NodeId, session: NodeSessionId, since: int) -> bool:
        """Note an old node session that is still to be ended; the debt outlives its debtor."""
        key = self._keys.defuse(fence.shard)
        return await self._keep(fence, key, DEFUSE_LIFETIME_MS, "set", (f"{node}/{session}", since))

    async def settle_defuse(self, fence: Fence, node: NodeId, session: NodeSessionId) -> bool:
        """Note that an old node session is ended. False: the shard is no longer ours."""
        return await self._keep(fence, self._keys.defuse(fence.shard), 0, "del", (f"{node}/{session}",))

    async def owed_defuses(self, shard: ShardId) -> tuple[tuple[NodeId, NodeSessionId], ...]:
        """Return the node sessions of this shard that are still to be ended."""
        fields: list[Any] = await _call(self._redis, "HKEYS", self._keys.defuse(shard))
        pairs = (text(one).partition("/") for one in fields)
        return tuple((NodeId(node), NodeSessionId(session)) for node, _, session in pairs)

    async def overview(self) -> tuple[LeaseInfo, ...]:
        """Return every lease, by shard."""
        rows = await _call(self._redis, "ZRANGE", f"{self._keys.plane}leases", 0, -1, "WITHSCORES")
        expiries = {ShardId(int(shard)): int(float(expiry)) for shard, expiry in _pairs(rows)}
        pipeline: Any = self._redis.pipeline(transaction=False)
        for shard in expiries:
            pipeline.hgetall(f"{self._keys.plane}lease:{shard}")
        hashes = await pipeline.execute()
        infos = (
            _info(shard, expiries[shard], fields) for shard, fields in zip(expiries, hashes, strict=True)
        )
        return tuple(sorted(infos, key=lambda info: info.shard))

    async def workers(self, seen_within_ms: int = 3 * LEASE_TTL_MS) -> tuple[WorkerBeat, ...]:
        """Return the workers whose heartbeat is not older than ``seen_within_ms``, by owner."""
        plane = self._keys.plane
        seconds, micros = await _call(self._redis, "TIME", target=plane)
        since = int(seconds) * 1000 + int(micros) // 1000 - seen_within_ms
        alive = {
            text(one)
            for one in await _call(self._redis, "ZRANGE", f"{plane}workers:seen", since, "+inf", "BYSCORE")
        }
        beats = _pairs(await _call(self._redis, "HGETALL", f"{plane}workers"))
        found = (decode(WorkerBeat, beat) for owner, beat in beats if text(owner) in alive)
        return tuple(sorted(found, key=lambda beat: beat.owner))

    async def _keep(
        self,
        fence: Fence,
        key: str,
        lifetime_ms: int,
        action: str,
        fields: tuple[Argument, ...] = (),
    ) -> bool:
        arguments: list[Argument] = [
            fence.shard,
            fence.epoch,
            fence.owner,
            lifetime_ms,
            action,
            *fields,
        ]
        return bool(await self._session(self._redis, [self._keys.plane, key], arguments))


async def _call(redis: RedisClient, *command: Any, target: str | None = None) -> Any:
    if target is not None and not hasattr(redis, "connection_pool"):
        # In a cluster a command without a key needs a node: the one that serves the plane.
        node = redis.get_node_from_key(target)
        return await redis.execute_command(*command, target_nodes=node)
    return await redis.execute_command(*command)


def _pairs(reply: Any) -> list[tuple[Any, Any]]:
    """Return field and value pairs, however the protocol's version delivers them."""
    if isinstance(reply, dict):
        return list(reply.items())
    if reply and isinstance(reply[0], (list, tuple)):
        return [(one[0], one[1]) for one in reply]
    return list(zip(reply[::2], reply[1::2], strict=True))


def _claimed(owner: OwnerId, row: list[Any]) -> Claimed:
    shard, epoch, expiry, previous, reason, session, nodes = row
    fence = Fence(shard=ShardId(int(shard)), epoch=Epoch(int(epoch)), owner=owner, expires_at=int(expiry))
    return Claimed(
        fence=fence,
        reason=ClaimReason(text(reason)),
        previous_owner=OwnerId(text(previous)) if previous else None,
        gateway=_session_of(session),
        nodes={NodeId(text(node)): NodeSessionId(text(value)) for node, value in _pairs(nodes)},
    )


def _session_of(stored: bytes | str) -> GatewaySession | None:
    if not stored:
        return None
    try:
        return decode(GatewaySession, stored)
    except MalformedValueError:
        # Written by a release we do not understand: as good as none, an IDENTIFY replaces it.
        return None


def _info(shard: ShardId, expires_at: int, fields: dict[Any, Any]) -> LeaseInfo:
    known = {text(name): text(value) for name, value in fields.items()}
    return LeaseInfo(
        shard=shard,
        state=LeaseState(known.get("state", LeaseState.FREE)),
        owner=OwnerId(known["owner"]) if known.get("owner") else None,
        epoch=Epoch(int(known.get("epoch", "0"))),
        since=int(known.get("since", "0")),
        expires_at=expires_at,
        schema=int(known.get("schema", "0")),
        zone=known.get("zone", ""),
    )
