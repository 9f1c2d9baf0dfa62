"""Interaction callbacks and the webhook calls that an interaction's token allows."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord import bodies, payloads
from segue_devkit.discord.errors import (
    FormErrors,
    invalid_webhook_token,
    unknown_message,
    unknown_webhook,
)
from segue_devkit.discord.interactions import Interaction, Kind
from segue_devkit.discord.model import Message, MessageFlag
from segue_devkit.discord.rest.http import RECEIVED_NS, answer, object_body, path_id

if TYPE_CHECKING:
    from segue_devkit.discord.interactions import Interactions
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World

MAX_CHOICES = 25
_COMMAND_ANSWER, _REPLY = 20, 19
_SETTABLE_FLAGS = MessageFlag.EPHEMERAL | MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS


class Callback(IntEnum):
    """Interaction callback types."""

    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE_MESSAGE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


_MESSAGES = frozenset({Callback.MESSAGE, Callback.DEFERRED_MESSAGE})
_ALLOWED: dict[Kind, frozenset[Callback]] = {
    Kind.COMMAND: _MESSAGES | {Callback.MODAL},
    Kind.COMPONENT: _MESSAGES | {Callback.DEFERRED_UPDATE, Callback.UPDATE_MESSAGE, Callback.MODAL},
    Kind.AUTOCOMPLETE: frozenset({Callback.AUTOCOMPLETE}),
    Kind.MODAL_SUBMIT: _MESSAGES | {Callback.DEFERRED_UPDATE, Callback.UPDATE_MESSAGE},
}


class InteractionCalls:
    """Handlers under /interactions and /webhooks."""

    def __init__(self, world: World, interactions: Interactions) -> None:
        self._world = world
        self._interactions = interactions

    # ---- the callback ----------------------------------------------------------------------------

    async def callback(self, request: web.Request) -> web.Response:
        """POST /interactions/{interaction_id}/{token}/callback."""
        at_ns = request[RECEIVED_NS]
        body = await object_body(request)
        one = self._interactions.acknowledge(path_id(request, "interaction_id"), request.match_info["token"])
        kind = _callback_kind(body, one)
        data = _data_of(body)
        self._carry_out(one, kind, data)
        deferred = kind in {Callback.DEFERRED_MESSAGE, Callback.DEFERRED_UPDATE}
        self._interactions.acknowledged(one, kind, at_ns, answered=not deferred)
        if request.query.get("with_response", "").lower() not in {"true", "1"}:
            return web.Response(status=204)
        return answer(_callback_response(one, kind))

    def _carry_out(self, one: Interaction, kind: Callback, data: Payload) -> None:
        if kind is Callback.MESSAGE:
            fields = bodies.checked(
                data, prefix=("data",), creating=True, has_files=bool(data.get("attachments"))
            )
            one.original = self._new_message(one, _flags(data), fields, data)
        elif kind is Callback.DEFERRED_MESSAGE:
            one.original = self._new_message(one, _flags(data) | MessageFlag.LOADING, {}, {})
        elif kind is Callback.DEFERRED_UPDATE:
            one.original = one.source
        elif kind is Callback.UPDATE_MESSAGE:
            one.original = one.source
            if one.source is not None:
                self._world.edit(one.source, bodies.checked(data, prefix=("data",), creating=False))
        elif kind is Callback.AUTOCOMPLETE:
            one.choices = _choices(data)
        elif kind is Callback.MODAL:
            one.modal = _modal(data)

    def _new_message(self, one: Interaction, flags: int, fields: Payload, data: Payload) -> Message:
        bot = self._world.bot
        metadata: Payload = {
            "id": str(one.id),
            "type": int(one.kind),
            "user": payloads.user(one.user),
            "authorizing_integration_owners": {"0": str(one.guild_id)},
        }
        if one.kind is Kind.COMMAND:
            metadata["name"] = one.data["name"]
        if one.source is not None:
            metadata["interacted_message_id"] = str(one.source.id)
        message = Message(
            self._world.ids.new(),
            one.channel_id,
            one.guild_id,
            bot,
            type=_COMMAND_ANSWER if one.kind is Kind.COMMAND else _REPLY if one.source else 0,
            flags=flags,
            interaction=metadata,
            webhook_id=bot.id,
            ephemeral_for=one.user.id if flags & MessageFlag.EPHEMERAL else None,
            attachments=data.get("attachments") or [],
            **fields,
        )
        if one.source is not None:
            message.reference = {
                "type": 0,
                "message_id": str(one.source.id),
                "channel_id": str(one.channel_id),
                "guild_id": str(one.guild_id),
            }
        return self._world.post(message)

    # ---- webhooks --------------------------------------------------------------------------------

    async def followup(self, request: web.Request) -> web.Response:
        """POST /webhooks/{application_id}/{token}: the first after a deferral fills the original in."""
        at_ns = request[RECEIVED_NS]
        one = self._by_token(request)
        body = await object_body(request)
        fields = bodies.checked(body, creating=True, has_files=bool(body.get("attachments")))
        original = one.original
        if original is not None and original.loading:
            return answer(payloads.message(self._edit(one, original, fields, at_ns)))
        message = self._new_message(one, _flags(body), fields, body)
        one.followups.append(message.id)
        self._interactions.answered(one, at_ns)
        return answer(payloads.message(message))

    async def get(self, request: web.Request) -> web.Response:
        """GET /webhooks/{application_id}/{token}/messages/{message_id or @original}."""
        one = self._by_token(request)
        return answer(payloads.message(self._target(request, one)))

    async def edit(self, request: web.Request) -> web.Response:
        """PATCH /webhooks/{application_id}/{token}/messages/{message_id or @original}."""
        at_ns = request[RECEIVED_NS]
        one = self._by_token(request)
        message = self._target(request, one)
        fields = bodies.checked(await object_body(request), creating=False)
        return answer(payloads.message(self._edit(one, message, fields, at_ns)))

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /webhooks/{application_id}/{token}/messages/{message_id or @original}."""
        at_ns = request[RECEIVED_NS]
        one = self._by_token(request)
        self._world.delete(self._target(request, one))
        self._interactions.answered(one, at_ns)
        return web.Response(status=204)

    def _edit(self, one: Interaction, message: Message, fields: Payload, at_ns: int) -> Message:
        if message.loading:
            fields = {**fields, "flags": message.flags & ~MessageFlag.LOADING}
        self._world.edit(message, fields)
        self._interactions.answered(one, at_ns)
        return message

    def _by_token(self, request: web.Request) -> Interaction:
        one = self._interactions.by_token(request.match_info["token"])
        if one is None or path_id(request, "application_id") != self._world.bot.id:
            raise unknown_webhook()
        if not self._interactions.token_lives(one):
            raise invalid_webhook_token()
        if not one.acknowledged:
            raise unknown_webhook()
        return one

    def _target(self, request: web.Request, one: Interaction) -> Message:
        wanted = request.match_info["message_id"]
        if wanted == "@original":
            if one.original is None:
                raise unknown_message()
            return self._world.message(one.channel_id, one.original.id)
        message_id = path_id(request, "message_id")
        mine = message_id in one.followups or (one.original is not None and one.original.id == message_id)
        if not mine:
            raise unknown_message()
        return self._world.message(one.channel_id, message_id)


