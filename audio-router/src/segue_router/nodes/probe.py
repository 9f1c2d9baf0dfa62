"""One probe of one Lavalink node over its REST API, and how exactly it failed.

Protocol: Lavalink v4, GET /v4/stats and GET /version with the password in ``Authorization``. A wrong
password is answered 403, a missing one 401, both with an empty body.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from typing import TYPE_CHECKING, Any

import aiohttp

from segue_router.domain.health import (
    FRAMES_PER_MINUTE,
    Answered,
    Denied,
    Foreign,
    Outcome,
    Refused,
    Silent,
    Stats,
    Unreachable,
)

if TYPE_CHECKING:
    from pydantic import SecretStr

MAX_BODY_BYTES = 65_536
YOUNG_MS = 10_000
"""A node up for less than this may have been restarted with another version since the last probe."""

_MAJOR = re.compile(r"(\d+)\.")
_OUR_MAJOR = "4"


class _Denied(Exception):  # noqa: N818 - a turn of the conversation, caught in this module
    """The node answered 401 or 403."""


class _Foreign(Exception):  # noqa: N818 - as above
    """The answer is not Lavalink's."""


class Prober:
    """Probes nodes over connections it keeps; close it when done."""

    def __init__(self, password: SecretStr, *, connect_ms: int, answer_ms: int) -> None:
        """``connect_ms`` bounds the TCP handshake, ``answer_ms`` everything after it."""
        self._password = password
        self._answer_s = (connect_ms + answer_ms) / 1000
        self._connect_s = connect_ms / 1000
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def probe(self, address: str, known_version: str) -> Outcome:
        """Ask ``address`` (host:port) how it is. Never raises for what the node does.

        ``known_version`` is asked for again only when it is empty or the node has just started.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._answer_s):
                body = await self._get(address, "/v4/stats")
                elapsed = (time.monotonic() - started) * 1000
                stats = _object(body)
                version = known_version
                if not version or _number(stats, "uptime") < YOUNG_MS:
                    version = _version(await self._get(address, "/version"))
            return Answered(stats=read_stats(stats, version), probe_ms=elapsed)
        except _Denied as error:
            return Denied(str(error))
        except _Foreign as error:
            return Foreign(str(error))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return self._classified(address, error)

    def _classified(self, address: str, error: Exception) -> Outcome:  # noqa: PLR0911 - one a kind
        """Tell refused, unreachable, silent and foreign apart. The order of the cases matters."""
        match error:
            case aiohttp.ClientConnectorDNSError():
                return Refused(f"{address} does not resolve")
            case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
                return Refused(f"{address} refuses connections")
            case aiohttp.ClientConnectorError() as failed:
                return Unreachable(f"{address}: {failed.os_error.strerror or 'no connection'}")
            case aiohttp.ConnectionTimeoutError():
                return Unreachable(f"{address} does not take connections within {self._connect_s:g} s")
            case TimeoutError():
                return Silent(
                    f"{address} accepts connections and does not answer within {self._answer_s:g} s"
                )
            case aiohttp.InvalidURL() | ValueError():
                return Foreign(f"{address!r} is no host:port")
            case aiohttp.ServerDisconnectedError() | OSError():
                return Unreachable(f"{address} closes connections without an answer")
            case _:
                return Foreign(f"{address} does not speak HTTP as Lavalink does: {type(error).__name__}")

    async def _get(self, address: str, path: str) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Stands for nothing but us: no cookies of nodes, no proxies from the environment.
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=2),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
            )
        headers = {"Authorization": self._password.get_secret_value()}
        url = f"http://{address}{path}"
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status in {401, 403}:
                raise _Denied(f"{address} refuses our password (HTTP {response.status})")
            if response.status != 200:  # noqa: PLR2004 - HTTP
                raise _Foreign(f"{address} answers GET {path} with HTTP {response.status}, not as Lavalink 4")
            body = bytearray()
            # Piece by piece: a real node sends its JSON in chunks, and read(n) stops at the first.
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise _Foreign(f"{address} answers GET {path} with more than {MAX_BODY_BYTES} bytes")
            return bytes(body)


def _version(body: bytes) -> str:
    """Return the version a node names. Builds of a branch name a commit, which says nothing."""
    version = body.decode("utf-8", "replace").strip()[:64]
    major = _MAJOR.match(version)
    if major and major.group(1) != _OUR_MAJOR:
        raise _Foreign(f"it is Lavalink {version}, we speak version {_OUR_MAJOR}")
    return version


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise _Foreign("its stats are not JSON") from error
    if not isinstance(value, dict):
        raise _Foreign("its stats are not a JSON object")
    return value


def read_stats(stats: dict[str, Any], version: str) -> Stats:
    """Read Lavalink's Stats object: players, playingPlayers, cpu, and frameStats, null at first.

    ``deficit`` is what is missing of 3000 frames a player and minute, ``nulled`` were sent empty; both are
    silence to a listener. A deficit is negative while a node catches up.
    """
    cpu = _inner(stats, "cpu")
    deficit = None
    if stats.get("frameStats") is not None:
        frames = _inner(stats, "frameStats")
        missing = _number(frames, "deficit") + _number(frames, "nulled")
        deficit = min(1.0, max(0.0, missing / FRAMES_PER_MINUTE))
    return Stats(
        players=max(0, int(_number(stats, "players"))),
        playing_players=max(0, int(_number(stats, "playingPlayers"))),
        system_load=_share(cpu, "systemLoad"),
        lavalink_load=_share(cpu, "lavalinkLoad"),
        frame_deficit=deficit,
        version=version,
    )


def _inner(value: dict[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    if not isinstance(inner, dict):
        raise _Foreign(f"its stats have no object {name!r}")
    return inner


def _number(value: dict[str, Any], name: str) -> float:
    number = value.get(name)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        raise _Foreign(f"its stats have no number {name!r}")
    return float(number)


def _share(value: dict[str, Any], name: str) -> float:
    """Return a load, 0 to 1. A JVM reports -1 while it does not know yet."""
    return min(1.0, max(0.0, _number(value, name)))
