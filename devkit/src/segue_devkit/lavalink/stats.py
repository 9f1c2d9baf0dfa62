"""The node's figures, in the shape of the protocol."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_devkit.lavalink.player import Player
    from segue_devkit.lavalink.sessions import Sessions

_FRAMES_A_MINUTE: Final = 3000
_HEAP: Final = 512 << 20


class Stats:
    """Measures the process; loads are over the time since the last look, as a share of all cores."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._process = psutil.Process()
        self._process.cpu_percent()
        psutil.cpu_percent()

    def collect(self, sessions: Sessions, own: Iterable[Player] | None) -> dict[str, Any]:
        """The figures.

        Args:
            sessions: whose players are counted; parked ones are not.
            own: players that frame figures are wanted of; REST gets none.
        """
        players = [player for session in sessions for player in session.players.values()]
        cores = os.cpu_count() or 1
        used = self._process.memory_info().rss
        allocated = max(_HEAP // 4, used)
        return {
            "frameStats": None if own is None else _frames(own),
            "players": len(players),
            "playingPlayers": sum(player.active for player in players),
            "uptime": int((time.monotonic() - self._started) * 1000),
            "memory": {
                "free": allocated - used,
                "used": used,
                "allocated": allocated,
                "reservable": max(_HEAP, allocated),
            },
            "cpu": {
                "cores": cores,
                "systemLoad": psutil.cpu_percent() / 100,
                "lavalinkLoad": self._process.cpu_percent() / 100 / cores,
            },
        }


def _frames(players: Iterable[Player]) -> dict[str, int] | None:
    """Average a player of the last full minute; None before anybody had one."""
    minutes = [player.last_minute for player in players if player.last_minute is not None]
    if not minutes:
        return None
    sent = sum(minute.sent for minute in minutes) // len(minutes)
    nulled = sum(minute.nulled for minute in minutes) // len(minutes)
    return {"sent": sent, "nulled": nulled, "deficit": _FRAMES_A_MINUTE - sent - nulled}
