"""The voice servers of all regions, each on a loopback address of its own: TLS gateway and UDP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import web

from segue_devkit.discord.knobs import Superseded, SupersededReturn, VoiceReidentify
from segue_devkit.discord.served import ServedSocket
from segue_devkit.discord.voice import tls
from segue_devkit.discord.voice.connection import VoiceConnection
from segue_devkit.discord.voice.protocol import ENDING, VoiceClose, VoiceError
from segue_devkit.discord.voice.session import VoiceSession
from segue_devkit.discord.voice.udp import UdpServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.voice.grant import Grant
    from segue_devkit.discord.voice.sink import Sinks
    from segue_devkit.discord.weather import Weather
    from segue_devkit.discord.wire import Payload

_VERSION: Final = "8"


class VoiceServer:
    """One region's server."""

    def __init__(self, region: str, plane: VoiceServers, udp: UdpServer, knobs: Knobs) -> None:
        self._region = region
        self._plane = plane
        self.udp = udp
        self.knobs = knobs

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket endpoint. No pings; a client that never answers a close is not waited for."""
        socket = web.WebSocketResponse(compress=False, timeout=0.2, heartbeat=None)
        if not socket.can_prepare(request):
            return web.Response(status=426, text="This is a voice gateway: connect with a WebSocket.\n")
        await socket.prepare(request)
        if request.query.get("v") != _VERSION:
            await socket.close(code=VoiceClose.UNKNOWN_PROTOCOL, message=b"Unknown version.")
            return socket
        connection = VoiceConnection(self, ServedSocket(socket, request.transport), request.remote or "")
        self._plane.connections.add(connection)
        try:
            await connection.run()
        finally:
            self._plane.connections.discard(connection)
            self._plane.disconnected(connection, self)
        return socket

    def identify(self, connection: VoiceConnection, body: Payload) -> VoiceSession:
        """Op 0; raises VoiceError with the close code."""
        grant = self._granted(body)
        if str(body.get("user_id")) != str(grant.user_id):
            raise VoiceError(VoiceClose.SESSION_INVALID, "Session is no longer valid.")
        if self.knobs.dave_required and not body.get("max_dave_protocol_version"):
            raise VoiceError(VoiceClose.DAVE_REQUIRED, "E2EE/DAVE protocol required.")
        self._check_reidentify(grant, connection.peer)
        self._check_return(grant, connection.peer)
        grant.first_peer = grant.first_peer or connection.peer
        return self._plane.begin(grant, connection, self)

    def resume(self, connection: VoiceConnection, body: Payload) -> None:
        """Op 7; raises VoiceError with the close code."""
        grant = self._granted(body)
        self._check_return(grant, connection.peer)
        if not self._plane.carry_on(grant, connection, self):
            raise VoiceError(VoiceClose.SESSION_INVALID, "Session is no longer valid.")

    def _check_return(self, grant: Grant, peer: str) -> None:
        refused = self.knobs.superseded_return is SupersededReturn.REFUSED
        if refused and peer in grant.lost_by:
            raise VoiceError(VoiceClose.SESSION_INVALID, "Session is no longer valid.")

    def _granted(self, body: Payload) -> Grant:
        """The grant that belongs to guild, session and token, at this region's server."""
        guild = body.get("server_id")
        grant = self._plane.grants().get(int(guild)) if str(guild).isdigit() and guild is not None else None
        if grant is None or grant.region != self._region:
            raise VoiceError(VoiceClose.SESSION_INVALID, "Session is no longer valid.")
        if body.get("token") != grant.token:
            raise VoiceError(VoiceClose.AUTHENTICATION_FAILED, "Authentication failed.")
        if body.get("session_id") != grant.session_id:
            raise VoiceError(VoiceClose.SESSION_INVALID, "Session is no longer valid.")
        return grant

    def _check_reidentify(self, grant: Grant, peer: str) -> None:
        rule = self.knobs.reidentify
        again = grant.first_peer is not None
        elsewhere = again and grant.first_peer != peer
        if (again and rule is VoiceReidentify.REFUSE) or (
            elsewhere and rule is VoiceReidentify.REFUSE_OTHER_ADDRESS
        ):
            raise VoiceError(VoiceClose.SESSION_INVALID, "Session is no longer valid.")


