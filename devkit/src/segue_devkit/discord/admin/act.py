"""Interactions under /sim: one by one over HTTP, or many over one WebSocket.

The WebSocket is what the typed client and the benchmark use: a request is
``{"ref": n, "act": "slash" | "click" | "autocomplete" | "submit", "person": id, …}``; the answer
``{"ref": n, "interaction": {…}}`` or ``{"ref": n, "error": text}``; afterwards each change of the
interaction comes as ``{"interaction": {…}}``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from segue_devkit.discord.admin import views
from segue_devkit.discord.admin.http import (
    BadRequestError,
    answer,
    body_of,
    field_id,
    field_map,
    field_text,
    path_id,
)
from segue_devkit.discord.admin.people import person_of
from segue_devkit.discord.errors import ApiError
from segue_devkit.discord.interactions import Interaction, Stage
from segue_devkit.discord.options import NotPossibleError
from segue_devkit.discord.wire import Payload, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.acting import People
    from segue_devkit.discord.interactions import Interactions
    from segue_devkit.discord.world import World

_MAX_WAIT_MS = 60_000
_REACHED = {
    "acked": frozenset({Stage.DEFERRED, Stage.ANSWERED, Stage.FAILED}),
    "answered": frozenset({Stage.ANSWERED, Stage.FAILED}),
}


class ActCalls:
    """Handlers that act as people."""

    def __init__(self, world: World, people: People, interactions: Interactions) -> None:
        self._world = world
        self._people = people
        self._interactions = interactions

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        return [
            web.post("/interactions", self.create),
            web.get("/interactions/{interaction_id}", self.wait),
            web.get("/act", self.live),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """POST /sim/interactions {act, person, …}."""
        return answer(views.interaction(self._act(await body_of(request), None)), 201)

    async def wait(self, request: web.Request) -> web.Response:
        """GET /sim/interactions/{id}?wait=acked|answered&timeout_ms=: as it is then, reached or not."""
        one = self._interactions.find(path_id(request, "interaction_id"))
        wanted = request.query.get("wait")
        if wanted is None:
            return answer(views.interaction(one))
        if wanted not in _REACHED:
            raise BadRequestError("wait must be acked or answered")
        raw = request.query.get("timeout_ms", "5000")
        if not raw.isdigit() or int(raw) > _MAX_WAIT_MS:
            raise BadRequestError(f"timeout_ms must be a whole number up to {_MAX_WAIT_MS}")
        reached = asyncio.Event()

        def look(changed: Interaction) -> None:
            if changed.stage in _REACHED[wanted]:
                reached.set()

        forget = self._interactions.listen(one.id, look)
        look(one)
        try:
            async with asyncio.timeout(int(raw) / 1000):
                await reached.wait()
        except TimeoutError:
            return answer(views.interaction(one))  # the stage says that it was not reached
        finally:
            forget()
        return answer(views.interaction(one))

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        """The WebSocket /sim/act."""
        socket = web.WebSocketResponse(compress=False, timeout=1.0)
        await socket.prepare(request)
        outgoing: asyncio.Queue[str] = asyncio.Queue()

        def tell(changed: Interaction) -> None:
            outgoing.put_nowait(dumps({"interaction": views.interaction(changed)}))

        writer = asyncio.create_task(_write(socket, outgoing))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    outgoing.put_nowait(dumps(self._live_request(message.data, tell)))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    def _live_request(self, text: str, tell: Callable[[Interaction], None]) -> Payload:
        ref = None
        try:
            body = loads(text)
            if not isinstance(body, dict):
                return {"ref": None, "error": "a request must be a JSON object"}
            ref = body.get("ref")
            one = self._act(body, tell)
        except ApiError as error:
            return {"ref": ref, "error": error.message}
        except (BadRequestError, NotPossibleError, ValueError) as error:
            return {"ref": ref, "error": str(error)}
        return {"ref": ref, "interaction": views.interaction(one)}

    def _act(self, body: Payload, listener: Callable[[Interaction], None] | None) -> Interaction:
        user = person_of(self._world, field_id(body, "person"))
        act = field_text(body, "act")
        if act == "submit":
            asked = self._interactions.find(field_id(body, "interaction"))
            return self._people.submit(user, asked, field_map(body, "values"), listener)
        channel_id = field_id(body, "channel")
        if act == "slash":
            name, values = field_text(body, "name"), field_map(body, "options")
            return self._people.slash(user, channel_id, name, values, listener)
        if act == "autocomplete":
            name, values = field_text(body, "name"), field_map(body, "options")
            focused = field_text(body, "focused")
            return self._people.autocomplete(user, channel_id, name, focused, values, listener)
        if act == "click":
            message_id, custom_id = field_id(body, "message"), field_text(body, "custom_id")
            chosen = body.get("values") or []
            if not isinstance(chosen, list) or not all(isinstance(each, str) for each in chosen):
                raise BadRequestError("values must be a list of texts")
            return self._people.click(user, channel_id, message_id, custom_id, chosen, listener)
        raise BadRequestError("act must be slash, click, autocomplete or submit")


async def _write(socket: web.WebSocketResponse, outgoing: asyncio.Queue[str]) -> None:
    while True:
        await socket.send_str(await outgoing.get())
