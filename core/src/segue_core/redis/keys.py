"""Every key in Redis, with its type, its lifetime and who may read it.

A key is ``segue:<cluster>:{<tag>}:<name>``. Keys with one tag lie in one slot of a Redis Cluster,
and a script touches keys of one tag only. Keys whose name begins with ``private:`` hold credentials
(session ids, voice and interaction tokens): an ACL gives the pattern ``*:private:*`` to workers only.

Tag ``{plane}``, the lease plane (see ``takeover`` in the docs):

==========================  ========  =====================================================  ==========
key                         type      what                                                   lifetime
==========================  ========  =====================================================  ==========
``leases``                  zset      shard → expiry, Redis ms; 0 = free                     for ever
``lease:<shard>``           hash      owner, epoch, state, since, schema, previous, zone     for ever
``offers``                  hash      shard → successor it is offered to                     for ever
``private:gateway:<shard>`` hash      session (JSON), epoch                                  1 h
``private:lavalink:<shard>``  hash    node → node session id                                 for ever
``private:defuse:<shard>``  hash      ``<node>/<session>`` → since, ms                       1 h
``workers``                 hash      owner → heartbeat (JSON)                               pruned 60 s
``workers:seen``            zset      owner → last heartbeat, ms                             pruned 60 s
``plane``                   hash      tick, hold_until, blank_until, run_id, num_shards      for ever
``promotions``              zset      ``<shard>:<epoch>`` → when it expired lease was claimed 10 s
``identify:bucket:<n>``     string    the shard that identified last                         5.1 s
``identify:budget``         hash      remaining, reset_at                                    until reset
==========================  ========  =====================================================  ==========

Tag ``{g<k>}``, k = partition of the guild, 0…127; ``{g128}`` holds the events of no guild:

==========================  ========  =====================================================  ==========
``live``                    zset      guild with a player → ``guild >> 22``                  for ever
``owners``                  hash      ``<num_shards>/<shard>`` → ``<epoch> <owner>``         for ever
``snapshot:<guild>``        hash      data (JSON), version, schema, epoch, owner             player's
``queue:<guild>``           string    JSON                                                   player's
``private:voice:<guild>``   string    JSON                                                   player's
``applied:<guild>``         zset      command id → applied at, ms                            15 min
``private:journal:<guild>`` hash      command id → received_at + payload                     15 min
``journals``                zset      guild with a journal → ``guild >> 22``                 with it
``events``                  stream    field ``e``: a DomainEvent (JSON)                      until stored
``events:meter``            hash      bytes in the stream, refused since ever                for ever
``events:drain``            string    token of the drain that leases the partition           30 s
==========================  ========  =====================================================  ==========

Tag ``{topology}``: ``topology`` hash (generation, data), for ever.
Tag ``{nodes}``: the router's registry, loads, reservations and cordons (:mod:`segue_core.redis.nodes`).
Tag ``{limits}``: ``<what>:<whom>`` string, when its bucket is full again, until then
(:mod:`segue_core.redis.limits`). One slot for all: a use is taken from several buckets at once.
No tag: ``cache:<kind>:<key>`` string, lifetime by kind (:mod:`segue_core.redis.cache`).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_core.ids import GuildId, ShardId

PARTITIONS = 128
"""Guild partitions. Part of the schema: two releases must agree on it."""

CLUSTER_PARTITION = PARTITIONS
"""The partition of events that concern no guild."""

EVENT_PARTITIONS = range(PARTITIONS + 1)

_CLUSTER = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")


def partition_of(guild: GuildId) -> int:
    """Return the partition of a guild's keys, 0 to 127.

    Unrelated to the shard, so that the guilds of a shard spread over all partitions.
    """
    return zlib.crc32(str(guild).encode()) % PARTITIONS


@dataclass(frozen=True, slots=True)
class PartitionKeys:
    """The keys of one partition; those of a guild are built by the scripts from ``prefix``."""

    prefix: str

    @property
    def live(self) -> str:
        """Guilds with a player."""
        return f"{self.prefix}live"

    @property
    def owners(self) -> str:
        """The newest epoch each shard's guilds were opened with."""
        return f"{self.prefix}owners"

    @property
    def journals(self) -> str:
        """Guilds with journaled commands."""
        return f"{self.prefix}journals"

    @property
    def events(self) -> str:
        """The stream of domain events."""
        return f"{self.prefix}events"

    @property
    def meter(self) -> str:
        """How full the stream is."""
        return f"{self.prefix}events:meter"

    @property
    def drain(self) -> str:
        """Who moves the stream to the store."""
        return f"{self.prefix}events:drain"

    def snapshot(self, guild: GuildId) -> str:
        """The guild's player."""
        return f"{self.prefix}snapshot:{guild}"

    def queue(self, guild: GuildId) -> str:
        """The guild's queue."""
        return f"{self.prefix}queue:{guild}"

    def voice(self, guild: GuildId) -> str:
        """The guild's voice link; private."""
        return f"{self.prefix}private:voice:{guild}"

    def applied(self, guild: GuildId) -> str:
        """Command ids that took effect."""
        return f"{self.prefix}applied:{guild}"

    def journal(self, guild: GuildId) -> str:
        """Commands received and not settled; private."""
        return f"{self.prefix}private:journal:{guild}"


class Keys:
    """The names of a cluster's keys."""

    def __init__(self, cluster: str) -> None:
        if not _CLUSTER.fullmatch(cluster):
            raise ValueError(f"{cluster!r} is no cluster name: lower-case letters, digits, '-' and '.'")
        self.cluster = cluster
        self._root = f"segue:{cluster}:"

    def __repr__(self) -> str:
        return f"Keys({self.cluster!r})"

    def tagged(self, tag: str, name: str) -> str:
        """Return a key in the slot of ``tag``."""
        return f"{self._root}{{{tag}}}:{name}"

    @property
    def plane(self) -> str:
        """The prefix of the lease plane's keys."""
        return self.tagged("plane", "")

    def gateway(self, shard: ShardId) -> str:
        """The shard's gateway session; private."""
        return f"{self.plane}private:gateway:{shard}"

    def lavalink(self, shard: ShardId) -> str:
        """The shard's node sessions; private."""
        return f"{self.plane}private:lavalink:{shard}"

    def defuse(self, shard: ShardId) -> str:
        """Old node sessions that are still to be ended; private."""
        return f"{self.plane}private:defuse:{shard}"

    def partition(self, number: int) -> PartitionKeys:
        """Return the keys of a partition.

        Raises:
            ValueError: when there is no such partition.
        """
        if number not in EVENT_PARTITIONS:
            raise ValueError(f"no partition {number}: there are 0 to {CLUSTER_PARTITION}")
        return PartitionKeys(self.tagged(f"g{number}", ""))

    def partition_of(self, guild: GuildId) -> PartitionKeys:
        """Return the keys of a guild's partition."""
        return self.partition(partition_of(guild))

    @property
    def topology(self) -> str:
        """What the operator published."""
        return self.tagged("topology", "topology")

    def nodes(self, name: str) -> str:
        """Return a key of the router's registry."""
        return self.tagged("nodes", name)

    def limit(self, what: str, whom: str) -> str:
        """Return the key of a rate limit's bucket."""
        return self.tagged("limits", f"{what}:{whom.translate(_NO_BRACES)}")

    def cache(self, kind: str, key: str) -> str:
        """Return a cache entry's key. ``key`` is cleaned of braces: it must not choose a slot."""
        return f"{self._root}cache:{kind}:{key.translate(_NO_BRACES)}"


_NO_BRACES = str.maketrans({"{": "(", "}": ")"})
