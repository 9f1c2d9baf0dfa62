"""The right to one voice connection, given out by the main gateway and checked by a voice server."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Grant:
    """The right to one voice connection. ``token`` and ``session_id`` are credentials."""

    guild_id: int
    user_id: int
    session_id: str = field(repr=False)
    token: str = field(repr=False)
    region: str
    first_peer: str | None = None
    """The address of whoever identified with it first."""
    lost_by: set[str] = field(default_factory=set)
    """Addresses whose connection a newer one superseded."""
    muted: bool = False
    """Suppressed, or muted by a moderator: what it sends is heard by nobody."""
