"""Keeps people's links out of our network, before a node may fetch them.

Every address a host resolves to must be public (or in a network the operator allows), and every redirect
is looked at the same way; the node is given where the link ends. Our own requests connect to the very
addresses that were judged. The node resolves the name again: a name that changes between our look and the
node's, and a server that redirects the node and not us, are what remains. Nodes that can reach something
worth protecting are fenced in by network policy; this guard can't do it for them.
"""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from segue_core.logging import get_logger
from segue_worker.commands.links import (
    Link,
    Network,
    Refusal,
    Refused,
    SearchWords,
    check_address,
    parse_link,
)
from segue_worker.domain.messages import LoadFailure
from segue_worker.players.ports import NotALink, RefusedLink, SafeLink

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = get_logger(__name__)

MAX_HOPS: Final = 5
PATIENCE_S: Final = 3.0

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})

SERVICE_HOSTS: Final = frozenset(
    {
        "youtube.com",
        "www.youtube.com",
        "m.youtube.com",
        "music.youtube.com",
        "youtu.be",
        "soundcloud.com",
        "www.soundcloud.com",
        "m.soundcloud.com",
        "on.soundcloud.com",
        "vimeo.com",
        "www.twitch.tv",
        "twitch.tv",
        "open.spotify.com",
        "music.apple.com",
        "www.deezer.com",
        "deezer.com",
    }
)
"""Sites whose links sources read by their form. What such a site redirects strangers to (a consent page)
is not what the link means, so their redirects are not followed; their addresses are judged like any."""


class _ForbiddenHostError(OSError):
    """A host resolves to an address that must not be fetched from."""


