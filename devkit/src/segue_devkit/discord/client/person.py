"""A person with a Discord client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.discord.client.interaction import Interaction
from segue_devkit.discord.client.values import SimChannel, SimGuild, SimMessage

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

    async def commands(self, channel: SimChannel | int) -> tuple[Payload, ...]:
        """The slash commands the client lists here."""
        query = {"channel_id": str(_id(channel))}
        return tuple(await self._transport.call("GET", f"/people/{self.id}/commands", query=query))

    async def slash(self, channel: SimChannel | int, name: str, /, **options: object) -> Interaction:
        """``/name option:value``; sub-commands after spaces: ``slash(c, "queue show", page=2)``."""
        return await self._act(
            {"act": "slash", "channel": str(_id(channel)), "name": name, "options": options}
        )

    async def autocomplete(
        self, channel: SimChannel | int, name: str, focused: str, /, **options: object
    ) -> Interaction:
        """Type into an option; the answer's ``choices`` are what is proposed."""
        return await self._act(
            {
                "act": "autocomplete",
                "channel": str(_id(channel)),
                "name": name,
                "focused": focused,
                "options": options,
            }
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

    async def submit(self, asked: Interaction, values: Mapping[str, str]) -> Interaction:
        """Send the modal that an interaction opened, filled in by custom id."""
        return await self._act({"act": "submit", "interaction": str(asked.id), "values": dict(values)})

    async def _act(self, body: Payload) -> Interaction:
        interaction = Interaction()
        await self._transport.act({**body, "person": str(self.id)}, interaction)
        return interaction


def _id(target: SimChannel | SimGuild | int) -> int:
    return target if isinstance(target, int) else target.id
