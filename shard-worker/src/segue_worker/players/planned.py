"""Moves a shard's players off emptied nodes, and home again: one after another, while both sides are well."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from segue_core.logging import get_logger
from segue_worker.domain.messages import MoveTo
from segue_worker.players.leaving import Departure, Rests, next_departure
from segue_worker.players.ports import MoveQuery, MoveReason, MovingGuild
from segue_worker.shards.lease import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segue_core.ids import GuildId, NodeId
    from segue_worker.players.guild import GuildPlayer
    from segue_worker.players.ports import Placer, Whereabouts
    from segue_worker.players.tools import PlannedTiming
    from segue_worker.shards.lease import LeaseView

_log = get_logger(__name__)

_STEP_S: Final = 0.02


class PlannedMoves:
    """One shard's. ``run`` it beside the shard."""

    def __init__(
        self,
        lease: LeaseView,
        guilds: Mapping[GuildId, GuildPlayer],
        placer: Placer,
        where: Whereabouts,
        open_nodes: Callable[[], tuple[NodeId, ...]],
        timing: PlannedTiming,
    ) -> None:
        self._lease = lease
        self._guilds = guilds
        self._placer = placer
        self._where = where
        self._open_nodes = open_nodes
        self._timing = timing
        self._rests = Rests()
        self._homecomers = Rests()

    async def run(self) -> None:
        """Move whoever should move, until cancelled or the lease is lost."""
        while True:
            try:
                await self._lease.writable()
            except LeaseLostError:
                return
            departure = next_departure(
                (player.state for player in list(self._guilds.values())),
                self._where,
                cooldown=self._timing.cooldown,
                rests=self._rests,
                homecomers=self._homecomers,
                now=time.monotonic(),
            )
            if departure is None or not await self._move(departure):
                await asyncio.sleep(self._timing.look)

    async def _move(self, departure: Departure) -> bool:
        """Move one player, and wait until it has begun elsewhere; whether it left its node."""
        player = self._guilds.get(departure.guild)
        if player is None:
            return False
        target: NodeId | None = None
        wait = self._timing.again
        if departure.needs_place:
            target, wait = await self._place(player, departure)
        left = False
        if target is not None or not departure.needs_place:
            player.post(MoveTo(node=target, source=departure.node, reason=departure.reason.value))
            left = await self._gone(player, departure.node)
        now = time.monotonic()
        if not left:
            self._rests.rest(departure.guild, now + wait, now)
        elif departure.reason is MoveReason.HOME:
            self._homecomers.rest(departure.guild, now + self._timing.cooldown, now)
        return left

    async def _place(self, player: GuildPlayer, departure: Departure) -> tuple[NodeId | None, float]:
        """Ask for a place; else when to ask again, seconds."""
        state = player.state
        endpoint = state.voice.endpoint if state.voice is not None else None
        if not endpoint:
            return None, self._timing.again
        guild = MovingGuild(
            guild=departure.guild,
            endpoint=endpoint,
            tier=state.snapshot.tier,
            listeners=len(state.snapshot.listeners),
        )
        answers = await self._placer.replace(
            MoveQuery(
                node=departure.node,
                shard=self._lease.shard,
                reason=departure.reason,
                players=(guild,),
                preferred=self._open_nodes(),
            )
        )
        answer = answers[departure.guild]
        if answer.node is None and not answer.retry_after_ms:
            _log.info(
                "players.stays",
                guild=departure.guild,
                node=departure.node,
                reason=departure.reason,
                why=answer.detail,
            )
        return answer.node, answer.retry_after_ms / 1000 or self._timing.again

    async def _gone(self, player: GuildPlayer, node: NodeId) -> bool:
        """Wait until the guild has nothing on ``node`` any more."""
        deadline = time.monotonic() + self._timing.settle
        while time.monotonic() < deadline:
            state = player.state
            if node not in (state.snapshot.node, state.leaving):
                return True
            await asyncio.sleep(_STEP_S)
        _log.warning("players.move_unfinished", guild=player.guild, node=node)
        return False
