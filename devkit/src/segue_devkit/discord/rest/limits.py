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
    """``limit`` calls in each window of ``window_ms``, which begins with the first of them."""

    limit: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a bucket stands after a call; ``allowed`` False: the call is a 429."""

    bucket: str
    allowed: bool
    limit: int
    remaining: int
    reset_after_s: float
    scope: Scope = Scope.USER


class _Count:
    """One bucket of one major parameter."""

    __slots__ = ("rule", "started_ns", "used")

    def __init__(self, rule: Rule, now_ns: int) -> None:
        self.rule = rule
        self.started_ns = now_ns
        self.used = 0

    def left_ns(self, now_ns: int) -> int:
        """Until the window ends."""
        return self.started_ns + self.rule.window_ms * _NS_PER_MS - now_ns

    def take(self, now_ns: int) -> bool:
        """Count a call; False above the limit."""
        if self.left_ns(now_ns) <= 0:
            self.started_ns = now_ns
            self.used = 0
        self.used += 1
        return self.used <= self.rule.limit


class Buckets:
    """Every count of every bucket."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], _Count] = {}
        self._global: _Count | None = None

    def take(self, bucket: str, major: str, rule: Rule, now_ns: int) -> Standing:
        """Count a call of a bucket."""
        key = (bucket, major)
        count = self._counts.get(key)
        if count is None or count.rule != rule:
            if len(self._counts) >= _PRUNE_ABOVE:
                self._counts = {name: each for name, each in self._counts.items() if each.left_ns(now_ns) > 0}
            count = self._counts[key] = _Count(rule, now_ns)
        allowed = count.take(now_ns)
        return Standing(
            bucket, allowed, rule.limit, max(0, rule.limit - count.used), count.left_ns(now_ns) / 1e9
        )

    def take_global(self, per_second: int, now_ns: int) -> float | None:
        """Count a call of the bot; seconds to wait if it is one too many. 0 a second: no limit."""
        if not per_second:
            return None
        rule = Rule(per_second, GLOBAL_WINDOW_MS)
        if self._global is None or self._global.rule != rule:
            self._global = _Count(rule, now_ns)
        return None if self._global.take(now_ns) else self._global.left_ns(now_ns) / 1e9


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
        rule = Rule(knobs.webhook_per_window, knobs.webhook_window_ms)
    elif "/channels/{channel_id}/messages" in route and method != "GET":
        rule = Rule(knobs.messages_per_window, knobs.messages_window_ms)
    else:
        rule = Rule(knobs.other_per_window, knobs.other_window_ms)
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
