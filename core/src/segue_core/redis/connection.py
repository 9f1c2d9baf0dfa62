"""How every process reaches Redis: one plain node or a Redis Cluster, by the URL's scheme."""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import BlockingConnectionPool, Connection, Redis, RedisCluster, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

RedisClient: TypeAlias = Redis | RedisCluster

UNREACHABLE = (RedisConnectionError, RedisTimeoutError, OSError)
"""What a call raises when Redis could not be asked, so that nobody knows whether it took effect."""

CONNECT_TIMEOUT_S = 1.0
CALL_TIMEOUT_S = 1.0
"""Longer than any script of ours takes, shorter than a lease (2 s)."""
MAX_CONNECTIONS = 64
"""A process's calls beyond this wait for a free connection instead of opening a socket each."""

_CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
_SCHEMES = {"redis", "rediss", *_CLUSTER_SCHEMES}


class RedisUrlError(ValueError):
    """The URL is not one we can connect to. Never shows its password."""


class _PromptSend:
    """Sends under a limit of our own.

    redis-py sends through ``asyncio.wait_for``, which before Python 3.12 swallows a cancellation that
    arrives in the turn in which the send completes: a cancelled loop around Redis would go on for ever.
    A Redis Cluster's connections are made elsewhere; there only a newer Python helps.
    """

    socket_timeout: float | None

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send; TimeoutError of redis-py when it takes longer than a call may."""
        limit, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(limit):
                await super().send_packed_command(command, check_health)  # type: ignore[misc]  # a mix-in
        except TimeoutError as error:
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]  # a mix-in
            raise RedisTimeoutError("Redis did not take the command in time") from error
        finally:
            self.socket_timeout = limit


class _Prompt(_PromptSend, Connection):
    """Over TCP."""


class _PromptSSL(_PromptSend, SSLConnection):
    """Over TLS."""


def check_url(url: str) -> str:
    """Return ``url`` if its scheme and host are usable.

    Raises:
        RedisUrlError: naming what is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise RedisUrlError(f"scheme {parts.scheme!r} is none of {', '.join(sorted(_SCHEMES))}")
    if not parts.hostname:
        raise RedisUrlError("it names no host")
    return url


def connect(url: str, name: str, *, call_timeout_s: float = CALL_TIMEOUT_S) -> RedisClient:
    """Return a client that has not connected yet; close it with ``await client.aclose()``.

    ``redis://`` and ``rediss://`` reach one node, ``redis+cluster://`` and ``rediss+cluster://`` a
    Redis Cluster from any of its nodes. ``name`` shows in CLIENT LIST.

    The client never repeats a call by itself: whether a script that was not answered took effect
    is for its caller to judge (a renewal may be repeated, a commit may not).

    Raises:
        RedisUrlError: when the URL cannot be used.
    """
    check_url(url)
    parts = urlsplit(url)
    retry = Retry(NoBackoff(), 0)
    if parts.scheme in _CLUSTER_SCHEMES:
        plain = urlunsplit(parts._replace(scheme=_CLUSTER_SCHEMES[parts.scheme]))
        return RedisCluster.from_url(
            plain,
            client_name=name,
            retry=retry,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=call_timeout_s,
            max_connections=MAX_CONNECTIONS,
        )
    pool = BlockingConnectionPool.from_url(
        url,
        client_name=name,
        retry=retry,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=call_timeout_s,
        max_connections=MAX_CONNECTIONS,
        timeout=call_timeout_s,
        # With them on, the pool lends connections whose server has gone, each failing one more call.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    pool.connection_class = _PromptSSL if parts.scheme == "rediss" else _Prompt
    return Redis.from_pool(pool)


async def ping(client: RedisClient) -> None:
    """Ask Redis for a sign of life.

    Raises:
        RedisError: when it gives none.
    """
    answer = await client.execute_command("PING")
    if answer not in {b"PONG", "PONG", True}:
        raise RedisError(f"Redis answered PING with {answer!r}")
