"""The simulator from outside."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Self

from segue_devkit.discord.client.errors import SimError
from segue_devkit.discord.client.person import Person
from segue_devkit.discord.client.transport import Transport
from segue_devkit.discord.client.values import (
    GatewayOverview,
    HeardFrame,
    SimChannel,
    SimGuild,
    SimMessage,
    SimOverview,
    SinkReport,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from types import TracebackType

    from segue_devkit.discord.wire import Payload

_POLL_S = 0.02
_FRAME_HEADER = struct.Struct(">QII")


class SimClient:
    """Everything /sim offers, typed. Use as an async context manager, or call :meth:`close`."""

    def __init__(self, base_url: str) -> None:
        self._transport = Transport(base_url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections to the simulator."""
        await self._transport.close()

    @property
    def base_url(self) -> str:
        """Where the simulator is."""
        return self._transport.base_url

    @property
    def api_url(self) -> str:
        """The REST base URL a bot is given."""
        return f"{self._transport.base_url}/api/v10"

    # ---- what exists -----------------------------------------------------------------------------

    async def overview(self) -> SimOverview:
        """The simulator at a glance, and what it costs."""
        return SimOverview.read(await self._transport.call("GET", ""))

    async def guild(
        self, name: str, region: str = "us-east", voice_channels: int = 1, text_channels: int = 1
    ) -> SimGuild:
        """Make a guild with the bot in it."""
        body = {
            "name": name,
            "region": region,
            "voice_channels": voice_channels,
            "text_channels": text_channels,
        }
        return SimGuild.read(await self._transport.call("POST", "/guilds", body))

    async def crowd(self, count: int, region: str = "us-east") -> tuple[int, ...]:
        """Make many guilds in which nothing happens; their ids."""
        found = await self._transport.call("POST", "/guilds/crowd", {"count": count, "region": region})
        return tuple(int(each) for each in found["guilds"])

    async def guilds(self) -> tuple[SimGuild, ...]:
        """All guilds as they are now."""
        return tuple(SimGuild.read(each) for each in await self._transport.call("GET", "/guilds"))

    async def look(self, guild: SimGuild | int) -> SimGuild:
        """A guild as it is now."""
        return SimGuild.read(await self._transport.call("GET", f"/guilds/{_id(guild)}"))

    async def remove_guild(self, guild: SimGuild | int) -> None:
        """Throw the bot out of a guild."""
        await self._transport.call("DELETE", f"/guilds/{_id(guild)}")

    async def person(self, name: str, locale: str = "en-US") -> Person:
        """Make a person."""
        data = await self._transport.call("POST", "/people", {"name": name, "locale": locale})
        return Person(self._transport, int(data["id"]), data["name"])

    async def people(self) -> tuple[Person, ...]:
        """Everybody who was made, guild owners included."""
        known = await self._transport.call("GET", "/people")
        return tuple(Person(self._transport, int(each["id"]), each["name"]) for each in known)

    async def messages(
        self, channel: SimChannel | int, viewer: Person | int | None = None
    ) -> tuple[SimMessage, ...]:
        """The messages of a channel, oldest first; with a viewer, what that person sees."""
        query = None
        if viewer is not None:
            query = {"person": str(viewer if isinstance(viewer, int) else viewer.id)}
        found = await self._transport.call("GET", f"/channels/{_id(channel)}/messages", query=query)
        return tuple(SimMessage.read(each) for each in found)

    async def wait_message(
        self, channel: SimChannel | int, good: Callable[[SimMessage], bool], timeout_s: float = 10.0
    ) -> SimMessage:
        """Wait until a message of the channel looks as wanted.

        Raises:
            SimError: none did within the timeout; the text lists what is there.
        """
        seen: tuple[SimMessage, ...] = ()
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    seen = await self.messages(channel)
                    for message in reversed(seen):
                        if good(message):
                            return message
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            texts = [message.text for message in seen]
            raise SimError(f"no such message within {timeout_s} s; there are {texts}") from None

    async def channel(self, guild: SimGuild | int, name: str, kind: str = "text") -> SimChannel:
        """Make a further channel: text, voice or stage."""
        body = {"name": name, "kind": kind}
        data = await self._transport.call("POST", f"/guilds/{_id(guild)}/channels", body)
        return SimChannel(int(data["id"]), data["name"])

    # ---- permissions -----------------------------------------------------------------------------

    async def role(self, guild: SimGuild | int, name: str, permissions: int = 0) -> int:
        """Make a role; its id."""
        body = {"name": name, "permissions": permissions}
        return int((await self._transport.call("POST", f"/guilds/{_id(guild)}/roles", body))["id"])

    async def give_roles(self, guild: SimGuild | int, person: Person | int, roles: Sequence[int]) -> None:
        """Give somebody these roles and no others."""
        person_id = person if isinstance(person, int) else person.id
        body = {"roles": [str(each) for each in roles]}
        await self._transport.call("PUT", f"/guilds/{_id(guild)}/members/{person_id}/roles", body)

    async def bot_permissions(self, guild: SimGuild | int, permissions: int) -> None:
        """Set what the bot's own role may do in a guild (see ``permissions.Permission``)."""
        await self._transport.call(
            "PUT", f"/guilds/{_id(guild)}/bot-permissions", {"permissions": permissions}
        )

    async def overwrite(
        self, channel: SimChannel | int, target_id: int, *, allow: int = 0, deny: int = 0
    ) -> None:
        """Set a permission overwrite of a channel for a member or role id; both zero removes it."""
        body = {"allow": allow, "deny": deny}
        await self._transport.call("PUT", f"/channels/{_id(channel)}/overwrites/{target_id}", body)

    # ---- REST ------------------------------------------------------------------------------------

    async def fail_rest(
        self,
        path: str,
        *,
        status: int = 500,
        times: int = 1,
        method: str | None = None,
        retry_after_ms: int = 1000,
        scope: str = "user",
    ) -> None:
        """Make the next calls of REST whose path contains ``path`` fail with 429 (of a scope) or 5xx."""
        body: Payload = {
            "path": path,
            "status": status,
            "times": times,
            "retry_after_ms": retry_after_ms,
            "scope": scope,
        }
        if method is not None:
            body["method"] = method
        await self._transport.call("POST", "/rest/faults", body)

    async def mend_rest(self) -> None:
        """Forget what :meth:`fail_rest` ordered."""
        await self._transport.call("DELETE", "/rest/faults")

    # ---- gateway ---------------------------------------------------------------------------------

    async def gateway(self) -> GatewayOverview:
        """Sessions and IDENTIFYs."""
        return GatewayOverview.read(await self._transport.call("GET", "/gateway"))

    async def close_session(self, session_id: str, code: int = 4000) -> None:
        """Close a session's socket with a code; 1000 and 1001 end the session."""
        await self._session(session_id, "close", {"code": code})

    async def abort_session(self, session_id: str) -> None:
        """Cut a session's TCP connection."""
        await self._session(session_id, "abort")

    async def reconnect_session(self, session_id: str) -> None:
        """Send RECONNECT."""
        await self._session(session_id, "reconnect")

    async def invalidate_session(self, session_id: str, *, resumable: bool = False) -> None:
        """Send INVALID_SESSION."""
        await self._session(session_id, "invalidate", {"resumable": resumable})

    async def end_session(self, session_id: str) -> None:
        """End a session: its socket closes with 4000, a later RESUME is refused."""
        await self._session(session_id, "end")

    async def _session(self, session_id: str, action: str, body: Payload | None = None) -> None:
        await self._transport.call("POST", f"/gateway/sessions/{session_id}/{action}", body)

    # ---- voice -----------------------------------------------------------------------------------

    async def move_voice_server(self, guild: SimGuild | int, region: str, *, outage_ms: int = 0) -> None:
        """Give a guild another voice server; with an outage its endpoint is null meanwhile."""
        body = {"region": region, "outage_ms": outage_ms}
        await self._transport.call("POST", f"/guilds/{_id(guild)}/voice-server", body)

    async def kick_bot(self, guild: SimGuild | int) -> None:
        """A moderator disconnects the bot from voice."""
        await self._transport.call("POST", f"/guilds/{_id(guild)}/voice/kick")

    async def move_bot(self, guild: SimGuild | int, channel: SimChannel | int) -> None:
        """A moderator drags the bot into another channel."""
        body = {"channel_id": str(_id(channel))}
        await self._transport.call("POST", f"/guilds/{_id(guild)}/voice/move", body)

    async def close_voice(self, guild: SimGuild | int, code: int) -> None:
        """Close the guild's voice WebSocket with a code."""
        await self._transport.call("POST", f"/guilds/{_id(guild)}/voice/close", {"code": code})

    async def abort_voice(self, guild: SimGuild | int) -> None:
        """Cut the TCP connection of the guild's voice WebSocket."""
        await self._transport.call("POST", f"/guilds/{_id(guild)}/voice/abort")

    # ---- listening -------------------------------------------------------------------------------

    async def sink(self, guild: SimGuild | int, *, timecode: bool = True) -> SinkReport:
        """What the guild's listeners heard; ``timecode`` False spares the decoding."""
        query = {"timecode": "true" if timecode else "false"}
        return SinkReport.read(await self._transport.call("GET", f"/guilds/{_id(guild)}/sink", query=query))

    async def sinks(self) -> dict[int, SinkReport]:
        """Every guild that heard something, in one call, without timecodes."""
        found = await self._transport.call("GET", "/sinks")
        now = found["now_ns"]
        return {
            int(guild): SinkReport.read({**each, "timecode": None, "now_ns": now})
            for guild, each in found["guilds"].items()
        }

    async def reset_sink(self, guild: SimGuild | int | None = None) -> None:
        """Count from zero, in one guild or in all."""
        await self._transport.call("DELETE", "/sinks" if guild is None else f"/guilds/{_id(guild)}/sink")

    async def wait_sound(
        self, guild: SimGuild | int, song_id: int | None = None, timeout_s: float = 10.0
    ) -> SinkReport:
        """Wait until something (or a certain song) is heard.

        Raises:
            SimError: it was not within the timeout; the text says what was.
        """
        report = await self.sink(guild)
        try:
            async with asyncio.timeout(timeout_s):
                while not _sounds(report, song_id):
                    await asyncio.sleep(_POLL_S)
                    report = await self.sink(guild, timecode=song_id is not None)
        except TimeoutError:
            raise SimError(
                f"not heard within {timeout_s} s: {report.packets} packets, {report.timecode}"
            ) from None
        return report

    async def listen(self, guild: SimGuild | int, *, history_ms: int = 0) -> AsyncIterator[HeardFrame]:
        """Every frame as it is heard, decrypted; ends when the simulator goes."""
        path = f"/guilds/{_id(guild)}/audio?history_ms={history_ms}"
        async for data in self._transport.binary(path):
            at_ns, ssrc, timestamp = _FRAME_HEADER.unpack_from(data)
            yield HeardFrame(at_ns, ssrc, timestamp, data[_FRAME_HEADER.size :])

    async def follow(
        self, channel: SimChannel | int, viewer: Person | int | None = None
    ) -> AsyncIterator[tuple[str, SimMessage]]:
        """(MESSAGE_CREATE | MESSAGE_UPDATE | MESSAGE_DELETE, message) of a channel, as they happen."""
        path = f"/channels/{_id(channel)}/events"
        if viewer is not None:
            path += f"?person={viewer if isinstance(viewer, int) else viewer.id}"
        async for name, data in self._transport.events(path):
            yield name, SimMessage.read(data)

    # ---- knobs -----------------------------------------------------------------------------------

    async def knobs(self, **changes: object) -> dict[str, object]:
        """Set knobs by name (see ``segue_devkit.discord.knobs.Knobs``); returns all of them."""
        method = "PATCH" if changes else "GET"
        found: dict[str, object] = await self._transport.call(method, "/knobs", changes or None)
        return found


def _id(target: SimGuild | SimChannel | int) -> int:
    return target if isinstance(target, int) else target.id


def _sounds(report: SinkReport, song_id: int | None) -> bool:
    if song_id is None:
        return report.first_sound_ns is not None
    return report.timecode is not None and report.timecode.song_id == song_id
