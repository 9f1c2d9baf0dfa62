"""A person with a Discord client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.discord.client.interaction import Interaction
from segue_devkit.discord.client.values import Attachment, Choice, Modal, SimChannel, SimGuild, SimMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segue_devkit.discord.client.transport import Transport
    from segue_devkit.discord.wire import Payload


class Person:
    """Does what people do; SimError where their client would not let them."""

    def __init__(self, transport: Transport, person_id: int, name: str) -> None:
        self._transport = transport
        self.id = person_id
        self.name = name

    async def join(self, channel: SimChannel | int) -> None:
        """Enter a voice channel; also becomes a member of its guild."""
        await self._transport.call("PUT", f"/people/{self.id}/voice", {"channel_id": str(_id(channel))})

    async def leave(self, guild: SimGuild | int | None = None) -> None:
        """Leave voice, in one guild or everywhere."""
        query = None if guild is None else {"guild_id": str(_id(guild))}
        await self._transport.call("DELETE", f"/people/{self.id}/voice", query=query)

    async def say(self, channel: SimChannel | int, content: str) -> SimMessage:
        """Write a plain message."""
        body = {"channel_id": str(_id(channel)), "content": content}
        return SimMessage.read(await self._transport.call("POST", f"/people/{self.id}/messages", body))

    async def direct(self) -> SimChannel:
        """The channel of direct messages with the bot."""
        data = await self._transport.call("POST", f"/people/{self.id}/direct")
        return SimChannel(int(data["id"]), data["name"])

    async def commands(self, channel: SimChannel | int) -> tuple[Payload, ...]:
        """The slash commands the client lists here."""
        query = {"channel_id": str(_id(channel))}
        return tuple(await self._transport.call("GET", f"/people/{self.id}/commands", query=query))

    async def slash(self, channel: SimChannel | int, name: str, /, **options: object) -> Interaction:
        """``/name option:value``; sub-commands after spaces: ``slash(c, "queue show", page=2)``.

        An attachment option takes what :meth:`upload` returned.
        """
        return await self._act(
            {"act": "slash", "channel": str(_id(channel)), "name": name, "options": _sendable(options)}
        )

    async def autocomplete(
        self, channel: SimChannel | int, command: str, /, focused: str, **options: object
    ) -> tuple[Choice, ...]:
        """Type into the option ``focused``; what is proposed. ``options`` is all that is typed so far.

        Raises:
            SimError: the client would not ask, or "Loading options failed".
        """
        typing = await self.type_into(channel, command, focused, **options)
        return (await typing.wait_answer()).choices

    async def type_into(
        self, channel: SimChannel | int, command: str, /, focused: str, **options: object
    ) -> Interaction:
        """As :meth:`autocomplete`, without waiting: for stamps, and for typing on meanwhile."""
        return await self._act(
            {
                "act": "autocomplete",
                "channel": str(_id(channel)),
                "name": command,
                "focused": focused,
                "options": _sendable(options),
            }
        )

    async def upload(
        self, filename: str, data: bytes, content_type: str = "application/octet-stream"
    ) -> Attachment:
        """Choose a file; give the result to a slash option.

        Raises:
            SimError: it is larger than Discord allows.
        """
        path, query = f"/people/{self.id}/attachments", {"filename": filename}
        return Attachment.read(
            await self._transport.upload(path, data, query=query, content_type=content_type)
        )

    async def click(self, message: SimMessage, custom_id: str, values: Sequence[str] = ()) -> Interaction:
        """Press a button, or choose in a select menu."""
        return await self._act(
            {
                "act": "click",
                "channel": str(message.channel_id),
                "message": str(message.id),
                "custom_id": custom_id,
                "values": list(values),
            }
        )

    async def select(self, message: SimMessage, custom_id: str, values: Sequence[str]) -> Interaction:
        """Choose in a select menu."""
        return await self.click(message, custom_id, values)

    async def submit(self, modal: Modal, /, **values: object) -> Interaction:
        """Send a modal, filled in by custom id: text, or a list of values for a menu."""
        return await self._act({"act": "submit", "interaction": str(modal.asked), "values": values})

    async def _act(self, body: Payload) -> Interaction:
        interaction = Interaction()
        await self._transport.act({**body, "person": str(self.id)}, interaction)
        return interaction


def _sendable(options: Mapping[str, object]) -> Payload:
    """Attachments go by their id."""
    return {
        name: str(value.id) if isinstance(value, Attachment) else value for name, value in options.items()
    }


def _id(target: SimChannel | SimGuild | int) -> int:
    return target if isinstance(target, int) else target.id
