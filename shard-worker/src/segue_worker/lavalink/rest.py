"""HTTP to one Lavalink node (REST v4), with timeouts of our own and errors that say what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aiohttp

from segue_core.filters import Filters
from segue_core.models import Track, VoiceLink
from segue_worker import jsontext
from segue_worker.lavalink.errors import (
    MalformedFrameError,
    NodeAuthError,
    NodeError,
    NodeProtocolError,
    NodeRefusedError,
    NodeRejectedError,
    NodeTimeoutError,
    NodeUnreachableError,
    SessionGoneError,
)
from segue_worker.lavalink.filters import filters_document
from segue_worker.lavalink.tracks import LoadResult, parse_load, parse_track
from segue_worker.lavalink.wire import NodePlayer, TrackTag, parse_player

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segue_core.ids import GuildId, NodeId, NodeSessionId

T = TypeVar("T")

_SESSION_GONE: Final = "session not found"

LARGEST_ANSWER: Final = 32 << 20
"""Bytes: a playlist of more than 20,000 songs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestTimeouts:
    """How long we wait for a node, seconds.

    ``connect`` covers TCP; ``write`` a PATCH or DELETE of a player: a node can hang on a bad voice
    endpoint for ever; ``read`` a look at players; ``load`` a search, which waits for the internet.
    """

    connect: float = 0.5
    write: float = 2.0
    read: float = 1.0
    load: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerPatch:
    """One PATCH of a player; what is None is left as it is. Positions are milliseconds.

    ``encoded`` starts a track, ``stop`` ends the present one. ``tag`` travels in ``track.userData``;
    sent alone it restarts nothing. ``filters`` replaces all there were.
    """

    tag: TrackTag | None = None
    encoded: str | None = None
    stop: bool = False
    position_ms: int | None = None
    paused: bool | None = None
    volume: int | None = None
    filters: Filters | None = None
    voice: VoiceLink | None = field(default=None, repr=False)

    def document(self) -> dict[str, Any]:
        """Return the body Lavalink takes."""
        body: dict[str, Any] = {}
        track: dict[str, Any] = {}
        if self.stop:
            track["encoded"] = None
        elif self.encoded is not None:
            track["encoded"] = self.encoded
        if self.tag is not None and not self.stop:
            track["userData"] = self.tag.document()
        if track:
            body["track"] = track
        if self.position_ms is not None:
            body["position"] = self.position_ms
        if self.paused is not None:
            body["paused"] = self.paused
        if self.volume is not None:
            body["volume"] = self.volume
        if self.filters is not None:
            body["filters"] = filters_document(self.filters)
        if self.voice is not None:
            body["voice"] = {
                "token": self.voice.token,
                "endpoint": self.voice.endpoint,
                "sessionId": self.voice.session,
                # 4.2 refuses a channel id that is absent or a number.
                "channelId": str(self.voice.channel),
            }
        return body