class _JudgingResolver(AbstractResolver):
    """Resolves like the system, and answers only if every address may be fetched from."""

    def __init__(self, allowed: Sequence[Network], lookup: AbstractResolver | None) -> None:
        self._allowed = allowed
        self._lookup = lookup or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of ``host``; raises OSError when there is none, or one is forbidden."""
        found = await self._lookup.resolve(host, port, family)
        if not all(check_address(one["host"], self._allowed) for one in found):
            raise _ForbiddenHostError(f"{host} resolves to an address that must not be fetched from")
        return found

    async def close(self) -> None:
        """Let go of the resolver underneath."""
        await self._lookup.close()


class LinkGuard:
    """A ``Links``. ``lookup`` replaces the system's resolver."""

    def __init__(
        self,
        allowed_networks: Sequence[Network] = (),
        *,
        local_files: bool = False,
        file_hosts: Sequence[str] = (),
        service_hosts: frozenset[str] = SERVICE_HOSTS,
        lookup: AbstractResolver | None = None,
    ) -> None:
        self._allowed = tuple(allowed_networks)
        self._local_files = local_files
        self._file_hosts = frozenset(file_hosts)
        self._service_hosts = service_hosts
        self._lookup = lookup
        self._resolver = _JudgingResolver(self._allowed, lookup)
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close connections."""
        if self._http is not None:
            await self._http.close()
        await self._resolver.close()

    async def check(self, text: str) -> SafeLink | RefusedLink | NotALink:
        """Say what ``text`` is; a link is followed to its end."""
        if self._local_files and text.startswith("/"):
            return SafeLink(identifier=text)
        parsed = parse_link(text, self._allowed)
        match parsed:
            case SearchWords():
                return NotALink(words=parsed.text, prefix=parsed.prefix)
            case Refused():
                return _refused(parsed.reason)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._follow(parsed)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _failed(error)

    async def check_file(self, url: str) -> SafeLink | RefusedLink:
        """Say whether a file that was sent with a command may be fetched: from the hosts named for it only.

        An address that was named itself is allowed by that, whatever network it is in; names are
        judged by what they resolve to, as always.
        """
        host = urlsplit(url).hostname or "" if url.isprintable() else ""
        if host not in self._file_hosts:
            return _forbidden("files are not taken from where it is")
        parsed = parse_link(url, (*self._allowed, *_network_of(host)))
        if not isinstance(parsed, Link):
            return _refused(parsed.reason if isinstance(parsed, Refused) else Refusal.MALFORMED)
        try:
            async with asyncio.timeout(PATIENCE_S):
                if not _network_of(host):
                    await self._resolver.resolve(parsed.host, parsed.port)
        except (TimeoutError, OSError) as error:
            return _failed(error)
        return SafeLink(identifier=parsed.url)

    async def fetch(self, url: str, most: int) -> bytes | RefusedLink:
        """Return a file of at most ``most`` bytes that was sent with a command; a longer one is cut there."""
        checked = await self.check_file(url)
        if isinstance(checked, RefusedLink):
            return checked
        named = _network_of(urlsplit(url).hostname or "")
        resolver = _JudgingResolver((*self._allowed, *named), self._lookup)
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False), trust_env=False
                ) as http,
                http.get(checked.identifier, allow_redirects=False) as response,
            ):
                if response.status != HTTPStatus.OK:
                    return RefusedLink(failure=LoadFailure.NOTHING_FOUND, detail="there is nothing any more")
                return await _at_most(response.content, most)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _failed(error)

    async def _follow(self, link: Link) -> SafeLink | RefusedLink:
        for _ in range(MAX_HOPS + 1):
            if link.host in self._service_hosts:
                await self._resolver.resolve(link.host, link.port)
                return SafeLink(identifier=link.url)
            status, location = await self._look(link.url)
            if status in _GONE:
                return RefusedLink(failure=LoadFailure.NOTHING_FOUND, detail="there is nothing at the link")
            if status not in _REDIRECTS or location is None:
                return SafeLink(identifier=link.url)
            following = parse_link(urljoin(link.url, location), self._allowed)
            match following:
                case Link():
                    link = following
                case Refused():
                    return _refused(following.reason)
                case SearchWords():
                    return _refused(Refusal.MALFORMED)
        return RefusedLink(failure=LoadFailure.UNPLAYABLE, detail="the link redirects too often")

    async def _look(self, url: str) -> tuple[int, str | None]:
        """Return the status and where it redirects to. Never reads a body."""
        status, location = await self._ask("HEAD", url)
        # Many servers know no HEAD, and say so in many ways.
        if status >= HTTPStatus.BAD_REQUEST:
            status, location = await self._ask("GET", url)
        return status, location

    async def _ask(self, method: str, url: str) -> tuple[int, str | None]:
        if self._http is None:
            connector = aiohttp.TCPConnector(
                resolver=self._resolver, use_dns_cache=False, force_close=True, limit=0
            )
            self._http = aiohttp.ClientSession(
                connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        headers = {"Range": "bytes=0-0"} if method == "GET" else {}
        async with self._http.request(method, url, allow_redirects=False, headers=headers) as response:
            return response.status, response.headers.get("Location")


async def _at_most(content: aiohttp.StreamReader, most: int) -> bytes:
    data = bytearray()
    async for chunk in content.iter_chunked(16 * 1024):
        data += chunk
        if len(data) > most:
            break
    return bytes(data[:most])


def _network_of(host: str) -> tuple[Network, ...]:
    """Return the network of one address that ``host`` spells; none for a name."""
    try:
        return (ip_network(host),)
    except ValueError:
        return ()


def _failed(error: Exception) -> RefusedLink:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, _ForbiddenHostError):
        return _forbidden(str(cause))
    if isinstance(cause, TimeoutError):
        return RefusedLink(failure=LoadFailure.TIMEOUT, detail="the link's server does not answer")
    _log.info("links.unreachable", error=type(cause).__name__)
    return RefusedLink(failure=LoadFailure.UNPLAYABLE, detail="the link's server can't be reached")


def _forbidden(detail: str) -> RefusedLink:
    return RefusedLink(failure=LoadFailure.FORBIDDEN_ADDRESS, detail=detail)


def _refused(reason: Refusal) -> RefusedLink:
    if reason is Refusal.ADDRESS:
        return _forbidden("the link points into a network that must not be fetched from")
    return RefusedLink(failure=LoadFailure.UNPLAYABLE, detail=f"not a link that can be played ({reason})")
