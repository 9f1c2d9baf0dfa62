"""The REST calls a music bot makes, over hikari's client, with outcomes we can act upon.

Rate limits, retries of 5xx and connection errors are hikari's. Nobody waits for ever: an interaction
must be acknowledged within 3 s of its creation, and its token lives 15 minutes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import hikari
from hikari import api as hikari_api
from hikari import undefined

from segue_core.ids import ChannelId, MessageId
from segue_core.models import MessageRef
from segue_worker.gateway.calls import (
    Ack,
    Answerable,
    ErrorCode,
    ForbiddenError,
    GoneError,
    Operation,
    RefusedError,
    Shown,
    UnansweredError,
)
from segue_worker.gateway.errors import BadTokenError, GatewayError, LateError
from segue_worker.gateway.measured import measured
from segue_worker.gateway.register import builder
from segue_worker.gateway.unhurried import Unhurried

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from segue_core.ids import GuildId, UserId
    from segue_worker.gateway.interactions import InteractionRest

CALL_TIMEOUT_S = 10.0
WHERE_TIMEOUT_S = 2.5
"""Somebody waits for their command while we ask where they are."""

T = TypeVar("T")


class DiscordRest:
    """Interactions, messages and commands of one application."""

    def __init__(
        self, client: hikari_api.RESTClient, application: int, interactions: InteractionRest
    ) -> None:
        self._client = client
        self._application = application
        self._interactions = interactions
        self._calls = Unhurried()

    async def defer(self, interaction: Answerable, *, ephemeral: bool = True) -> Ack:
        """Acknowledge a command; the answer follows by :meth:`edit_original`.

        Whether the answer is ephemeral is fixed by this call.
        """
        return await self._interactions.respond(
            interaction, hikari.ResponseType.DEFERRED_MESSAGE_CREATE, ephemeral=ephemeral
        )

    async def defer_update(self, interaction: Answerable) -> Ack:
        """Acknowledge a button; its message stays as it is until it is edited."""
        return await self._interactions.respond(interaction, hikari.ResponseType.DEFERRED_MESSAGE_UPDATE)

    async def answer(self, interaction: Answerable, shown: Shown, *, ephemeral: bool = True) -> Ack:
        """Acknowledge and answer at once."""
        return await self._interactions.respond(
            interaction, hikari.ResponseType.MESSAGE_CREATE, shown, ephemeral=ephemeral
        )

    async def answer_update(self, interaction: Answerable, shown: Shown) -> Ack:
        """Acknowledge a button by changing the message it sits on."""
        return await self._interactions.respond(interaction, hikari.ResponseType.MESSAGE_UPDATE, shown)

    async def complete(self, interaction: Answerable, choices: Sequence[tuple[str, str]]) -> Ack:
        """Answer an autocomplete with at most 25 choices of (name, value), 100 characters each."""
        return await self._interactions.complete(interaction, choices)

    async def edit_original(self, token: str, shown: Shown) -> None:
        """Put ``shown`` into the answer of the interaction with this token.

        Raises:
            GoneError: the token has expired, or the answer was dismissed.
            RestError: see its kinds.
        """
        await self._interactions.edit_original(token, shown)

    async def follow_up(self, token: str, shown: Shown, *, ephemeral: bool = True) -> None:
        """Answer once more, for a button whose acknowledgement has no text of its own.

        Raises:
            GoneError: the token has expired.
            RestError: see its kinds.
        """
        await self._interactions.follow_up(token, shown, ephemeral=ephemeral)

    async def post(self, channel: ChannelId, shown: Shown, *, nonce: str | None = None) -> MessageRef:
        """Create a message, without notifying anybody; return where it is.

        The same ``nonce`` (25 characters at most) within some minutes creates one message only.
        """
        message = await self._call(
            Operation.POST_MESSAGE,
            self._client.create_message(
                int(channel),
                embeds=shown.embeds,
                components=shown.components,
                nonce=undefined.UNDEFINED if nonce is None else nonce,
                flags=hikari.MessageFlag.SUPPRESS_NOTIFICATIONS,
                mentions_everyone=False,
                user_mentions=False,
                role_mentions=False,
            ),
        )
        return MessageRef(channel=channel, message=MessageId(int(message.id)))

    async def edit(self, ref: MessageRef, shown: Shown) -> None:
        """Change one of our messages; GoneError when somebody deleted it."""
        await self._call(
            Operation.EDIT_MESSAGE,
            self._client.edit_message(
                int(ref.channel),
                int(ref.message),
                embeds=shown.embeds,
                components=shown.components,
                mentions_everyone=False,
                user_mentions=False,
                role_mentions=False,
            ),
        )

    async def delete(self, ref: MessageRef) -> None:
        """Delete one of our messages; GoneError when it is gone already."""
        await self._call(
            Operation.DELETE_MESSAGE, self._client.delete_message(int(ref.channel), int(ref.message))
        )

    async def register(self, commands: Sequence[Mapping[str, Any]]) -> None:
        """Replace the application's global commands by these command objects; idempotent."""
        builders = [builder(command) for command in commands]
        await self._call(
            Operation.REGISTER_COMMANDS, self._client.set_application_commands(self._application, builders)
        )

    async def voice_channel(self, guild: GuildId, user: UserId) -> ChannelId | None:
        """Return the voice channel somebody is in, None for none; RestError when it can't be learnt."""
        try:
            state = await self._call(
                Operation.VOICE_STATE,
                self._client.fetch_voice_state(int(guild), int(user)),
                WHERE_TIMEOUT_S,
            )
        except GoneError:
            return None
        return None if state.channel_id is None else ChannelId(int(state.channel_id))

    async def close(self) -> None:
        """End the calls that nobody waits for any more."""
        await self._calls.close()

    async def _call(
        self, operation: Operation, call: Coroutine[Any, Any, T], patience_s: float = CALL_TIMEOUT_S
    ) -> T:
        with measured(operation):
            return await self._translated(operation.value, call, patience_s)

    async def _translated(self, what: str, call: Coroutine[Any, Any, T], patience_s: float) -> T:
        try:
            return await self._calls.call(what, call, patience_s)
        except LateError as error:
            raise UnansweredError(str(error)) from error
        except hikari.HTTPError as error:
            raise _translate(error, what) from error
        except (LookupError, TypeError, ValueError) as error:
            # Done at Discord, but answered in a shape that hikari does not know.
            raise UnansweredError(f"{what}: the answer can't be read: {error!r}") from error


