"""Interaction callbacks and the webhook calls that an interaction's token allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord import bodies, modals, payloads
from segue_devkit.discord.errors import (
    invalid_webhook_token,
    unknown_message,
    unknown_webhook,
)
from segue_devkit.discord.interactions import Interaction, Kind
from segue_devkit.discord.model import Message, MessageFlag
from segue_devkit.discord.rest import callbacks
from segue_devkit.discord.rest.callbacks import Callback
from segue_devkit.discord.rest.http import RECEIVED_NS, answer, object_body, path_id

if TYPE_CHECKING:
    from segue_devkit.discord.interactions import Interactions
    from segue_devkit.discord.rest.attaching import Attaching
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World

_COMMAND_ANSWER, _REPLY = 20, 19
_SETTABLE_FLAGS = MessageFlag.EPHEMERAL | MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS


class InteractionCalls:
    """Handlers under /interactions and /webhooks."""

    def __init__(self, world: World, interactions: Interactions, attaching: Attaching) -> None:
        self._world = world
        self._interactions = interactions
        self._attaching = attaching

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        webhook = "/webhooks/{application_id}/{token}"
        message = webhook + "/messages/{message_id}"
        return [
            web.post("/interactions/{interaction_id}/{token}/callback", self.callback),
            web.post(webhook, self.followup),
            web.get(message, self.get),
            web.patch(message, self.edit),
            web.delete(message, self.delete),
        ]

    # ---- the callback ----------------------------------------------------------------------------

    async def callback(self, request: web.Request) -> web.Response:
        """POST /interactions/{interaction_id}/{token}/callback."""
        at_ns = request[RECEIVED_NS]
        body = await object_body(request)
        interaction_id, token = path_id(request, "interaction_id"), request.match_info["token"]
        one = self._interactions.acknowledge(interaction_id, token, at_ns)
        kind = callbacks.kind_of(body, one)
        self._carry_out(one, kind, callbacks.data_of(body), request)
        self._interactions.acknowledged(one, kind, at_ns, answered=kind not in callbacks.DEFERRED)
        if request.query.get("with_response", "").lower() not in {"true", "1"}:
            return web.Response(status=204)
        return answer(callbacks.response(one, kind))

    def _carry_out(self, one: Interaction, kind: Callback, data: Payload, request: web.Request) -> None:
        if kind is Callback.MESSAGE:
            has_files = bool(self._attaching.check(request))
            fields = bodies.checked(data, prefix=("data",), creating=True, has_files=has_files)
            one.original = self._new_message(one, _flags(data), fields, data, request)
        elif kind is Callback.DEFERRED_MESSAGE:
            one.original = self._new_message(one, _flags(data) | MessageFlag.LOADING, {}, {}, request)
        elif kind is Callback.DEFERRED_UPDATE:
            one.original = one.source
        elif kind is Callback.UPDATE_MESSAGE:
            one.original = one.source
            if one.source is not None:
                fields = bodies.checked(data, prefix=("data",), creating=False)
                self._world.edit(one.source, self._with_files(request, data, fields, one.source))
        elif kind is Callback.AUTOCOMPLETE:
            one.choices = callbacks.choices_of(data, one)
        elif kind is Callback.MODAL:
            one.modal = modals.checked(data)

    def _new_message(
        self, one: Interaction, flags: int, fields: Payload, data: Payload, request: web.Request
    ) -> Message:
        bot = self._world.bot
        ephemeral = bool(flags & MessageFlag.EPHEMERAL)
        self._attaching.add(request, data, fields, channel_id=one.channel_id, ephemeral=ephemeral)
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
            ephemeral_for=one.user.id if ephemeral else None,
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
        fields = bodies.checked(body, creating=True, has_files=bool(self._attaching.check(request)))
        original = one.original
        if original is not None and original.loading:
            self._with_files(request, body, fields, original)
            return answer(payloads.message(self._edit(one, original, fields, at_ns)))
        message = self._new_message(one, _flags(body, ("flags",)), fields, body, request)
        one.followups[message.id] = message
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
        body = await object_body(request)
        fields = self._with_files(request, body, bodies.checked(body, creating=False), message)
        return answer(payloads.message(self._edit(one, message, fields, at_ns)))

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /webhooks/{application_id}/{token}/messages/{message_id or @original}."""
        at_ns = request[RECEIVED_NS]
        one = self._by_token(request)
        message = self._target(request, one)
        self._world.delete(message)
        one.followups.pop(message.id, None)
        self._interactions.answered(one, at_ns)
        return web.Response(status=204)

    def _with_files(self, request: web.Request, body: Payload, fields: Payload, message: Message) -> Payload:
        self._attaching.check(request)
        self._attaching.add(
            request,
            body,
            fields,
            channel_id=message.channel_id,
            old=message.attachments,
            ephemeral=message.ephemeral_for is not None,
        )
        return fields

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


def _flags(data: Payload, path: tuple[str | int, ...] = ("data", "flags")) -> int:
    return bodies.settable_flags(data.get("flags"), _SETTABLE_FLAGS, path)
