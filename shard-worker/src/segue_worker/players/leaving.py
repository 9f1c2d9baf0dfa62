"""Which of a shard's players should move although nothing is broken, and which next. Pure.

Off a node that is being emptied; and home again, once a guild's own region has had usable nodes for long
enough and the guild has not moved lately.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segue_core.ids import GuildId, NodeId
from segue_worker.players.ports import MoveReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_worker.domain.state import GuildState
    from segue_worker.players.ports import Whereabouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A player that should move, and why. ``needs_place`` False: it plays nothing, so it just ends there."""

    guild: GuildId
    node: NodeId
    reason: MoveReason
    needs_place: bool


@dataclass(slots=True)
class Rests:
    """When a guild may be moved again, on the monotonic clock: after a move, and after a vain try."""

    until: dict[GuildId, float] = field(default_factory=dict)

    def resting(self, guild: GuildId, now: float) -> bool:
        """Whether it is too early."""
        return now < self.until.get(guild, now)

    def rest(self, guild: GuildId, until: float, now: float) -> None:
        """Leave the guild alone for a while; forget those whose time has come."""
        self.until = {known: end for known, end in self.until.items() if end > now}
        self.until[guild] = until


def next_departure(
    states: Iterable[GuildState],
    where: Whereabouts,
    *,
    cooldown: float,
    rests: Rests,
    homecomers: Rests,
    now: float,
) -> Departure | None:
    """Return who moves next: off drained nodes first, and most listeners first.

    ``rests``: whom to leave alone; ``homecomers``: who came home lately, and stays where it is moved next.
    ``cooldown``: seconds a region must have been well before its guilds go home.
    """
    draining = where.draining()
    best: tuple[tuple[int, int, int], Departure] | None = None
    for state in states:
        node = state.snapshot.node
        if node is None or state.patch is not None or state.leaving is not None:
            continue
        if rests.resting(state.guild, now):
            continue
        plays = state.current is not None
        if plays and not _at_ease(state):
            continue
        if node in draining:
            reason = MoveReason.DRAIN
        elif plays and _may_go_home(state, where, cooldown) and not homecomers.resting(state.guild, now):
            reason = MoveReason.HOME
        else:
            continue
        departure = Departure(guild=state.guild, node=node, reason=reason, needs_place=plays)
        rank = (int(reason is not MoveReason.DRAIN), -len(state.snapshot.listeners), state.guild)
        if best is None or rank < best[0]:
            best = (rank, departure)
    return None if best is None else best[1]


def _at_ease(state: GuildState) -> bool:
    """Whether the player is neither being started nor in trouble of its own: first things first."""
    return state.voice_ready and not state.start_needed and (state.audible or state.snapshot.paused)


def _may_go_home(state: GuildState, where: Whereabouts, cooldown: float) -> bool:
    if state.voice is None or state.voice.endpoint is None or state.snapshot.node is None:
        return False
    home = where.home_of(state.voice.endpoint)
    if home is None or home == where.region_of(state.snapshot.node):
        return False
    return where.usable_for(home) >= max(cooldown, 0.001)
