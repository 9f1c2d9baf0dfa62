"""A shard's players of a lost node: the router is asked once for all of them, at once.

What each guild decides about its loss takes a commit; the answer is there when it asks. A guild that the
answer does not fit any more (its voice server changed meanwhile) asks for itself.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from segue_core.ids import NodeId
from segue_core.logging import get_logger
from segue_worker.players.ports import MoveQuery, MoveReason, MovingGuild, Placement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from segue_core.ids import GuildId, ShardId
    from segue_worker.domain.state import GuildState
    from segue_worker.players.ports import PlaceQuery, Placer

_log = get_logger(__name__)

PATIENCE_S: Final = 4.0
"""Shorter than the domain waits for a place: who has waited so long for a free start goes without."""
_LEAST_WAIT_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Asked:
    endpoint: str
    node: NodeId
    until: float
    answer: asyncio.Future[Placement | None]


def movers(states: Iterable[GuildState], node: NodeId) -> tuple[MovingGuild, ...]:
    """Return the guilds whose player is lost with ``node`` and needs another one."""
    return tuple(
        MovingGuild(
            guild=state.guild,
            endpoint=state.voice.endpoint,
            tier=state.snapshot.tier,
            listeners=len(state.snapshot.listeners),
        )
        for state in states
        if state.snapshot.node == node
        and state.voice is not None
        and state.voice.endpoint
        and state.wants_node
        and state.halted is None
    )


class ShardMoves:
    """One shard's. Owned by it; ``close`` it."""

    def __init__(self, shard: ShardId, placer: Placer, open_nodes: Callable[[], tuple[NodeId, ...]]) -> None:
        self._shard = shard
        self._placer = placer
        self._open_nodes = open_nodes
        self._asked: dict[GuildId, _Asked] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def lost(self, node: NodeId, states: Iterable[GuildState]) -> None:
        """Ask for all guilds that play on ``node``; returns at once."""
        players = movers(states, node)
        if not players:
            return
        loop = asyncio.get_running_loop()
        until = time.monotonic() + PATIENCE_S
        for player in players:
            self._asked[player.guild] = _Asked(player.endpoint, node, until, loop.create_future())
        asked = {player.guild: self._asked[player.guild] for player in players}
        task = asyncio.create_task(self._ask(node, players, asked, until))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._over(done, asked.values()))

    async def place(self, query: PlaceQuery) -> Placement:
        """Answer a guild from what was asked for all, or ask for it alone."""
        asked = self._asked.pop(query.guild, None)
        if (
            asked is not None
            and asked.endpoint == query.endpoint
            and asked.node in query.excluded
            and time.monotonic() < asked.until
        ):
            placement = await asyncio.shield(asked.answer)
            if placement is not None and placement.node not in query.excluded:
                return placement
        return await self._placer.place(query)

    async def close(self) -> None:
        """Stop asking."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._asked.clear()

    async def _ask(
        self, node: NodeId, players: tuple[MovingGuild, ...], asked: dict[GuildId, _Asked], until: float
    ) -> None:
        started = time.monotonic()
        rest = players
        while rest and time.monotonic() < until:
            query = MoveQuery(
                node=node,
                shard=self._shard,
                reason=MoveReason.LOST,
                players=rest,
                preferred=self._open_nodes(),
            )
            answers = await self._placer.replace(query)
            waits = {
                guild: answer.retry_after_ms for guild, answer in answers.items() if answer.retry_after_ms
            }
            for guild, answer in answers.items():
                if guild not in waits and not asked[guild].answer.done():
                    asked[guild].answer.set_result(answer)
            rest = tuple(player for player in rest if player.guild in waits)
            if rest:
                await asyncio.sleep(max(_LEAST_WAIT_S, min(waits.values()) / 1000))
        _log.info(
            "players.replaced",
            node=node,
            shard=self._shard,
            players=len(players),
            left=len(rest),
            ms=round((time.monotonic() - started) * 1000),
        )

    def _over(self, task: asyncio.Task[None], asked: Iterable[_Asked]) -> None:
        """However it ended, even before it began: nobody waits on, who has no answer asks alone."""
        self._tasks.discard(task)
        for one in asked:
            if not one.answer.done():
                one.answer.set_result(None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("players.replace_failed", shard=self._shard, exc_info=error)
