"""How a simulator is started: addresses, the bot's name and token, voice regions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAw.c2VndWU.the-simulator-accepts-this-token"  # noqa: S105 - opens nothing but a simulator

DEFAULT_REGIONS = {
    "us-east": "127.80.1.1",
    "eu-west": "127.80.2.1",
    "us-west": "127.80.3.1",
    "singapore": "127.80.4.1",
    "brazil": "127.80.5.1",
}
"""Region to the loopback address of its voice server, so that an endpoint tells the region."""


@dataclass(frozen=True, slots=True)
class SimConfig:
    """Port 0 takes a free one. Without ``tls_dir`` there are no voice servers."""

    host: str = "127.0.0.1"
    port: int = 0
    tls_dir: Path | None = None
    token: str = field(default=DEFAULT_TOKEN, repr=False)
    bot_name: str = "Segue"
    regions: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_REGIONS))
    voice_port: int = 0
    knobs: dict[str, object] = field(default_factory=dict)
    seed: int = 0
    """Of lost packets and jitter: the same seed, the same weather."""
