"""A gateway session: what survives a socket, and is replayed to the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from segue_devkit.discord.wire import now_ns

if TYPE_CHECKING:
    from collections.abc import Callable


class Carrier(Protocol):
    """The socket that carries a session for now."""

    @property
    def compression(self) -> str:
        """What the client asked for."""

    def send(self, text: str, on_sent: Callable[[int], None] | None = None) -> None:
        """Queue a message."""

    def close(self, code: int, reason: str = "") -> None:
        """Close with a code."""

    def abort(self) -> None:
        """Cut the TCP connection."""

    def leave(self) -> None:
        """The session is somebody else's, or nobody's, from now on."""


@dataclass(slots=True)
class Session:
    """One IDENTIFYed session. ``session_id`` is a credential."""

    session_id: str
    shard_id: int
    num_shards: int
    intents: int
    replay: deque[tuple[int, str]]
    seq: int = 0
    connection: Carrier | None = None
    expiry: asyncio.TimerHandle | None = None
    ended: bool = False
    resumes: int = 0
    started_ns: int = field(default_factory=now_ns)

    def owns(self, guild_id: int) -> bool:
        """Discord's sharding formula."""
        return (guild_id >> 22) % self.num_shards == self.shard_id

    def dispatch(self, name: str, data: str, on_sent: Callable[[int], None] | None = None) -> None:
        """Number an event, keep it for a RESUME, send it if somebody is connected."""
        self.seq += 1
        text = f'{{"t":"{name}","s":{self.seq},"op":0,"d":{data}}}'
        self.replay.append((self.seq, text))
        if self.connection is not None:
            self.connection.send(text, on_sent)

    def missed_since(self, seq: int) -> list[str] | None:
        """The texts after a sequence number; None if the replay no longer reaches back that far."""
        oldest = self.replay[0][0] if self.replay else self.seq + 1
        if seq + 1 < oldest:
            return None
        return [text for number, text in self.replay if number > seq]
