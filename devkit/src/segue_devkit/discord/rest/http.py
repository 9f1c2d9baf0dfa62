"""What every REST handler shares: reading bodies, ids and queries, and answering."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from segue_devkit.discord.errors import (
    ApiError,
    FormErrors,
    invalid_json,
)
from segue_devkit.discord.files import Upload
from segue_devkit.discord.wire import Payload, dumps, loads, snowflake

RECEIVED_NS: web.RequestKey[int] = web.RequestKey("received_ns", int)
UPLOADS: web.RequestKey[tuple[Upload, ...]] = web.RequestKey("uploads", tuple)
"""The files of a form, in order."""


def answer(payload: object, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(text=dumps(payload), status=status, content_type="application/json")


def path_id(request: web.Request, name: str) -> int:
    """An id in the path; what is no snowflake is 50035, as on Discord."""
    try:
        return snowflake(request.match_info[name])
    except ValueError:
        errors = FormErrors()
        value = request.match_info[name]
        errors.add((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
        raise ApiError(400, 50035, "Invalid Form Body", errors.tree) from None


def query_int(request: web.Request, name: str, low: int, high: int, default: int) -> int:
    """A number in the query, 50035 if it is none or out of bounds."""
    text = request.query.get(name)
    if text is None:
        return default
    if text.isdecimal() and low <= int(text) <= high:
        return int(text)
    errors = FormErrors()
    errors.add((name,), "NUMBER_TYPE_RANGE", f"int value should be in {low} to {high}.")
    raise ApiError(400, 50035, "Invalid Form Body", errors.tree)


async def json_body(request: web.Request) -> Any:
    """The JSON body; of a multipart form, its ``payload_json``, with the files under ``UPLOADS``."""
    if request.content_type == "multipart/form-data":
        return await _form_body(request)
    try:
        return loads(await request.read() or b"null")
    except ValueError:
        raise invalid_json() from None


async def object_body(request: web.Request) -> Payload:
    """A body that must be a JSON object."""
    body = await json_body(request)
    if not isinstance(body, dict):
        errors = FormErrors()
        errors.wrong_type((), "dictionaries")
        errors.raise_if_any()
    found: Payload = body
    return found


async def _form_body(request: web.Request) -> Payload:
    form = await request.post()
    text = form.get("payload_json", "{}")  # bytes where the part names a type that is no text
    if isinstance(text, web.FileField):
        raise invalid_json()
    try:
        body = loads(text)
    except ValueError:
        raise invalid_json() from None
    if not isinstance(body, dict):
        raise invalid_json()
    files = [(name, each) for name, each in form.items() if isinstance(each, web.FileField)]
    request[UPLOADS] = tuple(_upload(name, each, body) for name, each in files)
    return body


def _upload(field: str, file: web.FileField, body: Payload) -> Upload:
    """``files[n]`` with the description that ``attachments`` gives to id n."""
    number = field.removeprefix("files[").removesuffix("]")
    data = body.get("data")
    holder = data if isinstance(data, dict) else body
    listed = holder.get("attachments")
    about = next(
        (
            each
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict) and str(each.get("id")) == number
        ),
        {},
    )
    return Upload(file.filename, file.content_type, file.file.read(), about.get("description"))
