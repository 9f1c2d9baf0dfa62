"""What every REST call passes: latency, bans, bot token, rate limits, ordered faults, error bodies."""

from __future__ import annotations

import asyncio
import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aiohttp import web

from segue_devkit.discord.errors import ApiError, not_found, unauthorized
from segue_devkit.discord.rest.faults import Fault, Faults
from segue_devkit.discord.rest.http import RECEIVED_NS, answer
from segue_devkit.discord.rest.limits import (
    Buckets,
    InvalidRequests,
    Scope,
    Standing,
    bucket_of,
    major_of,
    rule_of,
)
from segue_devkit.discord.wire import now_ns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.weather import Weather
    from segue_devkit.discord.world import World

_INVALID: Final = frozenset({401, 403})
_TOKEN_PREFIXES: Final = ("/api/v10/interactions/", "/api/v10/webhooks/")
"""Calls that carry an interaction's token in the path need no bot token and no global budget."""
_bucket_of = lru_cache(maxsize=256)(bucket_of)


class RestGate:
    """The middleware, and what it counted."""

    def __init__(self, world: World, knobs: Knobs, weather: Weather) -> None:
        self._weather = weather
        self._world = world
        self._knobs = knobs
        self._buckets = Buckets()
        self.faults = Faults()
        self.invalid = InvalidRequests(knobs)
        self.calls = 0
        self.limited = 0

    @web.middleware
    async def around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Runs around every REST call."""
        now = now_ns()
        request[RECEIVED_NS] = now
        self.calls += 1
        delay_s = self._weather.rest_delay_s()
        if delay_s > 0:
            await asyncio.sleep(delay_s)
        peer = request.remote or ""
        banned_s = self.invalid.banned_for_s(peer, now)
        if banned_s is not None:
            return _banned(banned_s)
        response = await self._answered(request, handler, now)
        if response.status in _INVALID or (
            response.status == 429 and response.headers.get("X-RateLimit-Scope") != Scope.SHARED  # noqa: PLR2004
        ):
            self.invalid.count(peer, now)
        return response

    async def _answered(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]], now: int
    ) -> web.StreamResponse:
        standing: Standing | None = None
        stopped = self._stopped(request, now)
        if stopped is None:
            standing = self._standing(request, now)
            if standing is not None and not standing.allowed:
                stopped = self._too_many(standing.retry_after_s, Scope.USER, standing)
        if stopped is not None:
            return stopped
        try:
            response = await handler(request)
        except ApiError as error:
            response = _refused(error)
        except web.HTTPNotFound:
            return _refused(not_found())
        except web.HTTPMethodNotAllowed:
            return _refused(ApiError(405, 0, "405: Method Not Allowed"))
        if standing is not None:
            _describe(response, standing)
        return response

    def _stopped(self, request: web.Request, now: int) -> web.Response | None:
        """The answer to a call that reaches no bucket: no token, an ordered fault, the global limit."""
        of_token = request.path.startswith(_TOKEN_PREFIXES)
        if not of_token and request.headers.get("Authorization") != f"Bot {self._world.token}":
            return _refused(unauthorized())
        fault = self.faults.take(request.method, request.path)
        if fault is not None:
            return self._faulty(fault)
        wait_s = None if of_token else self._buckets.take_global(self._knobs.rest_per_second, now)
        return None if wait_s is None else self._too_many(wait_s, Scope.GLOBAL)

    def _standing(self, request: web.Request, now: int) -> Standing | None:
        resource = request.match_info.route.resource
        if resource is None:
            return None
        route = resource.canonical
        rule = rule_of(request.method, route, self._knobs)
        if rule is None:
            return None
        bucket = _bucket_of(request.method, route)
        return self._buckets.take(bucket, major_of(request.match_info), rule, now)

    def _faulty(self, fault: Fault) -> web.Response:
        if fault.status == 429:  # noqa: PLR2004
            return self._too_many(fault.retry_after_ms / 1000, fault.scope)
        return answer({"message": f"{fault.status}: ordered fault", "code": 0}, fault.status)

    def _too_many(self, wait_s: float, scope: Scope, standing: Standing | None = None) -> web.Response:
        self.limited += 1
        wait_s = max(wait_s, 0.001)
        is_global = scope is Scope.GLOBAL
        body = {
            "message": "You are being rate limited.",
            "retry_after": round(wait_s, 3),
            "global": is_global,
        }
        response = answer(body, 429)
        if standing is not None:
            _describe(response, standing)
        response.headers["Retry-After"] = str(math.ceil(wait_s))
        response.headers["X-RateLimit-Scope"] = scope
        response.headers["Via"] = "1.1 simulator"
        if is_global:
            response.headers["X-RateLimit-Global"] = "true"
        return response


def _refused(error: ApiError) -> web.Response:
    return answer(error.body, error.status)


def _describe(response: web.StreamResponse, standing: Standing) -> None:
    headers = response.headers
    headers["X-RateLimit-Limit"] = str(standing.limit)
    headers["X-RateLimit-Remaining"] = str(standing.remaining)
    headers["X-RateLimit-Reset"] = f"{time.time() + standing.reset_after_s:.3f}"
    headers["X-RateLimit-Reset-After"] = f"{standing.reset_after_s:.3f}"
    headers["X-RateLimit-Bucket"] = standing.bucket


def _banned(seconds: float) -> web.Response:
    """As the proxy before Discord answers: no JSON, no ``Via``, no bucket."""
    response = web.Response(status=429, text="error code: 1015")
    response.headers["Retry-After"] = str(math.ceil(seconds))
    return response
