"""Ends the process when its event loop does not turn, before a successor takes its shards.

`faulthandler` fires from a thread of its own in C, even while other C code holds the GIL: it prints
where every thread stands and leaves by ``_exit``. The kernel then closes our sockets, so gateway and
node sessions can be taken over without a sound.
"""

from __future__ import annotations

import asyncio
import faulthandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TURN_EVERY_S = 0.25


class Watchdog:
    """Armed by the loop that it watches, again and again.

    ``expiry`` returns when (monotonic seconds) the earliest of our leases runs out, None when we hold
    none that is still running: then one TTL from now is as good.
    """

    def __init__(
        self, *, ttl_s: float, clock: Callable[[], float], expiry: Callable[[], float | None]
    ) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._expiry = expiry

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                faulthandler.dump_traceback_later(self.allowance(), exit=True)
                await asyncio.sleep(TURN_EVERY_S)
        finally:
            faulthandler.cancel_dump_traceback_later()

    def allowance(self) -> float:
        """Return for how many seconds the loop may stand still from now on."""
        expiry = self._expiry()
        now = self._clock()
        if expiry is None or expiry <= now:
            return self._ttl_s
        # Never less than a few turns: a late turn on a busy machine is no blocked loop.
        return max(expiry - now, 4 * TURN_EVERY_S)
