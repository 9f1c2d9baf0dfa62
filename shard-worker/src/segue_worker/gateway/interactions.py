"""Answering interactions, over the token that each of them carries.

Not over hikari's client, which serves everything else: these routes take no bot token, are outside the
global limit, and each token is a bucket of its own that is used two or three times; keeping the books of
ten thousand such buckets, and reading back the message it just sent, was a fifth of a busy worker's time.
Source: Discord, *Receiving and Responding to Interactions*, endpoints; *Rate Limits*.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
import hikari
import stamina

from segue_worker import jsontext, metrics
from segue_worker.gateway.calls import (
    Ack,
    Answerable,
    ErrorCode,
    ForbiddenError,
    GoneError,
    Operation,
    RefusedError,
    RestError,
    Shown,
    UnansweredError,
)
from segue_worker.gateway.measured import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hikari import api as hikari_api

    from segue_worker.domain.views import FileView


ACK_TIMEOUT_S = 2.5
EDIT_TIMEOUT_S = 10.0
_ATTEMPTS = 4
_LONGEST_WAIT_S = 5.0
_JSON = {"Content-Type": "application/json"}


class _LaterError(UnansweredError):
    """Discord asks for it again, after so many seconds."""

    def __init__(self, what: str, status: int, after_s: float) -> None:
        super().__init__(f"{what}: {status}, again in {after_s:g} s")
        self.after_s = after_s


class InteractionRest:
    """The interaction routes of one application. ``rest_url`` ends in the API's version, without a slash."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        rest_url: str,
        application: int,
        entities: hikari_api.EntityFactory,
    ) -> None:
        self._http = http
        self._url = rest_url.rstrip("/")
        self._application = application
        self._entities = entities

    async def respond(
        self,
        interaction: Answerable,
        kind: hikari.ResponseType,
        shown: Shown | None = None,
        *,
        ephemeral: bool = False,
    ) -> Ack:
        """Acknowledge, once: whether to try again is the caller's to judge.

        Raises:
            RestError: what is neither accepted, expired nor a repetition.
        """
        data = {} if shown is None else self._message(shown)
        if ephemeral:
            data["flags"] = int(hikari.MessageFlag.EPHEMERAL)
        file = None if shown is None else shown.file
        return await self._callback(interaction, kind, data, Operation.ACKNOWLEDGE, file)

    async def complete(self, interaction: Answerable, choices: Sequence[tuple[str, str]]) -> Ack:
        """Answer an autocomplete with at most 25 choices of (name, value). Raises RestError."""
        data = {"choices": [{"name": name, "value": value} for name, value in choices]}
        return await self._callback(interaction, hikari.ResponseType.AUTOCOMPLETE, data, Operation.COMPLETE)

    async def _callback(
        self,
        interaction: Answerable,
        kind: hikari.ResponseType,
        data: dict[str, Any],
        operation: Operation,
        file: FileView | None = None,
    ) -> Ack:
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        document = {"type": int(kind), "data": data}
        with measured(operation):
            status, body = await self._send("POST", path, document, operation.value, ACK_TIMEOUT_S, file)
            if status < HTTPStatus.BAD_REQUEST:
                return Ack.ACCEPTED
            code = _code(body)
            if code == ErrorCode.UNKNOWN_INTERACTION:
                return Ack.EXPIRED
            if code == ErrorCode.ALREADY_ACKNOWLEDGED:
                return Ack.ALREADY
            raise _error(operation.value, status, body)

    async def edit_original(self, token: str, shown: Shown) -> None:
        """Put ``shown`` into the first answer. Raises RestError; GoneError when it, or its token, is gone."""
        path = f"/webhooks/{self._application}/{token}/messages/@original"
        await self._until_taken("PATCH", path, self._message(shown), Operation.EDIT_ANSWER, shown.file)

    async def follow_up(self, token: str, shown: Shown, *, ephemeral: bool = True) -> None:
        """Answer once more. Raises RestError; GoneError when the token has expired."""
        message = self._message(shown)
        if ephemeral:
            message["flags"] = int(hikari.MessageFlag.EPHEMERAL)
        await self._until_taken(
            "POST", f"/webhooks/{self._application}/{token}", message, Operation.FOLLOW_UP, shown.file
        )

    def _message(self, shown: Shown) -> dict[str, Any]:
        """Return Discord's message object; nobody is ever mentioned by it."""
        return {
            "embeds": [self._entities.serialize_embed(embed)[0] for embed in shown.embeds],
            "components": [component.build()[0] for component in shown.components],
            "allowed_mentions": {"parse": []},
        }

    async def _until_taken(
        self,
        method: str,
        path: str,
        message: dict[str, Any],
        operation: Operation,
        file: FileView | None,
    ) -> None:
        what = operation.value
        again = _again if method == "PATCH" else _once_allowed
        try:
            async with asyncio.timeout(EDIT_TIMEOUT_S):
                async for attempt in stamina.retry_context(on=again, attempts=_ATTEMPTS, timeout=None):
                    with attempt, measured(operation):
                        if attempt.num > 1:
                            metrics.DISCORD_RETRIES.labels(operation.label).inc()
                        status, body = await self._send(method, path, message, what, EDIT_TIMEOUT_S, file)
                        if status >= HTTPStatus.BAD_REQUEST:
                            raise _error(what, status, body)
        except TimeoutError as error:
            raise UnansweredError(f"{what} stayed unanswered for {EDIT_TIMEOUT_S:g} s") from error

    async def _send(
        self,
        method: str,
        path: str,
        document: dict[str, Any],
        what: str,
        patience_s: float,
        file: FileView | None,
    ) -> tuple[int, bytes]:
        """Return status and body. The path carries a token, so that no error names it."""
        data: bytes | aiohttp.FormData = jsontext.dumps(document).encode()
        headers = _JSON
        if file is not None:
            # Discord, *Uploading Files*: the document is a field of the form, files are numbered.
            data, headers = aiohttp.FormData({"payload_json": jsontext.dumps(document)}), {}
            data.add_field("files[0]", file.data, filename=file.name, content_type=file.content_type)
        try:
            async with (
                asyncio.timeout(patience_s),
                self._http.request(method, self._url + path, data=data, headers=headers) as answer,
            ):
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise UnansweredError(f"{what} stayed unanswered for {patience_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnansweredError(f"{what}: {type(error).__name__}") from error


def _once_allowed(error: Exception) -> bool | timedelta:
    """Whether, or when, a call is made again that is not to take effect twice."""
    if isinstance(error, _LaterError) and error.after_s <= _LONGEST_WAIT_S:
        return timedelta(seconds=error.after_s)
    return False


def _again(error: Exception) -> bool | timedelta:
    """Whether, or when, a call is made again that changes nothing the second time."""
    return _once_allowed(error) if isinstance(error, _LaterError) else isinstance(error, UnansweredError)


def _error(what: str, status: int, body: bytes) -> RestError:
    code = _code(body)
    detail = f"{what}: {status} ({code})"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _LaterError(what, status, _number(body, "retry_after", 1.0))
    if status == HTTPStatus.NOT_FOUND or code == ErrorCode.INVALID_WEBHOOK_TOKEN:
        return GoneError(detail)
    if status == HTTPStatus.FORBIDDEN:
        return ForbiddenError(detail)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnansweredError(detail)
    return RefusedError(f"{detail}: {_words(body)}")


def _code(body: bytes) -> int:
    return int(_number(body, "code", 0))


def _number(body: bytes, name: str, otherwise: float) -> float:
    try:
        document = jsontext.loads(body)
    except ValueError:
        return otherwise
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, int | float) else otherwise


def _words(body: bytes) -> str:
    """Return the start of Discord's explanation: it names the field it did not like."""
    return body[:300].decode(errors="replace")
