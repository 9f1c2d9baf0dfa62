"""What every answer of the page's server keeps to: mistakes in words, no other site, nothing from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from segue_devkit.demo.feeds import AWAY
from segue_devkit.demo.typed import TypedError
from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a person may do wrong is said in words the page shows."""
    try:
        return await handler(request)
    except (TypedError, SimError) as error:
        return web.json_response({"error": str(error)}, status=409)
    except AWAY:
        return web.json_response({"error": "The simulated Discord does not answer right now."}, status=503)
    except web.HTTPError as error:
        return web.json_response({"error": error.text or error.reason}, status=error.status)


@web.middleware
async def own_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No other site that is open in the browser may use the demo, by whatever name it reaches us."""
    if request.url.host not in _NAMES:
        raise web.HTTPForbidden(text="This page is only for this machine.")
    origin = request.headers.get("Origin")
    if origin is not None and URL(origin).authority != request.host:
        raise web.HTTPForbidden(text="This page belongs to another site.")
    return await handler(request)


class Headers:
    """Puts on every answer what browsers are to refuse. ``pictures``: origins that artwork comes from."""

    def __init__(self, pictures: Iterable[str]) -> None:
        policy = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "connect-src": "'self'",
            "img-src": " ".join(("'self'", *pictures)),
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
        }
        self._headers = {
            # Files of another version must not be mixed with these.
            "Cache-Control": "no-cache",
            "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    async def put(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put them on (a signal handler of aiohttp)."""
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