class NodeRest:
    """The node's REST interface. Raises :class:`NodeError` kinds only. Asks nobody's leave: callers do."""

    def __init__(
        self,
        node: NodeId,
        address: str,
        password: str,
        http: aiohttp.ClientSession,
        timeouts: RestTimeouts | None = None,
    ) -> None:
        self.node = node
        self.address = address
        self._headers = {"Authorization": password}
        self._http = http
        self._timeouts = timeouts or RestTimeouts()

    def __repr__(self) -> str:
        return f"<NodeRest {self.node} {self.address}>"

    async def load(self, identifier: str) -> LoadResult:
        """Return what the node makes of ``identifier`` (a link, or words with a search prefix)."""
        body = await self._call(
            "GET", "/v4/loadtracks", timeout=self._timeouts.load, params={"identifier": identifier}
        )
        return self._parsed(parse_load, body)

    async def decode(self, encoded: str) -> Track:
        """Return the track that ``encoded`` holds."""
        body = await self._call(
            "GET", "/v4/decodetrack", timeout=self._timeouts.read, params={"encodedTrack": encoded}
        )
        return self._parsed(parse_track, body)

    async def players(self, session: NodeSessionId) -> tuple[NodePlayer, ...]:
        """Return the players of a session. Works through an id whose socket somebody else holds."""
        body = await self._call("GET", f"/v4/sessions/{session}/players", timeout=self._timeouts.read)
        if not isinstance(body, list):
            raise NodeProtocolError(self.node, "a session's players are not a list")
        return tuple(self._parsed(parse_player, player) for player in body)

    async def patch_player(self, session: NodeSessionId, guild: GuildId, patch: PlayerPatch) -> None:
        """Create or change a player. 200 does not prove that voice works: watch for its events."""
        # The answer's position and connected are older than what the socket says: not looked at.
        await self._call(
            "PATCH",
            f"/v4/sessions/{session}/players/{guild}",
            timeout=self._timeouts.write,
            body=patch.document(),
        )

    async def destroy_player(self, session: NodeSessionId, guild: GuildId) -> None:
        """End a player. One that does not exist is no error."""
        await self._call("DELETE", f"/v4/sessions/{session}/players/{guild}", timeout=self._timeouts.write)

    async def set_resuming(self, session: NodeSessionId, *, resuming: bool, timeout_s: int) -> None:
        """Say whether the session outlives its socket, and how long, seconds."""
        await self._call(
            "PATCH",
            f"/v4/sessions/{session}",
            timeout=self._timeouts.read,
            body={"resuming": resuming, "timeout": timeout_s},
        )

    def _parsed(self, parse: Callable[[Any], T], body: Any) -> T:
        try:
            return parse(body)
        except MalformedFrameError as error:
            raise NodeProtocolError(self.node, str(error)) from error

    async def _call(
        self,
        method: str,
        path: str,
        *,
        timeout: float,  # noqa: ASYNC109 - handed to aiohttp, which closes the connection with it
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=self._timeouts.connect)
        try:
            async with self._http.request(
                method,
                f"http://{self.address}{path}",
                headers=self._headers,
                params=params,
                json=body,
                timeout=limits,
            ) as response:
                return self._answer(response.status, await self._body(response))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise transport_error(self.node, error) from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise NodeProtocolError(self.node, f"its answer is larger than {LARGEST_ANSWER >> 20} MiB")
        return bytes(body)

    def _answer(self, status: int, text: bytes) -> Any:
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise NodeAuthError(self.node)
        if status == HTTPStatus.NO_CONTENT:
            return None
        if status >= HTTPStatus.BAD_REQUEST:
            message = _message_of(text)
            if status == HTTPStatus.NOT_FOUND and message.lower().startswith(_SESSION_GONE):
                raise SessionGoneError(self.node)
            raise NodeRejectedError(self.node, status, message)
        try:
            return jsontext.loads(text)
        except ValueError as error:
            raise NodeProtocolError(self.node, "its answer is not JSON") from error


def transport_error(node: NodeId, error: BaseException) -> NodeError:
    """Return the typed error for one of aiohttp's or the system's."""
    if isinstance(error, TimeoutError):
        return NodeTimeoutError(node, "no answer in time")
    if isinstance(error, aiohttp.WSServerHandshakeError):
        if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return NodeAuthError(node)
        return NodeRejectedError(node, error.status, "it refuses the WebSocket")
    if isinstance(error, aiohttp.ClientConnectorError):
        return NodeRefusedError(node, f"cannot connect: {error.os_error.strerror or error.os_error}")
    return NodeUnreachableError(node, f"the connection broke: {type(error).__name__}")


def _message_of(text: bytes) -> str:
    """Return Lavalink's (Spring's) own word for what was wrong, for people."""
    try:
        document = jsontext.loads(text)
    except ValueError:
        return "it refused the request"
    message = document.get("message") if isinstance(document, dict) else None
    return str(message)[:200] if message else "it refused the request"
