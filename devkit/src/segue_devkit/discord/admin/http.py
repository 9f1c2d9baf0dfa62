"""Reading requests of /sim: every fault names the field and what it wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord.errors import ApiError
from segue_devkit.discord.options import NotPossibleError
from segue_devkit.discord.wire import Payload, dumps, loads, snowflake

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class BadRequestError(Exception):
    """400 with a text that says what is wrong."""


def answer(payload: object, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(text=dumps(payload), status=status, content_type="application/json")


@web.middleware
async def errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """``{"error": text}``: 400 bad request, 404 unknown id, 409 what the client app would refuse."""
    try:
        return await handler(request)
    except BadRequestError as error:
        return answer({"error": str(error)}, 400)
    except NotPossibleError as error:
        return answer({"error": str(error)}, 409)
    except ApiError as error:
        return answer({"error": error.message}, error.status)


async def body_of(request: web.Request) -> Payload:
    """A JSON object; an empty body is an empty one."""
    try:
        body = loads(await request.read() or b"{}")
    except ValueError:
        raise BadRequestError("the body is no JSON") from None
    if not isinstance(body, dict):
        raise BadRequestError("the body must be a JSON object")
    return body


def path_id(request: web.Request, name: str) -> int:
    """An id in the path."""
    return _id(request.match_info[name], name)


def query_id(request: web.Request, name: str) -> int | None:
    """An id in the query, if it is there."""
    value = request.query.get(name)
    return None if value is None else _id(value, name)


def field_id(body: Payload, name: str) -> int:
    """An id in the body."""
    return _id(body.get(name), name)


def field_text(body: Payload, name: str, default: str | None = None) -> str:
    """A text in the body."""
    value = body.get(name, default)
    if not isinstance(value, str) or not value:
        raise BadRequestError(f"{name} must be a text")
    return value


def field_int(body: Payload, name: str, default: int) -> int:
    """A whole number not below 0 in the body."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadRequestError(f"{name} must be a whole number not below 0")
    return value


def field_map(body: Payload, name: str) -> Payload:
    """An object in the body; absent it is empty."""
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise BadRequestError(f"{name} must be a JSON object")
    return value


def _id(value: object, name: str) -> int:
    try:
        return snowflake(value)
    except ValueError:
        raise BadRequestError(f"{name} must be an id") from None
