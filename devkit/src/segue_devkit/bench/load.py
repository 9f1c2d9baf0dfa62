"""The load of ``segue bench commands``: commands sent open-loop, each followed to its answer and its commit.

When a command was committed is read from where its commit itself remembers it, with Redis' own time: the
set of the guild's applied commands, kept for 15 minutes. The stream of events is drained meanwhile, so
a reader of it could come too late.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from segue_core.ids import GuildId
from segue_devkit.bench.mix import Step, steps
from segue_devkit.bench.pace import paced
from segue_devkit.bench.scene import Stand
from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_devkit.discord.client import Interaction

ANSWER_PATIENCE_S = 15.0
_SAMPLES = 50
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class RedisOffset:
    """Redis' clock by CLOCK_MONOTONIC, ns: ``redis = monotonic + offset``, wrong by ``error`` at most."""

    offset_ns: int
    error_ns: int

    @classmethod
    async def measure(cls, redis: RedisClient) -> Self:
        """Ask for the time as often as it takes for one quick answer."""
        best = cls(0, 1 << 62)
        for _ in range(_SAMPLES):
            asked = time.monotonic_ns()
            seconds, micros = await redis.execute_command("TIME")
            took = time.monotonic_ns() - asked
            if took // 2 < best.error_ns:
                now = (int(seconds) * 1_000_000 + int(micros)) * 1000
                best = cls(now - asked - took // 2, took // 2)
        return best

    def monotonic_ns(self, redis_ms: int) -> int:
        """Return the end of that millisecond: never earlier than what it stands for."""
        return (redis_ms + 1) * _NS_PER_MS - self.offset_ns


@dataclass(slots=True)
class Sent:
    """A command, and what became of it. Stamps are ns of CLOCK_MONOTONIC; None: it did not happen."""

    step: Step
    due_ns: int
    id: str = ""
    sent_ns: int | None = None
    acked_ns: int | None = None
    answered_ns: int | None = None
    committed_ns: int | None = None
    trouble: str = ""

    @property
    def ack_ms(self) -> float | None:
        """From sent to acknowledged."""
        return self._since_sent(self.acked_ns)

    @property
    def answer_ms(self) -> float | None:
        """From sent to the answer its person reads."""
        return self._since_sent(self.answered_ns)

    @property
    def commit_ms(self) -> float | None:
        """From sent to committed."""
        return self._since_sent(self.committed_ns)

    def _since_sent(self, stamp: int | None) -> float | None:
        if stamp is None or self.sent_ns is None:
            return None
        return (stamp - self.sent_ns) / _NS_PER_MS


@dataclass
class Load:
    """Commands to ``stands``. ``sent`` holds those of the last run, in order; each run goes on in the mix."""

    stands: Sequence[Stand]
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._steps = steps(len(self.stands))

    async def run(self, *, rate: float, seconds: float) -> None:
        """Send ``rate`` commands a second for ``seconds``, and wait for their answers."""
        begun = time.monotonic_ns()
        plan = enumerate(islice(self._steps, max(1, round(rate * seconds))))
        self.sent = [Sent(step, begun + round(number / rate * 1e9)) for number, step in plan]

        async def follow(one: Sent) -> None:
            await _follow(one, self.stands[one.step.stand])

        await paced(self.sent, rate, follow)

    async def read_commits(self, redis: RedisClient, keys: Keys, offset: RedisOffset) -> None:
        """Read when the commands were committed."""
        at: dict[str, int] = {}
        pipeline: Any = redis.pipeline(transaction=False)
        for stand in self.stands:
            guild = GuildId(stand.guild.id)
            pipeline.zrange(keys.partition_of(guild).applied(guild), 0, -1, withscores=True)
        for members in await pipeline.execute():
            at.update({name.decode(): int(score) for name, score in members})
        for one in self.sent:
            if one.id in at:
                one.committed_ns = offset.monotonic_ns(at[one.id])


async def _follow(one: Sent, stand: Stand) -> None:
    use = one.step.use
    interaction: Interaction | None = None
    try:
        interaction = await stand.send(one.step.cycle, use.name, **use.options)
        await interaction.wait_answer(ANSWER_PATIENCE_S)
    except (SimError, TimeoutError) as error:
        one.trouble = f"/{use.name}: {str(error) or 'timed out'}"
    if interaction is not None:
        one.id = str(interaction.id)
        one.sent_ns = interaction.sent_at
        one.acked_ns, one.answered_ns = interaction.acked_at, interaction.answered_at
