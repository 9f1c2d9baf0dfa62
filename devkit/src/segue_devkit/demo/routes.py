"""What the page may ask for and do, by path. A body is a JSON object; a wrong one is said in words."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from segue_devkit.demo.typed import Pick, TypedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segue_devkit.demo.cluster import Sight
    from segue_devkit.demo.people import Acting, Done
    from segue_devkit.demo.world import DemoWorld, Seat

SEAT = "/api/guilds/{guild}/as/{person}"
_NAME_LENGTH = 100


class Routes:
    """The handlers of what people do. ``hint``: something changed in this guild, look."""

    def __init__(
        self, world: DemoWorld, acting: Acting, sight: Sight | None, hint: Callable[[int], None]
    ) -> None:
        self._world = world
        self._acting = acting
        self._sight = sight
        self._hint = hint

    def table(self) -> list[web.RouteDef]:
        """Return all of them."""
        return [
            web.get("/api/world", self._describe),
            web.post(f"{SEAT}/say", self._say),
            web.post(f"{SEAT}/complete", self._complete),
            web.post(f"{SEAT}/click", self._click),
            web.post(f"{SEAT}/submit", self._submit),
            web.post(f"{SEAT}/files", self._upload),
            web.post(f"{SEAT}/voice", self._voice),
            web.post("/api/pods/{pod}", self._act_on_pod),
        ]

    async def _describe(self, _request: web.Request) -> web.Response:
        return web.json_response({**self._world.describe(), "cluster": self._sight is not None})

    async def _say(self, request: web.Request) -> web.Response:
        seat, body = seat_of(self._world, request), await _body(request)
        done = await self._acting.say(
            seat, _text(body, "text"), _picks(body.get("picks", {})), _texts(body, "files")
        )
        return _answer(done)

    async def _complete(self, request: web.Request) -> web.Response:
        seat, body = seat_of(self._world, request), await _body(request)
        choices = await self._acting.complete(seat, _text(body, "text"))
        return web.json_response([asdict(one) for one in choices])

    async def _click(self, request: web.Request) -> web.Response:
        seat, body = seat_of(self._world, request), await _body(request)
        message = _text(body, "message")
        if not _number(message):
            raise TypedError("That message has no buttons.")
        done = await self._acting.click(seat, int(message), _text(body, "custom_id"), _texts(body, "values"))
        return _answer(done)

    async def _submit(self, request: web.Request) -> web.Response:
        seat, body = seat_of(self._world, request), await _body(request)
        values = body.get("values", {})
        if not isinstance(values, dict):
            raise web.HTTPBadRequest(text="A form's values are named.")
        filled = {str(name): value for name, value in values.items()}
        return _answer(await self._acting.submit(seat, _text(body, "form"), filled))

    async def _upload(self, request: web.Request) -> web.Response:
        seat = seat_of(self._world, request)
        name = request.query.get("name", "")
        if not 0 < len(name) <= _NAME_LENGTH:
            raise TypedError(f"A file's name has 1 to {_NAME_LENGTH} characters.")
        data = await request.read()
        if not data:
            raise TypedError(f"{name} is empty.")
        file = await self._acting.upload(seat, name, data, request.content_type)
        return web.json_response({"file": file, "bytes": len(data)})

    async def _voice(self, request: web.Request) -> web.Response:
        seat = seat_of(self._world, request)
        await self._world.voice(seat, join=bool((await _body(request)).get("join")))
        self._hint(seat.guild.id)
        return web.json_response({})

    async def _act_on_pod(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if self._sight is None:
            raise TypedError("There is no cluster behind this page.")
        self._sight.act(request.match_info["pod"], _text(body, "action"))
        return web.json_response({})


def seat_of(world: DemoWorld, request: web.Request) -> Seat:
    """Return who acts where.

    Raises:
        HTTPNotFound: no such server or person.
    """
    guild, person = request.match_info["guild"], request.match_info["person"]
    if _number(guild) and _number(person):
        try:
            return world.seat(int(guild), int(person))
        except LookupError:
            pass
    raise web.HTTPNotFound(text="There is no such server or person.")


def _answer(done: Done) -> web.Response:
    return web.json_response({} if done.modal is None else {"modal": done.modal})


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        data = await request.json()
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise web.HTTPBadRequest(text="A JSON object is wanted.")
    return data


def _text(body: Mapping[str, Any], name: str) -> str:
    return str(body.get(name, ""))


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = body.get(name, [])
    if not isinstance(found, list):
        raise TypedError(f"{name} is a list.")
    return tuple(str(one) for one in found)


def _picks(found: Any) -> dict[str, Pick]:
    """Return what was chosen of the proposals; each is ``{shown, value}``."""
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="Choices are named by their option.")
    picks = {}
    for name, one in found.items():
        value = one.get("value") if isinstance(one, dict) else None
        if isinstance(value, (str, int, float)) and isinstance(one.get("shown"), str):
            picks[str(name)] = Pick(one["shown"], value)
    return picks


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit()
