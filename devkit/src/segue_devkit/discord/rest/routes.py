"""The REST endpoints put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segue_devkit.discord.rest.gate import RestGate

_LARGEST_BODY = 128 << 20  # ten files; each handler knows the documented limit of one


class Calls(Protocol):
    """A group of handlers."""

    def routes(self) -> list[web.RouteDef]:
        """Method, path and handler of each."""


def rest_app(gate: RestGate, groups: Iterable[Calls]) -> web.Application:
    """The application to mount under /api/v10."""
    app = web.Application(middlewares=[gate.around], client_max_size=_LARGEST_BODY)
    for group in groups:
        app.add_routes(group.routes())
    return app
