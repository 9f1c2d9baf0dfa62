"""REST's limits as figures: buckets, the bot's global budget, and invalid requests. Pure.

Source: Discord's reference "Rate Limits". A bucket is a route without its ids; it counts for each major
parameter (channel, guild, webhook with token) apart. How large buckets are is nowhere documented: a
client must read it from the headers, so the figures are knobs.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from segue_devkit.discord.knobs import BucketWindow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_devkit.discord.knobs import Knobs

_NS_PER_MS: Final = 1_000_000
_PRUNE_ABOVE: Final = 4_096
GLOBAL_WINDOW_MS: Final = 1_000


class Scope(StrEnum):
    """``X-RateLimit-Scope``: whose limit it is."""

    USER = "user"
    GLOBAL = "global"
    SHARED = "shared"
    """Of a resource, whoever uses it; such a 429 is no invalid request."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``limit`` calls in ``window_ms``: the whole comes back after it, or a call at a time all along."""

    limit: int
    window_ms: int
    window: BucketWindow = BucketWindow.SLIDING


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a bucket stands after a call; ``allowed`` False: the call is a 429.

    ``reset_after_s`` is the time until the bucket is full again, ``retry_after_s`` until one more call.
    """

    bucket: str
    allowed: bool
    limit: int
    remaining: int
    reset_after_s: float
    retry_after_s: float


class _Sliding:
    """A leaky bucket: ``_empty_ns`` is when all that was taken has come back."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._window_ns = rule.window_ms * _NS_PER_MS
        self._step_ns = max(1, self._window_ns // rule.limit)
        self._empty_ns = 0

    def full_in_ns(self, now_ns: int) -> int:
        """Until the bucket is as if unused."""
        return max(0, self._empty_ns - now_ns)

    def take(self, now_ns: int) -> tuple[bool, int, int]:
        """(allowed, calls left, wait for one more in ns)."""
        taken_ns = self.full_in_ns(now_ns)
        most_ns = self._step_ns * self.rule.limit
        allowed = taken_ns + self._step_ns <= most_ns
        if allowed:
            taken_ns += self._step_ns
            self._empty_ns = now_ns + taken_ns
        left = (most_ns - taken_ns) // self._step_ns
        return allowed, left, max(0, taken_ns + self._step_ns - most_ns)


class _Fixed:
    """A window that begins with its first call; ``_ends_ns`` is when all comes back at once."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._ends_ns = 0
        self._used = 0

    def full_in_ns(self, now_ns: int) -> int:
        """Until the window ends."""
        return max(0, self._ends_ns - now_ns)

    def take(self, now_ns: int) -> tuple[bool, int, int]:
        """(allowed, calls left, wait for one more in ns)."""
        if now_ns >= self._ends_ns:
            self._ends_ns = now_ns + self.rule.window_ms * _NS_PER_MS
            self._used = 0
        allowed = self._used < self.rule.limit
        self._used += allowed
        left = self.rule.limit - self._used
        return allowed, left, 0 if left else self._ends_ns - now_ns


class Buckets:
    """Every count of every bucket."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], _Sliding | _Fixed] = {}
        self._global: _Fixed | None = None

    def take(self, bucket: str, major: str, rule: Rule, now_ns: int) -> Standing:
        """Count a call of a bucket."""
        key = (bucket, major)
        count = self._counts.get(key)
        if count is None or count.rule != rule:
            if len(self._counts) >= _PRUNE_ABOVE:
                self._counts = {name: each for name, each in self._counts.items() if each.full_in_ns(now_ns)}
            count = _Sliding(rule) if rule.window is BucketWindow.SLIDING else _Fixed(rule)
            self._counts[key] = count
        allowed, left, wait_ns = count.take(now_ns)
        full_ns = count.full_in_ns(now_ns)
        return Standing(bucket, allowed, rule.limit, left, full_ns / 1e9, wait_ns / 1e9)

    def take_global(self, per_second: int, now_ns: int) -> float | None:
        """Count a call of the bot; seconds to wait if it is one too many. 0 a second: no limit."""
        if not per_second:
            return None
        rule = Rule(per_second, GLOBAL_WINDOW_MS, BucketWindow.FIXED)
        if self._global is None or self._global.rule != rule:
            self._global = _Fixed(rule)
        allowed, _, wait_ns = self._global.take(now_ns)
        return None if allowed else wait_ns / 1e9


def bucket_of(method: str, route: str) -> str:
    """``X-RateLimit-Bucket``: the same for all ids, another for each method and route."""
    return hashlib.blake2b(f"{method} {route}".encode(), digest_size=16).hexdigest()


def major_of(ids: Mapping[str, str]) -> str:
    """The top-level resource that a bucket counts for."""
    for name in ("channel_id", "guild_id"):
        if name in ids:
            return ids[name]
    return f"{ids.get('application_id', '')}/{ids.get('token', '')}"


def rule_of(method: str, route: str, knobs: Knobs) -> Rule | None:
    """How much of a route is allowed; None without a limit."""
    if route.endswith("/callback"):
        return None
    if "/webhooks/" in route:
        rule = Rule(knobs.webhook_per_window, knobs.webhook_window_ms, knobs.bucket_window)
    elif "/channels/{channel_id}/messages" in route and method != "GET":
        rule = Rule(knobs.messages_per_window, knobs.messages_window_ms, knobs.bucket_window)
    else:
        rule = Rule(knobs.other_per_window, knobs.other_window_ms, knobs.bucket_window)
    return rule if rule.limit else None


class InvalidRequests:
    """Answers 401, 403 and 429 of each address: too many of them bring a ban for a while."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._stamps: dict[str, deque[int]] = {}
        self._banned_until: dict[str, int] = {}
        self.total = 0

    def count(self, peer: str, now_ns: int) -> None:
        """Note one; the one above the limit starts the ban."""
        self.total += 1
        stamps = self._stamps.setdefault(peer, deque())
        while stamps and now_ns - stamps[0] >= self._knobs.invalid_requests_window_ms * _NS_PER_MS:
            stamps.popleft()
        stamps.append(now_ns)
        if 0 < self._knobs.invalid_requests_limit <= len(stamps):
            stamps.clear()
            self._banned_until[peer] = now_ns + self._knobs.invalid_ban_ms * _NS_PER_MS

    def banned_for_s(self, peer: str, now_ns: int) -> float | None:
        """Seconds until the ban of an address ends; None without one."""
        until = self._banned_until.get(peer)
        if until is None:
            return None
        if now_ns >= until:
            del self._banned_until[peer]
            return None
        return (until - now_ns) / 1e9
