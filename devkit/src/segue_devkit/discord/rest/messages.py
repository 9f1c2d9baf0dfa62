"""Channel messages: list, create, get, edit, delete one or many, with the permissions each needs."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord import bodies, payloads
from segue_devkit.discord.errors import (
    ApiError,
    FormErrors,
    missing_permissions,
    not_the_author,
    unknown_message,
    wrong_channel_type,
)
from segue_devkit.discord.ids import DISCORD_EPOCH_MS
from segue_devkit.discord.model import NO_GUILD, Message, MessageFlag
from segue_devkit.discord.permissions import Permission
from segue_devkit.discord.rest.fields import Fields
from segue_devkit.discord.rest.http import answer, object_body, path_id, query_int

if TYPE_CHECKING:
    from segue_devkit.discord.model import Channel
    from segue_devkit.discord.rest.access import Access
    from segue_devkit.discord.rest.attaching import Attaching
    from segue_devkit.discord.wire import Payload
    from segue_devkit.discord.world import World

NONCE_MEMORY_S = 180.0
"""Documented as "the past few minutes"."""
MAX_LISTED = 100
BULK_DELETE_MS = 14 * 86_400_000
_LONGEST_NONCE = 25
_SETTABLE_FLAGS = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS


class MessageCalls:
    """Handlers under /channels/{channel_id}/messages."""

    def __init__(self, world: World, access: Access, attaching: Attaching) -> None:
        self._world = world
        self._access = access
        self._attaching = attaching
        self._by_nonce: dict[tuple[int, str], tuple[float, int]] = {}

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        messages = "/channels/{channel_id}/messages"
        one = messages + "/{message_id}"
        return [
            web.get(messages, self.history),
            web.post(messages, self.create),
            web.post(messages + "/bulk-delete", self.delete_many),
            web.get(one, self.get),
            web.patch(one, self.edit),
            web.delete(one, self.delete),
        ]

    async def history(self, request: web.Request) -> web.Response:
        """GET /channels/{channel_id}/messages?limit=&before=&after=&around=: newest first.

        Without READ_MESSAGE_HISTORY there are none.
        """
        channel = self._access.channel(request)
        limit = query_int(request, "limit", 1, MAX_LISTED, 50)
        places = {name: query_int(request, name, 0, 1 << 64, -1) for name in ("before", "after", "around")}
        if not self._access.in_channel(channel) & Permission.READ_MESSAGE_HISTORY:
            return answer([])
        shown = [each for each in self._world.messages[channel.id].values() if each.ephemeral_for is None]
        page = _page(sorted(shown, key=lambda each: each.id), limit, **places)
        return answer([payloads.message(each) for each in reversed(page)])

    async def create(self, request: web.Request) -> web.Response:
        """POST /channels/{channel_id}/messages."""
        channel = self._world.channel(path_id(request, "channel_id"))
        allowed = self._access.need(channel, Permission.SEND_MESSAGES)
        body = await object_body(request)
        nonce = _nonce(body)
        known = self._same(channel, nonce) if body.get("enforce_nonce") is True else None
        if known is not None:
            return answer(payloads.message(known))
        files = self._attaching.check(request)
        fields = bodies.checked(body, creating=True, has_files=bool(files))
        if files and not allowed & Permission.ATTACH_FILES:
            raise missing_permissions()
        if fields.get("embeds") and not allowed & Permission.EMBED_LINKS:
            raise missing_permissions()
        self._attaching.add(request, body, fields, channel_id=channel.id)
        message = Message(
            self._world.ids.new(),
            channel.id,
            channel.guild_id,
            self._world.bot,
            flags=bodies.settable_flags(body.get("flags"), _SETTABLE_FLAGS),
            nonce=nonce,
            reference=self._reference(channel, body),
            **fields,
        )
        if message.reference is not None:
            message.type = 19
        self._world.post(message)
        if nonce is not None:
            self._by_nonce[channel.id, str(nonce)] = (time.monotonic(), message.id)
        return answer(payloads.message(message))

    def _same(self, channel: Channel, nonce: str | int | None) -> Message | None:
        """The bot's message with this nonce of the past few minutes, which is then answered again."""
        oldest = time.monotonic() - NONCE_MEMORY_S
        self._by_nonce = {key: made for key, made in self._by_nonce.items() if made[0] >= oldest}
        made = self._by_nonce.get((channel.id, str(nonce)))
        return None if made is None else self._world.messages[channel.id].get(made[1])

    def _reference(self, channel: Channel, body: Payload) -> Payload | None:
        wanted = body.get("message_reference")
        if not isinstance(wanted, dict):
            return None
        known = self._world.messages[channel.id]
        message_id = str(wanted.get("message_id"))
        if message_id.isdecimal() and int(message_id) in known:
            return {
                "type": 0,
                "message_id": message_id,
                "channel_id": str(channel.id),
                "guild_id": str(channel.guild_id),
            }
        if wanted.get("fail_if_not_exists", True):
            errors = FormErrors()
            errors.add(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
            errors.raise_if_any()
        return None

    async def get(self, request: web.Request) -> web.Response:
        """GET /channels/{channel_id}/messages/{message_id}."""
        return answer(payloads.message(self._message(request, Permission.READ_MESSAGE_HISTORY)))

    async def edit(self, request: web.Request) -> web.Response:
        """PATCH /channels/{channel_id}/messages/{message_id}: only the bot's own."""
        message = self._message(request, Permission.VIEW_CHANNEL)
        if message.author.id != self._world.bot.id:
            raise not_the_author()
        body = await object_body(request)
        self._attaching.check(request)
        fields = bodies.checked(body, creating=False)
        self._attaching.add(request, body, fields, channel_id=message.channel_id, old=message.attachments)
        if "flags" in body:
            fields["flags"] = (message.flags & ~_SETTABLE_FLAGS) | bodies.settable_flags(
                body["flags"], _SETTABLE_FLAGS
            )
        self._world.edit(message, fields)
        return answer(payloads.message(message))

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /channels/{channel_id}/messages/{message_id}; others' need MANAGE_MESSAGES."""
        message = self._message(request, Permission.VIEW_CHANNEL)
        if message.author.id != self._world.bot.id:
            self._access.need(self._world.channel(message.channel_id), Permission.MANAGE_MESSAGES)
        self._world.delete(message)
        return web.Response(status=204)

    async def delete_many(self, request: web.Request) -> web.Response:
        """POST /channels/{channel_id}/messages/bulk-delete: 2 to 100, not older than two weeks (50034)."""
        channel = self._access.channel(request, Permission.MANAGE_MESSAGES)
        if channel.guild_id == NO_GUILD:
            raise wrong_channel_type()
        fields = Fields(await object_body(request))
        ids = fields.ids("messages", 2, 100) or []
        fields.done()
        oldest = (time.time_ns() // 1_000_000 - BULK_DELETE_MS - DISCORD_EPOCH_MS) << 22
        if any(each < oldest for each in ids):
            raise ApiError(400, 50034, "A message provided was too old to bulk delete")
        known = self._world.messages[channel.id]
        self._world.delete_many(channel, [known[each] for each in dict.fromkeys(ids) if each in known])
        return web.Response(status=204)

    def _message(self, request: web.Request, needed: Permission) -> Message:
        channel = self._access.channel(request, needed)
        message = self._world.message(channel.id, path_id(request, "message_id"))
        if message.ephemeral_for is not None:
            raise unknown_message()  # only the interaction's token reaches it
        return message


def _page(ordered: list[Message], limit: int, *, before: int, after: int, around: int) -> list[Message]:
    """The messages that a query asks for, oldest first; only one of the places may be given (else -1)."""
    ids = [each.id for each in ordered]
    if around >= 0:
        first = max(0, bisect_left(ids, around) - limit // 2)
        return ordered[first : first + limit]
    if after >= 0:
        first = bisect_right(ids, after)
        return ordered[first : first + limit]
    end = bisect_left(ids, before) if before >= 0 else len(ids)
    return ordered[max(0, end - limit) : end]


def _nonce(body: Payload) -> str | int | None:
    """A whole number or a string of at most 25 characters."""
    nonce: object = body.get("nonce")
    if nonce is None or (isinstance(nonce, int) and not isinstance(nonce, bool)):
        return nonce
    errors = FormErrors()
    if not isinstance(nonce, str):
        errors.add(("nonce",), "NONCE_TYPE_INVALID", "Nonce must be a string or an integer.")
    elif len(nonce) > _LONGEST_NONCE:
        errors.add(("nonce",), "BASE_TYPE_MAX_LENGTH", f"Must be {_LONGEST_NONCE} or fewer in length.")
    else:
        return nonce
    errors.raise_if_any()
    return None
