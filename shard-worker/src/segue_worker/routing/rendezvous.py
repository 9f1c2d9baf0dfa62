"""Spreading guilds over nodes without a router: weighted rendezvous hashing. Pure.

Every worker that knows the same nodes chooses the same one for a guild, and a node that comes or goes
moves only the guilds it gains or had.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from segue_core.ids import GuildId, NodeId, RegionName

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UNBOUNDED: Final = 100
"""Weight of a node without a configured capacity, players."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A node that may be chosen. ``room``: how many more players it is to carry; None: unbounded.

    ``distance``: milliseconds from the region the guild's voice server is in, 0 in that region.
    """

    node: NodeId
    region: RegionName
    weight: int
    room: int | None = None
    distance: float = 0.0


def weight_of(capacity: int) -> int:
    """Return the weight of a node that is to carry ``capacity`` players (0: no bound)."""
    return capacity if capacity > 0 else _UNBOUNDED


def score(guild: GuildId, candidate: Candidate) -> float:
    """Return the guild's liking for a node: the highest wins. A node twice as heavy wins twice as often."""
    digest = hashlib.blake2b(f"{guild}/{candidate.node}".encode(), digest_size=8).digest()
    # Strictly between 0 and 1, so that its logarithm is finite and not 0.
    share = (int.from_bytes(digest) + 0.5) / 2**64
    return -candidate.weight / math.log(share)


def ranked(guild: GuildId, candidates: Iterable[Candidate]) -> tuple[NodeId, ...]:
    """Return the candidates with room, nearest region first, within a region the guild's favourite first."""
    usable = [candidate for candidate in candidates if candidate.weight > 0 and candidate.room != 0]
    order = sorted(
        usable, key=lambda candidate: (candidate.distance, -score(guild, candidate), candidate.node)
    )
    return tuple(candidate.node for candidate in order)


def choose(guild: GuildId, candidates: Iterable[Candidate], excluded: Sequence[NodeId] = ()) -> NodeId | None:
    """Return the node for a guild, None when no candidate is left."""
    allowed = (candidate for candidate in candidates if candidate.node not in excluded)
    return next(iter(ranked(guild, allowed)), None)
