"""The gateway's limits: sends per socket, IDENTIFYs per bucket and per day."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_devkit.discord.knobs import Knobs

_NS = 1_000_000


class Window:
    """At most ``limit`` events in any ``window_ms`` (sliding)."""

    def __init__(self, limit: int, window_ms: int) -> None:
        self._limit = limit
        self._window_ns = window_ms * _NS
        self._stamps: deque[int] = deque()

    def take(self, now_ns: int) -> bool:
        """Count one event; False if it is over the limit (it is then not counted)."""
        while self._stamps and now_ns - self._stamps[0] >= self._window_ns:
            self._stamps.popleft()
        if len(self._stamps) >= self._limit:
            return False
        self._stamps.append(now_ns)
        return True

    def left(self, now_ns: int) -> int:
        """How many more would be let through now."""
        return self._limit - sum(1 for stamp in self._stamps if now_ns - stamp < self._window_ns)

    def wait_ns(self, now_ns: int) -> int:
        """Time until the next one is let through."""
        if not self._stamps or self.left(now_ns) > 0:
            return 0
        return max(0, self._stamps[0] + self._window_ns - now_ns)


@dataclass(frozen=True, slots=True)
class IdentifyRecord:
    """One IDENTIFY that reached the gateway, for tests of identify gates."""

    at_ns: int
    shard_id: int
    num_shards: int
    bucket: int
    accepted: bool


class IdentifyLimits:
    """Buckets of max_concurrency and the daily session start limit. RESUME never comes here."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._last: dict[int, int] = {}
        self._day_started_ns: int | None = None
        self._used = 0
        self.records: list[IdentifyRecord] = []

    def take(self, shard_id: int, num_shards: int, now_ns: int) -> bool:
        """Count an IDENTIFY; False if its bucket was just used (it costs a start all the same)."""
        self._roll(now_ns)
        self._used += 1
        bucket = shard_id % self._knobs.max_concurrency
        last = self._last.get(bucket)
        accepted = last is None or now_ns - last >= self._knobs.identify_window_ms * _NS
        if accepted:
            self._last[bucket] = now_ns
        self.records.append(IdentifyRecord(now_ns, shard_id, num_shards, bucket, accepted))
        return accepted

    def exhausted(self, now_ns: int) -> bool:
        """True once more IDENTIFYs were made than a day allows; Discord then resets the token."""
        self._roll(now_ns)
        return self._used > self._knobs.session_start_total

    def remaining(self, now_ns: int) -> int:
        """Session starts left today."""
        self._roll(now_ns)
        return max(0, self._knobs.session_start_total - self._used)

    def reset_after_ms(self, now_ns: int) -> int:
        """Time until the count starts anew."""
        self._roll(now_ns)
        started = now_ns if self._day_started_ns is None else self._day_started_ns
        return max(0, self._knobs.session_start_reset_ms - (now_ns - started) // _NS)

    def _roll(self, now_ns: int) -> None:
        started = self._day_started_ns
        if started is None:
            self._day_started_ns = now_ns
        elif now_ns - started >= self._knobs.session_start_reset_ms * _NS:
            self._day_started_ns = now_ns
            self._used = 0
