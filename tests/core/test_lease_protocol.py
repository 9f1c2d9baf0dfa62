"""The lease protocol under arbitrary interleavings, on a real Valkey.

Time is real and short: a step may let a lease run out. A model keeps what everybody was told; after
each step it is compared with what Redis lets happen.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from segue_core.ids import CommandId, GuildId, OwnerId, ShardId
from segue_core.models import Fence, PlayerSnapshot
from segue_core.redis.connection import connect
from segue_core.redis.guilds import CommitStatus, GuildStore
from segue_core.redis.keys import Keys
from segue_core.redis.leases import LeasePlane, WorkerBeat

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

TTL_MS = 120
SHARDS = 2
WORKERS = st.sampled_from(range(3))
SHARD = st.sampled_from([ShardId(n) for n in range(SHARDS)])
COMMANDS = st.integers(0, 1)


@dataclass
class Told:
    """What one worker believes: the fences it was given, kept even when it should have let go."""

    owner: OwnerId
    fences: dict[ShardId, Fence] = field(default_factory=dict)
    old: list[Fence] = field(default_factory=list)


class LeaseProtocol(RuleBasedStateMachine):
    """Workers claim, renew, release, commit, sleep and are cut off, in any order."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.redis = connect(self.url, "model")
        keys = Keys(f"m-{uuid.uuid4().hex[:8]}")
        self.plane_prefix = keys.plane
        self.plane = LeasePlane(self.redis, keys)
        self.guilds = GuildStore(self.redis, keys, SHARDS)
        self.workers = [Told(OwnerId(f"w{n}/{uuid.uuid4().hex[:4]}")) for n in range(3)]
        self.granted: dict[ShardId, list[int]] = {ShardId(n): [] for n in range(SHARDS)}
        self.committed: dict[ShardId, int] = {}
        self.holder: dict[ShardId, OwnerId] = {}
        self.forgotten: set[ShardId] = set()
        self.applied: set[CommandId] = set()
        self.versions: dict[ShardId, int] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run to the end on the machine's own loop."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """Close what was opened."""
        self.run(self.redis.aclose())
        self.loop.close()

    @initialize()
    def somebody_holds_everything(self) -> None:
        """A cluster that has started: a blank plane gives nothing away at first."""
        while len(self.holder) < SHARDS:
            self.claim(0, SHARDS)
            self.run(asyncio.sleep(0.01))

    @rule(worker=WORKERS)
    def outlive(self, worker: int) -> None:
        """All holders are cut off until their leases have run out; one worker claims them."""
        self.time_passes(4 + 110 * 4 // TTL_MS)
        self.claim(worker, SHARDS)

    @rule(worker=WORKERS, heir=WORKERS, shard=SHARD, command=st.none() | COMMANDS)
    def hand_over(self, worker: int, heir: int, shard: ShardId, command: int | None) -> None:
        """A lease changes hands, and what the leaver still had in flight arrives late."""
        self.release(worker, shard, heir)
        self.claim(heir, SHARDS)
        self.commit(worker, shard, command, stale=True)

    @rule(worker=WORKERS, shard=SHARD, command=COMMANDS)
    def repeat(self, worker: int, shard: ShardId, command: int) -> None:
        """A holder that has just renewed is given the same command twice."""
        self.renew(worker)
        self.commit(worker, shard, command, stale=False)
        self.commit(worker, shard, command, stale=False)

    @rule(worker=WORKERS, most=st.integers(1, SHARDS))
    def claim(self, worker: int, most: int) -> None:
        """Epochs of a shard only grow and never repeat, whoever claims, whatever was forgotten."""
        told = self.workers[worker]
        claims = self.run(self.plane.claim(told.owner, most, SHARDS, 1, TTL_MS, SHARDS))
        for claimed in claims.claimed:
            fence = claimed.fence
            assert fence.epoch > max(self.granted[fence.shard], default=0)
            self.granted[fence.shard].append(fence.epoch)
            self.holder[fence.shard] = told.owner
            self.forgotten.discard(fence.shard)
            self._remember(told, fence)
            self.run(self.guilds.open({fence.shard: fence}))

    @rule(worker=WORKERS)
    def renew(self, worker: int) -> None:
        """Only the newest holder's renewals are accepted; everybody else is told that it lost."""
        told = self.workers[worker]
        held = {shard: fence.epoch for shard, fence in told.fences.items()}
        renewal = self.run(self.plane.renew(WorkerBeat(owner=told.owner, capacity=SHARDS), held, TTL_MS))
        for shard, fence in renewal.fences.items():
            assert fence.epoch == max(self.granted[shard])
            assert self.holder[shard] == told.owner
            told.fences[shard] = fence
            self.forgotten.discard(shard)
        for shard in renewal.lost:
            told.old.append(told.fences.pop(shard))

    @rule(worker=WORKERS, shard=SHARD, successor=st.none() | WORKERS)
    def release(self, worker: int, shard: ShardId, successor: int | None) -> None:
        """A release by the holder is believed once; by anybody else never."""
        told = self.workers[worker]
        fence = told.fences.get(shard)
        if fence is None:
            return
        heir = None if successor is None else self.workers[successor].owner
        released = self.run(self.plane.release(fence, heir))
        ours = self.holder.get(shard) == told.owner and fence.epoch == max(self.granted[shard])
        assert released == (ours and shard not in self.forgotten)
        if released:
            del self.holder[shard]
            told.old.append(told.fences.pop(shard))

    @rule(worker=WORKERS, shard=SHARD, command=st.none() | COMMANDS, stale=st.booleans())
    def commit(self, worker: int, shard: ShardId, command: int | None, stale: bool) -> None:
        """What lands was sent by the newest holder the guild knows of, and no command lands twice."""
        told = self.workers[worker]
        known = [fence for fence in told.old if fence.shard == shard] if stale else []
        fence = known[-1] if known else told.fences.get(shard)
        if fence is None:
            return
        guild = GuildId((1000 + shard) << 22)
        name = None if command is None else CommandId(f"{shard}-{command}")
        sent_at = self._redis_ms()
        outcome = self.run(
            self.guilds.commit(
                fence,
                guild,
                snapshot=PlayerSnapshot(guild=guild),
                base_version=self.versions.get(shard, 0),
                command=name,
            )
        )
        newest = max(self.granted[shard])
        if outcome.status is CommitStatus.OK:
            assert fence.epoch == newest, "a stale holder's commit landed"
            assert sent_at <= fence.expires_at, "a commit landed past its lease"
            assert fence.epoch >= self.committed.get(shard, 0)
            assert name is None or name not in self.applied
            self.committed[shard] = fence.epoch
            self.versions[shard] = outcome.version
            if name is not None:
                self.applied.add(name)
        elif outcome.status is CommitStatus.DUPLICATE:
            assert name in self.applied
        elif outcome.status is CommitStatus.STALE_EPOCH:
            assert fence.epoch < newest
        else:
            assert outcome.status is CommitStatus.EXPIRED, "nobody else wrote, so versions agree"

    @rule(steps=st.integers(1, 5))
    def time_passes(self, steps: int) -> None:
        """Up to a lease's life passes; somebody ticks, as spares always do, so it is no outage."""
        idle = WorkerBeat(owner=OwnerId("ticker/1"), capacity=0)
        for _ in range(steps):
            self.run(asyncio.sleep(TTL_MS / 4000))
            self.run(self.plane.renew(idle, {}, TTL_MS))

    @rule(shard=SHARD)
    def redis_forgets(self, shard: ShardId) -> None:
        """Redis loses its last second: the newest claim of a shard, but not its age-old epoch."""
        if not self.granted[shard]:
            return
        key = f"{self.plane_prefix}lease:{shard}"
        if shard in self.holder:
            self.forgotten.add(shard)
        older = self.granted[shard][-2] if len(self.granted[shard]) > 1 else 0
        self.run(
            self.redis.execute_command("HSET", key, "epoch", older, "owner", "nobody/0", "state", "held")
        )

    @invariant()
    def fences_that_can_commit_belong_to_one_worker(self) -> None:
        """Of all fences ever given for a shard, those not older than the newest are one worker's."""
        for shard, epochs in self.granted.items():
            if not epochs:
                continue
            newest = max(epochs)
            owners = {
                fence.owner
                for told in self.workers
                for fence in (*told.fences.values(), *told.old)
                if fence.shard == shard and fence.epoch == newest
            }
            assert len(owners) <= 1

    def _redis_ms(self) -> int:
        seconds, micros = self.run(self.redis.execute_command("TIME"))
        return int(seconds) * 1000 + int(micros) // 1000

    @staticmethod
    def _remember(told: Told, fence: Fence) -> None:
        earlier = told.fences.get(fence.shard)
        if earlier is not None:
            told.old.append(replace(earlier, expires_at=fence.expires_at))
        told.fences[fence.shard] = fence


@pytest.mark.timeout(300)
def test_no_interleaving_breaks_the_lease_protocol(valkey_url: str) -> None:
    """Never two holders whose fences both commit, no epoch twice, no stale commit, no command twice."""
    machine = type("Machine", (LeaseProtocol,), {"url": valkey_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            phases=(Phase.generate,),  # real time does not repeat, so there is nothing to shrink
            suppress_health_check=list(HealthCheck),
        ),
    )
