"""What every REST handler shares: bodies, bot token, rate limits, error bodies."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from segue_devkit.discord.errors import (
    ApiError,
    FormErrors,
    invalid_json,
    not_found,
    unauthorized,
)
from segue_devkit.discord.files import Upload
from segue_devkit.discord.gateway.limits import Window
from segue_devkit.discord.wire import Payload, dumps, now_ns, snowflake

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.world import World

RECEIVED_NS: web.RequestKey[int] = web.RequestKey("received_ns", int)
UPLOADS: web.RequestKey[tuple[Upload, ...]] = web.RequestKey("uploads", tuple)
"""The files of a form, in order."""
TOKEN_PATHS = ("/interactions/", "/webhooks/")
"""Calls that carry an interaction's token in the path need no bot token and no global budget."""


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


async def json_body(request: web.Request) -> Any:
    """The JSON body; of a multipart form, its ``payload_json``, with the files under ``UPLOADS``."""
    if request.content_type == "multipart/form-data":
        return await _form_body(request)
    try:
        return json.loads(await request.read() or b"null")
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
        body = json.loads(text)
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


class RestGate:
    """Middleware of REST: latency, errors, bot token, rate limits; counts what Discord would count."""

    def __init__(self, world: World, knobs: Knobs) -> None:
        self._world = world
        self._knobs = knobs
        self._global = Window(knobs.rest_per_second, 1000)
        self._global_limit = knobs.rest_per_second
        self._channels: dict[int, Window] = {}
        self._channel_limit = (knobs.messages_per_window, knobs.messages_window_ms)
        self.calls = 0
        self.invalid = 0

    @web.middleware
    async def around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Runs around every REST call."""
        request[RECEIVED_NS] = now_ns()
        self.calls += 1
        if self._knobs.rest_latency_ms > 0:
            await asyncio.sleep(self._knobs.rest_latency_ms / 1000)
        try:
            self._check_token(request)
            headers = self._limited(request)
            response = await handler(request)
        except ApiError as error:
            return self._refused(error)
        except web.HTTPNotFound:
            return self._refused(not_found())
        except web.HTTPMethodNotAllowed:
            return self._refused(ApiError(405, 0, "405: Method Not Allowed"))
        except _TooManyError as limited:
            self.invalid += 1
            return limited.response()
        response.headers.extend(headers)
        return response

    def _refused(self, error: ApiError) -> web.Response:
        if error.status in {401, 403}:
            self.invalid += 1
        return answer(error.body, error.status)

    def _check_token(self, request: web.Request) -> None:
        if any(part in request.path for part in TOKEN_PATHS):
            return
        if request.headers.get("Authorization") != f"Bot {self._world.token}":
            raise unauthorized()

    def _limited(self, request: web.Request) -> dict[str, str]:
        if any(part in request.path for part in TOKEN_PATHS):
            return {}
        if self._knobs.rest_per_second != self._global_limit:
            self._global_limit = self._knobs.rest_per_second
            self._global = Window(self._global_limit, 1000)
        now = now_ns()
        if self._global_limit and not self._global.take(now):
            raise _TooManyError(self._global.wait_ns(now) / 1e9, is_global=True)
        channel = request.match_info.get("channel_id")
        if channel is None or request.method not in {"POST", "PATCH"}:
            return {}
        return self._message_bucket(f"{request.method}:{channel}", now)

    def _message_bucket(self, key: str, now: int) -> dict[str, str]:
        limit = (self._knobs.messages_per_window, self._knobs.messages_window_ms)
        if limit != self._channel_limit:
            self._channel_limit = limit
            self._channels.clear()
        if not limit[0]:
            return {}
        window = self._channels.setdefault(hash(key), Window(*limit))
        if not window.take(now):
            raise _TooManyError(window.wait_ns(now) / 1e9, is_global=False)
        left = window.left(now)
        reset_after = limit[1] / 1000 if left else window.wait_ns(now) / 1e9
        return {
            "X-RateLimit-Limit": str(limit[0]),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset-After": f"{reset_after:.3f}",
            "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
            "X-RateLimit-Bucket": f"messages-{key.split(':', maxsplit=1)[0].lower()}",
        }


class _TooManyError(Exception):
    """429."""

    def __init__(self, retry_after_s: float, *, is_global: bool) -> None:
        super().__init__(f"rate limited for {retry_after_s:.3f} s")
        self._retry_after_s = max(retry_after_s, 0.001)
        self._global = is_global

    def response(self) -> web.Response:
        """Body and headers of a 429."""
        response = answer(
            {
                "message": "You are being rate limited.",
                "retry_after": round(self._retry_after_s, 3),
                "global": self._global,
            },
            429,
        )
        response.headers["Retry-After"] = str(int(self._retry_after_s) + 1)
        response.headers["X-RateLimit-Scope"] = "global" if self._global else "user"
        if self._global:
            response.headers["X-RateLimit-Global"] = "true"
        return response