def _translate(error: hikari.HTTPError, what: str) -> GatewayError:
    detail = f"{what}: {_reason(error)}"
    code = _code(error)
    if isinstance(error, hikari.UnauthorizedError):
        # An expired interaction token is a 401 with a code of its own; else it is the bot's token.
        return GoneError(detail) if code == ErrorCode.INVALID_WEBHOOK_TOKEN else BadTokenError()
    if isinstance(error, hikari.NotFoundError):
        return GoneError(detail)
    if isinstance(error, hikari.ForbiddenError):
        return ForbiddenError(detail)
    if isinstance(error, hikari.ClientHTTPResponseError):
        return RefusedError(detail)
    return UnansweredError(detail)


def _reason(error: hikari.HTTPError) -> str:
    """Name status, code and message, and never the URL: it carries the interaction's token."""
    if not isinstance(error, hikari.HTTPResponseError):
        return error.message or type(error).__name__
    return f"{int(error.status)} {error.message} ({_code(error)})"


def _code(error: hikari.HTTPError) -> int:
    """Return Discord's error code; hikari reads it for some statuses only."""
    if not isinstance(error, hikari.HTTPResponseError):
        return 0
    if error.code:
        return int(error.code)
    try:
        body = json.loads(error.raw_body)
    except (TypeError, ValueError):
        return 0
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, int) else 0
