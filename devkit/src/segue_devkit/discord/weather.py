"""The network in between: latency, jitter and loss, decided packet by packet from a seed.

A packet that TCP loses is not lost to its reader but late, and everything after it waits: so loss on
REST, gateway and voice gateway is a delay of ``retransmit_ms``. On UDP it is loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

    from segue_devkit.discord.knobs import Knobs

_NS_PER_MS: Final = 1_000_000


class Weather:
    """Each call decides about one message or packet."""

    def __init__(self, knobs: Knobs, chance: random.Random) -> None:
        self._knobs = knobs
        self._chance = chance

    def _delay_ms(self, latency_ms: float, jitter_ms: float, loss: float) -> float:
        """Latency, and evenly up to the jitter more; a lost segment costs a retransmission."""
        delay = latency_ms
        if jitter_ms:
            delay += self._chance.uniform(0, jitter_ms)
        if loss and self._chance.random() < loss:
            delay += self._knobs.retransmit_ms
        return delay

    def rest_delay_s(self) -> float:
        """How late a REST call arrives."""
        knobs = self._knobs
        return self._delay_ms(knobs.rest_latency_ms, knobs.rest_jitter_ms, 0) / 1000

    def gateway_delay_ns(self) -> int:
        """How late a message of the gateway arrives."""
        knobs = self._knobs
        delay = self._delay_ms(knobs.gateway_latency_ms, knobs.gateway_jitter_ms, knobs.gateway_loss)
        return int(delay * _NS_PER_MS)

    def udp_lost(self) -> bool:
        """Whether a voice packet never arrives."""
        return bool(self._knobs.udp_loss) and self._chance.random() < self._knobs.udp_loss

    def udp_delay_ns(self) -> int:
        """How late a voice packet arrives; jitter above 20 ms lets packets overtake."""
        return int(self._delay_ms(self._knobs.udp_latency_ms, self._knobs.udp_jitter_ms, 0) * _NS_PER_MS)