def _callback_kind(body: Payload, one: Interaction) -> Callback:
    errors = FormErrors()
    kind = body.get("type")
    if kind not in tuple(Callback) or Callback(kind) not in _ALLOWED[one.kind]:
        errors.choice(("type",), ", ".join(str(int(each)) for each in sorted(_ALLOWED[one.kind])))
        errors.raise_if_any()
    return Callback(int(str(kind)))


def _flags(data: Payload) -> int:
    return bodies.settable_flags(data.get("flags"), _SETTABLE_FLAGS, ("data", "flags"))


def _data_of(body: Payload) -> Payload:
    data = body.get("data") or {}
    if not isinstance(data, dict):
        errors = FormErrors()
        errors.wrong_type(("data",), "dictionaries")
        errors.raise_if_any()
    return dict(data)


def _choices(data: Payload) -> list[Payload]:
    errors = FormErrors()
    choices = data.get("choices")
    if not isinstance(choices, list):
        errors.required(("data", "choices"))
        choices = []
    if len(choices) > MAX_CHOICES:
        errors.length(("data", "choices"), 0, MAX_CHOICES)
    for index, each in enumerate(choices):
        if not isinstance(each, dict):
            errors.wrong_type(("data", "choices", index), "dictionaries")
            continue
        for name in ("name", "value"):
            value = each.get(name)
            if value is None or value == "":
                errors.required(("data", "choices", index, name))
            elif isinstance(value, str) and len(value) > 100:  # noqa: PLR2004 - documented length
                errors.length(("data", "choices", index, name), 1, 100)
    errors.raise_if_any()
    return choices


def _modal(data: Payload) -> Payload:
    errors = FormErrors()
    for name, most in (("custom_id", 100), ("title", 45)):
        value = data.get(name)
        if not isinstance(value, str):
            errors.required(("data", name))
        elif not 1 <= len(value) <= most:
            errors.length(("data", name), 1, most)
    if not isinstance(data.get("components"), list) or not 1 <= len(data["components"]) <= 5:  # noqa: PLR2004 - documented
        errors.length(("data", "components"), 1, 5)
    errors.raise_if_any()
    return data


def _callback_response(one: Interaction, kind: Callback) -> Payload:
    interaction: Payload = {
        "id": str(one.id),
        "type": int(one.kind),
        "guild_id": str(one.guild_id),
        "channel_id": str(one.channel_id),
    }
    response: Payload = {"interaction": interaction, "resource": {"type": int(kind)}}
    if one.original is not None:
        interaction |= {
            "response_message_id": str(one.original.id),
            "response_message_loading": one.original.loading,
            "response_message_ephemeral": one.original.ephemeral_for is not None,
        }
        if kind in {Callback.MESSAGE, Callback.UPDATE_MESSAGE, Callback.DEFERRED_MESSAGE}:
            response["resource"]["message"] = payloads.message(one.original)
    return response
