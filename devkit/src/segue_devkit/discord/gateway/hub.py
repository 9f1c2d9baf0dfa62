"""All gateway sessions of the bot: who may start one, who may carry one on, who is told what."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from segue_devkit.discord import payloads
from segue_devkit.discord.gateway import compression, intents
from segue_devkit.discord.gateway.connection import Connection
from segue_devkit.discord.gateway.limits import IdentifyLimits
from segue_devkit.discord.gateway.protocol import Close, GatewayError, Op
from segue_devkit.discord.gateway.session import Session
from segue_devkit.discord.knobs import OpenResume
from segue_devkit.discord.served import ServedSocket
from segue_devkit.discord.wire import Payload, dumps, now_ns, snowflake

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.weather import Weather
    from segue_devkit.discord.world import Event, World

_ENDING_CODES = frozenset(
    {
        Close.NORMAL,
        Close.GOING_AWAY,
        Close.AUTHENTICATION_FAILED,
        Close.INVALID_SEQ,
        Close.SESSION_TIMED_OUT,
        Close.INVALID_SHARD,
        Close.SHARDING_REQUIRED,
        Close.INVALID_API_VERSION,
        Close.INVALID_INTENTS,
        Close.DISALLOWED_INTENTS,
    }
)
_GATEWAY_VERSION = "10"


class VoiceDesk(Protocol):
    """What the hub needs of the voice side."""

    def state_update(self, session: Session, guild_id: int, channel_id: int | None, flags: Payload) -> None:
        """Op 4."""

    def session_disconnected(self, session: Session) -> None:
        """The socket is lost, the session may still be resumed."""

    def session_ended(self, session: Session) -> None:
        """The session is gone for good."""


class Hub:
    """Sessions by id; events go to every session that owns the guild and has the intent."""

    def __init__(self, world: World, knobs: Knobs, weather: Weather, public_url: Callable[[], str]) -> None:
        self.knobs = knobs
        self.weather = weather
        self._world = world
        self._public_url = public_url
        self._connections: set[Connection] = set()
        self.sessions: dict[str, Session] = {}
        self.limits = IdentifyLimits(knobs)
        self.voice: VoiceDesk | None = None
        world.subscribe(self.dispatch)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket endpoint."""
        encoder = compression.for_query(request.query.get("compress"))
        socket = web.WebSocketResponse(compress=False, timeout=1.0, autoping=True, max_msg_size=1 << 20)
        if not socket.can_prepare(request):
            return web.Response(status=426, text="This is the gateway: connect with a WebSocket.\n")
        await socket.prepare(request)
        if encoder is None or request.query.get("encoding", "json") != "json":
            await socket.close(code=Close.DECODE_ERROR, message=b"Unsupported encoding or compression.")
            return socket
        if request.query.get("v", _GATEWAY_VERSION) != _GATEWAY_VERSION:
            await socket.close(code=Close.INVALID_API_VERSION, message=b"Invalid API version.")
            return socket
        connection = Connection(self, ServedSocket(socket, request.transport), encoder)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            self._disconnected(connection)
        return socket

    def close_all(self, code: int) -> None:
        """Close every socket (the simulator stops, or the token was reset)."""
        for connection in tuple(self._connections):
            connection.close(code)

    # ---- starting and carrying on -----------------------------------------------------------------

    async def identify(self, connection: Connection, body: Payload) -> None:
        """Op 2."""
        self._check_token(body)
        shard_id, num_shards = _shard_of(body)
        wanted = body.get("intents")
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 0 or wanted & ~intents.VALID:
            raise GatewayError(Close.INVALID_INTENTS, "Invalid intent(s).")
        if wanted & intents.PRIVILEGED & ~self.knobs.allowed_privileged_intents:
            raise GatewayError(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
        if not isinstance(body.get("properties"), dict):
            raise GatewayError(Close.DECODE_ERROR, "IDENTIFY has no properties.")
        accepted = self.limits.take(shard_id, num_shards, now_ns())
        if self.limits.exhausted(now_ns()):
            self.reset_token()
            return
        if not accepted:
            await self._invalid_session(connection, resumable=False)
            return
        mine = [each for each in self._world.guilds.values() if (each.id >> 22) % num_shards == shard_id]
        if len(mine) > self.knobs.guilds_per_shard:
            raise GatewayError(Close.SHARDING_REQUIRED, "Sharding required.")
        if body.get("compress"):
            connection.compress_payloads()
        session = Session(
            session_id=self._world.ids.session(),
            shard_id=shard_id,
            num_shards=num_shards,
            intents=wanted,
            replay=deque(maxlen=self.knobs.replay_events),
        )
        self._attach(session, connection)
        self.sessions[session.session_id] = session
        self._greet(session)

    def _greet(self, session: Session) -> None:
        mine = [each for each in self._world.guilds.values() if session.owns(each.id)]
        ready: Payload = {
            "v": int(_GATEWAY_VERSION),
            "user": payloads.own_user(self._world.bot),
            "guilds": [{"id": str(each.id), "unavailable": True} for each in mine],
            "session_id": session.session_id,
            "session_type": "normal",
            "resume_gateway_url": f"{self._public_url()}/resume",
            "shard": [session.shard_id, session.num_shards],
            "application": {"id": str(self._world.bot.id), "flags": 0},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
        }
        session.dispatch("READY", dumps(ready))
        if intents.wants(session.intents, "GUILD_CREATE"):
            for guild in mine:
                self._send_guild(session, guild.id)

    def _send_guild(self, session: Session, guild_id: int) -> None:
        guild = self._world.guilds[guild_id]
        everyone = bool(session.intents & intents.Intent.GUILD_MEMBERS)
        data = payloads.guild_create(guild, bot_id=self._world.bot.id, all_members=everyone)
        session.dispatch("GUILD_CREATE", dumps(data))

    async def resume(self, connection: Connection, body: Payload) -> None:
        """Op 6: missed events, then RESUMED; INVALID_SESSION if that cannot be."""
        self._check_token(body)
        seq = body.get("seq")
        if isinstance(seq, bool) or not isinstance(seq, int) or seq < 0:
            raise GatewayError(Close.INVALID_SEQ, "Invalid seq.")
        session = self.sessions.get(str(body.get("session_id")))
        if session is None:
            await self._invalid_session(connection, resumable=False)
            return
        if session.connection is not None and self.knobs.resume_of_open_session is OpenResume.REFUSED:
            await self._invalid_session(connection, resumable=False)
            return
        if seq > session.seq:
            self._end(session)
            raise GatewayError(Close.INVALID_SEQ, "Invalid seq.")
        missed = session.missed_since(seq)
        if missed is None:
            self._end(session)
            await self._invalid_session(connection, resumable=False)
            return
        if session.connection is not None:
            session.connection.leave()
            session.connection.close(self.knobs.stolen_session_close_code, "Resumed elsewhere.")
        self._attach(session, connection)
        session.resumes += 1
        for text in missed:
            connection.send(text)
        session.dispatch("RESUMED", "{}")

    def _attach(self, session: Session, connection: Connection) -> None:
        if session.expiry is not None:
            session.expiry.cancel()
            session.expiry = None
        session.connection = connection
        connection.session = session

    def _check_token(self, body: Payload) -> None:
        token = body.get("token")
        if not isinstance(token, str) or token.removeprefix("Bot ") != self._world.token:
            raise GatewayError(Close.AUTHENTICATION_FAILED, "Authentication failed.")

    async def _invalid_session(self, connection: Connection, *, resumable: bool) -> None:
        await asyncio.sleep(self.knobs.invalid_session_delay_ms / 1000)
        connection.send(dumps({"op": Op.INVALID_SESSION, "d": resumable}))

    def reset_token(self) -> None:
        """What Discord does when the session starts of a day are used up: all sessions end, a new token."""
        self._world.token = self._world.ids.token()
        self.close_all(Close.AUTHENTICATION_FAILED)
        for session in tuple(self.sessions.values()):
            self._end(session)

    # ---- ending ----------------------------------------------------------------------------------

    def _disconnected(self, connection: Connection) -> None:
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection = None
        if connection.close_code in _ENDING_CODES:
            self._end(session)
            return
        if self.voice is not None:
            self.voice.session_disconnected(session)
        loop = asyncio.get_running_loop()
        session.expiry = loop.call_later(self.knobs.resumable_ms / 1000, self._end, session)

    def _end(self, session: Session) -> None:
        if session.ended:
            return
        session.ended = True
        if session.expiry is not None:
            session.expiry.cancel()
        self.sessions.pop(session.session_id, None)
        connection, session.connection = session.connection, None
        if connection is not None:
            connection.leave()
            connection.close(Close.UNKNOWN_ERROR, "The session ended.")
        if self.voice is not None:
            self.voice.session_ended(session)

    def end_session(self, session: Session) -> None:
        """End a session at once, closing its socket with 4000; a RESUME of it gets INVALID_SESSION."""
        self._end(session)

    def invalidate(self, session: Session, *, resumable: bool) -> None:
        """Send INVALID_SESSION on a live socket. Not resumable: the session is gone."""
        connection = session.connection
        if not resumable:
            session.connection = None
            self._end(session)
        if connection is not None:
            if not resumable:
                connection.leave()
            connection.send(dumps({"op": Op.INVALID_SESSION, "d": resumable}))

    def ask_reconnect(self, session: Session) -> None:
        """Send RECONNECT."""
        if session.connection is not None:
            session.connection.send(dumps({"op": Op.RECONNECT, "d": None}))

    # ---- events ----------------------------------------------------------------------------------

    def dispatch(self, event: Event) -> None:
        """Send an event to every session that should see it; serialised once for all of them."""
        if not event.to_bot:
            return
        text: str | None = None
        for session in tuple(self.sessions.values()):
            if event.session_id is not None and session.session_id != event.session_id:
                continue
            if not session.owns(event.guild_id):
                continue
            if not intents.sees(session.intents, event.name, event.guild_id, event.data, self._world.bot.id):
                continue
            if event.name == "GUILD_CREATE":
                self._send_guild(session, event.guild_id)
                continue
            shown = intents.filtered(session.intents, event.name, event.data, self._world.bot.id)
            if shown is not event.data:
                session.dispatch(event.name, dumps(shown), event.on_sent)
                continue
            text = dumps(event.data) if text is None else text
            session.dispatch(event.name, text, event.on_sent)

    # ---- what a session asks for -------------------------------------------------------------------

    def voice_state(self, session: Session, body: Payload) -> None:
        """Op 4; what makes no sense is passed over in silence, as Discord does."""
        try:
            guild_id = snowflake(body.get("guild_id"))
            channel = body.get("channel_id")
            channel_id = None if channel is None else snowflake(channel)
        except ValueError:
            raise GatewayError(Close.DECODE_ERROR, "Error while decoding payload.") from None
        if self.voice is not None and session.owns(guild_id) and guild_id in self._world.guilds:
            self.voice.state_update(session, guild_id, channel_id, body)

    def request_members(self, session: Session, body: Payload) -> None:
        """Op 8: one GUILD_MEMBERS_CHUNK; the whole list needs the GUILD_MEMBERS intent."""
        try:
            guild = self._world.guilds.get(snowflake(body.get("guild_id")))
            raw = body.get("user_ids")
            ids = (
                None
                if raw is None
                else [snowflake(each) for each in (raw if isinstance(raw, list) else [raw])]
            )
        except ValueError:
            raise GatewayError(Close.DECODE_ERROR, "Error while decoding payload.") from None
        if guild is None or not session.owns(guild.id):
            return
        query = str(body.get("query") or "")
        if ids is not None:
            found = [guild.members[each] for each in ids if each in guild.members]
        elif query or session.intents & intents.Intent.GUILD_MEMBERS:
            found = [each for each in guild.members.values() if each.user.username.startswith(query)]
        else:
            raise GatewayError(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
        chunk: Payload = {
            "guild_id": str(guild.id),
            "members": [payloads.member(each) for each in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [str(each) for each in ids or () if each not in guild.members],
        }
        if body.get("nonce"):
            chunk["nonce"] = body["nonce"]
        session.dispatch("GUILD_MEMBERS_CHUNK", dumps(chunk))


def _shard_of(body: Payload) -> tuple[int, int]:
    shard = body.get("shard", [0, 1])
    if (
        not isinstance(shard, list)
        or [type(each) for each in shard] != [int, int]
        or not 0 <= shard[0] < shard[1]
    ):
        raise GatewayError(Close.INVALID_SHARD, "Invalid shard.")
    return shard[0], shard[1]