class VoiceServers:
    """All regions; one voice session a guild, a newer one supersedes."""

    def __init__(self, regions: Mapping[str, str], knobs: Knobs, weather: Weather, sinks: Sinks) -> None:
        self.regions = dict(regions)
        self._knobs = knobs
        self._weather = weather
        self._sinks = sinks
        self._servers: dict[str, VoiceServer] = {}
        self._endpoints: dict[str, str] = {}
        self._runners: list[web.AppRunner] = []
        self.connections: set[VoiceConnection] = set()
        self.sessions: dict[int, VoiceSession] = {}
        self._former: dict[tuple[int, str], VoiceSession] = {}
        self.grants: Callable[[], Mapping[int, Grant]] = dict

    async def open(self, tls_dir: Path, port: int) -> None:
        """Listen in every region; port 0 takes a free one each."""
        context = tls.server_context(tls_dir, self.regions.values())
        for region, host in self.regions.items():
            await self._open_region(region, host, port, context)

    async def _open_region(self, region: str, host: str, port: int, context: ssl.SSLContext) -> None:
        udp = UdpServer(host, port, self._weather)
        server = VoiceServer(region, self, udp, self._knobs)
        udp.open()
        self._servers[region] = server
        app = web.Application()
        app.add_routes([web.get("/", server.serve)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        self._endpoints[region] = f"{host}:{runner.addresses[0][1]}"

    async def close(self) -> None:
        """Close every connection and stop listening."""
        for connection in tuple(self.connections):
            connection.close(VoiceClose.GOING_AWAY, "The simulator stops.")
        for session in self.sessions.values():
            if session.expiry is not None:
                session.expiry.cancel()
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        for server in self._servers.values():
            server.udp.close()

    # ---- what others ask -------------------------------------------------------------------------

    def endpoint(self, region: str) -> str:
        """``host:port`` of a region's voice server (port 443 while none listens)."""
        return self._endpoints.get(region, f"{self.regions[region]}:443")

    def endpoints(self) -> dict[str, str]:
        """All of them by region."""
        return {region: self.endpoint(region) for region in self.regions}

    def connected(self) -> int:
        """Voice connections open now."""
        return len(self.connections)

    def strays(self) -> int:
        """UDP packets that belonged to no session."""
        return sum(server.udp.strays for server in self._servers.values())

    def close_guild(self, guild_id: int, code: int, reason: str) -> None:
        """Close the guild's voice connection, if there is one."""
        session = self.sessions.get(guild_id)
        if session is None:
            return
        if session.connection is not None:
            session.connection.close(code, reason)
        if code in ENDING or self.grants().get(guild_id) is not session.grant:
            self._end(session)

    def abort_guild(self, guild_id: int) -> None:
        """Cut the TCP connection of the guild's voice WebSocket."""
        session = self.sessions.get(guild_id)
        if session is not None and session.connection is not None:
            session.connection.abort()

    # ---- sessions --------------------------------------------------------------------------------

    def begin(self, grant: Grant, connection: VoiceConnection, server: VoiceServer) -> VoiceSession:
        """A new voice session; the guild's older one is superseded as the knob says."""
        session = VoiceSession(grant, self._sinks.of(grant.guild_id), connection, connection.peer)
        self._install(session, connection, server)
        return session

    def carry_on(self, grant: Grant, connection: VoiceConnection, server: VoiceServer) -> bool:
        """A voice RESUME: of the session at that address, live or superseded; False if there is none."""
        session = self.sessions.get(grant.guild_id)
        if session is None or session.grant is not grant:
            return False
        former = self._former.get((grant.guild_id, connection.peer))
        if session.peer != connection.peer and former is not None and former.grant is grant:
            former.sink = self._sinks.of(grant.guild_id)
            self._install(former, connection, server)
            return True
        self._keep(session)
        if session.connection is not None:
            session.connection.leave()
            session.connection.close(VoiceClose.SESSION_INVALID, "Resumed elsewhere.")
        session.connection = connection
        connection.session = session
        return True

    def _install(self, session: VoiceSession, connection: VoiceConnection, server: VoiceServer) -> None:
        """Make it the one session of its guild."""
        older = self.sessions.get(session.grant.guild_id)
        if older is not None:
            self._supersede(older)
        self._former.pop((session.grant.guild_id, session.peer), None)
        session.grant.lost_by.discard(session.peer)
        session.connection = connection
        connection.session = session
        self.sessions[session.grant.guild_id] = session
        server.udp.attach(session.ssrc, session)

    def _supersede(self, older: VoiceSession) -> None:
        connection, rule = older.connection, self._knobs.superseded
        older.grant.lost_by.add(older.peer)
        self._former[older.grant.guild_id, older.peer] = older
        self._keep(older)
        if rule is Superseded.SILENT:
            older.sink = None  # its socket stays open, its packets are strays
            del self.sessions[older.grant.guild_id]
            return
        self._end(older)
        older.connection = None
        if connection is None:
            return
        connection.leave()
        if rule is Superseded.CUT:
            connection.abort()
        else:
            connection.close(self._knobs.superseded_close_code, "Session is no longer valid.")

    @staticmethod
    def _keep(session: VoiceSession) -> None:
        """It no longer waits for its RESUME."""
        if session.expiry is not None:
            session.expiry.cancel()
            session.expiry = None

    def disconnected(self, connection: VoiceConnection, server: VoiceServer) -> None:
        """A socket is gone: its session ends, or waits for a RESUME while its packets are still heard."""
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection = None
        if self.sessions.get(session.grant.guild_id) is not session:
            server.udp.detach(session.ssrc)
        elif connection.close_code in ENDING or connection.ended_by_peer:
            self._end(session)
        else:
            loop = asyncio.get_running_loop()
            session.expiry = loop.call_later(self._knobs.voice_resumable_ms / 1000, self._end, session)

    def _end(self, session: VoiceSession) -> None:
        self._keep(session)
        session.sink = None
        guild_id = session.grant.guild_id
        if self.sessions.get(guild_id) is session:
            del self.sessions[guild_id]
        self._servers[session.grant.region].udp.detach(session.ssrc)

    def forget(self, guild_id: int) -> None:
        """The bot left voice there: nobody can come back with the old voice data."""
        for key in [each for each in self._former if each[0] == guild_id]:
            del self._former[key]
