"""A voice session: what a voice IDENTIFY made, and a voice RESUME takes up again."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from segue_devkit.discord.voice.grant import Grant
from segue_devkit.discord.voice.sink import GuildSink


class Carrier(Protocol):
    """The socket that carries a voice session for now."""

    def close(self, code: int, reason: str) -> None:
        """Close with a code."""

    def abort(self) -> None:
        """Cut the TCP connection."""

    def leave(self) -> None:
        """The session is somebody else's, or nobody's, from now on."""


@dataclass(slots=True, eq=False)
class VoiceSession:
    """One client's place in a guild's voice. ``sink`` None: nobody hears it any more."""

    grant: Grant
    sink: GuildSink | None
    connection: Carrier | None
    peer: str
    ssrc: int = field(default_factory=lambda: secrets.randbelow(1 << 31) + 1)
    cipher: AESGCM | None = field(default=None, repr=False)
    speaking: bool = False
    expiry: asyncio.TimerHandle | None = None

    @property
    def muted(self) -> bool:
        """Nobody may hear it, for as long as the voice state says so."""
        return self.grant.muted

    def new_key(self) -> bytes:
        """A fresh secret key; what was encrypted with the old one is no longer understood."""
        key = secrets.token_bytes(32)
        self.cipher = AESGCM(key)
        return key
